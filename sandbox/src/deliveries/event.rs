//! What an event says, byte for byte as Partner Center writes it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// A referral was created.
pub const REFERRAL_CREATED: &str = "referral-created";
/// A referral changed.
pub const REFERRAL_UPDATED: &str = "referral-updated";
/// Another party's referral of the same engagement was created.
pub const RELATED_REFERRAL_CREATED: &str = "related-referral-created";
/// Another party's referral of the same engagement changed.
pub const RELATED_REFERRAL_UPDATED: &str = "related-referral-updated";
/// The partner asked for a test.
pub const TEST_CREATED: &str = "test-created";

/// An event of Partner Center. Its members are written in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    /// Such as `referral-updated`.
    pub event_name: String,
    /// What it is about; absent or null for some kinds.
    pub resource_uri: Option<String>,
    /// The kind of resource, such as `referral`.
    pub resource_name: String,
    /// The audit record; null in every referral event.
    #[serde(default)]
    pub audit_uri: Option<String>,
    /// When it happened.
    #[serde(serialize_with = "round_trip")]
    pub resource_change_utc_date: Timestamp,
}

impl Event {
    /// An event about the referral `id`. The address names the host of the older API, as in reality.
    pub fn referral(name: &str, id: &str, when: Timestamp) -> Self {
        Self {
            event_name: name.to_owned(),
            resource_uri: Some(format!(
                "https://api.partnercenter.microsoft.com/engagements/v1/referrals/{id}"
            )),
            resource_name: "referral".to_owned(),
            audit_uri: None,
            resource_change_utc_date: when,
        }
    }

    /// The test event that the partner asked for under `correlation`.
    pub fn test(correlation: Uuid, when: Timestamp) -> Self {
        Self {
            event_name: TEST_CREATED.to_owned(),
            resource_uri: Some(format!(
                "http://api.partnercenter.microsoft.com/webhooks/v1/registration/validationEvents/{correlation}"
            )),
            resource_name: "test".to_owned(),
            audit_uri: None,
            resource_change_utc_date: when,
        }
    }

    /// The body of a delivery: compact JSON.
    pub fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an event holds nothing that JSON cannot")
    }
}

/// The round-trip form of .NET: seven fractional digits and a numeric offset.
fn round_trip<S: Serializer>(when: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&when.strftime("%Y-%m-%dT%H:%M:%S%.7f+00:00"))
}

#[cfg(test)]
mod tests {
    use super::Event;

    #[test]
    fn a_body_is_compact_pascal_case_with_seven_fractional_digits() {
        let when = "2017-11-16T16:19:06.3520276Z".parse().unwrap();
        let event = Event::referral("referral-updated", "a-b", when);
        assert_eq!(
            String::from_utf8(event.body()).unwrap(),
            concat!(
                r#"{"EventName":"referral-updated","#,
                r#""ResourceUri":"https://api.partnercenter.microsoft.com/engagements/v1/referrals/a-b","#,
                r#""ResourceName":"referral","AuditUri":null,"#,
                r#""ResourceChangeUtcDate":"2017-11-16T16:19:06.3520276+00:00"}"#
            )
        );
    }

    #[test]
    fn whole_seconds_keep_their_seven_zeros() {
        let when = "2026-01-02T03:04:05Z".parse().unwrap();
        let body = Event::referral("referral-created", "a", when).body();
        assert!(body.ends_with(br#""2026-01-02T03:04:05.0000000+00:00"}"#));
    }
}
