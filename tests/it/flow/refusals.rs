//! A flow that cannot be run, or does not want to: what passes is waited out, what only a person can help says so.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::*;

/// The line that says what a person has to put right.
async fn misconfigured(rig: &Rig) -> String {
    let lines = rig.lines("misconfigured").await;
    lines[0]["error"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_is_down_gets_everything_once_it_is_back() {
    let rig = rig(&IMPATIENT).await;
    for down in [
        Effect::status(503),
        Effect::status(502),
        Effect::status(504),
        Effect::Cut,
    ] {
        rig.world().faults.add(Fault::new(Service::Flow, down));
        let id = rig.seed(ReferralBuilder::new());
        let answer = rig.created(&id).await;
        assert_eq!((answer.status, answer.code()), (200, "parked"));
        assert_eq!(rig.log(&answer).await["cause"], "flow");
        rig.world().faults.clear();
        rig.until(|rig| named(rig, &id).is_string()).await;
    }
    assert_eq!(runs(&rig).len(), 4);
    nothing_secret_is_logged(&rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_asks_for_patience_gets_it() {
    let rig = rig(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    let throttled = Fault::new(Service::Flow, Effect::throttled(3)).times(1);
    rig.world().faults.add(throttled);
    assert_eq!(rig.created(&id).await.code(), "synced");
    let requests = rig.world().requests.of(Service::Flow);
    assert_eq!(requests.len(), 2);
    let waited = requests[1].started.duration_since(requests[0].started);
    assert!(SignedDuration::from_secs(3) <= waited, "{waited}");
    assert_eq!(runs(&rig).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_is_asked_for_again_under_the_same_key() {
    let rig = rig(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    let lost = Fault::new(Service::Flow, Effect::Cut).after().times(1);
    rig.world().faults.add(lost);
    assert_eq!(rig.created(&id).await.code(), "parked");
    rig.until(|rig| named(rig, &id).is_string()).await;
    let runs = runs(&rig);
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0].key, runs[1].key);
    assert_eq!(rig.world().flow.lock().records().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_flow_does_not_take_is_a_dead_letter_that_says_where_to_look() {
    let rig = rig(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    let refused = Fault::new(Service::Flow, Effect::status(422));
    rig.world().faults.add(refused);
    assert_eq!(rig.created(&id).await.code(), "dead_lettered");
    rig.world().faults.clear();
    let environment = crate::rig::overlay(rig.sandbox.settings(), &FLOW);
    let shown = crate::program::run(&["dead-letters", "show", &id], &environment).await;
    assert!(
        shown.text().contains("run history of the flow"),
        "{shown:?}"
    );
    // Once the flow takes it, the letter goes.
    assert_eq!(rig.updated(&id).await.code(), "synced");
    let gone = crate::program::run(&["dead-letters", "list", "--json"], &environment).await;
    assert!(!gone.text().contains(&id), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_was_deleted_stops_everything_until_a_person_puts_it_right() {
    let rig = rig(&IMPATIENT).await;
    let absent = Effect::Status {
        code: 404,
        headers: BTreeMap::new(),
        body: json!({ "error": { "code": "WorkflowNotFound", "message": "…" } }),
    };
    rig.world().faults.add(Fault::new(Service::Flow, absent));
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "parked");
    let error = misconfigured(&rig).await;
    assert!(error.contains("no flow at FLOW_URL"), "{error}");
    rig.world().faults.clear();
    rig.until(|rig| named(rig, &id).is_string()).await;
    nothing_secret_is_logged(&rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_is_switched_off_says_so() {
    let rig = rig(&[]).await;
    rig.world().flow.lock().switch(false);
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "parked");
    let error = misconfigured(&rig).await;
    assert!(error.contains("switched off"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_signature_is_told_without_repeating_it() {
    let sandbox = Sandbox::start().await.unwrap();
    let url = sandbox.world().flow_url();
    let wrong = url.as_str().replace("sig=", "sig=wrong");
    let settings = [FLOW[0], FLOW[1], ("FLOW_URL", &*wrong)];
    let rig = Rig::with(sandbox, Wire::Proxying, &settings).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "parked");
    let error = misconfigured(&rig).await;
    assert!(error.contains("does not let us in"), "{error}");
    nothing_secret_is_logged(&rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_wants_a_sign_in_gets_the_identitys_token_for_its_very_audience() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.world().flow.lock().want_sign_in();
    let url = sandbox.world().flow_url();
    let settings = [
        FLOW[0],
        FLOW[1],
        ("FLOW_URL", url.as_str()),
        ("FLOW_AUDIENCE", sandbox::flow::AUDIENCE),
    ];
    let rig = Rig::with(sandbox, Wire::Proxying, &settings).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    assert!(named(&rig, &id).is_string());
    let asked = rig.world().requests.of(Service::Identity);
    let audiences: Vec<_> = asked.iter().filter_map(|it| it.query.clone()).collect();
    let exact = |query: &String| query.contains("service.flow.microsoft.com%2F&");
    let at_end = |query: &String| query.ends_with("service.flow.microsoft.com%2F");
    let told = audiences.iter().any(|it| exact(it) || at_end(it));
    assert!(told, "{audiences:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_says_how_the_flow_is_reached_and_does_not_run_it() {
    let rig = rig(&[]).await;
    let environment = crate::rig::overlay(rig.sandbox.settings(), &FLOW);
    let check = crate::program::run(&["check", "--json"], &environment).await;
    let findings = check.json()["findings"].as_array().unwrap().clone();
    let flow = findings.iter().find(|it| it["code"] == "flow").unwrap();
    assert_eq!(
        (&flow["level"], &flow["about"]),
        (&"ok".into(), &"127.0.0.1".into())
    );
    assert!(
        findings.iter().all(|it| it["code"] != "dataverse"),
        "{check:?}"
    );
    assert_eq!(runs(&rig).len(), 0);
}
