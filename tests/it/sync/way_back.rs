use sandbox::dataverse::currency_id;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_sellers_deal_and_date_reach_the_referral_and_then_there_is_quiet() {
    let scene = Scene::start(TWO_WAY).await;
    let id = scene.seed(ReferralBuilder::new().deal(100, "EUR"));
    scene.sync(id).await;
    let usd = format!("/transactioncurrencies({})", currency_id("USD"));
    scene.edit_lead(
        LeadId::of(id),
        &json!({ "estimatedamount": 70.25, "transactioncurrencyid@odata.bind": usd, "estimatedclosedate": "2099-03-01" }),
    );
    assert_eq!(scene.sync(id).await.outcome, Outcome::WrittenBack);
    let details = &scene.referral(id)["details"];
    assert_eq!(details["dealValue"].to_string().trim_matches('"'), "70.25");
    assert_eq!(details["currency"], "USD");
    assert!(
        details["closingDateTime"]
            .as_str()
            .unwrap()
            .starts_with("2099-03-01T00:00:00")
    );
    assert_eq!(scene.requests_of_sync(id).await.len(), 2);
}

#[tokio::test]
async fn a_contacted_lead_accepts_its_referral() {
    let scene = Scene::start(TWO_WAY).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    assert_eq!(
        scene.referral(id)["status"],
        "New",
        "creation accepts nothing"
    );
    scene.edit_lead(LeadId::of(id), &json!({ "statuscode": 2 }));
    assert_eq!(scene.sync(id).await.outcome, Outcome::WrittenBack);
    let referral = scene.referral(id);
    assert_eq!(
        (&referral["status"], &referral["substatus"]),
        (&json!("Active"), &json!("Accepted"))
    );
    assert_eq!(scene.requests_of_sync(id).await.len(), 2);
}

#[tokio::test]
async fn a_status_that_differed_before_anything_was_agreed_is_reported_and_not_sent() {
    let scene = Scene::start(TWO_WAY).await;
    let lead = scene.seed_lead(&json!({
        "subject": "Tailspin Toys moves its plants to Azure", "companyname": "Tailspin Toys", "statecode": 2, "statuscode": 6,
    }));
    let id = scene.seed(ReferralBuilder::new().set("/externalReferenceId", lead.to_string()));
    let report = scene.sync(id).await;
    assert_eq!(report.outcome, Outcome::Updated);
    assert_eq!(words(&report), ["differs:status"]);
    assert_eq!(scene.referral(id)["status"], "New");
}

#[tokio::test]
async fn a_close_waits_until_the_lead_has_rested_and_a_look_is_queued_for_then() {
    let scene = Scene::start(TWO_WAY).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    scene.edit_lead(LeadId::of(id), &json!({ "statecode": 2, "statuscode": 5 }));
    for queued in [1, 1] {
        assert_eq!(words(&scene.sync(id).await), ["close_held"]);
        assert_eq!(scene.referral(id)["status"], "New");
        assert_eq!(scene.queued().await, queued, "once is enough");
    }
}

#[tokio::test]
async fn a_rested_lead_is_accepted_then_won() {
    let scene = Scene::with(&[
        ("SYNC_MODE", TWO_WAY),
        ("SYNC_QUALIFIED_MEANS", "won"),
        ("SYNC_WON_HOLD_HOURS", "0"),
    ])
    .await;
    let id = scene.seed(ReferralBuilder::new().deal(100, "EUR"));
    scene.sync(id).await;
    scene.edit_lead(
        LeadId::of(id),
        &json!({ "estimatedamount": 80, "statecode": 1, "statuscode": 3 }),
    );
    // Dataverse stores whole seconds, so the lead may seem to be from the second that has begun.
    let report = scene.sync(id).await;
    assert_eq!(report.outcome, Outcome::WrittenBack);
    let referral = scene.referral(id);
    assert_eq!(
        (&referral["status"], &referral["substatus"]),
        (&json!("Closed"), &json!("Won"))
    );
    assert_eq!(
        referral["details"]["dealValue"]
            .to_string()
            .trim_matches('"'),
        "80"
    );
    assert_eq!(scene.sync(id).await.outcome, Outcome::Unchanged);
}

#[tokio::test]
async fn a_disqualified_lead_declines_a_referral_nobody_accepted() {
    let scene = Scene::with(&[("SYNC_MODE", TWO_WAY), ("SYNC_CLOSE_HOLD_HOURS", "0")]).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    scene.edit_lead(LeadId::of(id), &json!({ "statecode": 2, "statuscode": 5 }));
    scene.sync(id).await;
    let referral = scene.referral(id);
    assert_eq!(
        (&referral["status"], &referral["substatus"]),
        (&json!("Closed"), &json!("Declined"))
    );
    assert_eq!(referral["statusReason"], "Cannot contact");
}
