//! What cannot be synced when its event comes: it is kept before the event is acknowledged, and nobody has to send it again.

mod letters;
mod messages;
mod permissions;

use std::time::Duration;

use sandbox::host::{Outcome, QueueMessage, State};
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::storage::Message;
use sandbox::{Effect, Fault, Service};
use uuid::Uuid;

use crate::rig::{BOUND, IMPATIENT, Rig};

const QUEUE: &str = "referral-retry";

/// Every message in the queue, hidden ones too.
async fn parked(rig: &Rig) -> Vec<Message> {
    rig.world().storage.messages(QUEUE).await.unwrap()
}

/// Waits until nothing is parked.
async fn nothing_is_parked(rig: &Rig) {
    let emptying = async {
        while !parked(rig).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let emptied = tokio::time::timeout(BOUND, emptying).await;
    emptied.expect("everything is taken from the queue");
}

/// The names of the dead letters' blobs.
async fn letters(rig: &Rig) -> Vec<String> {
    let storage = &rig.world().storage;
    let prefix = "dead-letters/";
    storage.blobs("referral-connector", prefix).await.unwrap()
}

fn dataverse_is_down(rig: &Rig) {
    let outage = Fault::new(Service::Dataverse, Effect::status(503));
    rig.world().faults.add(outage);
}

/// As often as this word is in the log.
fn count(rig: &Rig, code: &str) -> usize {
    let lines = rig.log_lines();
    lines.iter().filter(|line| line["code"] == code).count()
}

/// A message as the host would deliver it.
fn message(text: &str) -> QueueMessage {
    QueueMessage {
        text: text.to_owned(),
        id: Uuid::from_u128(9),
        dequeue_count: 1,
        inserted: jiff::Timestamp::now(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_waited_out_in_the_queue_and_nobody_sends_the_event_again() {
    let rig = Rig::start(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new().company("Fabrikam"));
    dataverse_is_down(&rig);
    let answer = rig.created(&id).await;
    assert_eq!((answer.status, answer.code()), (200, "parked"));
    let messages = parked(&rig).await;
    assert_eq!(messages.len(), 1);
    assert!(messages[0].text.contains(&id) && messages[0].text.len() < 200);
    rig.until(|rig| count(rig, "parked") == 3).await;

    rig.world().faults.clear();
    rig.until(|rig| count(rig, "synced") == 1).await;
    nothing_is_parked(&rig).await;
    assert_eq!(rig.leads().len(), 1);
    assert_eq!(rig.lead(&id).unwrap()["companyname"], "Fabrikam");
    assert_eq!(letters(&rig).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_outlives_the_process() {
    let rig = Rig::start(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    dataverse_is_down(&rig);
    assert_eq!(rig.created(&id).await.code(), "parked");
    rig.host.kill().await.unwrap();
    rig.world().faults.clear();
    let running = |state| matches!(state, State::Running { .. });
    rig.host.wait_for_state(running, BOUND).await.unwrap();
    rig.until(|rig| rig.lead(&id).is_some()).await;
    nothing_is_parked(&rig).await;
    assert_eq!(rig.leads().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_has_to_stop_parks_what_it_does_not_finish() {
    let rig = Rig::start(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    let hang = Fault::new(Service::Dataverse, Effect::Hang).times(1);
    rig.world().faults.add(hang);
    let stopping = async {
        rig.wait_for_request(Service::Dataverse, "GET", "").await;
        rig.host.terminate(Duration::from_secs(7)).await.unwrap();
    };
    let (answer, ()) = tokio::join!(rig.created(&id), stopping);
    assert_eq!((answer.status, answer.code()), (200, "parked"));
    let messages = parked(&rig).await;
    assert_eq!(messages.len(), 1);
    assert!(messages[0].text.contains(&id));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_even_be_kept_is_left_to_partner_center() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let broken = Fault::new(Service::Storage, Effect::status(503));
    rig.world().faults.add(broken);
    let answer = rig.created(&id).await;
    assert_eq!((answer.status, answer.code()), (503, "not_kept"));
    assert_eq!(answer.retry_after, Some(60));
    assert_eq!(rig.log(&answer).await["level"], "ERROR");
    assert!(rig.leads().is_empty());
    rig.world().faults.clear();
    assert_eq!(rig.created(&id).await.code(), "synced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_not_done_before_the_referral_is_kept_again() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    dataverse_is_down(&rig);
    assert_eq!(rig.created(&id).await.code(), "parked");
    let text = parked(&rig).await.remove(0).text;
    let sends = Fault::new(Service::Storage, Effect::status(503)).method("POST");
    rig.world().faults.add(sends);
    let run = rig.host.run_queue("ReferralRetry", &message(&text)).await;
    assert!(matches!(run.unwrap().outcome, Outcome::Failed(_)));
    rig.lines("not_kept").await;
    rig.world().faults.clear();
    let run = rig.host.run_queue("ReferralRetry", &message(&text)).await;
    let run = run.unwrap();
    assert!(run.succeeded(), "{run:?}");
    assert!(rig.lead(&id).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_one_line_in_the_log_with_what_came_of_it() {
    let rig = Rig::start(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    let once = Fault::new(Service::PartnerCenter, Effect::throttled(10)).times(1);
    rig.world().faults.add(once);
    let answer = rig.created(&id).await;
    assert_eq!(answer.code(), "parked");
    let line = rig.log(&answer).await;
    assert_eq!(
        (&line["cause"], &line["level"]),
        (&"partner_center".into(), &"WARN".into())
    );
    // Never sooner than the other side asked for.
    assert!(
        (8..=12).contains(&line["parked_s"].as_u64().unwrap()),
        "{line}"
    );
    rig.world().storage.release(QUEUE).await.unwrap();
    rig.until(|rig| rig.lead(&id).is_some()).await;
    let line = &rig.lines("synced").await[0];
    assert_eq!(
        (&line["referral.id"], &line["lead.id"]),
        (&id.clone().into(), &id.into())
    );
}
