//! `register`: where Partner Center sends its events, and a test event that proves it.

mod obstacles;
mod trials;

use sandbox::partner_center::Registration;
use sandbox::{Effect, Fault, Sandbox, Service, When};
use url::Url;

use crate::program::{self, Run};
use crate::rig::{Rig, overlay};

const KEY: &str = "REFERRAL_WEBHOOK_KEY";
const NOTE: &str = "registration.json";
const REFERRAL_EVENTS: [&str; 4] = [
    "referral-created",
    "referral-updated",
    "related-referral-created",
    "related-referral-updated",
];

/// The function's address, without its key.
fn address(rig: &Rig) -> String {
    rig.host
        .url()
        .join("api/ReferralWebhook")
        .unwrap()
        .to_string()
}

/// Runs `register` with the sandbox's settings and these on top; the key must not be seen anywhere.
async fn register_with(rig: &Rig, arguments: &[&str], settings: &[(&str, &str)]) -> Run {
    let mut all = vec!["register"];
    all.extend(arguments);
    let run = program::run(&all, &overlay(rig.sandbox.settings(), settings)).await;
    assert!(!run.text().contains(rig.host.function_key()), "{run:?}");
    run
}

/// The same with the function's key in the environment.
async fn register(rig: &Rig, arguments: &[&str]) -> Run {
    register_with(rig, arguments, &[(KEY, rig.host.function_key())]).await
}

/// Registers the function, without a test.
async fn registered(rig: &Rig) {
    let run = register(rig, &["--url", &address(rig), "--no-test"]).await;
    assert_eq!(run.exit, 0, "{run:?}");
}

fn registration(rig: &Rig) -> Option<Registration> {
    rig.world().partner_center.lock().registration().cloned()
}

/// Has `url` be registered by somebody else.
fn somebody_registers(rig: &Rig, url: &str, events: &[&str], ms_signature: bool) {
    let url: Url = url.parse().unwrap();
    let mut state = rig.world().partner_center.lock();
    state.register(url, events, ms_signature);
}

async fn note(sandbox: &Sandbox) -> Option<String> {
    let storage = &sandbox.world().storage;
    let note = storage.blob("referral-connector", NOTE).await.unwrap();
    note.map(|it| String::from_utf8(it.to_vec()).unwrap())
}

/// Requests that change the registration, or ask for a test.
fn changes(rig: &Rig) -> Vec<String> {
    let mut records = rig.world().requests.of(Service::PartnerCenter);
    records.retain(|it| it.path.contains("/webhooks/") && it.method != "GET");
    records.iter().map(sandbox::Record::line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_registration_is_created_tested_and_noted_and_nobody_sees_the_key() {
    let rig = Rig::start(&[]).await;
    let run = register(&rig, &["--url", &address(&rig)]).await;
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    for text in ["registered", "?code=***", "x-ms-signature", "delivered"] {
        assert!(run.stdout.contains(text), "{text}: {run:?}");
    }
    let registered = registration(&rig).unwrap();
    let mut events = registered.events.clone();
    events.sort();
    assert_eq!(events, [&REFERRAL_EVENTS[..], &["test-created"]].concat());
    assert!(registered.ms_signature);
    let query = registered.url.query_pairs().next().unwrap();
    assert_eq!(query.1, rig.host.function_key());
    let note = note(&rig.sandbox).await.unwrap();
    assert!(note.contains(&address(&rig)) && note.contains("sha256"));
    assert!(!note.contains(rig.host.function_key()) && !note.contains("code="));
    rig.lines("test").await;
    assert_eq!(
        changes(&rig),
        [
            "POST /webhooks/v1/registration",
            "POST /webhooks/v1/registration/validationEvents"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_is_right_is_left_alone_and_tested_only_on_request() {
    let rig = Rig::start(&[]).await;
    registered(&rig).await;
    rig.forget_requests();
    for arguments in [vec![], vec!["--url", &address(&rig)]] {
        let run = register_with(&rig, &arguments, &[]).await;
        assert_eq!(run.exit, 0, "{run:?}");
        assert!(run.stdout.starts_with("unchanged"), "{run:?}");
    }
    assert_eq!(changes(&rig), Vec::<String>::new());
    let run = register_with(&rig, &["--test", "--json"], &[]).await;
    assert_eq!(
        (run.exit, &run.json()["test"]["outcome"]),
        (0, &"delivered".into())
    );
    assert_eq!(changes(&rig).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_may_stand_in_the_address_or_in_a_file() {
    let rig = Rig::start(&[]).await;
    let key = rig.host.function_key().to_owned();
    let with_key = format!("{}?code={key}", address(&rig));
    let run = register_with(&rig, &["--url", &with_key, "--no-test"], &[]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{key}\n")).unwrap();
    let path = file.path().to_str().unwrap();
    let url = address(&rig);
    let run = register_with(&rig, &["--url", &url, "--key-file", path], &[]).await;
    assert!(run.stdout.starts_with("unchanged"), "{run:?}");
    std::fs::write(file.path(), "\n").unwrap();
    let run = register_with(&rig, &["--url", &url, "--key-file", path], &[]).await;
    assert_eq!(run.exit, 64, "{run:?}");
    assert!(run.stderr.contains("it is empty"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subset_of_the_events_is_registered_with_the_one_for_tests() {
    let rig = Rig::start(&[]).await;
    registered(&rig).await;
    let events = ["--events", "referral-created,referral-updated"];
    let run = register(&rig, &[&events[..], &["--no-test"]].concat()).await;
    assert!(run.stdout.starts_with("changed"), "{run:?}");
    let events = registration(&rig).unwrap().events;
    assert_eq!(
        events,
        ["referral-created", "referral-updated", "test-created"]
    );
    let other = register(&rig, &["--events", "invoice-ready"]).await;
    assert_eq!(other.exit, 64, "{other:?}");
    assert!(
        other.stderr.contains("the connector does nothing with it"),
        "{other:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn showing_changes_nothing_and_says_what_is_wrong() {
    let rig = Rig::start(&[]).await;
    let run = register(&rig, &["--show"]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(run.stdout.contains("no webhook is registered"), "{run:?}");
    assert_eq!(note(&rig.sandbox).await, None);

    registered(&rig).await;
    let url = registration(&rig).unwrap().url;
    somebody_registers(
        &rig,
        url.as_str(),
        &["referral-created", "invoice-ready"],
        false,
    );
    rig.forget_requests();
    let run = register(&rig, &["--show", "--json"]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    let shown = run.json();
    assert_eq!(shown["outcome"], "shown");
    assert_eq!(shown["registration"]["msSignature"], false);
    let findings = shown["findings"].as_array().unwrap().clone();
    let codes: Vec<_> = findings
        .iter()
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        ["webhook_events", "webhook_events", "webhook_signature"]
    );
    assert_eq!(changes(&rig), Vec::<String>::new());

    let run = register(&rig, &["--no-test"]).await;
    assert!(run.stdout.starts_with("changed"), "{run:?}");
    let registered = registration(&rig).unwrap();
    assert!(registered.ms_signature);
    assert!(registered.events.iter().any(|it| it == "invoice-ready"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_looked_up_and_a_race_is_judged_anew() {
    let rig = Rig::start(&[]).await;
    let faults = &rig.world().faults;
    let mut lost = Fault::new(Service::PartnerCenter, Effect::Cut)
        .method("POST")
        .path("/webhooks/v1/registration");
    lost.times = Some(1);
    lost.when = When::After;
    faults.add(lost);
    registered(&rig).await;
    assert_eq!(changes(&rig).len(), 1);

    rig.world().partner_center.lock().unregister();
    let mut race = Fault::new(Service::PartnerCenter, Effect::status(409)).method("POST");
    race.times = Some(1);
    faults.add(race);
    registered(&rig).await;
    assert!(registration(&rig).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn going_without_a_webhook_is_noted_and_asks_nobody() {
    let rig = Rig::start(&[]).await;
    let run = register_with(&rig, &["--poll-only"], &[]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(rig.requests(Service::PartnerCenter).is_empty());
    let note = note(&rig.sandbox).await.unwrap();
    assert!(note.contains(r#""pollOnly":true"#), "{note}");
    // It is no obstacle to registering later.
    registered(&rig).await;
}
