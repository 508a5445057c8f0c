//! Traces: the caller's is continued in the log, to systems of the same administrator, and to Application Insights if wanted.

use std::time::{Duration, Instant};

use sandbox::deliveries::{Delivery, REFERRAL_CREATED};
use sandbox::host::Wire;
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Effect, Fault, Sandbox, Service};
use serde_json::Value;

use crate::rig::{BOUND, Rig};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

async fn rig(settings: &[(&str, &str)]) -> Rig {
    let sandbox = Sandbox::start().await.unwrap();
    let insights = sandbox.world().insights_settings();
    let insights = insights.iter().map(|(name, value)| (*name, &**value));
    let settings: Vec<_> = insights.chain(settings.iter().copied()).collect();
    Rig::with(sandbox, Wire::Proxying, &settings).await
}

/// An event of a caller that names its trace.
fn traced(rig: &Rig, id: &str) -> Delivery {
    let mut event = rig.event(REFERRAL_CREATED, id);
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    event.headers.push(("traceparent".to_owned(), traceparent));
    event
}

fn items(rig: &Rig) -> Vec<Value> {
    rig.world().insights.lock().items()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spans_of_an_event_carry_the_callers_trace_and_no_data() {
    let rig = rig(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let event = traced(&rig, &id);
    let answer = rig.send(&event).await;
    assert_eq!(answer.code(), "synced");
    assert_eq!(rig.log(&answer).await["trace.id"], TRACE);
    rig.until(|rig| 5 < items(rig).len()).await;

    let items = items(&rig);
    assert!(
        items
            .iter()
            .all(|it| it["tags"]["ai.operation.id"] == TRACE)
    );
    let (requests, calls): (Vec<_>, Vec<_>) = items
        .iter()
        .partition(|it| it["data"]["baseType"] == "RequestData");
    assert_eq!(requests.len(), 1);
    let request = &requests[0]["data"]["baseData"];
    assert_eq!(requests[0]["tags"]["ai.operation.parentId"], CALLER);
    assert_eq!(
        (
            &request["name"],
            &request["responseCode"],
            &request["properties"]["code"]
        ),
        (&"ReferralWebhook".into(), &"200".into(), &"synced".into())
    );
    for call in &calls {
        assert_eq!(
            call["tags"]["ai.operation.parentId"], request["id"],
            "{call}"
        );
    }
    let names = |target: &str| {
        let calls = calls.iter().map(|call| &call["data"]["baseData"]);
        let of = calls.filter(|call| call["target"] == target);
        of.map(|call| call["name"].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert!(
        names("partner_center").contains(&"update referral"),
        "{calls:?}"
    );
    assert!(names("dataverse").contains(&"create lead"), "{calls:?}");
    let text = Value::from(items).to_string();
    for data in [
        "Tailspin",
        "Okafor",
        "http:",
        "https:",
        "?",
        "127.0.0.1",
        "eyJ",
        &*id,
    ] {
        assert!(
            !text.to_lowercase().contains(&data.to_lowercase()),
            "{data}: {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_administrators_own_systems_are_told_the_trace() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.send(&traced(&rig, &id)).await.code(), "synced");
    let records = rig.world().requests.all();
    for record in &records {
        let told = record.headers.get("traceparent");
        let is_told = told.is_some_and(|it| it.starts_with(&format!("00-{TRACE}-")));
        let is_own = record.service == Service::Dataverse;
        assert_eq!(is_told, is_own, "{record:?}");
        assert_eq!(told.is_some(), is_own, "{record:?}");
    }
    // Nobody asked for traces.
    assert_eq!(rig.world().requests.of(Service::Insights), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_trace_begins_one_under_its_own_id() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let log = rig.log(&rig.created(&id).await).await;
    let invocation = log["invocation.id"].as_str().unwrap().replace('-', "");
    assert_eq!(log["trace.id"], invocation);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_down_delays_nothing_and_is_told_of_once() {
    let rig = rig(&[]).await;
    rig.world()
        .faults
        .add(Fault::new(Service::Insights, Effect::Hang));
    let begun = Instant::now();
    for _ in 0..3 {
        let id = rig.seed(ReferralBuilder::new());
        assert_eq!(rig.created(&id).await.code(), "synced");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    rig.lines("traces_lost").await;
    rig.world().faults.clear();
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    rig.until(|rig| !items(rig).is_empty()).await;
    assert_eq!(rig.lines("traces_lost").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_sent_when_the_process_has_to_stop() {
    let rig = rig(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    rig.host.terminate(Duration::from_secs(7)).await.unwrap();
    assert!(!items(&rig).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_has_to_stop_does_not_wait_for_an_endpoint_that_hangs() {
    let rig = rig(&[]).await;
    rig.world()
        .faults
        .add(Fault::new(Service::Insights, Effect::Hang));
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    let begun = Instant::now();
    rig.host.terminate(BOUND).await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgery_costs_no_span_and_the_switch_ends_all() {
    let rig = rig(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let event = traced(&rig, &id);
    assert_eq!(rig.send(&event.tampered()).await.status, 401);
    rig.host.terminate(BOUND).await.unwrap();
    assert_eq!(items(&rig), Vec::<Value>::new());

    let off = self::rig(&[("OTEL_SDK_DISABLED", "true")]).await;
    let id = off.seed(ReferralBuilder::new());
    assert_eq!(off.created(&id).await.code(), "synced");
    off.host.terminate(BOUND).await.unwrap();
    assert_eq!(off.world().requests.of(Service::Insights), []);
}
