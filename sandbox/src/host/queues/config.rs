//! `extensions.queues` of `host.json`.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::host::values;

/// How the host reads queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queues {
    /// `batchSize`: how many messages are taken at once, 16 when absent, 32 at most.
    pub batch_size: u32,
    /// `newBatchThreshold`: how few must be in work before more are taken; half a batch for each processor when absent.
    pub new_batch_threshold: usize,
    /// `maxDequeueCount`: how often a message is tried before it goes to the poison queue, 5 when absent.
    pub max_dequeue_count: u32,
    /// `visibilityTimeout`: how long after a failure a message is tried again, at once when absent.
    pub visibility_timeout: Duration,
    /// `maxPollingInterval`: the longest pause between two looks at an empty queue, a minute when absent.
    pub max_polling_interval: Duration,
    /// `messageEncoding`: base64 when absent.
    pub message_encoding: MessageEncoding,
}

/// How the text of messages is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageEncoding {
    /// Not at all.
    None,
    /// As base64. A message that is not goes to the poison queue unseen.
    Base64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::host) struct QueuesJson {
    batch_size: Option<Value>,
    new_batch_threshold: Option<Value>,
    max_dequeue_count: Option<Value>,
    visibility_timeout: Option<String>,
    max_polling_interval: Option<String>,
    message_encoding: Option<String>,
}

impl QueuesJson {
    /// The values with the host's defaults; an error where the host refuses to start.
    pub(in crate::host) fn read(&self) -> Result<Queues> {
        let batch_size = number("batchSize", self.batch_size.as_ref(), 16)?;
        ensure!(
            (1..=32).contains(&batch_size),
            "batchSize is {batch_size}, not 1 to 32"
        );
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threshold = u32::try_from(processors)? * (batch_size / 2);
        let threshold = number(
            "newBatchThreshold",
            self.new_batch_threshold.as_ref(),
            threshold,
        )?;
        let max_dequeue_count = number("maxDequeueCount", self.max_dequeue_count.as_ref(), 5)?;
        ensure!(max_dequeue_count > 0, "maxDequeueCount is 0");
        let span = |name: &str, text: &Option<String>, default: Duration| match text {
            None => Ok(default),
            Some(text) => {
                values::time_span(text).with_context(|| format!("{name} {text:?} is not hh:mm:ss"))
            }
        };
        Ok(Queues {
            batch_size,
            new_batch_threshold: usize::try_from(threshold)?,
            max_dequeue_count,
            visibility_timeout: span(
                "visibilityTimeout",
                &self.visibility_timeout,
                Duration::ZERO,
            )?,
            max_polling_interval: span(
                "maxPollingInterval",
                &self.max_polling_interval,
                Duration::from_mins(1),
            )?,
            message_encoding: encoding(self.message_encoding.as_deref())?,
        })
    }
}

/// A number, or its digits as a string: an app setting that replaces a value of `host.json` is text.
fn number(name: &str, value: Option<&Value>, default: u32) -> Result<u32> {
    let number = match value {
        None => Some(default),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    number.with_context(|| format!("{name} is no number of messages"))
}

fn encoding(text: Option<&str>) -> Result<MessageEncoding> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None | Some("base64") => Ok(MessageEncoding::Base64),
        Some("none") => Ok(MessageEncoding::None),
        Some(other) => bail!("messageEncoding {other:?} is neither none nor base64"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: Value) -> Result<Queues> {
        serde_json::from_value::<QueuesJson>(json).unwrap().read()
    }

    #[test]
    fn absent_values_are_those_of_the_host() {
        let queues = read(json!({})).unwrap();
        assert_eq!((queues.batch_size, queues.max_dequeue_count), (16, 5));
        assert_eq!(queues.visibility_timeout, Duration::ZERO);
        assert_eq!(queues.max_polling_interval, Duration::from_mins(1));
        assert_eq!(queues.message_encoding, MessageEncoding::Base64);
        assert!(queues.new_batch_threshold >= 8);
    }

    #[test]
    fn given_values_are_read_as_numbers_and_as_text() {
        let queues = read(json!({
            "batchSize": "8", "newBatchThreshold": 4, "maxDequeueCount": 2,
            "visibilityTimeout": "00:00:30", "maxPollingInterval": "00:00:02", "messageEncoding": "None",
        }));
        let expected = Queues {
            batch_size: 8,
            new_batch_threshold: 4,
            max_dequeue_count: 2,
            visibility_timeout: Duration::from_secs(30),
            max_polling_interval: Duration::from_secs(2),
            message_encoding: MessageEncoding::None,
        };
        assert_eq!(queues.unwrap(), expected);
    }

    #[test]
    fn values_the_host_does_not_start_with_are_refused() {
        for bad in [
            json!({ "batchSize": 33 }),
            json!({ "batchSize": 0 }),
            json!({ "batchSize": "many" }),
            json!({ "maxDequeueCount": 0 }),
            json!({ "newBatchThreshold": -1 }),
            json!({ "visibilityTimeout": "30" }),
            json!({ "maxPollingInterval": "soon" }),
            json!({ "messageEncoding": "base32" }),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
