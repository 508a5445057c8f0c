//! The rules of the Functions host, shown with a handler that does what it is told.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use http::{HeaderMap, StatusCode};
use sandbox::host::{Host, HostOptions, Level, Outcome, QueueMessage, Source, State, Tick, Wire};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const BOUND: Duration = Duration::from_secs(10);

/// An app folder whose handler is the scripted one.
struct App {
    folder: TempDir,
    settings: BTreeMap<String, String>,
    wire: Wire,
}

impl App {
    fn new() -> Result<Self> {
        let app = Self {
            folder: TempDir::new()?,
            settings: BTreeMap::new(),
            wire: Wire::Proxying,
        };
        app.host_json(&json!({}))?;
        app.function(
            "Hook",
            &http(&json!({ "methods": ["post"], "route": "{*rest}", "authLevel": "function" })),
        )?;
        Ok(app)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    fn with_timer(self) -> Result<Self> {
        let schedule = json!({ "type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "%WHEN%" });
        self.function("Tick", &json!({ "bindings": [schedule] }))?;
        Ok(self.with("WHEN", "0 0 5 * * *"))
    }

    fn forwarding(mut self) -> Self {
        self.wire = Wire::Forwarding;
        self
    }

    /// Members given here replace those of a plain `host.json`.
    fn host_json(&self, members: &Value) -> Result<()> {
        let mut all = json!({
            "version": "2.0",
            "customHandler": {
                "description": { "defaultExecutablePath": "scripted-handler", "arguments": ["serve", "%WHEN%"] },
                "enableForwardingHttpRequest": true,
                "enableProxyingHttpRequest": true,
                "initializationTimeout": "00:00:10",
            },
        });
        for (name, value) in members.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        std::fs::write(self.folder.path().join("host.json"), all.to_string())?;
        Ok(())
    }

    fn function(&self, name: &str, json: &Value) -> Result<()> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("function.json"), json.to_string())?;
        Ok(())
    }

    fn options(&self) -> HostOptions {
        HostOptions {
            executable: Some(Path::new(env!("CARGO_BIN_EXE_scripted-handler")).to_owned()),
            wire: self.wire,
            ..HostOptions::new(self.folder.path(), self.settings.clone())
        }
    }

    async fn start(&self) -> Result<Host> {
        Host::start(self.options()).await
    }
}

/// An HTTP function with these members of its trigger.
fn http(members: &Value) -> Value {
    let mut trigger = json!({ "type": "httpTrigger", "direction": "in", "name": "req" });
    for (name, value) in members.as_object().into_iter().flatten() {
        trigger[name] = value.clone();
    }
    json!({ "bindings": [trigger, { "type": "http", "direction": "out", "name": "res" }] })
}

/// Sends raw bytes to the host and gives the raw answer.
async fn raw(host: &Host, request: &str) -> Result<String> {
    let port = host.url().port().unwrap_or_default();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    tokio::time::timeout(BOUND, stream.read_to_string(&mut answer)).await??;
    Ok(answer)
}

/// What the echoing handler saw of a raw POST with these header lines and this body.
async fn echoed(host: &Host, target: &str, headers: &str, body: &str) -> Result<Value> {
    let key = host.function_key();
    let request = format!(
        "POST {target} HTTP/1.1\r\nHost: pub.example\r\nConnection: close\r\nx-functions-key: {key}\r\n{headers}\r\n{body}"
    );
    let answer = raw(host, &request).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    assert!(head.starts_with("HTTP/1.1 202"), "{answer}");
    let start = body.find('{').unwrap_or_default();
    let end = body.rfind('}').unwrap_or_default();
    Ok(serde_json::from_str(&body[start..=end])?)
}

fn header<'a>(seen: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = seen["headers"].as_array().into_iter().flatten();
    headers
        .filter(|pair| pair[0] == name)
        .filter_map(|pair| pair[1].as_str())
        .collect()
}

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
async fn a_call_needs_the_key_the_method_and_the_route() -> Result<()> {
    let app = App::new()?;
    let host = app.start().await?;
    let client = reqwest::Client::new();
    let url = host.url().join("api/x")?;
    let with_code = |key: &str| format!("{url}?code={key}");
    for (request, status) in [
        (client.post(url.clone()), 401),
        (
            client.post(url.clone()).header("x-functions-key", "wrong"),
            401,
        ),
        (
            client
                .post(with_code(host.function_key()))
                .header("x-functions-key", "wrong"),
            401,
        ),
        (client.post(with_code(host.function_key())), 202),
        (client.post(with_code(host.master_key())), 202),
        (client.get(with_code(host.function_key())), 404),
        (client.post(host.url().join("Hook")?), 404),
        (client.post(host.url().join("api/../Hook")?), 404),
        (client.get(host.url().clone()), 200),
    ] {
        assert_eq!(request.send().await?.status(), status);
    }
    Ok(())
}

#[tokio::test]
async fn proxying_keeps_the_request_and_hides_the_public_host() -> Result<()> {
    let app = App::new()?;
    let host = app.start().await?;
    let headers = "X-Azure-Functions-InvocationId: spoof\r\nContent-Encoding: gzip\r\nKeep-Alive: 5\r\n\
                   X-Forwarded-For: 1.2.3.4\r\nX-Multi: a\r\nX-Multi: b\r\nTransfer-Encoding: chunked\r\n";
    let seen = echoed(
        &host,
        "/api/x%20y?b=1&b=2&A",
        headers,
        "3\r\nabc\r\n0\r\n\r\n",
    )
    .await?;
    assert_eq!(seen["target"], "/api/x%20y?b=1&b=2&A");
    assert_eq!(seen["body"], "abc");
    assert_eq!(header(&seen, "content-encoding"), ["gzip"]);
    assert_eq!(header(&seen, "transfer-encoding"), ["chunked"]);
    assert_eq!(header(&seen, "x-multi"), ["a", "b"]);
    assert_eq!(header(&seen, "x-forwarded-host"), ["pub.example"]);
    assert_eq!(header(&seen, "x-forwarded-for"), ["127.0.0.1"]);
    assert!(header(&seen, "host")[0].starts_with("127.0.0.1:"));
    assert!(header(&seen, "keep-alive").is_empty());
    assert_eq!(header(&seen, "x-azure-functions-invocationid").len(), 1);
    assert!(
        header(&seen, "x-azure-functions-invocationid")[0]
            .parse::<uuid::Uuid>()
            .is_ok()
    );
    Ok(())
}

#[tokio::test]
async fn forwarding_builds_the_request_anew() -> Result<()> {
    let app = App::new()?.forwarding();
    let host = app.start().await?;
    let headers = "X-Azure-Functions-InvocationId: spoof\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\
                   Content-Type: application/json; charset=utf-8\r\nUser-Agent: curl/8\r\nX-Multi: a\r\nX-Multi: b\r\n";
    let seen = echoed(&host, "/api/a%3Fb?b=1&B=2&flag", headers, "abc").await?;
    assert_eq!(seen["target"], "/api/a?b=1%2C2&flag=");
    assert_eq!(seen["body"], "abc");
    assert!(header(&seen, "content-encoding").is_empty());
    assert_eq!(
        header(&seen, "content-type"),
        ["application/json; charset=utf-8"]
    );
    assert_eq!(header(&seen, "x-multi"), ["a, b"]);
    assert_eq!(header(&seen, "host"), ["pub.example"]);
    assert!(header(&seen, "user-agent")[0].starts_with("curl/8 Azure-Functions-Host/4."));
    let id = header(&seen, "x-azure-functions-invocationid")[0];
    assert!(
        id.strip_prefix("spoof, ")
            .is_some_and(|id| id.parse::<uuid::Uuid>().is_ok()),
        "{id}"
    );
    Ok(())
}

#[tokio::test]
async fn forwarding_fails_on_chunked_bodies_and_broken_media_types() -> Result<()> {
    let app = App::new()?.forwarding();
    let host = app.start().await?;
    let key = host.function_key();
    for rest in [
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "Content-Length: 3\r\nContent-Type: nonsense\r\n\r\nabc",
    ] {
        let head = "POST /api/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nx-functions-key: ";
        let answer = raw(&host, &format!("{head}{key}\r\n{rest}")).await?;
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    }
    Ok(())
}

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

#[tokio::test]
async fn what_the_host_refuses_is_not_indexed_and_said() -> Result<()> {
    let app = App::new()?.with_timer()?;
    let app = App {
        settings: BTreeMap::new(),
        ..app
    };
    app.function("1st", &http(&json!({})))?;
    app.function("Host", &http(&json!({})))?;
    app.function("Admin", &http(&json!({ "route": "admin/x" })))?;
    app.function("Runtime", &http(&json!({ "route": "/runtime" })))?;
    app.function("Name", &http(&json!({ "name": "a-b" })))?;
    app.function("Script", &http(&json!({})))?;
    std::fs::write(app.folder.path().join("Script/notes.txt"), "x")?;
    let trigger =
        json!({ "type": "timerTrigger", "direction": "in", "name": "t", "schedule": "every day" });
    app.function("Words", &json!({ "bindings": [trigger] }))?;
    let host = app.start().await?;
    let indexed: Vec<&str> = host
        .app()
        .functions
        .iter()
        .map(|function| &*function.name)
        .collect();
    assert_eq!(indexed, ["Hook"]);
    let reason = |name: &str| {
        let refusal = host
            .app()
            .refused
            .iter()
            .find(|refusal| refusal.function == name);
        refusal
            .map(|refusal| refusal.reason.clone())
            .unwrap_or_default()
    };
    assert!(reason("Tick").contains("app setting WHEN is missing"));
    assert!(reason("Admin").contains("built in routes"));
    assert!(reason("Script").contains("notes.txt"));
    assert!(
        host.errors()
            .iter()
            .any(|line| line.text.starts_with("The 'Words' function is in error"))
    );
    assert!(host.run_timer("Tick").await.is_err());
    Ok(())
}

#[tokio::test]
async fn without_a_function_no_handler_is_started() -> Result<()> {
    let app = App::new()?;
    std::fs::remove_dir_all(app.folder.path().join("Hook"))?;
    let host = app.start().await?;
    assert_eq!(host.state(), State::NoFunctions);
    Ok(())
}

#[tokio::test]
async fn the_executable_goes_by_the_name_in_host_json() -> Result<()> {
    let app = App::new()?;
    let options = HostOptions {
        executable: Some("/bin/sh".into()),
        ..app.options()
    };
    assert!(
        Host::start(options)
            .await
            .is_err_and(|error| error.to_string().contains("scripted-handler"))
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
