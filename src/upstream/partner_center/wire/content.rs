//! Whether a referral says something new.

use openssl::sha::sha256;
use serde_json::Value;

/// What changes without the referral saying anything new: members of its own, by lower-case name.
const ASIDE: [&str; 3] = ["etag", "updateddatetime", "externalreferenceid"];

/// SHA-256 of a referral's members but for those of [`ASIDE`] and annotations such as `@odata.etag`. The order of
/// members, and blanks between them, make no difference.
pub(in crate::upstream::partner_center) fn content(json: &[u8]) -> [u8; 32] {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(json) else {
        return sha256(json);
    };
    members.retain(|name, _| {
        let name = name.to_ascii_lowercase();
        !name.starts_with('@') && !ASIDE.contains(&name.as_str())
    });
    // Members are kept sorted, at every depth.
    sha256(Value::Object(members).to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::content;

    #[test]
    fn version_time_and_reference_say_nothing_new() {
        let one = br#"{"id":"7","eTag":"\"1\"","updatedDateTime":"2026-11-22T10:00:00Z","externalReferenceId":null,"details":{"notes":"a","currency":"EUR"},"@odata.context":"x"}"#;
        let other = br#" {"details":{"currency":"EUR", "notes":"a"},"ID":"7"}"#;
        let other = String::from_utf8_lossy(other).replace("\"ID\"", "\"id\"");
        assert_eq!(content(one), content(other.as_bytes()));
    }

    #[test]
    fn anything_else_does() {
        let one = content(br#"{"id":"7","details":{"eTag":"a"}}"#);
        for other in [
            &br#"{"id":"8","details":{"eTag":"a"}}"#[..],
            br#"{"id":"7","details":{"eTag":"b"}}"#,
            br#"{"id":"7","details":{"eTag":"a"},"status":"New"}"#,
            b"no JSON",
        ] {
            assert_ne!(content(other), one);
        }
    }
}
