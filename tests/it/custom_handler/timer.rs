//! The timer's envelope, as the host sends it and as it must not be.

use sandbox::host::{Outcome, Tick};
use serde_json::Value;

use crate::raw::Raw;
use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_own_envelope_is_taken_run_after_run() {
    let rig = Rig::start(&[]).await;
    for tick in [
        Tick::default(),
        Tick {
            past_due: true,
            last: Some(rig.world().clock.now()),
            retry_count: 2,
        },
    ] {
        let run = rig
            .host
            .run_timer_with("TokenRenewal", &tick)
            .await
            .unwrap();
        assert!(run.succeeded(), "{run:?}");
        assert_eq!(run.logs, ["refresh token: stored"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_without_the_schedules_status_is_taken_too() {
    let rig = Rig::start(&[]).await;
    let envelope = br#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"TokenRenewal","UtcNow":"2026-11-22T13:50:29.4871655Z","RandGuid":"d8ae7b03-05fc-4e79-91ce-78792bea4074"}}}"#;
    let reply = Raw::post("/TokenRenewal")
        .chunked(envelope)
        .send(rig.handler())
        .await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["ReturnValue"]["refreshToken"], "stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_envelope_fails_the_run() {
    let rig = Rig::start(&[]).await;
    for body in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"Data":null}"#,
        r#"{"Data":{"timer":"#,
        "\u{feff}{}",
    ] {
        let reply = Raw::post("/TokenRenewal")
            .chunked(body.as_bytes())
            .send(rig.handler())
            .await;
        assert_eq!(
            reply.verdict(),
            (400, "bad_envelope".to_owned()),
            "{body:?}"
        );
    }
    assert_eq!(rig.requests(sandbox::Service::Entra), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_the_timer_is_an_object_with_something_in_it() {
    let rig = Rig::start(&[]).await;
    let now = rig.world().clock.now();
    let good = rig.host.run_timer("TokenRenewal").await.unwrap();
    rig.world().entra.lock().revoke_refresh_tokens(now);
    let refused = rig.host.run_timer("TokenRenewal").await.unwrap();
    assert!(good.succeeded() && matches!(refused.outcome, Outcome::Failed(_)));
    let huge = vec![b' '; 300 * 1024];
    let mut bodies = vec![good.body.to_vec(), refused.body.to_vec()];
    for body in [b"".as_slice(), b"null", &huge] {
        let reply = Raw::post("/TokenRenewal")
            .chunked(body)
            .send(rig.handler())
            .await;
        assert_eq!(reply.header("content-type"), Some("application/json"));
        bodies.push(reply.body);
    }
    for body in bodies {
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert!(!answer.as_object().unwrap().is_empty());
    }
}
