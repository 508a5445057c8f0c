//! Two-way mode: closing a referral is final, so it waits until the lead has rested.

use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::partner_center::sample;
use serde_json::{Value, json};

use super::{assert_synced, in_step};
use crate::rig::Rig;

const TWO_WAY: (&str, &str) = ("SYNC_MODE", "two-way");
const WON: (&str, &str) = ("SYNC_QUALIFIED_MEANS", "won");

fn lost() -> Value {
    json!({ "statecode": 2, "statuscode": 4 })
}

fn qualified() -> Value {
    json!({ "statecode": 1, "statuscode": 3 })
}

fn status(rig: &Rig, id: &str) -> [Value; 3] {
    let referral = rig.referral(id);
    ["status", "substatus", "statusReason"].map(|member| referral[member].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disqualified_lead_closes_its_referral_after_the_hold_and_says_why() {
    for (reason, words) in [
        (4, "Lost"),
        (5, "Cannot contact"),
        (6, "No longer interested"),
        (7, "Canceled"),
    ] {
        for (referral, substatus) in [
            (ReferralBuilder::new().build(), "Declined"),
            (sample::accepted(), "Lost"),
        ] {
            let (rig, id) = in_step(&[TWO_WAY], referral).await;
            let disqualified = json!({ "statecode": 2, "statuscode": reason });
            rig.hours_ago(25, |rig| rig.seller_edits(&id, &disqualified));
            assert_synced(&rig.updated(&id).await);
            let patch = json!([
                { "op": "replace", "path": "/status", "value": "Closed" },
                { "op": "replace", "path": "/substatus", "value": substatus },
                { "op": "add", "path": "/statusReason", "value": words },
            ]);
            assert_eq!(rig.patches(), [patch]);
            assert_eq!(
                status(&rig, &id),
                [json!("Closed"), json!(substatus), json!(words)]
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_closed_before_the_lead_has_rested() {
    let (rig, id) = in_step(&[TWO_WAY], ReferralBuilder::new()).await;
    rig.hours_ago(23, |rig| rig.seller_edits(&id, &lost()));
    let answer = rig.updated(&id).await;
    assert_synced(&answer);
    assert_eq!(rig.reports(&answer).await, ["close_held"]);
    assert_eq!(rig.patches(), Vec::<Value>::new());

    // A seller who thinks again in time leaves no trace at Microsoft.
    rig.seller_edits(&id, &json!({ "statecode": 0, "statuscode": 1 }));
    let answer = rig.updated(&id).await;
    assert_eq!(rig.reports(&answer).await, Vec::<String>::new());
    assert_eq!(rig.patches(), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hold_is_a_setting() {
    let (rig, id) = in_step(
        &[TWO_WAY, ("SYNC_CLOSE_HOLD_HOURS", "0")],
        ReferralBuilder::new(),
    )
    .await;
    rig.seller_edits(&id, &lost());
    assert_synced(&rig.updated(&id).await);
    assert_eq!(status(&rig, &id)[0], "Closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_changes_the_lead_does_not_close_its_referral() {
    let (rig, id) = in_step(&[TWO_WAY], ReferralBuilder::new()).await;
    rig.hours_ago(25, |rig| rig.seller_edits(&id, &lost()));
    rig.partner_center_edits(
        &id,
        &json!({ "customerProfile": { "name": "Tailspin Toys Holding" } }),
    );
    let answer = rig.updated(&id).await;
    assert_synced(&answer);
    assert_eq!(rig.reports(&answer).await, ["close_held"]);
    assert_eq!(status(&rig, &id)[0], "New");
}

#[tokio::test(flavor = "multi_thread")]
async fn link_and_data_go_out_before_the_referral_closes() {
    let (rig, id) = in_step(&[TWO_WAY], ReferralBuilder::new()).await;
    // As if the run that made the lead had been cut off before it could say so.
    rig.partner_center_edits(&id, &json!({ "externalReferenceId": null }));
    rig.hours_ago(25, |rig| {
        rig.seller_edits(&id, &json!({ "estimatedamount": 70000 }));
        rig.seller_edits(&id, &lost());
    });
    assert_synced(&rig.updated(&id).await);
    let paths: Vec<Vec<String>> = rig
        .patches()
        .iter()
        .map(|patch| {
            let operations = patch.as_array().unwrap().iter();
            operations
                .map(|it| it["path"].as_str().unwrap().to_owned())
                .collect()
        })
        .collect();
    assert_eq!(
        paths,
        [
            vec!["/externalReferenceId"],
            vec!["/details/dealValue"],
            vec!["/status", "/substatus", "/statusReason"]
        ]
    );
    assert_eq!(rig.referral(&id)["details"]["dealValue"], 70000);
    assert_eq!(status(&rig, &id)[1], "Declined");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qualified_lead_is_accepted_at_once_and_won_after_three_days() {
    let (rig, id) = in_step(&[TWO_WAY, WON], ReferralBuilder::new()).await;
    rig.hours_ago(71, |rig| rig.seller_edits(&id, &qualified()));
    let answer = rig.updated(&id).await;
    assert_synced(&answer);
    assert_eq!(rig.reports(&answer).await, ["close_held"]);
    assert_eq!(status(&rig, &id)[..2], [json!("Active"), json!("Accepted")]);

    rig.hours_ago(73, |rig| {
        rig.seller_edits(&id, &json!({ "qualificationcomments": "Signed." }));
    });
    rig.forget_requests();
    assert_synced(&rig.updated(&id).await);

    let patch = json!([
        { "op": "replace", "path": "/status", "value": "Closed" },
        { "op": "replace", "path": "/substatus", "value": "Won" },
    ]);
    assert_eq!(rig.patches(), [patch]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_qualified_long_ago_accepts_and_wins_in_two_patches() {
    let (rig, id) = in_step(&[TWO_WAY, WON], ReferralBuilder::new()).await;
    rig.hours_ago(73, |rig| rig.seller_edits(&id, &qualified()));
    assert_synced(&rig.updated(&id).await);
    assert_eq!(rig.patches().len(), 2, "{:#?}", rig.patches());
    assert_eq!(status(&rig, &id)[..2], [json!("Closed"), json!("Won")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qualified_lead_wins_nothing_unless_the_setting_says_so() {
    let (rig, id) = in_step(&[TWO_WAY], ReferralBuilder::new()).await;
    rig.hours_ago(1000, |rig| rig.seller_edits(&id, &qualified()));
    assert_synced(&rig.updated(&id).await);
    assert_synced(&rig.updated(&id).await);
    assert_eq!(status(&rig, &id)[..2], [json!("Active"), json!("Accepted")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_a_closed_referral_and_what_was_dropped_is_reported() {
    let (rig, id) = in_step(&[TWO_WAY], sample::accepted()).await;
    rig.world().close_referral(&id, "Won").unwrap();
    rig.seller_edits(
        &id,
        &json!({ "estimatedamount": 60000, "estimatedclosedate": "2027-08-01" }),
    );
    rig.forget_requests();
    let answer = rig.updated(&id).await;
    assert_synced(&answer);
    let reports = rig.reports(&answer).await;
    for dropped in ["write_back_dropped:deal", "write_back_dropped:closing"] {
        assert!(reports.contains(&dropped.to_owned()), "{reports:?}");
    }
    assert_eq!(rig.patches(), Vec::<Value>::new());
}
