//! Registrations and test reports on the wire. Members come in Pascal and in camel case, and may be missing.

use http::StatusCode;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::{Attempt, TestReport, TestState};
use crate::registration::{Address, Registration, Wanted};
use crate::upstream::wire::member;

/// The longest message about an attempt that is shown, in characters.
const LONGEST_MESSAGE: usize = 300;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    webhook_url: &'a str,
    webhook_events: &'a [String],
    signature_token_to_ms_signature_header: bool,
}

/// The body that registers `wanted`.
pub(super) fn write(wanted: &Wanted) -> Vec<u8> {
    let document = Document {
        webhook_url: wanted.address.whole().as_str(),
        webhook_events: &wanted.events,
        signature_token_to_ms_signature_header: true,
    };
    serde_json::to_vec(&document).expect("texts and flags are always JSON")
}

/// Reads a registration. The error names the member that it cannot be without.
pub(super) fn read(body: &[u8]) -> Result<Registration, &'static str> {
    let it: Value = serde_json::from_slice(body).map_err(|_| "document")?;
    let url = text(&it, "WebhookUrl").and_then(|url| Url::parse(url).ok());
    let events = member(&it, "WebhookEvents").and_then(Value::as_array);
    let event = |event: &Value| event.as_str().map(str::to_owned);
    Ok(Registration {
        address: Address::new(url.ok_or("WebhookUrl")?),
        events: events
            .ok_or("WebhookEvents")?
            .iter()
            .filter_map(event)
            .collect(),
        ms_signature: member(&it, "SignatureTokenToMsSignatureHeader").and_then(Value::as_bool),
        subscriber: text(&it, "SubscriberId").map(str::to_owned),
        modified: text(&it, "LastModifiedTimestamp").and_then(time),
    })
}

/// What to ask for the report of a test event with.
pub(super) fn correlation(body: &[u8]) -> Option<Uuid> {
    let it: Value = serde_json::from_slice(body).ok()?;
    text(&it, "correlationId")?.parse().ok()
}

/// The report of a test event.
pub(super) fn report(body: &[u8]) -> Option<TestReport> {
    let it: Value = serde_json::from_slice(body).ok()?;
    let over = ["completed", "failed"];
    let status = text(&it, "status")?;
    let results = member(&it, "results").and_then(Value::as_array);
    Some(TestReport {
        state: if over.iter().any(|it| it.eq_ignore_ascii_case(status)) {
            TestState::Over
        } else {
            TestState::Pending
        },
        attempts: results.into_iter().flatten().map(attempt).collect(),
    })
}

fn attempt(it: &Value) -> Attempt {
    let code = member(it, "responseCode");
    let (answer, success) = match code {
        Some(Value::Number(code)) => (code.to_string(), is_success(&code.to_string())),
        Some(Value::String(code)) => (plain(code, 40), is_success(code)),
        _ => (String::new(), false),
    };
    Attempt {
        answer,
        success,
        message: plain(
            text(it, "responseMessage").unwrap_or_default(),
            LONGEST_MESSAGE,
        ),
        system_error: member(it, "systemError").and_then(Value::as_bool) == Some(true),
        at: text(it, "dateTimeUtc").and_then(time),
    }
}

/// Whether `code` is a status of success, as a number or by its .NET name, such as `NoContent`.
fn is_success(code: &str) -> bool {
    let named = |it: &u16| {
        let status = StatusCode::from_u16(*it).ok();
        let name = status.and_then(|it| it.canonical_reason());
        name.is_some_and(|name| {
            name.replace([' ', '-'], "")
                .eq_ignore_ascii_case(code.trim())
        })
    };
    match code.trim().parse::<u16>() {
        Ok(number) => (200..300).contains(&number),
        Err(_) => (200..300).any(|it| named(&it)),
    }
}

/// A moment, in UTC where no zone is named.
fn time(text: &str) -> Option<Timestamp> {
    let civil = || {
        let moment: DateTime = text.parse().ok()?;
        Some(moment.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    text.parse().ok().or_else(civil)
}

/// Text of others, fit for a terminal.
fn plain(text: &str, longest: usize) -> String {
    let visible = |it: char| if it.is_control() { ' ' } else { it };
    text.trim().chars().take(longest).map(visible).collect()
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    member(value, name)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_read_in_either_case_and_with_anything_missing() {
        let pascal = br#"{"WebhookUrl":"https://contoso.example/hook?code=s3cr3t","WebhookEvents":["test-created"]}"#;
        let read = super::read(pascal).unwrap();
        assert_eq!(read.events, ["test-created"]);
        assert_eq!((read.ms_signature, read.subscriber), (None, None));
        assert!(!format!("{:?}", read.address).contains("s3cr3t"));
        let camel = br#"{"subscriberId":"7","webhookUrl":"https://contoso.example/hook","webhookEvents":["a",null],
            "signatureTokenToMsSignatureHeader":false,"lastModifiedTimestamp":"2017-12-08T21:39:48.2386997"}"#;
        let read = super::read(camel).unwrap();
        assert_eq!(
            (read.ms_signature, read.subscriber.as_deref()),
            (Some(false), Some("7"))
        );
        let modified = read.modified.unwrap().to_string();
        assert_eq!(modified, "2017-12-08T21:39:48.2386997Z");
    }

    #[test]
    fn what_is_no_registration_names_what_is_missing() {
        for (body, missing) in [
            ("<html>", "document"),
            ("null", "WebhookUrl"),
            (r#"{"WebhookUrl":null,"WebhookEvents":[]}"#, "WebhookUrl"),
            (
                r#"{"WebhookUrl":"https://contoso.example/"}"#,
                "WebhookEvents",
            ),
        ] {
            assert_eq!(super::read(body.as_bytes()), Err(missing), "{body}");
        }
    }

    #[test]
    fn an_attempt_is_judged_by_number_or_name() {
        for (code, success) in [
            (r#""OK""#, true),
            (r#""NoContent""#, true),
            ("200", true),
            (r#""202""#, true),
            (r#""Unauthorized""#, false),
            ("401", false),
            (r#""0""#, false),
            ("null", false),
        ] {
            let body = format!(
                r#"{{"status":"completed","results":[{{"responseCode":{code},"systemError":false}}]}}"#
            );
            let report = report(body.as_bytes()).unwrap();
            assert_eq!(report.delivered(), success, "{code}");
            assert_eq!(report.state, TestState::Over);
        }
    }

    #[test]
    fn a_report_may_lack_everything_but_its_status() {
        let pending = report(br#"{"Status":"inProgress"}"#).unwrap();
        assert_eq!(
            (pending.state, pending.attempts.len()),
            (TestState::Pending, 0)
        );
        let text = "a\u{1b}[31m\n".repeat(100);
        let body =
            serde_json::json!({ "status": "failed", "results": [{ "responseMessage": text }, 7] });
        let report = report(body.to_string().as_bytes()).unwrap();
        assert_eq!(report.attempts.len(), 2);
        let message = &report.attempts[0].message;
        assert!(message.len() <= LONGEST_MESSAGE && !message.contains(char::is_control));
        assert_eq!(super::report(b"[]"), None);
        assert_eq!(correlation(br#"{"correlationId":7}"#), None);
    }
}
