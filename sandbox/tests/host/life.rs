//! The handler's life: environment, console, readiness, exits.

use std::collections::BTreeMap;

use anyhow::Result;
use http::{HeaderMap, StatusCode};
use sandbox::host::{Host, Level, Source, State};
use serde_json::json;

use crate::BOUND;
use crate::app::App;

#[tokio::test]
async fn the_handler_gets_its_port_and_the_settings_and_nothing_of_the_parent() -> Result<()> {
    let app = App::new()?.with("A_SETTING", "its value");
    let host = app.start().await?;
    let answer = host.post("Hook", HeaderMap::new(), "").await?;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let url = host.url().join("api/environment")?;
    let answer = reqwest::Client::new()
        .post(url)
        .header("x-functions-key", host.function_key())
        .send()
        .await?;
    let environment: BTreeMap<String, String> = serde_json::from_str(&answer.text().await?)?;
    let State::Running { port, pid } = host.state() else {
        panic!("{:?}", host.state())
    };
    assert_eq!(
        environment["FUNCTIONS_CUSTOMHANDLER_PORT"],
        port.to_string()
    );
    assert_eq!(environment["FUNCTIONS_HTTPWORKER_PORT"], port.to_string());
    assert_eq!(
        environment["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"],
        environment["FUNCTIONS_HTTPWORKER_ID"]
    );
    assert_eq!(
        environment["FUNCTIONS_APP_ROOT_PATH"],
        host.app().root.to_string_lossy()
    );
    assert_eq!(environment["A_SETTING"], "its value");
    // Set by cargo for this test, and of no concern to the handler.
    assert!(
        !environment.contains_key("CARGO_MANIFEST_DIR"),
        "{environment:?}"
    );
    assert_eq!(host.pid(), Some(pid));
    Ok(())
}

#[tokio::test]
async fn console_lines_get_the_hosts_levels() -> Result<()> {
    let app = App::new()?.with("WHEN", "today");
    let host = app.start().await?;
    let line = |text: &'static str| host.wait_for_log(move |line| line.text == text, BOUND);
    let arguments = line(r#"arguments ["serve", "today"]"#).await?;
    assert_eq!(
        (arguments.source, arguments.level),
        (Source::Stdout, Level::Information)
    );
    assert_eq!(line("a Warning on stderr").await?.level, Level::Warning);
    assert_eq!(line("trouble on stderr").await?.level, Level::Error);
    assert_eq!(host.errors().len(), 1);
    Ok(())
}

#[tokio::test]
async fn exit_code_zero_leaves_a_zombie() -> Result<()> {
    let app = App::new()?;
    let host = app.start().await?;
    assert_eq!(host.terminate(BOUND).await?.code(), Some(0));
    host.wait_for_state(|state| matches!(state, State::Zombie { .. }), BOUND)
        .await?;
    assert_eq!(
        host.post("Hook", HeaderMap::new(), "").await?.status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
    host.restart().await?;
    assert_eq!(
        host.post("Hook", HeaderMap::new(), "").await?.status(),
        StatusCode::ACCEPTED
    );
    Ok(())
}

#[tokio::test]
async fn the_third_counted_exit_stops_the_host() -> Result<()> {
    let app = App::new()?.with("EXIT_AT_START", "101");
    let host = Host::begin(app.options()).await?;
    host.wait_for_state(|state| state == State::Stopped, BOUND)
        .await?;
    let starts = host
        .logs()
        .iter()
        .filter(|line| line.text.starts_with("arguments"))
        .count();
    assert_eq!(starts, 3, "{:#?}", host.logs());
    assert!(
        host.errors()
            .iter()
            .any(|line| line.text.contains("Shutting down Functions Host"))
    );
    let answer = host.post("Hook", HeaderMap::new(), "").await?;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body(), "Function host is not running.");
    Ok(())
}

#[tokio::test]
async fn exit_code_200_is_a_restart_that_is_not_counted() -> Result<()> {
    let app = App::new()?;
    let host = app.start().await?;
    for _ in 0..4 {
        let pid = host.pid();
        let url = host
            .url()
            .join(&format!("api/exit/200?code={}", host.function_key()))?;
        assert_eq!(reqwest::Client::new().post(url).send().await?.status(), 500);
        let other = |state| matches!(state, State::Running { pid: now, .. } if Some(now) != pid);
        host.wait_for_state(other, BOUND).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_killed_handler_is_started_again() -> Result<()> {
    let app = App::new()?;
    let host = app.start().await?;
    let pid = host.pid();
    assert_eq!(host.kill().await?.code(), None);
    host.wait_for_state(
        |state| matches!(state, State::Running { pid: now, .. } if Some(now) != pid),
        BOUND,
    )
    .await?;
    assert!(
        host.errors()
            .iter()
            .any(|line| line.text == "the handler exited with code 137")
    );
    Ok(())
}

#[tokio::test]
async fn a_function_timeout_kills_the_handler_with_everything_it_does() -> Result<()> {
    let app = App::new()?;
    app.host_json(&json!({ "functionTimeout": "00:00:01" }))?;
    let host = app.start().await?;
    let pid = host.pid();
    let url = host
        .url()
        .join(&format!("api/hang?code={}", host.function_key()))?;
    assert_eq!(reqwest::Client::new().post(url).send().await?.status(), 500);
    host.wait_for_state(|state| matches!(state, State::Running { .. }), BOUND)
        .await?;
    assert_ne!(host.pid(), pid);
    Ok(())
}

#[tokio::test]
async fn a_late_listener_is_waited_for_and_a_later_one_is_given_up() -> Result<()> {
    let app = App::new()?.with("LISTEN_AFTER_MS", "300");
    assert!(matches!(app.start().await?.state(), State::Running { .. }));
    let app = app.with("LISTEN_AFTER_MS", "60000").with(
        "AzureFunctionsJobHost__customHandler__initializationTimeout",
        "00:00:01",
    );
    let error = app
        .start()
        .await
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(error.contains("did not answer GET / within 1s"), "{error}");
    Ok(())
}
