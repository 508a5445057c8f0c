//! Two-way mode: what a seller says reaches the referral.

use sandbox::dataverse::{LeadProfile, currency_id};
use sandbox::host::Wire;
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Sandbox, Service};
use serde_json::{Value, json};

use super::{assert_synced, in_step};
use crate::rig::Rig;

const TWO_WAY: [(&str, &str); 1] = [("SYNC_MODE", "two-way")];

#[tokio::test(flavor = "multi_thread")]
async fn a_sellers_amount_and_date_are_sent_in_one_patch_and_their_echo_ends_in_no_write() {
    let (rig, id) = in_step(&TWO_WAY, ReferralBuilder::new()).await;
    rig.seller_edits(
        &id,
        &json!({ "estimatedamount": 52000.5, "estimatedclosedate": "2027-05-15" }),
    );

    assert_synced(&rig.updated(&id).await);

    let patch = json!([
        { "op": "replace", "path": "/details/dealValue", "value": "52000.5" },
        { "op": "replace", "path": "/details/closingDateTime", "value": "2027-05-15T00:00:00Z" },
    ]);
    assert_eq!(rig.patches(), [patch]);
    let details = rig.referral(&id)["details"].clone();
    assert_eq!(details["dealValue"], 52000.5);
    assert_eq!(details["closingDateTime"], "2027-05-15T00:00:00Z");
    rig.forget_requests();
    assert_synced(&rig.updated(&id).await);
    assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_presumes_the_version_that_was_read() {
    let (rig, id) = in_step(&TWO_WAY, ReferralBuilder::new()).await;
    let etag = rig.referral(&id)["eTag"].as_str().unwrap().to_owned();
    rig.seller_edits(&id, &json!({ "estimatedamount": 52000 }));
    rig.updated(&id).await;
    let sent = rig.world().requests.of(Service::PartnerCenter);
    let patch = sent.iter().find(|it| it.method == "PATCH").unwrap();
    assert_eq!(patch.headers["if-match"], etag);
    assert!(etag.starts_with('"'), "the quotes are part of it: {etag}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_currency_is_sent_with_its_amount() {
    let (rig, id) = in_step(&TWO_WAY, ReferralBuilder::new()).await;
    let dollars = format!("/transactioncurrencies({})", currency_id("USD"));
    rig.seller_edits(
        &id,
        &json!({ "estimatedamount": 55000, "transactioncurrencyid@odata.bind": dollars }),
    );
    assert_synced(&rig.updated(&id).await);
    let details = rig.referral(&id)["details"].clone();
    assert_eq!(
        (&details["dealValue"], &details["currency"]),
        (&json!(55000), &json!("USD"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_the_referral_did_not_have_is_added() {
    let referral = ReferralBuilder::new()
        .set("/details/dealValue", Value::Null)
        .set("/details/currency", Value::Null)
        .without("/details/closingDateTime");
    let (rig, id) = in_step(&TWO_WAY, referral).await;
    let euros = format!("/transactioncurrencies({})", currency_id("EUR"));
    rig.seller_edits(
        &id,
        &json!({
            "estimatedamount": 9000,
            "transactioncurrencyid@odata.bind": euros,
            "estimatedclosedate": "2027-06-30",
        }),
    );
    assert_synced(&rig.updated(&id).await);
    let patch = json!([
        { "op": "add", "path": "/details/dealValue", "value": "9000" },
        { "op": "add", "path": "/details/currency", "value": "EUR" },
        { "op": "add", "path": "/details/closingDateTime", "value": "2027-06-30T00:00:00Z" },
    ]);
    assert_eq!(rig.patches(), [patch]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_seller_emptied_is_not_emptied_in_partner_center_nor_a_past_date_sent() {
    let (rig, id) = in_step(&TWO_WAY, ReferralBuilder::new()).await;
    rig.seller_edits(&id, &json!({ "estimatedclosedate": "2026-10-01" }));
    let answer = rig.updated(&id).await;
    assert_synced(&answer);
    let reports = rig.reports(&answer).await;
    assert!(
        reports.contains(&"past_closing_date".to_owned()),
        "{reports:?}"
    );
    rig.seller_edits(&id, &json!({ "estimatedamount": null }));
    assert_synced(&rig.updated(&id).await);
    assert_eq!(rig.patches(), Vec::<Value>::new());
    let details = rig.referral(&id)["details"].clone();
    assert_eq!(details["dealValue"], 48000);
    assert_eq!(details["closingDateTime"], "2027-03-31T00:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn making_a_lead_accepts_nothing() {
    let (rig, id) = in_step(&TWO_WAY, ReferralBuilder::new()).await;
    assert_synced(&rig.updated(&id).await);
    let referral = rig.referral(&id);
    assert_eq!(
        (&referral["status"], &referral["substatus"]),
        (&json!("New"), &json!("Pending"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contacted_or_qualified_lead_accepts_its_referral_in_one_patch() {
    for seller in [
        json!({ "statuscode": 2 }),
        json!({ "statecode": 1, "statuscode": 3 }),
    ] {
        let (rig, id) = in_step(&TWO_WAY, ReferralBuilder::new()).await;
        rig.hours_ago(100, |rig| rig.seller_edits(&id, &seller));

        assert_synced(&rig.updated(&id).await);

        let patch = json!([
            { "op": "replace", "path": "/status", "value": "Active" },
            { "op": "replace", "path": "/substatus", "value": "Accepted" },
        ]);
        assert_eq!(rig.patches(), [patch], "{seller}");
        rig.forget_requests();
        assert_synced(&rig.updated(&id).await);
        assert!(rig.writes().is_empty(), "{seller}: {:#?}", rig.writes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_reason_of_the_organisations_own_says_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let dataverse = &sandbox.world().dataverse;
    dataverse.lock().set_lead_profile(LeadProfile::Customised);
    let rig = Rig::with(sandbox, Wire::Proxying, &TWO_WAY).await;
    for own in [
        json!({ "statuscode": 823_270_000 }),
        json!({ "statecode": 2, "statuscode": 804_240_004 }),
    ] {
        let id = rig.seed(ReferralBuilder::new());
        rig.created(&id).await;
        rig.forget_requests();
        rig.hours_ago(100, |rig| rig.seller_edits(&id, &own));
        assert_synced(&rig.updated(&id).await);
        assert_eq!(rig.patches(), Vec::<Value>::new(), "{own}");
        assert_eq!(rig.referral(&id)["status"], "New");
    }
}
