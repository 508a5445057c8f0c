//! What Partner Center's event says: which referral to look at.

mod wire;

use crate::callback::Verified;
use crate::ids::ReferralId;

/// Longest event name we repeat in a log.
const LONGEST_NAME: usize = 100;

/// A change in Partner Center, as far as the connector cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A referral, ours or a related one, was created or changed: either way its current state is read.
    ReferralChanged(ReferralId),
    /// What Partner Center sends when somebody asks for a test.
    Test,
    /// Something the connector does not act on, by its name.
    Other(String),
}

/// Why an authentic body is no event we can read. Never repeats the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It begins with a byte order mark, which JSON does not allow.
    #[error("reading the event: the body begins with a byte order mark")]
    ByteOrderMark,
    /// It is not one JSON object, or names a member twice.
    #[error(
        "reading the event: no JSON object with distinct members, at line {line} column {column}"
    )]
    Unreadable {
        /// Where reading stopped.
        line: usize,
        /// Where reading stopped.
        column: usize,
    },
    /// `EventName` is absent or no text.
    #[error("reading the event: it has no EventName")]
    NoName,
    /// A referral event whose `ResourceUri` does not end in a referral's id.
    #[error("reading the event: its ResourceUri does not end in the id of a referral")]
    NoReferral,
}

impl Event {
    /// Reads a delivery whose signature was checked (Partner Center, "Partner Center webhook events").
    pub fn parse(delivery: &Verified) -> Result<Self, EventError> {
        Self::read(delivery.body())
    }

    /// Reads a body that nobody checked. Nothing may be done about what it says.
    pub fn read(body: &[u8]) -> Result<Self, EventError> {
        if body.starts_with(b"\xef\xbb\xbf") {
            return Err(EventError::ByteOrderMark);
        }
        let event: wire::Event =
            serde_json::from_slice(body).map_err(|error| EventError::Unreadable {
                line: error.line(),
                column: error.column(),
            })?;
        let name = event.name.ok_or(EventError::NoName)?;
        match name.to_ascii_lowercase().as_str() {
            "referral-created"
            | "referral-updated"
            | "related-referral-created"
            | "related-referral-updated" => event
                .resource
                .as_deref()
                .and_then(referral_id)
                .map(Self::ReferralChanged)
                .ok_or(EventError::NoReferral),
            "test-created" => Ok(Self::Test),
            _ => Ok(Self::Other(printable(&name))),
        }
    }
}

/// The GUID at the end of the path of `uri`. The rest is dropped: the connector calls its own address, never theirs.
fn referral_id(uri: &str) -> Option<ReferralId> {
    let path = uri.split(['?', '#']).next()?;
    let segment = path.trim_end_matches('/').rsplit('/').next()?;
    let id: ReferralId = segment.parse().ok()?;
    let hyphenated = segment.len() == "00000000-0000-0000-0000-000000000000".len();
    (hyphenated && !id.uuid().is_nil()).then_some(id)
}

/// `name` without anything that could forge a log line.
fn printable(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_graphic)
        .take(LONGEST_NAME)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Event, EventError};

    const ID: &str = "4111fffc-f9ee-4d53-bba6-569135228642";

    fn event(name: &str, uri: &str) -> Result<Event, EventError> {
        let body = format!(
            r#"{{"EventName":"{name}","ResourceUri":"{uri}","ResourceName":"referral","AuditUri":null,"ResourceChangeUtcDate":"2018-02-17T00:05:39.5485487+00:00"}}"#
        );
        Event::read(body.as_bytes())
    }

    fn changed() -> Event {
        Event::ReferralChanged(ID.parse().unwrap())
    }

    #[test]
    fn all_four_referral_events_name_a_referral_to_look_at() {
        let uri = format!("https://api.partnercenter.microsoft.com/engagements/v1/referrals/{ID}");
        for name in [
            "referral-created",
            "referral-updated",
            "related-referral-created",
            "related-referral-updated",
            "Referral-Updated",
        ] {
            assert_eq!(event(name, &uri), Ok(changed()), "{name}");
        }
    }

    #[test]
    fn only_the_last_segment_of_the_address_counts() {
        for uri in [
            ID.to_owned(),
            ID.to_uppercase(),
            format!("https://evil.example/x/{ID}"),
            format!("/{ID}/"),
            format!("http://h/{ID}?a=/b#/c"),
        ] {
            assert_eq!(event("referral-updated", &uri), Ok(changed()), "{uri}");
        }
    }

    #[test]
    fn an_address_without_an_id_is_an_error_for_a_referral_event_only() {
        for uri in [
            "",
            "https://h/referrals/{{ReferralID}}",
            "https://h/00000000-0000-0000-0000-000000000000",
            "https://h/4111fffcf9ee4d53bba6569135228642",
            "https://h/?id=4111fffc-f9ee-4d53-bba6-569135228642",
        ] {
            assert_eq!(
                event("referral-created", uri),
                Err(EventError::NoReferral),
                "{uri}"
            );
            assert_eq!(
                event("invoice-ready", uri),
                Ok(Event::Other("invoice-ready".to_owned()))
            );
        }
    }

    #[test]
    fn a_null_or_absent_address_is_fine_for_other_events() {
        let other = Ok(Event::Other("dap-admin-relationship-approved".to_owned()));
        for rest in [r#","ResourceUri":null"#, "", r#","ResourceUri":7"#] {
            let body = format!(r#"{{"EventName":"dap-admin-relationship-approved"{rest}}}"#);
            assert_eq!(Event::read(body.as_bytes()), other);
            let body = format!(r#"{{"EventName":"referral-created"{rest}}}"#);
            assert_eq!(Event::read(body.as_bytes()), Err(EventError::NoReferral));
        }
    }

    #[test]
    fn a_test_event_is_known() {
        assert_eq!(
            event("test-created", "http://localhost:1/test"),
            Ok(Event::Test)
        );
    }

    #[test]
    fn member_names_match_in_any_case_but_never_twice() {
        let body =
            format!(r#"{{"eventname":"referral-created","RESOURCEURI":"/{ID}","x":[{{}}]}}"#);
        assert_eq!(Event::read(body.as_bytes()), Ok(changed()));
        for twice in [
            r#""EventName":"a","EventName":"a""#,
            r#""EventName":"a","eventName":"b""#,
            r#""EventName":"a","x":1,"X":2"#,
            r#""EventName":"a","\u0045ventName":"a""#,
            r#""EventName":"a","x":{"y":1,"y":1}"#,
            r#""EventName":"a","x":[[{"y":{"z":null,"Z":{}}}]]"#,
        ] {
            let body = format!("{{{twice}}}");
            let error = Event::read(body.as_bytes()).unwrap_err();
            assert!(matches!(error, EventError::Unreadable { .. }), "{twice}");
        }
    }

    #[test]
    fn what_is_no_event_is_refused_without_repeating_it() {
        assert_eq!(
            Event::read(b"\xef\xbb\xbf{}"),
            Err(EventError::ByteOrderMark)
        );
        assert_eq!(Event::read(b"{}"), Err(EventError::NoName));
        assert_eq!(Event::read(br#"{"EventName":5}"#), Err(EventError::NoName));
        let deep = format!(
            r#"{{"EventName":"test-created","x":{}1{}}}"#,
            "[".repeat(200),
            "]".repeat(200)
        );
        for body in [
            b"".as_slice(),
            b"null",
            b"[]",
            b"\"secret\"",
            b"{} {}",
            b"\xff",
            deep.as_bytes(),
        ] {
            let error = Event::read(body).unwrap_err();
            assert!(matches!(error, EventError::Unreadable { .. }));
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn hostile_json_is_refused_at_once() {
        let begun = std::time::Instant::now();
        for value in [
            "NaN",
            "Infinity",
            "-",
            "01",
            "1e999999999",
            "'a'",
            r#""\ud800""#,
            r#""\udc00\ud800""#,
            "\"\u{0}\"",
            "[1,]",
            &"[".repeat(100_000),
            &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
            &r#"{"a":"#.repeat(100_000),
            &"9".repeat(1_000_000),
        ] {
            let body = format!(r#"{{"EventName":"test-created","x":{value}}}"#);
            let error = Event::read(body.as_bytes()).unwrap_err();
            assert!(
                matches!(error, EventError::Unreadable { .. }),
                "{value:.40}"
            );
        }
        for body in [
            &b"{\"EventName\":\"\xff\"}"[..],
            b"\xfe\xff\0{\0}",
            b"\xed\xa0\x80",
        ] {
            let error = Event::read(body).unwrap_err();
            assert!(matches!(error, EventError::Unreadable { .. }));
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(10));
    }

    #[test]
    fn what_merely_looks_odd_is_read() {
        for value in [
            "18446744073709551616",
            "-0",
            "1e-999999999",
            r#""\ud83d\ude00""#,
            &format!("{}{}", "[".repeat(100), "]".repeat(100)),
        ] {
            let body = format!(r#" {{"EventName":"test-created","x":{value}}} "#);
            assert_eq!(Event::read(body.as_bytes()), Ok(Event::Test), "{value:.40}");
        }
    }

    #[test]
    fn a_name_cannot_forge_a_log_line() {
        let body = br#"{"EventName":"a\nb c"}"#;
        assert_eq!(Event::read(body), Ok(Event::Other("abc".to_owned())));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in any::<Vec<u8>>()) {
            let _ = Event::read(&body);
        }
    }
}
