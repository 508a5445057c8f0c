//! The JSON body by which the host hands anything but a plain HTTP call to the handler.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use jiff::Timestamp;
use jiff::fmt::strtime;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::function::Function;

/// One firing of a timer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tick {
    /// Whether the run was due while no host ran.
    pub past_due: bool,
    /// The time of the run before, when there was one.
    pub last: Option<Timestamp>,
    /// How often the host has tried this run before, under a retry policy.
    pub retry_count: i64,
}

/// One delivery of a queue message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMessage {
    /// The message's text.
    pub text: String,
    /// The queue's id of the message.
    pub id: Uuid,
    /// The number of this delivery, from 1.
    pub dequeue_count: u32,
    /// When it was put into the queue.
    pub inserted: Timestamp,
}

/// A message as the queue handed it out.
pub(super) struct Delivery {
    pub(super) message: QueueMessage,
    /// What proves that it was taken.
    pub(super) receipt: String,
    /// When the queue drops it; `None` is never.
    pub(super) expires: Option<Timestamp>,
    /// Until when it is hidden.
    pub(super) visible: Timestamp,
}

/// The envelope of a timer run at `now`.
pub(super) fn timer(function: &Function, use_monitor: bool, tick: &Tick, now: Timestamp) -> Value {
    let status = json!({
        "Last": tick.last.map_or_else(|| NEVER.to_owned(), date),
        "Next": whole_seconds(now),
        "LastUpdated": tick.last.map_or_else(|| NEVER.to_owned(), date),
    });
    let data = json!({
        "Schedule": { "AdjustForDST": true },
        "ScheduleStatus": if use_monitor { status } else { Value::Null },
        "IsPastDue": tick.past_due,
    });
    let mut metadata = system(function, now);
    retry_context(function, tick.retry_count, &mut metadata);
    envelope(function, data, metadata)
}

/// The envelope of a queue message delivered at `now`.
pub(super) fn queue(function: &Function, delivery: &Delivery, now: Timestamp) -> Value {
    let message = &delivery.message;
    let mut metadata = system(function, now);
    metadata.insert(
        "DequeueCount".to_owned(),
        json!(message.dequeue_count.to_string()),
    );
    metadata.insert("Id".to_owned(), quoted(&message.id.to_string()));
    metadata.insert("PopReceipt".to_owned(), quoted(&delivery.receipt));
    metadata.insert(
        "InsertionTime".to_owned(),
        json!(whole_seconds(message.inserted)),
    );
    metadata.insert(
        "ExpirationTime".to_owned(),
        json!(
            delivery
                .expires
                .map_or_else(|| NEVER_EXPIRES.to_owned(), whole_seconds)
        ),
    );
    metadata.insert(
        "NextVisibleTime".to_owned(),
        json!(whole_seconds(delivery.visible)),
    );
    // The properties of a JSON object override what the queue says under the same name.
    if let Ok(Value::Object(properties)) = serde_json::from_str(&message.text) {
        metadata.extend(
            properties
                .into_iter()
                .filter(|(name, value)| {
                    !value.is_array()
                        && !value.is_null()
                        && !name.to_ascii_lowercase().ends_with("trigger")
                })
                .map(|(name, value)| (name, as_metadata(value))),
        );
    }
    envelope(function, quoted(&message.text), metadata)
}

/// The envelope of an HTTP call to a function that is not HTTP in and HTTP out alone.
pub(super) fn http(
    function: &Function,
    url: &str,
    parts: &Parts,
    body: &Bytes,
    now: Timestamp,
) -> Value {
    let mut headers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in &parts.headers {
        let values = headers.entry(name.as_str()).or_default();
        values.push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let mut data = json!({
        "Url": url,
        "Method": parts.method.as_str(),
        "Query": query.into_owned().collect::<BTreeMap<String, String>>(),
        "Headers": headers,
        "Params": {},
        "Identities": [],
    });
    if !body.is_empty() {
        data["Body"] = json!(String::from_utf8_lossy(body));
    }
    envelope(function, data, system(function, now))
}

/// The end of a message that has none.
const NEVER_EXPIRES: &str = "9999-12-31T23:59:59+00:00";
/// The .NET default date, which stands for "not yet".
const NEVER: &str = "0001-01-01T00:00:00+00:00";

fn envelope(function: &Function, data: Value, metadata: Map<String, Value>) -> Value {
    let data = Map::from_iter([(function.binding.clone(), data)]);
    Value::Object(Map::from_iter([
        ("Data".to_owned(), Value::Object(data)),
        ("Metadata".to_owned(), Value::Object(metadata)),
    ]))
}

fn system(function: &Function, now: Timestamp) -> Map<String, Value> {
    let sys = json!({
        "MethodName": function.name,
        "UtcNow": format!("{now:.7}"),
        "RandGuid": Uuid::new_v4().to_string(),
    });
    Map::from_iter([("sys".to_owned(), sys)])
}

fn retry_context(function: &Function, retry_count: i64, metadata: &mut Map<String, Value>) {
    let Some(max_retry_count) = function.max_retry_count else {
        return;
    };
    let exception = (retry_count > 0).then(|| {
        json!({
            "ClassName": "System.InvalidOperationException",
            "Message": "the run before failed",
            "Data": null,
            "InnerException": null,
            "HResult": -2_146_233_079,
            "Source": "host",
        })
    });
    let context = json!({
        "RetryCount": retry_count,
        "MaxRetryCount": max_retry_count,
        "Exception": exception,
    });
    metadata.insert("RetryContext".to_owned(), context);
}

/// A string is serialised to JSON and then carried as a string: it arrives quoted twice.
fn quoted(text: &str) -> Value {
    Value::String(Value::String(text.to_owned()).to_string())
}

/// Objects are carried as they are, everything else as the string of its JSON.
fn as_metadata(value: Value) -> Value {
    if value.is_object() {
        value
    } else {
        Value::String(value.to_string())
    }
}

fn date(time: Timestamp) -> String {
    strtime::format("%Y-%m-%dT%H:%M:%S%.f+00:00", time).expect("a timestamp has all these parts")
}

fn whole_seconds(time: Timestamp) -> String {
    strtime::format("%Y-%m-%dT%H:%M:%S+00:00", time).expect("a timestamp has all these parts")
}
