//! `ReferralRetry`: takes one message of the queue of parked referrals.
//!
//! The host removes the message after a 2xx with a JSON object. Anything else makes it deliver the message again after
//! `visibilityTimeout`, and put it aside as poison in the end: that is for what could be neither synced nor kept.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::RETRY_BUDGET;
use super::body;
use super::code::Code;
use super::disposal;
use super::invocation::Invocation;
use super::readiness::Readiness;
use super::respond::Answer;
use crate::app::App;
use crate::sync::park::job::Job;
use crate::trace;

/// Longest envelope read: a queue's message has 64 KiB, and the envelope may hold it twice, each byte as seven.
const LIMIT: usize = 1024 * 1024;

/// Takes one message. Works in a task of its own, as a delivery does.
pub(super) async fn retry(
    readiness: Arc<Readiness>,
    invocation: Invocation,
    request: Request,
) -> Response {
    let envelope = match body::read(request, LIMIT).await {
        Ok(bytes) => bytes,
        Err(code) => return Answer::new(code).log_and_respond(&invocation),
    };
    let Some(message) = Message::parse(&envelope) else {
        return Answer::new(Code::BadEnvelope).log_and_respond(&invocation);
    };
    let Ok(app) = readiness.app().await else {
        return Answer::new(Code::Misconfigured).log_and_respond(&invocation);
    };
    let taking = async move {
        take(&app, &invocation, &message)
            .await
            .log_and_respond(&invocation)
    };
    let taking = tokio::spawn(trace::within(invocation.trace(), taking));
    match taking.await {
        Ok(response) => response,
        // The panic has been logged where it happened. The host delivers the message again.
        Err(_) => Answer::new(Code::TryAgain).log_and_respond(&invocation),
    }
}

async fn take(app: &App, invocation: &Invocation, message: &Message) -> Answer {
    let deadline = invocation.deadline(RETRY_BUDGET);
    let disposal = app.desk.retry(&message.text, message.id, deadline).await;
    let mut answer = disposal::answer(&disposal);
    answer.referral = Job::parse(&message.text).ok().map(|job| job.referral);
    answer.for_trigger()
}

/// A message of the queue.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    text: String,
    id: Uuid,
}

impl Message {
    /// Reads what the host sends: `{"Data":{"<binding>":…},"Metadata":{…}}`.
    ///
    /// By the host's source a text is JSON in a string, quoted once more; by its documentation it is the string itself. An
    /// object stands for the text that it was read from. Both forms are taken, for the text and for the queue's id of it.
    fn parse(envelope: &[u8]) -> Option<Self> {
        let envelope: Value = serde_json::from_slice(envelope).ok()?;
        let data = envelope["Data"].as_object()?.values().next()?;
        let text = match data {
            Value::String(text) => unquoted(text),
            other => other.to_string(),
        };
        let id = envelope["Metadata"]["Id"].as_str().map(unquoted);
        // A message's own properties hide the queue's: what is no id is replaced by one made from the text.
        let id = id.and_then(|id| id.parse().ok());
        let id = id.unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()));
        Some(Self { text, id })
    }
}

fn unquoted(text: &str) -> String {
    serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())
}

impl Answer {
    /// The same as the answer to a trigger.
    fn for_trigger(mut self) -> Self {
        let referral = self.referral.map(|id| id.to_string());
        let said = json!({
            "code": self.code().word(),
            "cause": self.cause,
            "referralId": referral,
        });
        let line = format!(
            "referral {}: {}",
            referral.as_deref().unwrap_or("unknown"),
            self.code().word()
        );
        self.trigger = Some(json!({ "Outputs": {}, "Logs": [line], "ReturnValue": said }));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x800a_e4b3);

    fn parse(text: &str) -> Option<Message> {
        Message::parse(text.as_bytes())
    }

    #[test]
    fn both_forms_of_the_hosts_envelope_are_read() {
        let double = format!(
            r#"{{"Data":{{"job":"\"{{\\\"format\\\":1}}\""}},"Metadata":{{"DequeueCount":"1","Id":"\"{ID}\"","sys":{{"MethodName":"ReferralRetry"}}}}}}"#
        );
        let plain = format!(
            r#"{{"Data":{{"job":"{{\"format\":1}}"}},"Metadata":{{"DequeueCount":1,"Id":"{ID}"}}}}"#
        );
        let object = format!(r#"{{"Data":{{"job":{{"format":1}}}},"Metadata":{{"Id":"{ID}"}}}}"#);
        for envelope in [double, plain, object] {
            let message = parse(&envelope).unwrap();
            assert_eq!(
                (&*message.text, message.id),
                (r#"{"format":1}"#, ID),
                "{envelope}"
            );
        }
    }

    #[test]
    fn a_message_whose_own_properties_hide_the_queues_gets_an_id_of_its_own() {
        let hidden = r#"{"Data":{"job":"\"x\""},"Metadata":{"Id":"\"../../state\""}}"#;
        let first = parse(hidden).unwrap();
        assert_eq!(first.text, "x");
        assert_eq!(parse(hidden).unwrap().id, first.id);
        let without = parse(r#"{"Data":{"job":"\"y\""}}"#).unwrap();
        assert_ne!(without.id, first.id);
    }

    #[test]
    fn a_text_that_is_no_json_and_an_empty_one_are_texts_all_the_same() {
        for (data, text) in [
            (r#""\"\"""#, ""),
            (r#""""#, ""),
            (r#""not json""#, "not json"),
            ("7", "7"),
            ("null", "null"),
        ] {
            let envelope = format!(r#"{{"Data":{{"job":{data}}},"Metadata":{{}}}}"#);
            assert_eq!(parse(&envelope).unwrap().text, text, "{data}");
        }
    }

    #[test]
    fn what_is_no_envelope_is_refused() {
        for envelope in ["", "null", "[]", "{}", r#"{"Data":{}}"#, r#"{"Data":"x"}"#] {
            assert_eq!(parse(envelope), None, "{envelope}");
        }
    }
}
