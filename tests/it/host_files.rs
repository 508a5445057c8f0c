//! What the code and the files of the Functions host have to agree on.

use std::path::Path;
use std::time::Duration;

use referral_connector::server::{
    DAILY_BUDGET, OFTEN_BUDGET, RECONCILE_BUDGET, RENEWAL_BUDGET, RETRY_BUDGET, WEBHOOK_BUDGET,
};
use referral_connector::upstream::retry::RetryPolicy;
use referral_connector::upstream::storage::RETRY_QUEUE;
use serde_json::{Value, json};

use crate::rig::APP_ROOT;

/// How long the real host hides a message while its function runs, before it prolongs that (`QueueProcessor`).
const HIDDEN: Duration = Duration::from_mins(10);

/// What ends after a budget does: the answer's way back.
const MARGIN: Duration = Duration::from_secs(30);

fn json_of(path: &str) -> Value {
    let text = std::fs::read_to_string(Path::new(APP_ROOT).join(path)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn host_json() -> Value {
    json_of("host.json")
}

/// `hh:mm:ss`.
fn span(text: &Value) -> Duration {
    let parts: Vec<u64> = text
        .as_str()
        .unwrap()
        .split(':')
        .map(|part| part.parse().unwrap())
        .collect();
    Duration::from_secs(parts[0] * 3600 + parts[1] * 60 + parts[2])
}

#[test]
fn every_budget_ends_well_before_the_host_would_kill_the_program() {
    let timeout = span(&host_json()["functionTimeout"]);
    for budget in [
        WEBHOOK_BUDGET,
        RETRY_BUDGET,
        RENEWAL_BUDGET + DAILY_BUDGET,
        RECONCILE_BUDGET + OFTEN_BUDGET,
    ] {
        assert!(budget + MARGIN < timeout, "{budget:?} of {timeout:?}");
    }
}

#[test]
fn a_parked_referral_is_answered_while_its_message_is_still_hidden() {
    assert!(RETRY_BUDGET + MARGIN < HIDDEN);
}

#[test]
fn the_host_reads_messages_as_they_are_written() {
    // Under the default, base64, every message would go to the poison queue without ever being read.
    assert_eq!(
        host_json()["extensions"]["queues"]["messageEncoding"],
        "none"
    );
}

#[test]
fn a_message_that_could_not_be_kept_comes_again_later_and_more_than_once() {
    let queues = &host_json()["extensions"]["queues"];
    assert!(Duration::from_secs(30) <= span(&queues["visibilityTimeout"]));
    assert!(5 <= queues["maxDequeueCount"].as_u64().unwrap());
}

#[test]
fn an_instance_takes_no_more_messages_than_dataverse_takes_calls() {
    let queues = &host_json()["extensions"]["queues"];
    let count = |name: &str| queues[name].as_u64().unwrap();
    // The next batch is fetched while so many of the last are under way. Dataverse takes 52 calls of a user at once.
    assert!(count("batchSize") + count("newBatchThreshold") <= 16);
}

#[test]
fn only_we_and_never_the_host_repeat_a_retry() {
    let function = json_of("ReferralRetry/function.json");
    let trigger = json!([{
        "type": "queueTrigger",
        "direction": "in",
        "name": "job",
        "queueName": RETRY_QUEUE,
        "connection": "AzureWebJobsStorage",
    }]);
    assert_eq!(function["bindings"], trigger);
    assert_eq!(function["retry"], Value::Null);
    assert_eq!(host_json()["retry"], Value::Null);
}

#[test]
fn the_calls_of_a_sync_are_repeated_within_the_webhooks_budget() {
    let policy = RetryPolicy::CALL;
    let disposition = referral_connector::failure::Disposition::RETRY;
    let waits: Duration = (1..policy.attempts)
        .filter_map(|failed| policy.delay(failed, disposition, 1.0))
        .sum();
    assert!(waits < WEBHOOK_BUDGET / 2, "{waits:?}");
}

#[test]
fn both_ways_of_passing_http_on_are_asked_for() {
    let handler = &host_json()["customHandler"];
    assert_eq!(handler["enableProxyingHttpRequest"], true);
    assert_eq!(handler["enableForwardingHttpRequest"], true);
    assert_eq!(
        handler["description"]["defaultExecutablePath"],
        "referral-connector"
    );
    assert_eq!(handler["description"]["arguments"], json!(["serve"]));
}
