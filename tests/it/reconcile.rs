//! The timer that finds what no event told. No test here has a webhook registered, and none sends an event.

mod command;
mod quirks;
mod trouble;

use jiff::SignedDuration;
use sandbox::Service;
use sandbox::host::Invocation;
use sandbox::partner_center::builder::ReferralBuilder;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::Rig;

const TWO_WAY: (&str, &str) = ("SYNC_MODE", "two-way");

/// Lets the timer fire.
async fn tick(rig: &Rig) -> Invocation {
    rig.host.run_timer("ReferralReconcile").await.unwrap()
}

/// Lets the timer fire, and gives what the pass logged.
async fn pass(rig: &Rig) -> Value {
    let run = tick(rig).await;
    assert!(run.succeeded(), "{run:?}");
    line(rig, &run).await
}

async fn line(rig: &Rig, run: &Invocation) -> Value {
    let id = run.id.to_string();
    rig.until(|rig| rig.log_lines().iter().any(|it| it["invocation.id"] == *id))
        .await;
    let mut lines = rig.log_lines();
    lines.retain(|it| it["invocation.id"] == *id);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

/// Puts referrals there that were changed a while ago.
fn seed(rig: &Rig, count: u128) -> Vec<String> {
    let seeding = (1..=count).map(|number| {
        let referral = ReferralBuilder::with_id(Uuid::from_u128(number)).deal(25_000, "EUR");
        rig.seed(referral.set("/updatedDateTime", stamp(number)))
    });
    seeding.collect()
}

/// A second apart from each other, in a year that is past.
fn stamp(number: u128) -> String {
    let (minutes, seconds) = (number / 60, number % 60);
    format!("2025-11-02T09:{minutes:02}:{seconds:02}.1234567Z")
}

/// Does something so many minutes ago.
fn minutes_ago(rig: &Rig, minutes: i64, act: impl FnOnce(&Rig)) {
    let clock = &rig.world().clock;
    clock.advance(SignedDuration::from_mins(-minutes));
    act(rig);
    clock.reset();
}

fn rename(rig: &Rig, id: &str, company: &str) {
    rig.partner_center_edits(id, &json!({ "customerProfile": { "name": company } }));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_webhook_both_sides_come_in_step() {
    let rig = Rig::start(&[TWO_WAY]).await;
    let ids = seed(&rig, 3);
    let log = pass(&rig).await;
    assert_eq!(
        (&log["code"], &log["ended"]),
        (&json!("reconciled"), &json!("complete"))
    );
    assert_eq!(
        (&log["first_import"], &log["healed"]),
        (&json!(true), &json!("created=3"))
    );
    assert_eq!(rig.leads().len(), 3);
    for id in &ids {
        assert_eq!(rig.referral(id)["externalReferenceId"], id.as_str());
    }
    pass(&rig).await;

    rig.seller_edits(&ids[0], &json!({ "estimatedamount": 31_000 }));
    rename(&rig, &ids[1], "Fabrikam International");
    let log = pass(&rig).await;
    assert_eq!(log["healed"], "updated=1,written_back=1", "{log}");
    assert_eq!(rig.referral(&ids[0])["details"]["dealValue"], json!(31_000));
    assert_eq!(
        rig.lead(&ids[1]).unwrap()["companyname"],
        "Fabrikam International"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_without_news_reads_lists_and_writes_to_nobody() {
    let rig = Rig::start(&[TWO_WAY]).await;
    seed(&rig, 3);
    for _ in 0..3 {
        pass(&rig).await;
    }
    rig.forget_requests();
    let log = pass(&rig).await;
    assert_eq!(log["healed"], Value::Null, "{log}");
    let dataverse = rig.requests(Service::Dataverse);
    let partner_center = rig.requests(Service::PartnerCenter);
    assert!((1..=2).contains(&dataverse.len()), "{dataverse:?}");
    assert!(
        (1..=2).contains(&partner_center.len()),
        "{partner_center:?}"
    );
    assert!(
        dataverse.iter().all(|it| it == "GET /api/data/v9.2/leads"),
        "{dataverse:?}"
    );
    assert!(
        partner_center
            .iter()
            .all(|it| it == "GET /v1.0/engagements/referrals"),
        "{partner_center:?}"
    );
    assert_eq!(rig.writes().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_import_makes_leads_of_open_referrals_alone() {
    let rig = Rig::start(&[]).await;
    let open = seed(&rig, 120);
    let closed = rig.seed(
        ReferralBuilder::with_id(Uuid::from_u128(500))
            .set("/status", "Closed")
            .set("/substatus", "Lost")
            .set("/updatedDateTime", stamp(0)),
    );
    let log = pass(&rig).await;
    assert_eq!(log["passed_over"], 1, "{log}");
    assert_eq!(rig.lead(&closed), None);
    assert_eq!(rig.leads().len(), open.len());
    let lead = rig.lead(&open[0]).unwrap();
    assert!(lead["overriddencreatedon"].is_string(), "{lead}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sellers_edit_of_a_lead_that_was_adopted_is_found() {
    let rig = Rig::start(&[TWO_WAY]).await;
    let adopted = rig.seed_lead(&json!({ "subject": "Old flow", "lastname": "Doe" }));
    let id = rig.seed(
        ReferralBuilder::new()
            .deal(25_000, "EUR")
            .set("/externalReferenceId", adopted.as_str())
            .set("/updatedDateTime", stamp(1)),
    );
    pass(&rig).await;
    assert_eq!(rig.leads().len(), 1);
    assert!(rig.lead(&id).is_none());
    pass(&rig).await;
    rig.seller_edits(&adopted, &json!({ "estimatedamount": 31_000 }));
    pass(&rig).await;
    assert_eq!(rig.referral(&id)["details"]["dealValue"], json!(31_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_is_held_and_sent_once_the_lead_has_rested() {
    let rig = Rig::start(&[TWO_WAY]).await;
    let ids = seed(&rig, 2);
    let lost = json!({ "statecode": 2, "statuscode": 4 });
    for id in &ids {
        rig.created(id).await;
    }
    rig.seller_edits(&ids[0], &lost);
    rig.hours_ago(25, |rig| rig.seller_edits(&ids[1], &lost));
    for _ in 0..2 {
        pass(&rig).await;
    }
    assert_eq!(rig.referral(&ids[0])["status"], "New");
    assert_eq!(rig.referral(&ids[1])["status"], "Closed");
    let waiting = rig
        .world()
        .storage
        .messages("referral-retry")
        .await
        .unwrap();
    assert_eq!(waiting.len(), 1, "one look at the end of the hold");
    assert!(waiting[0].hidden_for().as_secs() > 23 * 60 * 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_events_should_have_told_raise_a_warning() {
    // Nothing is written to the referrals: each edit is the newest change.
    let rig = Rig::start(&[("SYNC_MODE", "inbound")]).await;
    let ids = seed(&rig, 6);
    for _ in 0..2 {
        pass(&rig).await;
    }
    let warnings = |rig: &Rig| {
        let lines = rig.log_lines();
        lines
            .iter()
            .filter(|it| it["code"] == "events_not_arriving")
            .count()
    };
    let rename_all = |company| {
        minutes_ago(&rig, 3, |rig| {
            for id in &ids {
                rename(rig, id, company);
            }
        });
    };
    minutes_ago(&rig, 3, |rig| rename(rig, &ids[0], "One"));
    let log = pass(&rig).await;
    assert!(
        (180..300).contains(&log["late_s"].as_u64().unwrap()),
        "{log}"
    );
    assert_eq!(warnings(&rig), 0);
    rename_all("All");
    pass(&rig).await;
    assert_eq!(rig.lines("events_not_arriving").await.len(), 1);
    rename_all("Again");
    pass(&rig).await;
    assert_eq!(warnings(&rig), 1, "once a day");
}
