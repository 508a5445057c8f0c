//! Envelopes, and how their answers are judged.

use anyhow::Result;
use http::{HeaderMap, StatusCode};
use sandbox::host::{Outcome, QueueMessage, State, Tick};
use serde_json::{Value, json};

use crate::BOUND;
use crate::app::{App, http};

#[tokio::test]
async fn an_extra_binding_turns_a_call_into_an_envelope() -> Result<()> {
    let app = App::new()?.with(
        "ANSWER_BODY",
        r#"{"Outputs":{"res":{"statusCode":"418","body":"tea"}}}"#,
    );
    let mut function = http(&json!({ "route": "extra" }));
    let queue = json!({ "type": "queue", "direction": "out", "name": "q", "queueName": "q" });
    function["bindings"]
        .as_array_mut()
        .into_iter()
        .for_each(|bindings| bindings.push(queue.clone()));
    app.function("Extra", &function)?;
    std::fs::remove_dir_all(app.folder.path().join("Hook"))?;
    let host = app.start().await?;
    let answer = host.post("Extra", HeaderMap::new(), "the body").await?;
    assert_eq!(
        (answer.status(), &answer.body()[..]),
        (StatusCode::IM_A_TEAPOT, &b"tea"[..])
    );
    let line = host
        .wait_for_log(|line| line.text.starts_with("Extra chunked=true"), BOUND)
        .await?;
    let envelope: Value =
        serde_json::from_str(line.text.trim_start_matches("Extra chunked=true "))?;
    assert_eq!(envelope["Data"]["req"]["Body"], "the body");
    assert_eq!(envelope["Data"]["req"]["Method"], "POST");
    Ok(())
}

#[tokio::test]
async fn a_timer_gets_its_envelope_chunked() -> Result<()> {
    let app = App::new()?.with_timer()?;
    let host = app.start().await?;
    let invocation = host
        .run_timer_with(
            "Tick",
            &Tick {
                past_due: true,
                ..Tick::default()
            },
        )
        .await?;
    assert!(invocation.succeeded(), "{invocation:?}");
    let line = host
        .wait_for_log(|line| line.text.starts_with("Tick chunked=true"), BOUND)
        .await?;
    let envelope: Value = serde_json::from_str(line.text.trim_start_matches("Tick chunked=true "))?;
    let timer = &envelope["Data"]["timer"];
    assert_eq!(timer["Schedule"], json!({ "AdjustForDST": true }));
    assert_eq!(timer["IsPastDue"], true);
    assert_eq!(timer["ScheduleStatus"]["Last"], "0001-01-01T00:00:00+00:00");
    assert_eq!(envelope["Metadata"]["sys"]["MethodName"], "Tick");
    host.run_timer("Tick").await?;
    let second = host
        .logs()
        .into_iter()
        .filter(|line| line.text.starts_with("Tick"))
        .nth(1);
    assert!(second.is_some_and(|line| !line.text.contains("\"Last\":\"0001")));
    Ok(())
}

#[tokio::test]
async fn a_queue_message_arrives_quoted_twice_and_may_override_its_metadata() -> Result<()> {
    let app = App::new()?;
    let trigger =
        json!({ "type": "queueTrigger", "direction": "in", "name": "msg", "queueName": "work" });
    app.function("Work", &json!({ "bindings": [trigger] }))?;
    let host = app.start().await?;
    let message = QueueMessage {
        text: r#"{"DequeueCount":9,"name":"a b"}"#.to_owned(),
        id: uuid::Uuid::new_v4(),
        dequeue_count: 1,
        inserted: jiff::Timestamp::now(),
    };
    assert!(host.run_queue("Work", &message).await?.succeeded());
    let line = host
        .wait_for_log(|line| line.text.starts_with("Work"), BOUND)
        .await?;
    let envelope: Value = serde_json::from_str(line.text.trim_start_matches("Work chunked=true "))?;
    assert_eq!(
        envelope["Data"]["msg"],
        json!(json!(message.text).to_string())
    );
    assert_eq!(envelope["Metadata"]["DequeueCount"], "9");
    assert_eq!(envelope["Metadata"]["name"], "\"a b\"");
    assert_eq!(
        envelope["Metadata"]["Id"],
        json!(json!(message.id.to_string()).to_string())
    );
    Ok(())
}

#[tokio::test]
async fn an_empty_answer_hangs_and_costs_the_handler_its_life() -> Result<()> {
    let app = App::new()?
        .with_timer()?
        .with("ANSWER_STATUS", "204")
        .with("ANSWER_BODY", "");
    let host = app.start().await?;
    let pid = host.pid();
    let invocation = host.run_timer("Tick").await?;
    assert!(
        matches!(invocation.outcome, Outcome::Hung(_)),
        "{invocation:?}"
    );
    let running = |state| matches!(state, State::Running { .. });
    host.wait_for_state(running, BOUND).await?;
    assert_ne!(host.pid(), pid);
    Ok(())
}

#[tokio::test]
async fn the_logs_of_a_failed_answer_are_thrown_away() -> Result<()> {
    let app = App::new()?
        .with_timer()?
        .with("ANSWER_BODY", r#"{"Logs":["a line"]}"#);
    let good = app.start().await?.run_timer("Tick").await?;
    assert_eq!(good.logs, ["a line"]);
    let bad = app
        .with("ANSWER_STATUS", "500")
        .start()
        .await?
        .run_timer("Tick")
        .await?;
    assert!(matches!(bad.outcome, Outcome::Failed(_)));
    assert_eq!(
        (bad.status, bad.logs.len()),
        (Some(StatusCode::INTERNAL_SERVER_ERROR), 0)
    );
    Ok(())
}

#[tokio::test]
async fn a_timer_is_started_by_hand_with_the_master_key() -> Result<()> {
    let app = App::new()?.with_timer()?;
    let host = app.start().await?;
    let url = host.url().join("admin/functions/Tick")?;
    let post = |key: &str| {
        reqwest::Client::new()
            .post(url.clone())
            .header("x-functions-key", key)
            .send()
    };
    assert_eq!(post(host.function_key()).await?.status(), 401);
    assert_eq!(post(host.master_key()).await?.status(), 202);
    host.wait_for_log(
        |line| line.text.starts_with("Executed 'Functions.Tick'"),
        BOUND,
    )
    .await?;
    Ok(())
}
