//! When one of the systems does not do its part.

use sandbox::{Effect, Fault};

use super::*;
use crate::rig::IMPATIENT;

#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_everything_comes_in_step_by_itself() {
    let rig = Rig::start(&IMPATIENT).await;
    let ids = seed(&rig, 40);
    let down = Fault::new(Service::Dataverse, Effect::throttled(1)).path("/leads(");
    rig.world().faults.add(down);
    let log = pass(&rig).await;
    assert_eq!(
        (&log["code"], &log["ended"]),
        (&json!("reconcile_cut_short"), &json!("trouble"))
    );
    let parked = log["parked"].as_u64().unwrap();
    assert!(
        (1..=12).contains(&parked),
        "an outage does not fill the queue: {log}"
    );
    rig.world().faults.clear();
    pass(&rig).await;
    rig.until(|rig| rig.leads().len() == ids.len()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_role_fails_the_run_and_says_what_to_do() {
    let rig = Rig::start(&[]).await;
    seed(&rig, 1);
    rig.world().partner_center.lock().list.refused = true;
    let run = tick(&rig).await;
    assert_eq!(run.status.map(|it| it.as_u16()), Some(500));
    let log = line(&rig, &run).await;
    assert_eq!(log["code"], "reconcile_failed");
    assert!(
        log["error"]
            .as_str()
            .unwrap()
            .contains("Referrals admin role"),
        "{log}"
    );
    rig.world().partner_center.lock().list.refused = false;
    pass(&rig).await;
    assert_eq!(rig.leads().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_storage_down_nothing_is_synced_and_nothing_is_passed() {
    let rig = Rig::start(&[]).await;
    seed(&rig, 2);
    rig.world()
        .faults
        .add(Fault::new(Service::Storage, Effect::status(403)));
    let run = tick(&rig).await;
    assert!(!run.succeeded());
    assert_eq!(line(&rig, &run).await["code"], "reconcile_failed");
    assert_eq!(rig.writes().len(), 0);
    rig.world().faults.clear();
    pass(&rig).await;
    assert_eq!(rig.leads().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_killed_in_the_middle_of_an_import_finishes_it_after_its_start() {
    let rig = Rig::start(&[]).await;
    let ids = seed(&rig, 60);
    let killing = async {
        rig.until(|rig| rig.leads().len() >= 10).await;
        rig.host.kill().await.unwrap();
    };
    let (run, ()) = tokio::join!(rig.host.run_timer("ReferralReconcile"), killing);
    assert!(!run.is_ok_and(|it| it.succeeded()));
    let running =
        |state: sandbox::host::State| matches!(state, sandbox::host::State::Running { .. });
    rig.host
        .wait_for_state(running, crate::rig::BOUND)
        .await
        .unwrap();
    assert!(rig.leads().len() < 60);
    let log = pass(&rig).await;
    assert_eq!(log["ended"], "complete", "{log}");
    // What the killed program had begun may still arrive: for a minute nobody else writes it, so it waits in the queue.
    let waiting = rig.world().storage.messages("referral-retry").await;
    let waiting: Vec<String> = waiting.unwrap().into_iter().map(|it| it.text).collect();
    assert!(waiting.len() <= 4, "{waiting:?}");
    for id in ids {
        let is_in_step = rig.lead(&id).is_some() && rig.referral(&id)["externalReferenceId"] == *id;
        assert!(
            is_in_step || waiting.iter().any(|it| it.contains(&id)),
            "{id}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_the_host_gave_up_on_become_dead_letters() {
    let rig = Rig::start(&[]).await;
    rig.world()
        .storage
        .send("referral-retry-poison", "{\"a\":1}")
        .await
        .unwrap();
    let log = pass(&rig).await;
    assert_eq!(log["poisoned"], 1, "{log}");
    let left = rig
        .world()
        .storage
        .messages("referral-retry-poison")
        .await
        .unwrap();
    assert!(left.is_empty());
    let letters = rig
        .world()
        .storage
        .blobs("referral-connector", "dead-letters/message-");
    assert_eq!(letters.await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_fail_the_run_and_name_the_setting() {
    let rig = Rig::start(&[("SYNC_STATE_DAYS", "soon")]).await;
    let run = tick(&rig).await;
    assert_eq!(run.status.map(|it| it.as_u16()), Some(503));
    let log = line(&rig, &run).await;
    assert_eq!(log["code"], "misconfigured");
    assert!(
        log["error"].as_str().unwrap().contains("SYNC_STATE_DAYS"),
        "{log}"
    );
}
