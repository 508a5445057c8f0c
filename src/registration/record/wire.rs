//! The note as JSON.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Note, Record};

/// The format that is written.
const FORMAT: u32 = 1;

/// A newer program wrote it.
#[derive(Debug)]
pub(super) struct Newer {
    pub(super) format: u32,
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    format: u32,
    poll_only: bool,
    url: Option<String>,
    sha256: Option<String>,
    events: Vec<String>,
    ms_signature: bool,
    at: String,
}

/// Reads a note; `None` if it is none.
pub(super) fn read(json: &[u8]) -> Result<Option<Note>, Newer> {
    match serde_json::from_slice(json) {
        Ok(Head { format }) if FORMAT < format => return Err(Newer { format }),
        Ok(Head { format: FORMAT }) => {}
        _ => return Ok(None),
    }
    let document: Option<Document> = serde_json::from_slice(json).ok();
    Ok(document.and_then(note))
}

fn note(it: Document) -> Option<Note> {
    let at = it.at.parse().ok()?;
    if it.poll_only {
        return Some(Note::PollOnly(at));
    }
    Some(Note::Registered(Record {
        place: it.url?,
        digest: it.sha256?,
        events: it.events,
        ms_signature: it.ms_signature,
        at,
    }))
}

pub(super) fn write(note: &Note) -> Bytes {
    let document = match note {
        Note::PollOnly(at) => Document {
            format: FORMAT,
            poll_only: true,
            url: None,
            sha256: None,
            events: Vec::new(),
            ms_signature: false,
            at: at.to_string(),
        },
        Note::Registered(record) => Document {
            format: FORMAT,
            poll_only: false,
            url: Some(record.place.clone()),
            sha256: Some(record.digest.clone()),
            events: record.events.clone(),
            ms_signature: record.ms_signature,
            at: record.at.to_string(),
        },
    };
    let json = serde_json::to_vec(&document);
    json.expect("texts and flags are always JSON").into()
}
