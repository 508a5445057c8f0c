//! Spans as the ingestion service of Application Insights takes them (`/v2.1/track`), the way Azure Monitor's OpenTelemetry
//! exporters write them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::{Span, What};

/// Which part of the application this is; the Functions host is another.
const ROLE: &str = "referral-connector";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    ver: u8,
    name: &'static str,
    time: String,
    sample_rate: f32,
    i_key: Uuid,
    tags: BTreeMap<&'static str, String>,
    data: Data,
}

#[derive(Serialize)]
#[serde(tag = "baseType", content = "baseData")]
enum Data {
    #[serde(rename = "RequestData", rename_all = "camelCase")]
    Request {
        ver: u8,
        id: String,
        name: &'static str,
        duration: String,
        response_code: String,
        success: bool,
        properties: BTreeMap<&'static str, String>,
    },
    #[serde(rename = "RemoteDependencyData", rename_all = "camelCase")]
    Dependency {
        ver: u8,
        id: String,
        name: &'static str,
        duration: String,
        result_code: String,
        success: bool,
        r#type: &'static str,
        target: String,
        properties: BTreeMap<&'static str, String>,
    },
}

/// The body that sends `spans` of this `instance` to the resource with this `key`.
pub(super) fn body(spans: &[Span], key: Uuid, instance: Uuid) -> Vec<u8> {
    let envelopes: Vec<Envelope> = spans
        .iter()
        .map(|span| envelope(span, key, instance))
        .collect();
    serde_json::to_vec(&envelopes).expect("texts and numbers are always JSON")
}

fn envelope(span: &Span, key: Uuid, instance: Uuid) -> Envelope {
    let mut tags = BTreeMap::from([
        ("ai.operation.id", span.trace.to_string()),
        ("ai.cloud.role", ROLE.to_owned()),
        ("ai.cloud.roleInstance", instance.to_string()),
    ]);
    tags.extend(
        span.parent
            .map(|it| ("ai.operation.parentId", it.to_string())),
    );
    let (id, duration) = (span.id.to_string(), duration(span.elapsed));
    let status = span
        .status
        .map_or_else(|| "0".to_owned(), |it| it.to_string());
    let success = span.status.is_some_and(|it| it < 400);
    let (name, data) = match span.what {
        What::Served { function, code } => {
            tags.insert("ai.operation.name", function.to_owned());
            let data = Data::Request {
                ver: 2,
                id,
                name: function,
                duration,
                response_code: status,
                success,
                properties: BTreeMap::from([("code", code.to_owned())]),
            };
            ("Microsoft.ApplicationInsights.Request", data)
        }
        What::Called {
            upstream,
            operation,
            attempt,
        } => {
            let data = Data::Dependency {
                ver: 2,
                id,
                name: operation,
                duration,
                result_code: status,
                success,
                r#type: "HTTP",
                target: upstream.word().to_owned(),
                properties: BTreeMap::from([("attempt", attempt.to_string())]),
            };
            ("Microsoft.ApplicationInsights.RemoteDependency", data)
        }
    };
    Envelope {
        ver: 1,
        name,
        time: span.began.to_string(),
        sample_rate: 100.0,
        i_key: key,
        tags,
        data,
    }
}

/// `DD.HH:MM:SS.MMMMMM`.
fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    format!(
        "{days:02}.{:02}:{:02}:{:02}.{:06}",
        hours % 24,
        minutes % 60,
        seconds % 60,
        elapsed.subsec_micros()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{SpanId, Trace};
    use crate::upstream::Upstream;

    #[test]
    fn a_span_says_who_when_how_long_and_with_what_end_and_nothing_else() {
        let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = Trace::of(Some(caller), Uuid::nil());
        let span = Span {
            trace,
            id: SpanId::random(),
            parent: trace.parent(),
            began: "2026-11-22T10:00:00.5Z".parse().unwrap(),
            elapsed: Duration::from_micros(93_784_000_123),
            status: None,
            what: What::Called {
                upstream: Upstream::PartnerCenter,
                operation: "read referral",
                attempt: 2,
            },
        };
        let body = body(
            std::slice::from_ref(&span),
            Uuid::from_u128(1),
            Uuid::from_u128(2),
        );
        let body = String::from_utf8(body).unwrap();
        let body = body.replace(&span.id.to_string(), "span");
        insta::assert_snapshot!(body, @r#"[{"ver":1,"name":"Microsoft.ApplicationInsights.RemoteDependency","time":"2026-11-22T10:00:00.5Z","sampleRate":100.0,"iKey":"00000000-0000-0000-0000-000000000001","tags":{"ai.cloud.role":"referral-connector","ai.cloud.roleInstance":"00000000-0000-0000-0000-000000000002","ai.operation.id":"4bf92f3577b34da6a3ce929d0e0e4736","ai.operation.parentId":"00f067aa0ba902b7"},"data":{"baseType":"RemoteDependencyData","baseData":{"ver":2,"id":"span","name":"read referral","duration":"01.02:03:04.000123","resultCode":"0","success":false,"type":"HTTP","target":"partner_center","properties":{"attempt":"2"}}}}]"#);
    }
}
