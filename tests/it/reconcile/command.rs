//! `reconcile`: the same from the command line.

use sandbox::Sandbox;

use super::*;
use crate::program::{self, Run};

async fn reconcile(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let arguments: Vec<&str> = ["reconcile"].iter().chain(arguments).copied().collect();
    let run = program::run(&arguments, &sandbox.settings()).await;
    assert!(
        !run.text().contains("Tailspin") && !run.text().contains('@'),
        "{run:?}"
    );
    run
}

fn put(sandbox: &Sandbox, number: u128, change: impl FnOnce(ReferralBuilder) -> ReferralBuilder) {
    let referral = ReferralBuilder::with_id(Uuid::from_u128(number));
    let referral = change(referral.set("/updatedDateTime", stamp(number)));
    let mut state = sandbox.world().partner_center.lock();
    state.seed_referral(referral).unwrap();
}

fn leads(sandbox: &Sandbox) -> usize {
    sandbox.world().dataverse.lock().leads().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_imports_and_sees_what_was_done() {
    let sandbox = Sandbox::start().await.unwrap();
    for number in 1..=3 {
        put(&sandbox, number, |it| it);
    }
    let run = reconcile(&sandbox, &[]).await;
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    for line in [
        " referrals, 3 leads, the first import\n",
        "healed       3 created",
        "ended        everything was looked at",
    ] {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
    assert_eq!(leads(&sandbox), 3);
    let report = reconcile(&sandbox, &["--json"]).await.json();
    assert_eq!(
        (&report["ended"], &report["firstImport"]),
        (&json!("complete"), &json!(false))
    );
    assert_eq!(
        (&report["healed"], &report["problems"]),
        (&json!({}), &json!([]))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn since_and_all_look_at_what_is_known_and_at_what_is_closed() {
    let sandbox = Sandbox::start().await.unwrap();
    for number in 1..=3 {
        put(&sandbox, number, |it| it);
    }
    put(&sandbox, 4, |it| {
        it.set("/status", "Closed").set("/substatus", "Won")
    });
    assert_eq!(reconcile(&sandbox, &[]).await.exit, 0);
    let report = reconcile(&sandbox, &["--since", &stamp(3), "--json"])
        .await
        .json();
    assert!(report["referrals"].as_u64().unwrap() >= 2, "{report}");
    assert_eq!(report["inStep"], report["leads"], "{report}");
    let report = reconcile(&sandbox, &["--all", "--json"]).await.json();
    assert!(report["unchanged"].as_u64().unwrap() >= 4, "{report}");
    assert_eq!((&report["passedOver"], leads(&sandbox)), (&json!(0), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_change_of_the_settings_all_brings_in_what_they_left_out() {
    let sandbox = Sandbox::start().await.unwrap();
    put(&sandbox, 1, |it| it);
    let narrow = crate::rig::overlay(sandbox.settings(), &[("SYNC_COUNTRIES", "AQ")]);
    let run = program::run(&["reconcile"], &narrow).await;
    assert_eq!((run.exit, leads(&sandbox)), (0, 0));
    reconcile(&sandbox, &[]).await;
    assert_eq!(leads(&sandbox), 0);
    reconcile(&sandbox, &["--all"]).await;
    assert_eq!(leads(&sandbox), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_says_who_has_to_act() {
    let sandbox = Sandbox::start().await.unwrap();
    put(&sandbox, 1, |it| it);
    sandbox.world().partner_center.lock().list.refused = true;
    let run = reconcile(&sandbox, &[]).await;
    assert_eq!(run.exit, 78, "{run:?}");
    assert!(run.stderr.contains("Referrals admin role"), "{run:?}");
    let both = reconcile(&sandbox, &["--all", "--since", &stamp(1)]).await;
    assert_eq!(both.exit, 64);
    assert_eq!(
        reconcile(&sandbox, &["--since", "yesterday"]).await.exit,
        64
    );
}
