use sandbox::dataverse::ClosedLeads;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_sellers_edits_of_deal_date_and_contact_stay() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new().deal(100, "EUR"));
    scene.sync(id).await;
    let own = LeadId::of(id);
    scene.edit_lead(own, &json!({ "estimatedamount": 70, "lastname": "Miller", "emailaddress1": "m@tailspin.example" }));
    scene.edit_referral(id, &json!({ "details": { "dealValue": 120 } }));
    let report = scene.sync(id).await;
    assert_eq!(words(&report), ["differs:contact", "differs:deal"]);
    let lead = scene.lead(own);
    assert_eq!(lead["estimatedamount"], 70.0);
    assert_eq!(lead["lastname"], "Miller");
    assert_eq!(scene.referral(id)["details"]["dealValue"], 120);
    let notes = scene.notes(own);
    assert!(
        notes.contains(&"Partner Center: another deal".to_owned()),
        "{notes:?}"
    );
    assert_eq!(
        scene.requests_of_sync(id).await.len(),
        2,
        "a note is written once"
    );
}

#[tokio::test]
async fn customer_data_follows_the_side_that_changed() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    let own = LeadId::of(id);
    scene.edit_lead(own, &json!({ "companyname": "Renamed" }));
    let report = scene.sync(id).await;
    assert_eq!(report.outcome, Outcome::Unchanged);
    assert_eq!(words(&report), ["differs:company"]);
    assert_eq!(scene.lead(own)["companyname"], "Renamed");
    scene.edit_referral(id, &json!({ "name": "Another topic" }));
    assert_eq!(scene.sync(id).await.outcome, Outcome::Updated);
    let lead = scene.lead(own);
    assert_eq!(lead["subject"], "Another topic");
    assert_eq!(lead["companyname"], "Renamed");
}

#[tokio::test]
async fn an_accepted_referral_makes_its_lead_contacted_and_a_declined_one_disqualifies_it() {
    let scene = Scene::start(LINK).await;
    for (status, substatus, state, reason) in [
        ("Active", "Accepted", 0, 2),
        ("Closed", "Declined", 2, 7),
        ("Closed", "Lost", 2, 4),
    ] {
        let id = scene.seed(ReferralBuilder::new());
        scene.sync(id).await;
        scene.edit_referral(id, &json!({ "status": status, "substatus": substatus }));
        assert_eq!(scene.sync(id).await.outcome, Outcome::Updated);
        let lead = scene.lead(LeadId::of(id));
        assert_eq!(
            (&lead["statecode"], &lead["statuscode"]),
            (&json!(state), &json!(reason))
        );
        assert_eq!(scene.requests_of_sync(id).await.len(), 2);
    }
}

#[tokio::test]
async fn a_lead_in_work_is_flagged_and_left() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    let own = LeadId::of(id);
    scene.edit_lead(own, &json!({ "statuscode": 2 }));
    scene.edit_referral(id, &json!({ "status": "Closed", "substatus": "Expired" }));
    assert_eq!(words(&scene.sync(id).await), ["flagged"]);
    assert_eq!(scene.lead(own)["statecode"], 0);
    assert!(
        scene
            .notes(own)
            .contains(&"Partner Center: the referral was closed".to_owned())
    );
}

#[tokio::test]
async fn a_closed_lead_that_takes_no_change_is_reported_not_failed() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    let own = LeadId::of(id);
    for rule in [ClosedLeads::AlreadyClosed, ClosedLeads::ReadOnly] {
        let closing = json!({ "statecode": 1, "statuscode": 3, "jobtitle": format!("{rule:?}") });
        scene.edit_lead(own, &closing);
        scene.sandbox.world().dataverse.lock().switches.closed_leads = rule;
        scene.edit_referral(id, &json!({ "name": format!("renamed {rule:?}") }));
        let report = scene.sync(id).await;
        assert_eq!(report.outcome, Outcome::Unchanged);
        assert_eq!(words(&report), ["lead_read_only"]);
        assert_eq!(
            scene.requests_of_sync(id).await,
            ["GET leads", "GET referrals"],
            "it is tried again once the lead has another version"
        );
        scene.sandbox.world().dataverse.lock().switches.closed_leads = ClosedLeads::default();
    }
}

#[tokio::test]
async fn an_unknown_currency_leaves_the_amount_out_and_says_so() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new().deal(100, "XTS"));
    let report = scene.sync(id).await;
    assert_eq!(report.outcome, Outcome::Created);
    assert_eq!(words(&report), ["no_currency:estimatedamount"]);
    let own = LeadId::of(id);
    assert!(scene.lead(own)["estimatedamount"].is_null());
    assert!(
        scene
            .notes(own)
            .contains(&"Partner Center: not carried over in full".to_owned())
    );
}
