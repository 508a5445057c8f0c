//! Which lead a referral has: its own, an older flow's, a merged one's master, or none any more.

use sandbox::partner_center::builder::ReferralBuilder;
use serde_json::{Value, json};

use super::{assert_columns, assert_synced, in_step};
use crate::rig::Rig;

fn merge(rig: &Rig, from: &str, into: &str) {
    let now = rig.world().clock.now();
    let (from, into) = (from.parse().unwrap(), into.parse().unwrap());
    rig.world()
        .dataverse
        .lock()
        .merge_leads(from, into, now)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_lead_stays_deleted_and_is_reported() {
    let (rig, id) = in_step(ReferralBuilder::new()).await;
    rig.world()
        .dataverse
        .lock()
        .delete_lead(id.parse().unwrap())
        .unwrap();
    rig.partner_center_edits(&id, &json!({ "name": "Still interested" }));
    rig.forget_requests();
    let answer = rig.updated(&id).await;
    assert_synced(&answer);
    assert_eq!(rig.log(&answer).await["cause"], "lead_deleted");
    assert_eq!(rig.reports(&answer).await, ["lead_deleted"]);
    assert!(rig.leads().is_empty());
    assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lead_of_an_older_flow_is_kept_and_updated() {
    let rig = Rig::start(&[]).await;
    let old = rig.seed_lead(&json!({
        "subject": "0",
        "companyname": "Default Value",
        "description": "Talked to Miriam.",
        "estimatedamount": 1000,
    }));
    // The older flow wrote ids as it liked.
    let written = format!(" {} ", old.to_uppercase());
    let id = rig.seed(ReferralBuilder::new().set("/externalReferenceId", written.as_str()));

    assert_synced(&rig.created(&id).await);

    assert_eq!(rig.leads().len(), 1);
    assert_columns(
        &rig,
        &old,
        &json!({
            "subject": "Tailspin Toys moves its plants to Azure",
            "companyname": "Tailspin Toys",
            "description": "Talked to Miriam.",
            "estimatedamount": 1000.0,
            "lastname": "Okafor",
            "address1_city": "Hamburg",
        }),
    );
    assert_eq!(rig.referral(&id)["externalReferenceId"], written);
    assert_eq!(rig.patches(), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_systems_reference_is_left_alone() {
    for foreign in ["CRM-4711", "7d23e5ca-19dc-4eaa-aac8-5e6b559f0d1d"] {
        let rig = Rig::start(&[]).await;
        let id = rig.seed(ReferralBuilder::new().set("/externalReferenceId", foreign));
        let answer = rig.created(&id).await;
        assert_synced(&answer);
        assert_eq!(rig.reports(&answer).await, ["foreign_reference"]);
        assert_synced(&rig.updated(&id).await);
        assert_eq!(rig.leads().len(), 1);
        assert!(rig.lead(&id).is_some());
        assert_eq!(rig.referral(&id)["externalReferenceId"], foreign);
        assert_eq!(rig.patches(), Vec::<Value>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_lead_is_followed_to_the_one_that_stands() {
    let (rig, id) = in_step(ReferralBuilder::new()).await;
    let middle = rig.seed_lead(&json!({ "subject": "Tailspin" }));
    let master =
        rig.seed_lead(&json!({ "subject": "Tailspin, all of it", "description": "Mine." }));
    merge(&rig, &id, &middle);
    merge(&rig, &middle, &master);
    rig.partner_center_edits(
        &id,
        &json!({ "customerProfile": { "name": "Tailspin Toys Holding" } }),
    );

    let answer = rig.updated(&id).await;

    assert_synced(&answer);
    assert!(
        rig.reports(&answer)
            .await
            .contains(&"lead_merged".to_owned())
    );
    assert_columns(
        &rig,
        &master,
        &json!({ "companyname": "Tailspin Toys Holding", "description": "Mine." }),
    );
    assert_eq!(
        rig.lead(&id).unwrap()["companyname"],
        "Tailspin Toys",
        "the merged one rests"
    );
    assert_eq!(rig.referral(&id)["externalReferenceId"], master);
    assert_eq!(rig.leads().len(), 3);
    rig.forget_requests();
    assert_synced(&rig.updated(&id).await);
    assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_merged_into_another_referrals_lead_stops_and_is_reported() {
    let (rig, id) = in_step(ReferralBuilder::new()).await;
    let other = rig.seed(
        ReferralBuilder::new()
            .company("Wingtip Toys")
            .set("/name", "Wingtip"),
    );
    assert_synced(&rig.created(&other).await);
    merge(&rig, &id, &other);
    rig.partner_center_edits(
        &id,
        &json!({ "customerProfile": { "name": "Tailspin Toys Holding" } }),
    );
    rig.forget_requests();

    let answer = rig.updated(&id).await;

    assert_synced(&answer);
    assert_eq!(rig.log(&answer).await["cause"], "lead_of_another");
    assert_eq!(rig.reports(&answer).await, ["lead_of_another"]);
    assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
    assert_columns(
        &rig,
        &other,
        &json!({ "companyname": "Wingtip Toys", "subject": "Wingtip" }),
    );
    assert_eq!(rig.referral(&id)["externalReferenceId"], id);

    // The other referral goes on.
    rig.partner_center_edits(
        &other,
        &json!({ "customerProfile": { "name": "Wingtip Toys Holding" } }),
    );
    assert_synced(&rig.updated(&other).await);
    assert_columns(
        &rig,
        &other,
        &json!({ "companyname": "Wingtip Toys Holding" }),
    );
}
