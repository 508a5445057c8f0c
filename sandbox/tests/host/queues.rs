//! The queue trigger, against a real queue.

use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sandbox::host::{Host, HostOptions, Level, Polling, State};
use sandbox::storage::Storage;
use sandbox::{Effect, Fault, Sandbox, Service};
use serde_json::{Value, json};

use crate::BOUND;
use crate::app::App;

const QUEUE: &str = "work";
const POISON: &str = "work-poison";

/// An app with a function for the queue `work`, and the sandbox whose storage it uses.
struct Fixture {
    sandbox: Sandbox,
    app: App,
    polling: Polling,
}

impl Fixture {
    async fn new() -> Result<Self> {
        let sandbox = Sandbox::start().await?;
        let connection = sandbox.world().storage.connection_string();
        let app = App::new()?.with("AzureWebJobsStorage", &connection);
        let trigger =
            json!({ "type": "queueTrigger", "direction": "in", "name": "msg", "queueName": QUEUE });
        app.function("Work", &json!({ "bindings": [trigger] }))?;
        let polling = Polling {
            longest_pause: Some(Duration::from_millis(50)),
            failed_again_after: Some(Duration::ZERO),
            ..Polling::default()
        };
        let fixture = Self {
            sandbox,
            app,
            polling,
        };
        fixture.queues(&json!({ "messageEncoding": "none" }))?;
        Ok(fixture)
    }

    fn with(self, name: &str, value: &str) -> Self {
        let app = self.app.with(name, value);
        Self { app, ..self }
    }

    fn queues(&self, members: &Value) -> Result<()> {
        self.app
            .host_json(&json!({ "extensions": { "queues": members } }))
    }

    fn storage(&self) -> &Storage {
        &self.sandbox.world().storage
    }

    async fn send(&self, text: &str) -> Result<()> {
        self.storage().send(QUEUE, text).await
    }

    async fn start(&self) -> Result<Host> {
        Host::start(HostOptions {
            polling: self.polling.clone(),
            ..self.app.options()
        })
        .await
    }

    /// Waits until `queue` holds `count` messages, hidden ones too, and gives their texts.
    async fn holds(&self, queue: &str, count: usize) -> Result<Vec<String>> {
        let reached = async {
            loop {
                let messages = self.storage().messages(queue).await?;
                if messages.len() == count {
                    return Ok(messages.into_iter().map(|it| it.text).collect());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(BOUND, reached)
            .await
            .with_context(|| format!("{queue} does not come to {count} messages"))?
    }
}

/// The envelopes that the handler printed.
fn envelopes(host: &Host) -> Vec<Value> {
    let lines = host.logs().into_iter().map(|line| line.text);
    let envelopes = lines.filter_map(|text| {
        let json = text.strip_prefix("Work chunked=true ")?.to_owned();
        serde_json::from_str(&json).ok()
    });
    envelopes.collect()
}

/// Waits until the handler has got `count` messages.
async fn got(host: &Host, count: usize) -> Result<()> {
    let reached = async {
        while envelopes(host).len() < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(BOUND, reached)
        .await
        .with_context(|| format!("{} messages, not {count}", envelopes(host).len()))
}

#[tokio::test]
async fn a_message_is_handed_over_with_what_the_queue_knows_and_deleted() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.send("{\"id\":\"a <b>\"}").await?;
    let sent = fixture.storage().messages(QUEUE).await?.remove(0);
    let host = fixture.start().await?;
    fixture.holds(QUEUE, 0).await?;
    let envelope = envelopes(&host).remove(0);
    let quoted = |text: &str| json!(json!(text).to_string());
    assert_eq!(envelope["Data"]["msg"], quoted("{\"id\":\"a <b>\"}"));
    let metadata = &envelope["Metadata"];
    assert_eq!(metadata["Id"], quoted(&sent.id));
    assert_eq!(metadata["DequeueCount"], "1");
    assert_eq!(metadata["id"], quoted("a <b>"));
    let inserted = sent
        .inserted
        .strftime("%Y-%m-%dT%H:%M:%S+00:00")
        .to_string();
    assert_eq!(metadata["InsertionTime"], inserted);
    let hidden: jiff::Timestamp = metadata["NextVisibleTime"]
        .as_str()
        .unwrap_or_default()
        .parse()?;
    let hidden = hidden.duration_since(jiff::Timestamp::now());
    assert!((550..=600).contains(&hidden.as_secs()), "{hidden}");
    Ok(())
}

#[tokio::test]
async fn what_fails_is_tried_as_often_as_host_json_says_and_then_set_aside() -> Result<()> {
    let fixture = Fixture::new().await?.with("ANSWER_STATUS", "500");
    fixture.queues(&json!({ "messageEncoding": "none", "maxDequeueCount": 3 }))?;
    fixture.send("poison").await?;
    let host = fixture.start().await?;
    assert_eq!(fixture.holds(POISON, 1).await?, ["poison"]);
    fixture.holds(QUEUE, 0).await?;
    let counts = envelopes(&host);
    let counts: Vec<_> = counts
        .iter()
        .map(|it| &it["Metadata"]["DequeueCount"])
        .collect();
    assert_eq!(counts, ["1", "2", "3"]);
    Ok(())
}

#[tokio::test]
async fn a_failed_message_waits_for_the_visibility_timeout() -> Result<()> {
    let mut fixture = Fixture::new().await?.with("ANSWER_STATUS", "503");
    fixture.polling.failed_again_after = None;
    fixture.queues(&json!({ "messageEncoding": "none", "visibilityTimeout": "00:05:00" }))?;
    fixture.send("later").await?;
    let host = fixture.start().await?;
    let failed = |line: &sandbox::host::LogLine| line.text.contains("Failed");
    host.wait_for_log(failed, BOUND).await?;
    let released = async {
        loop {
            let message = fixture.storage().messages(QUEUE).await?.remove(0);
            // Until it is released it is hidden for ten minutes.
            if message.hidden_for() < Duration::from_secs(301) {
                return anyhow::Ok(message);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let message = tokio::time::timeout(BOUND, released).await??;
    assert!(message.hidden_for() > Duration::from_secs(280));
    assert_eq!((message.dequeue_count, envelopes(&host).len()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_success_status_without_json_is_a_failure_too() -> Result<()> {
    let fixture = Fixture::new().await?.with("ANSWER_TYPE", "text/plain");
    fixture.queues(&json!({ "messageEncoding": "none", "maxDequeueCount": 2 }))?;
    fixture.send("plain").await?;
    let host = fixture.start().await?;
    fixture.holds(POISON, 1).await?;
    assert_eq!(envelopes(&host).len(), 2);
    Ok(())
}

#[tokio::test]
async fn under_base64_a_plain_message_goes_to_poison_unseen() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.queues(&json!({}))?;
    fixture.send("{\"plain\":true}").await?;
    fixture.send(&STANDARD.encode("encoded")).await?;
    let host = fixture.start().await?;
    assert_eq!(fixture.holds(POISON, 1).await?, ["{\"plain\":true}"]);
    fixture.holds(QUEUE, 0).await?;
    let seen = envelopes(&host);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["Data"]["msg"], json!(json!("encoded").to_string()));
    Ok(())
}

#[tokio::test]
async fn no_more_messages_are_in_work_than_threshold_and_batch() -> Result<()> {
    let fixture = Fixture::new().await?.with("ANSWER_AFTER_MS", "60000");
    fixture
        .queues(&json!({ "messageEncoding": "none", "batchSize": 3, "newBatchThreshold": 2 }))?;
    for number in 0..9 {
        fixture.send(&number.to_string()).await?;
    }
    let host = fixture.start().await?;
    got(&host, 3).await?;
    // Time for a batch too many.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(envelopes(&host).len(), 3);
    let hidden = fixture.storage().messages(QUEUE).await?;
    let hidden = hidden.iter().filter(|it| it.dequeue_count == 1);
    assert_eq!(hidden.count(), 3);
    Ok(())
}

#[tokio::test]
async fn work_that_a_killed_handler_had_fails_and_is_tried_again() -> Result<()> {
    let fixture = Fixture::new().await?.with("ANSWER_AFTER_MS", "500");
    fixture.send("twice").await?;
    let host = fixture.start().await?;
    got(&host, 1).await?;
    host.kill().await?;
    got(&host, 2).await?;
    assert_eq!(envelopes(&host)[1]["Metadata"]["DequeueCount"], "2");
    fixture.holds(QUEUE, 0).await?;
    assert_eq!(fixture.holds(POISON, 0).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_message_stays_hidden_for_as_long_as_the_handler_has_it() -> Result<()> {
    let mut fixture = Fixture::new().await?.with("ANSWER_AFTER_MS", "3500");
    fixture.polling.hidden = Duration::from_secs(2);
    fixture.send("long").await?;
    let host = fixture.start().await?;
    got(&host, 1).await?;
    fixture.holds(QUEUE, 0).await?;
    assert_eq!(envelopes(&host).len(), 1);
    Ok(())
}

#[tokio::test]
async fn what_a_stopped_host_had_stays_hidden() -> Result<()> {
    let fixture = Fixture::new().await?.with("ANSWER_AFTER_MS", "60000");
    fixture.send("cut short").await?;
    let host = fixture.start().await?;
    got(&host, 1).await?;
    host.stop().await;
    assert_eq!(host.state(), State::Stopped);
    let message = fixture.storage().messages(QUEUE).await?.remove(0);
    assert!(message.hidden_for() > Duration::from_mins(9));
    Ok(())
}

#[tokio::test]
async fn a_signature_is_as_good_a_connection_as_a_key() -> Result<()> {
    let fixture = Fixture::new().await?;
    let signed = fixture.storage().signed_connection_string();
    let fixture = fixture.with("AzureWebJobsStorage", &signed);
    fixture.send("signed").await?;
    let host = fixture.start().await?;
    got(&host, 1).await?;
    fixture.holds(QUEUE, 0).await?;
    Ok(())
}

#[tokio::test]
async fn a_connection_of_another_name_is_looked_up_under_both_its_names() -> Result<()> {
    for setting in ["AzureWebJobsOther", "Other"] {
        let fixture = Fixture::new().await?;
        let connection = fixture.storage().connection_string();
        let fixture = fixture
            .with("AzureWebJobsStorage", "")
            .with(setting, &connection);
        let trigger = json!({ "type": "queueTrigger", "direction": "in", "name": "msg", "queueName": QUEUE, "connection": "Other" });
        fixture
            .app
            .function("Work", &json!({ "bindings": [trigger] }))?;
        fixture.send("other").await?;
        let _host = fixture.start().await?;
        fixture.holds(QUEUE, 0).await?;
    }
    Ok(())
}

#[tokio::test]
async fn without_a_connection_the_listener_does_not_start_and_the_host_does() -> Result<()> {
    let fixture = Fixture::new().await?.with("AzureWebJobsStorage", "");
    let host = fixture.start().await?;
    let error = "The listener for function 'Functions.Work' was unable to start: the app setting AzureWebJobsStorage is missing";
    let line = host.wait_for_log(|line| line.text == error, BOUND).await?;
    assert_eq!(line.level, Level::Error);
    Ok(())
}

#[tokio::test]
async fn polling_outlives_an_outage_of_the_storage_account() -> Result<()> {
    let fixture = Fixture::new().await?;
    let faults = &fixture.sandbox.world().faults;
    faults.add(Fault::new(Service::Storage, Effect::status(503)));
    let host = fixture.start().await?;
    let warned = |line: &sandbox::host::LogLine| line.text.contains("could not poll queue 'work'");
    assert_eq!(
        host.wait_for_log(warned, BOUND).await?.level,
        Level::Warning
    );
    fixture.send("after all").await?;
    faults.clear();
    got(&host, 1).await?;
    fixture.holds(QUEUE, 0).await?;
    Ok(())
}

#[tokio::test]
async fn the_hosts_own_requests_are_not_logged_and_use_no_fault_up() -> Result<()> {
    let fixture = Fixture::new().await?;
    let faults = &fixture.sandbox.world().faults;
    faults.add(Fault::new(Service::Storage, Effect::status(503)).times(1));
    fixture.send("one").await?;
    let _host = fixture.start().await?;
    fixture.holds(QUEUE, 0).await?;
    assert_eq!(faults.list().len(), 1);
    assert_eq!(fixture.sandbox.world().requests.of(Service::Storage), []);
    Ok(())
}

#[tokio::test]
async fn a_host_that_does_not_poll_leaves_messages_alone() -> Result<()> {
    let mut fixture = Fixture::new().await?;
    fixture.polling.enabled = false;
    fixture.send("mine").await?;
    let _host = fixture.start().await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(fixture.storage().messages(QUEUE).await?[0].dequeue_count, 0);
    Ok(())
}
