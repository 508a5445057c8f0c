//! What all upstreams' answers have in common on the wire: JSON, error envelopes, waits asked for.

use std::time::Duration;

use http::header::DATE;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{CallError, Refusal};
use super::transport::Reply;

impl Reply {
    /// The body as a `T`. The error names the place in the document, never what stands there.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        let mut document = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut document)
            .map_err(|error| self.unreadable(&error))?;
        document.end().map_err(|_| self.not_json())?;
        Ok(value)
    }

    /// The clock of whoever answered, to the second, if the answer tells it.
    pub(super) fn told_at(&self) -> Option<Timestamp> {
        date(self.headers.get(DATE)?)
    }

    /// That this body is not JSON at all.
    pub(super) fn not_json(&self) -> CallError {
        CallError::NotJson {
            upstream: self.upstream,
            operation: self.operation,
        }
    }

    fn unreadable(&self, error: &serde_path_to_error::Error<serde_json::Error>) -> CallError {
        if !error.inner().is_data() {
            return self.not_json();
        }
        CallError::Unreadable {
            upstream: self.upstream,
            operation: self.operation,
            path: error.path().to_string(),
        }
    }

    /// What this answer, whose status is no success, says.
    pub(super) fn refusal(&self) -> Refusal {
        let body = if self.body.len() <= LONGEST_ENVELOPE {
            serde_json::from_slice(&self.body).unwrap_or(Value::Null)
        } else {
            Value::Null
        };
        Refusal {
            status: self.status,
            is_document: body.is_object(),
            codes: codes(&body),
            retry_after: retry_after(&self.headers, Timestamp::now())
                .or_else(|| try_again_in(&body))
                .map(|wait| wait.min(LONGEST_WAIT)),
            request_id: request_id(&self.headers),
        }
    }
}

/// The error codes of any of the envelopes, outermost first.
///
/// `{"error":{"code","innerError":{"code",…}}}` of Partner Center and Dataverse, `{"code","description"}` and
/// `{"statusCode","message"}` of the gateways before them, `{"error":"word","error_codes":[n]}` of Entra ID.
fn codes(body: &Value) -> Vec<String> {
    let mut codes = Vec::new();
    let error = member(body, "error").unwrap_or(body);
    if let Value::String(_) = error {
        codes.extend(code(error));
        let numbers = member(body, "error_codes").and_then(Value::as_array);
        codes.extend(numbers.into_iter().flatten().filter_map(code));
    }
    let mut level = Some(error);
    // Each level is part of the document, whose depth the parser bounds.
    while let Some(error) = level {
        codes.extend(member(error, "code").and_then(code));
        level = member(error, "innererror");
    }
    codes
}

/// The member `name`, in any letter case.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let (_, value) = value
        .as_object()?
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value)
}

/// A code as text; anything that does not look like a code could be data, and is left out.
fn code(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | '.');
    (!text.is_empty() && text.len() <= 64 && text.chars().all(plain)).then_some(text)
}

/// The longest error answer that is read, in bytes: real ones have a few thousand, and a parsed one takes many times its room.
const LONGEST_ENVELOPE: usize = 256 * 1024;

/// The longest wait taken at its word.
pub(super) const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The wait that the headers ask for.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    for name in ["x-ms-retry-after-ms", "retry-after-ms"] {
        if let Some(millis) = text(name).and_then(|it| it.parse().ok()) {
            return Some(Duration::from_millis(millis));
        }
    }
    let asked = text("retry-after")?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    // Their clock, if they tell it: ours may differ.
    let now = headers.get(DATE).and_then(date).unwrap_or(now);
    let wait = http_date(asked)?.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// The moment in a header such as `Date`.
fn date(value: &HeaderValue) -> Option<Timestamp> {
    http_date(value.to_str().ok()?.trim())
}

fn http_date(text: &str) -> Option<Timestamp> {
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}

/// The gateway before Partner Center tells the wait in a sentence: `Try again in 57 seconds.`
fn try_again_in(body: &Value) -> Option<Duration> {
    let (_, rest) = member(body, "message")?.as_str()?.split_once(" in ")?;
    let (seconds, unit) = rest.split_once(' ')?;
    unit.starts_with("second")
        .then(|| seconds.parse().ok().map(Duration::from_secs))?
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    const NAMES: [&str; 4] = [
        "request-id",
        "x-ms-request-id",
        "x-ms-service-request-id",
        "req_id",
    ];
    let id = NAMES.iter().find_map(|name| headers.get(*name))?;
    code(&Value::from(id.to_str().ok()?))
}

#[cfg(test)]
mod tests;
