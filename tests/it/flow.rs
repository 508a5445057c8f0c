//! `SYNC_TARGET=flow`: the unmodified program hands referrals to a flow, and no Dataverse environment is set at all.

mod answers;
mod reconcile;
mod refusals;

use std::time::Duration;

use sandbox::flow::Run;
use sandbox::host::Wire;
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Effect, Fault, Sandbox, Service};
use serde_json::{Value, json};

use crate::rig::{BOUND, IMPATIENT, Rig};

const FLOW: [(&str, &str); 2] = [("SYNC_TARGET", "flow"), ("DATAVERSE_URL", "")];

async fn rig(settings: &[(&str, &str)]) -> Rig {
    let settings: Vec<_> = FLOW.iter().chain(settings).copied().collect();
    Rig::start(&settings).await
}

fn runs(rig: &Rig) -> Vec<Run> {
    rig.world().flow.lock().runs()
}

fn record(rig: &Rig, id: &str) -> Option<String> {
    rig.world().flow.lock().record(id)
}

fn named(rig: &Rig, id: &str) -> Value {
    rig.referral(id)["externalReferenceId"].clone()
}

/// The outcome in the log of the answer to an event about `id`.
async fn cause(rig: &Rig, id: &str) -> Value {
    let answer = rig.updated(id).await;
    assert_eq!(answer.code(), "synced", "{answer:?}");
    rig.log(&answer).await["cause"].clone()
}

/// What is remembered of referral `id`.
async fn state(rig: &Rig, id: &str) -> Value {
    let name = format!("state/{id}.json");
    let storage = &rig.world().storage;
    let state = storage.blob("referral-connector", &name).await.unwrap();
    serde_json::from_slice(&state.unwrap()).unwrap()
}

async fn parked(rig: &Rig) -> usize {
    let messages = rig.world().storage.messages("referral-retry").await;
    messages.unwrap().len()
}

/// No line holds what the flow's address is kept secret for.
async fn nothing_secret_is_logged(rig: &Rig) {
    // Now everything it wrote has been read.
    rig.host.terminate(BOUND).await.unwrap();
    let signature = rig.world().flow.lock().signature().to_owned();
    for line in rig.host.logs() {
        for secret in [&*signature, "sig=", "/triggers/", "?api-version"] {
            assert!(!line.text.contains(secret), "{}", line.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_hands_the_whole_referral_over_and_the_record_is_named_in_it() {
    let rig = rig(&[("RUST_LOG", "trace")]).await;
    let id = rig.seed(ReferralBuilder::new().set("/neverSeenBefore", json!({ "a": [1, null] })));
    let before = rig.referral(&id);
    let answer = rig.created(&id).await;
    assert_eq!((answer.status, answer.code()), (200, "synced"));

    let runs = runs(&rig);
    assert_eq!(runs.len(), 1);
    let body = &runs[0].body;
    assert_eq!(body["referral"], before);
    assert_eq!(body["recordId"], Value::Null);
    assert_eq!(body["idempotencyKey"], *runs[0].key);
    let event = &body["event"];
    assert_eq!(event["EventName"], "referral-created");
    assert_eq!(event["ResourceName"], "referral");
    let address = event["ResourceUri"].as_str().unwrap();
    assert!(address.ends_with(&format!("/referrals/{id}")), "{address}");

    let record = record(&rig, &id).unwrap();
    assert_eq!(named(&rig, &id), *record);
    let log = rig.log(&answer).await;
    assert_eq!(
        (&log["cause"], &log["lead.id"]),
        (&"posted".into(), &record.into())
    );
    assert!(
        log["flow_ms"].is_u64() && log["dataverse_ms"].is_null(),
        "{log}"
    );
    assert_eq!(rig.requests(Service::Dataverse), Vec::<String>::new());
    nothing_secret_is_logged(&rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_that_says_nothing_new_is_not_handed_over_again() {
    let rig = rig(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    // The echo of our own write, and whatever else changes nothing.
    assert_eq!(cause(&rig, &id).await, "unchanged");
    let touched = json!({ "updatedDateTime": "2026-11-22T23:00:00Z" });
    rig.partner_center_edits(&id, &touched);
    assert_eq!(cause(&rig, &id).await, "unchanged");
    assert_eq!(runs(&rig).len(), 1);
    assert_eq!(rig.patches().len(), 1);

    let change = json!({ "details": { "notes": "They want twice as many" } });
    rig.partner_center_edits(&id, &change);
    assert_eq!(cause(&rig, &id).await, "posted");
    let runs = runs(&rig);
    assert_eq!(runs.len(), 2);
    assert_ne!(runs[1].key, runs[0].key);
    let body = &runs[1].body;
    assert_eq!(body["event"]["EventName"], "referral-updated");
    assert_eq!(body["recordId"], *record(&rig, &id).unwrap());
    assert_eq!(
        body["referral"]["details"]["notes"],
        "They want twice as many"
    );
    assert_eq!(rig.patches().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_events_at_once_are_one_run_of_the_flow() {
    let rig = rig(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world()
        .faults
        .add(Fault::new(Service::Flow, Effect::Delay(500)));
    let (one, other) = tokio::join!(rig.created(&id), rig.updated(&id));
    assert_eq!((one.code(), other.code()), ("synced", "synced"));
    assert_eq!(runs(&rig).len(), 1);
    assert_eq!(rig.patches().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_do_not_hand_a_version_over_at_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let settings: Vec<_> = FLOW.into_iter().chain(IMPATIENT).collect();
    let rig = Rig::with(sandbox, Wire::Proxying, &settings).await;
    let id = rig.seed(ReferralBuilder::new());
    let slow = Fault::new(Service::Flow, Effect::Delay(2000)).times(1);
    rig.world().faults.add(slow);
    let environment = crate::rig::overlay(rig.sandbox.settings(), &FLOW);
    let other = async {
        rig.wait_for_request(Service::Flow, "POST", "").await;
        crate::program::run(&["sync", &id], &environment).await
    };
    let (answer, other) = tokio::join!(rig.created(&id), other);
    assert_eq!(answer.code(), "synced");
    // It may be tried again later.
    assert_eq!(other.exit, 75, "{other:?}");
    assert!(other.text().contains("another run"), "{other:?}");
    assert_eq!(runs(&rig).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ends_before_it_saved_the_answer_hands_the_same_version_over_under_the_same_key()
 {
    let rig = rig(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    let late = Fault::new(Service::Flow, Effect::Delay(60_000)).after();
    rig.world().faults.add(late.times(1));
    let killing = async {
        rig.until(|rig| runs(rig).len() == 1).await;
        rig.host.kill().await.unwrap();
    };
    tokio::join!(rig.created(&id), killing);
    // Until its answer could come no more, nobody else does it.
    let left = state(&rig, &id).await["handed"]["under_way"].clone();
    assert!(left["until"].is_string(), "{left}");
    let mut past = state(&rig, &id).await;
    past["handed"]["under_way"]["until"] = "2026-11-22T00:00:00Z".into();
    let name = format!("state/{id}.json");
    let storage = &rig.world().storage;
    let put = storage.put_blob("referral-connector", &name, past.to_string());
    put.await.unwrap();

    rig.synced_soon(&id).await;
    let runs = runs(&rig);
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0].key, runs[1].key);
    assert_eq!(runs[0].body["event"], runs[1].body["event"]);
    assert_eq!(rig.world().flow.lock().records().len(), 1);
    assert_eq!(named(&rig, &id), *record(&rig, &id).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_slower_than_an_event_may_take_is_waited_for_and_run_once() {
    let rig = rig(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    let slow = Fault::new(Service::Flow, Effect::Delay(9_000)).times(1);
    rig.world().faults.add(slow);
    let answer = rig.created(&id).await;
    assert_eq!((answer.status, answer.code()), (200, "parked"));
    rig.until(|rig| named(rig, &id).is_string()).await;
    let emptying = async {
        while 0 < parked(&rig).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let emptied = tokio::time::timeout(BOUND, emptying).await;
    emptied.expect("the parked event finds that it is done");
    assert_eq!(runs(&rig).len(), 1);
}
