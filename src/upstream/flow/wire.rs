//! What a flow is sent and what it answers, as `docs/flow.md` gives it to people.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Parcel;
use crate::ids::RecordId;

/// The body of a hand-over.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    event: Event<'a>,
    referral: &'a RawValue,
    record_id: Option<&'a str>,
    idempotency_key: Uuid,
}

/// In the form of Partner Center's own events, whose names say nothing reliable: they come late, twice, in any order, or not at
/// all. This one says what the flow was given before.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event<'a> {
    #[serde(rename = "EventName")]
    name: &'static str,
    resource_uri: &'a str,
    resource_name: &'static str,
    audit_uri: Option<&'a str>,
    resource_change_utc_date: Option<String>,
}

/// The body that hands `parcel` over.
pub(super) fn body(parcel: &Parcel<'_>) -> Vec<u8> {
    let document = parcel.document;
    let event = Event {
        name: if parcel.known {
            "referral-updated"
        } else {
            "referral-created"
        },
        resource_uri: document.address.as_str(),
        resource_name: "referral",
        audit_uri: None,
        resource_change_utc_date: document.referral.updated.map(|it| it.to_string()),
    };
    let body = Body {
        event,
        referral: serde_json::from_slice(&document.json).expect("it was read as JSON before"),
        record_id: parcel.record.map(RecordId::as_str),
        idempotency_key: parcel.key(),
    };
    serde_json::to_vec(&body).expect("texts and JSON are always JSON")
}

/// Something else than the flow answered: a page for people.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotTheFlow;

/// The record in the answer: its member `id`, a text or a number. An answer without one is an answer all the same: the
/// flow has run.
pub(super) fn answer(body: &[u8]) -> Result<Option<RecordId>, NotTheFlow> {
    if body.trim_ascii_start().starts_with(b"<") {
        return Err(NotTheFlow);
    }
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    Ok(match &answer["id"] {
        Value::String(text) => RecordId::new(text),
        Value::Number(number) => RecordId::new(&number.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::upstream::partner_center::{Document, parse_referral};

    fn document(json: &'static str) -> Document {
        Document {
            referral: parse_referral(json.as_bytes()).unwrap().value,
            address: "https://api.example/referrals/7".parse().unwrap(),
            json: Bytes::from_static(json.as_bytes()),
        }
    }

    #[test]
    fn the_referral_is_handed_over_as_it_was_read() {
        let json = r#"{ "id":"00000000-0000-0000-0000-000000000007", "eTag":"\"a\"", "updatedDateTime":"2026-11-22T10:00:00.1234567Z", "details":{"dealValue":12.50, "neverSeenBefore":[1e2]} }"#;
        let record = RecordId::new("00Q5g000001LmNoEAK");
        let text = String::from_utf8(body(&Parcel {
            document: &document(json),
            known: true,
            record: record.as_ref(),
        }));
        insta::assert_snapshot!(text.unwrap(), @r#"{"event":{"EventName":"referral-updated","ResourceUri":"https://api.example/referrals/7","ResourceName":"referral","AuditUri":null,"ResourceChangeUtcDate":"2026-11-22T10:00:00.1234567Z"},"referral":{ "id":"00000000-0000-0000-0000-000000000007", "eTag":"\"a\"", "updatedDateTime":"2026-11-22T10:00:00.1234567Z", "details":{"dealValue":12.50, "neverSeenBefore":[1e2]} },"recordId":"00Q5g000001LmNoEAK","idempotencyKey":"12c53f32-d7e9-5717-8034-9643b9781b4c"}"#);
    }

    #[test]
    fn the_key_changes_with_the_version_and_with_nothing_else() {
        let one = document(r#"{"id":"00000000-0000-0000-0000-000000000007","eTag":"1"}"#);
        let same =
            document(r#"{"id":"00000000-0000-0000-0000-000000000007","eTag":"1","name":"x"}"#);
        let next = document(r#"{"id":"00000000-0000-0000-0000-000000000007","eTag":"2"}"#);
        let other = document(r#"{"id":"00000000-0000-0000-0000-000000000008","eTag":"1"}"#);
        let key = |document, known| {
            let parcel = Parcel {
                document,
                known,
                record: None,
            };
            parcel.key()
        };
        assert_eq!(key(&one, false), key(&same, true));
        assert_ne!(key(&one, false), key(&next, false));
        assert_ne!(key(&one, false), key(&other, false));
    }

    #[test]
    fn an_id_is_a_short_text_or_a_number() {
        let id = |body: serde_json::Value| {
            let id = answer(body.to_string().as_bytes()).unwrap();
            id.map(|id| id.as_str().to_owned())
        };
        assert_eq!(id(json!({ "id": " 7b1c " })).as_deref(), Some("7b1c"));
        assert_eq!(id(json!({ "id": 42 })).as_deref(), Some("42"));
        for nothing in [
            json!({}),
            json!({ "id": null }),
            json!({ "id": "" }),
            json!({ "id": { "value": 1 } }),
            json!({ "id": "a\nb" }),
            json!({ "id": "x".repeat(101) }),
            json!([]),
            json!("7b1c"),
        ] {
            assert_eq!(id(nothing), None);
        }
        assert_eq!(answer(b""), Ok(None));
        assert_eq!(answer(b"done"), Ok(None));
        assert_eq!(answer(b"\r\n<html>sign in</html>"), Err(NotTheFlow));
    }
}
