//! `sync`: one referral, now, with an exit code a script can act on.

use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Effect, Fault, Sandbox, Service};
use uuid::Uuid;

use crate::program::{self, Run};

async fn sync(sandbox: &Sandbox, id: &str) -> Run {
    let run = program::run(&["sync", id], &sandbox.settings()).await;
    assert!(
        !run.text().contains("Tailspin") && !run.text().contains('@'),
        "personal data: {run:?}"
    );
    run
}

fn seed(sandbox: &Sandbox) -> String {
    sandbox
        .world()
        .partner_center
        .lock()
        .seed_referral(ReferralBuilder::new())
        .unwrap()
}

fn writes(sandbox: &Sandbox) -> usize {
    let requests = sandbox.world().requests.all();
    let of =
        |it: &sandbox::Record| matches!(it.service, Service::Dataverse | Service::PartnerCenter);
    requests
        .iter()
        .filter(|it| of(it) && it.method != "GET")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_is_created_as_a_lead_and_then_found_in_step() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = seed(&sandbox);
    let run = sync(&sandbox, &id).await;
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(
        run.stdout
            .starts_with(&format!("referral {id}: created, lead {id}\n")),
        "{run:?}"
    );
    assert!(
        sandbox
            .world()
            .dataverse
            .lock()
            .lead(id.parse().unwrap())
            .is_some()
    );

    sandbox.world().requests.clear();
    let run = sync(&sandbox, &id).await;
    assert_eq!(run.exit, 0);
    assert!(
        run.stdout
            .starts_with(&format!("referral {id}: unchanged, lead {id}\n")),
        "{run:?}"
    );
    assert_eq!(writes(&sandbox), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_gets_one_object_with_every_call() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = seed(&sandbox);
    let run = program::run(&["sync", &id, "--json"], &sandbox.settings()).await;
    assert_eq!(run.exit, 0, "{run:?}");
    let report = run.json();
    assert_eq!(report["referralId"], id.as_str());
    assert_eq!(report["leadId"], id.as_str());
    assert_eq!(report["outcome"], "created");
    assert!(report["reports"].is_array());
    assert!(report["calls"].as_array().unwrap().len() > 4, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_nobody_knows_is_for_later() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = Uuid::from_u128(404).to_string();
    let run = sync(&sandbox, &id).await;
    assert_eq!((run.exit, run.stdout.as_str()), (75, ""), "{run:?}");
    assert!(run.stderr.contains(&id), "{run:?}");
    assert_eq!(writes(&sandbox), 0);

    let run = program::run(&["sync", &id, "--json"], &sandbox.settings()).await;
    assert_eq!(run.exit, 75);
    assert_eq!(run.json()["referralId"], id.as_str());
    assert!(
        run.json()["error"].as_str().unwrap().contains(&id),
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_of_another_partner_is_left_alone() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = seed(&sandbox);
    sandbox
        .world()
        .partner_center
        .lock()
        .deny(&id, true)
        .unwrap();
    let run = sync(&sandbox, &id).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(run.stdout.contains("no lead"), "{run:?}");
    assert_eq!(writes(&sandbox), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_may_read_no_referral_is_a_matter_for_a_person() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = seed(&sandbox);
    sandbox
        .world()
        .faults
        .add(Fault::new(Service::PartnerCenter, Effect::status(403)));
    let run = sync(&sandbox, &id).await;
    assert_eq!(run.exit, 78, "{run:?}");
    assert!(run.stderr.contains(&id), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_a_usage_error() {
    let sandbox = Sandbox::start().await.unwrap();
    let settings = crate::rig::overlay(
        sandbox.settings(),
        &[("DATAVERSE_URL", ""), ("SYNC_MODE", "sideways")],
    );
    let run = program::run(&["sync", &Uuid::from_u128(1).to_string()], &settings).await;
    assert_eq!((run.exit, run.stdout.as_str()), (64, ""));
    assert!(
        run.stderr.contains("DATAVERSE_URL") && run.stderr.contains("SYNC_MODE"),
        "{run:?}"
    );
}
