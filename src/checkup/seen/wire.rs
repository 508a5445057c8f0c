//! The address as JSON.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Seen;

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    url: String,
    at: String,
}

pub(super) fn write(seen: &Seen) -> Bytes {
    let document = Document {
        format: FORMAT,
        url: seen.url.clone(),
        at: seen.at.to_string(),
    };
    let text = serde_json::to_vec(&document);
    text.expect("strings and numbers are always JSON").into()
}

/// `None` for what this program did not write. A newer one says the same and more.
pub(super) fn read(bytes: &[u8]) -> Option<Seen> {
    let document: Document = serde_json::from_slice(bytes).ok()?;
    Some(Seen {
        url: document.url,
        at: document.at.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else_is() {
        let seen = Seen {
            url: "https://contoso.invalid/cert/a.cer".to_owned(),
            at: "2026-11-22T10:00:00Z".parse().unwrap(),
        };
        assert_eq!(read(&write(&seen)), Some(seen));
        for other in [&b""[..], b"{}", b"\xff", br#"{"format":1,"url":"x"}"#] {
            assert_eq!(read(other), None);
        }
    }
}
