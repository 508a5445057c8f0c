//! From the first `GET /` to the signal to stop.

use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt};
use sandbox::deliveries::REFERRAL_CREATED;
use sandbox::host::{Source, State};
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Effect, Fault, Service};
use serde_json::Value;
use tempfile::TempDir;

use crate::raw::Raw;
use crate::rig::{BOUND, Rig};

#[tokio::test(flavor = "multi_thread")]
async fn the_host_is_answered_while_the_settings_are_still_being_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = pipe(&folder);
    let rig = Rig::start(&[("CALLBACK_TRUST_ANCHORS_PEM", &pipe)]).await;
    assert_eq!(Raw::new("GET", "/").send(rig.handler()).await.status, 200);
    assert_eq!(rig.log_lines(), Vec::<Value>::new());
    let id = rig.seed(ReferralBuilder::new());

    let anchors = rig.world().certificates.lock().root_pem();
    let writing = tokio::task::spawn_blocking(move || std::fs::write(pipe, anchors));
    let (answer, written) = tokio::join!(rig.created(&id), writing);

    written.unwrap().unwrap();
    assert_eq!((answer.status, answer.code()), (200, "synced"));
    assert_eq!(rig.lines("started").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_leaves_nothing_on_the_error_stream() {
    let rig = Rig::start(&[("SYNC_MODE", "two-way")]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.status, 200);
    assert_eq!(rig.updated(&id).await.status, 200);
    let forged = rig.event(REFERRAL_CREATED, &id).tampered();
    assert_eq!(rig.send(&forged).await.status, 401);
    assert!(
        rig.host
            .run_timer("TokenRenewal")
            .await
            .unwrap()
            .succeeded()
    );
    let begun = Instant::now();
    let status = rig.host.terminate(Duration::from_secs(5)).await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "an idle process stops at once"
    );
    assert_eq!(rig.host.errors(), []);
    assert!(
        rig.host
            .logs()
            .iter()
            .all(|line| line.source != Source::Stderr)
    );
    assert_eq!(rig.lines("stopped").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_in_progress_is_still_answered_after_the_signal_to_stop() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    slow_leads(&rig);
    let stopping = async {
        until_dataverse_is_asked(&rig).await;
        rig.host.terminate(Duration::from_secs(8)).await.unwrap()
    };
    let (answer, status) = tokio::join!(rig.created(&id), stopping);
    assert_eq!((answer.status, answer.code()), (200, "synced"));
    assert_eq!(status.code(), Some(0));
    assert!(rig.lead(&id).is_some());
    assert_eq!(rig.referral(&id)["externalReferenceId"], id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_and_a_signal_to_stop_cut_no_sync_in_two() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    slow_leads(&rig);
    let delivery = rig.event(REFERRAL_CREATED, &id);
    let caller = rig
        .raw_delivery("/api/ReferralWebhook", &delivery)
        .open(rig.handler())
        .await;
    until_dataverse_is_asked(&rig).await;
    drop(caller);
    let status = rig.host.terminate(Duration::from_secs(8)).await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(rig.lead(&id).is_some());
    assert_eq!(rig.referral(&id)["externalReferenceId"], id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_hangs_does_not_keep_the_process_from_stopping() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world()
        .faults
        .add(Fault::new(Service::Dataverse, Effect::Hang));
    let stopping = async {
        until_dataverse_is_asked(&rig).await;
        // Five seconds are given to what is running, and what is left is parked.
        rig.host.terminate(Duration::from_secs(7)).await.unwrap()
    };
    let (answer, status) = tokio::join!(rig.created(&id), stopping);
    assert_eq!((answer.status, answer.code()), (200, "parked"));
    assert_eq!(status.code(), Some(0));
    assert_eq!(rig.lines("stopped").await.len(), 1);
    let cut_short = |line: &Value| line["code"] == "drain_cut_short";
    assert!(!rig.log_lines().iter().any(cut_short));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_to_its_end_does_not_keep_the_process_from_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(&[("CALLBACK_TRUST_ANCHORS_PEM", &pipe(&folder))]).await;
    let status = rig.host.terminate(Duration::from_secs(5)).await.unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_is_replaced_by_a_working_one() {
    let rig = Rig::start(&[]).await;
    let first = rig.host.pid().unwrap();
    rig.host.kill().await.unwrap();
    let another = |state| matches!(state, State::Running { pid, .. } if pid != first);
    rig.host.wait_for_state(another, BOUND).await.unwrap();
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_invocation_id_is_in_the_answer_and_in_the_log() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let answer = rig.created(&id).await;
    let line = &rig.lines("synced").await[0];
    assert_eq!(answer.body["invocationId"], line["invocation.id"]);
    let run = rig.host.run_timer("TokenRenewal").await.unwrap();
    assert_eq!(
        rig.lines("renewed").await[0]["invocation.id"],
        run.id.to_string()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_deliveries_than_are_worked_on_at_once_are_told_to_come_again() {
    const SENT: usize = 280;
    const TAKEN: usize = 256;
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    // Warm: the certificate is known.
    assert_eq!(rig.created(&id).await.status, 200);
    rig.world()
        .faults
        .add(Fault::new(Service::Dataverse, Effect::Hang));
    let delivery = rig.event(REFERRAL_CREATED, &id);
    let mut answers: FuturesUnordered<_> = (0..SENT).map(|_| rig.send(&delivery)).collect();
    for _ in 0..SENT - TAKEN {
        let answer = answers.next().await.unwrap();
        assert_eq!((answer.status, answer.code()), (503, "busy"));
    }
    // The rest wait for Dataverse until their own time is up, all of them at one moment. On a slow machine the emulator does
    // not take that many messages before it is too late to answer.
    let answer = answers.next().await.unwrap();
    let kept = ["parked", "not_kept"].contains(&answer.code());
    assert!(kept, "{answer:?}");
}

/// The path of a file that is read to its end only when somebody has written it.
fn pipe(folder: &TempDir) -> String {
    let pipe = folder.path().join("anchors.pem");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    pipe.display().to_string()
}

fn slow_leads(rig: &Rig) {
    let slow = Fault::new(Service::Dataverse, Effect::Delay(1000))
        .method("GET")
        .path("/leads(");
    rig.world().faults.add(slow.times(1));
}

async fn until_dataverse_is_asked(rig: &Rig) {
    let begun = Instant::now();
    while rig.requests(Service::Dataverse).is_empty() {
        assert!(begun.elapsed() < BOUND, "the delivery never came so far");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
