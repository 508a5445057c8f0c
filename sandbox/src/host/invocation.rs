//! How the host judges a handler's answer to an invocation that went out as JSON.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

/// One run of a function, as the host records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The id the handler was given for it.
    pub id: uuid::Uuid,
    /// How it ended.
    pub outcome: Outcome,
    /// The status the handler answered with, when it answered.
    pub status: Option<StatusCode>,
    /// The body the handler answered with.
    pub body: Bytes,
    /// `Logs` of the answer. The host throws them away when the status is not a success.
    pub logs: Vec<String>,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The host takes the run for done.
    Succeeded,
    /// The host takes the run for failed: the trigger's own retry applies.
    Failed(String),
    /// The answer makes the host wait until the function's timeout and then kill the handler.
    Hung(String),
    /// The handler did not answer within the function's timeout and was killed.
    TimedOut,
}

impl Invocation {
    /// Whether the host takes the run for done.
    pub fn succeeded(&self) -> bool {
        self.outcome == Outcome::Succeeded
    }
}

/// The host's verdict on an answer, with the answer's JSON.
pub(super) fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> (Outcome, Value) {
    if !status.is_success() {
        let reason = format!(
            "the response status code does not indicate success: {}",
            status.as_u16()
        );
        return (Outcome::Failed(reason), Value::Null);
    }
    if body.is_empty() {
        let reason = format!(
            "{} with an empty body reports neither success nor failure",
            status.as_u16()
        );
        return (Outcome::Hung(reason), Value::Null);
    }
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if media_type != "application/json" && media_type != "text/json" {
        let reason = format!("no formatter reads content of the media type {media_type:?}");
        return (Outcome::Failed(reason), Value::Null);
    }
    match serde_json::from_slice(body) {
        Ok(Value::Null) => {
            let reason = "the body null reports neither success nor failure".to_owned();
            (Outcome::Hung(reason), Value::Null)
        }
        Ok(answer @ Value::Object(_)) => (Outcome::Succeeded, answer),
        Ok(_) => (
            Outcome::Failed("the body is JSON but no object".to_owned()),
            Value::Null,
        ),
        Err(error) => (
            Outcome::Failed(format!("the body is no JSON: {error}")),
            Value::Null,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, media_type: &str, body: &str) -> Outcome {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, media_type.parse().unwrap());
        judge(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            body.as_bytes(),
        )
        .0
    }

    #[test]
    fn only_a_json_object_under_a_success_status_is_a_success() {
        assert_eq!(
            verdict(200, "application/json; charset=utf-8", "{}"),
            Outcome::Succeeded
        );
        assert_eq!(
            verdict(202, "text/json", r#"{"Logs":[]}"#),
            Outcome::Succeeded
        );
        for (status, media_type, body) in [
            (500, "application/json", "{}"),
            (302, "application/json", "{}"),
            (200, "text/plain", "{}"),
            (200, "application/json", "{"),
            (200, "application/json", "[]"),
        ] {
            let outcome = verdict(status, media_type, body);
            assert!(
                matches!(outcome, Outcome::Failed(_)),
                "{status} {media_type} {body}: {outcome:?}"
            );
        }
    }

    #[test]
    fn an_empty_body_or_null_hangs() {
        for (status, body) in [(204, ""), (200, ""), (200, "null"), (200, " null ")] {
            let outcome = verdict(status, "application/json", body);
            assert!(
                matches!(outcome, Outcome::Hung(_)),
                "{status} {body:?}: {outcome:?}"
            );
        }
    }
}
