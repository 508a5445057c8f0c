//! `activity.json`: times, counts, ids and code words.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Picture, Ran, Waiting};
use crate::ids::ReferralId;

const FORMAT: u32 = 1;

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    format: u32,
    last_event: Option<String>,
    last_sync: Option<String>,
    reconciled: Option<Run>,
    renewed: Option<Run>,
    synced: u64,
    healed: u64,
    waiting: BTreeMap<Uuid, Wait>,
}

#[derive(Serialize, Deserialize)]
struct Run {
    at: String,
    code: String,
}

#[derive(Serialize, Deserialize)]
struct Wait {
    since: String,
    until: String,
    why: String,
}

/// What the blob says; nothing if it is damaged. The error is the format of a newer program's.
pub(super) fn read(json: &[u8]) -> Result<Option<Picture>, u32> {
    match serde_json::from_slice(json) {
        Ok(Head { format }) if FORMAT < format => return Err(format),
        Ok(_) => {}
        Err(_) => return Ok(None),
    }
    let document: Option<Document> = serde_json::from_slice(json).ok();
    Ok(document.map(|it| Picture {
        event: time(it.last_event.as_deref()),
        sync: time(it.last_sync.as_deref()),
        reconciled: it.reconciled.and_then(ran),
        renewed: it.renewed.and_then(ran),
        synced: it.synced,
        healed: it.healed,
        waiting: it.waiting.into_iter().filter_map(waiting).collect(),
    }))
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn ran(it: Run) -> Option<Ran> {
    Some(Ran {
        at: it.at.parse().ok()?,
        code: it.code,
    })
}

fn waiting((id, it): (Uuid, Wait)) -> Option<(ReferralId, Waiting)> {
    let waiting = Waiting {
        since: it.since.parse().ok()?,
        until: it.until.parse().ok()?,
        why: it.why.into(),
    };
    Some((ReferralId::new(id), waiting))
}

/// The blob.
pub(super) fn write(picture: &Picture) -> Bytes {
    let run = |it: &Ran| Run {
        at: it.at.to_string(),
        code: it.code.clone(),
    };
    let wait = |(id, it): (&ReferralId, &Waiting)| {
        let wait = Wait {
            since: it.since.to_string(),
            until: it.until.to_string(),
            why: it.why.to_string(),
        };
        (id.uuid(), wait)
    };
    let document = Document {
        format: FORMAT,
        last_event: picture.event.map(|it| it.to_string()),
        last_sync: picture.sync.map(|it| it.to_string()),
        reconciled: picture.reconciled.as_ref().map(run),
        renewed: picture.renewed.as_ref().map(run),
        synced: picture.synced,
        healed: picture.healed,
        waiting: picture.waiting.iter().map(wait).collect(),
    };
    let json = serde_json::to_vec(&document);
    json.expect("texts and numbers are always JSON").into()
}
