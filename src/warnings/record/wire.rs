//! `warnings.json`.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cause, Record, Told, Warning};
use crate::checkup::Level;

const FORMAT: u32 = 1;

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    warnings: Vec<Entry>,
    raised: u64,
    over: u64,
    digest: Option<Digest>,
    claimed: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    code: String,
    about: Option<String>,
    level: String,
    detail: String,
    advice: Option<String>,
    deadline: Option<String>,
    since: String,
    over: Option<String>,
    told: bool,
}

#[derive(Serialize, Deserialize)]
struct Digest {
    at: String,
    synced: u64,
    healed: u64,
    raised: u64,
    over: u64,
}

/// What the blob says; nothing if it is damaged. The error is the format of a newer program's.
pub(super) fn read(json: &[u8]) -> Result<Option<Record>, u32> {
    match serde_json::from_slice(json) {
        Ok(Head { format }) if FORMAT < format => return Err(format),
        Ok(_) => {}
        Err(_) => return Ok(None),
    }
    let document: Option<Document> = serde_json::from_slice(json).ok();
    Ok(document.map(|it| Record {
        warnings: it.warnings.into_iter().filter_map(warning).collect(),
        raised: it.raised,
        over: it.over,
        digest: it.digest.as_ref().and_then(digest),
        claimed: time(it.claimed.as_deref()),
    }))
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn warning(it: Entry) -> Option<(Cause, Warning)> {
    let levels = [Level::Warning, Level::Failed];
    let warning = Warning {
        level: levels.into_iter().find(|level| level.word() == it.level)?,
        detail: it.detail,
        advice: it.advice,
        deadline: time(it.deadline.as_deref()),
        since: it.since.parse().ok()?,
        over: time(it.over.as_deref()),
        told: it.told,
    };
    let cause = Cause {
        code: it.code,
        about: it.about,
    };
    Some((cause, warning))
}

fn digest(it: &Digest) -> Option<Told> {
    Some(Told {
        at: it.at.parse().ok()?,
        synced: it.synced,
        healed: it.healed,
        raised: it.raised,
        over: it.over,
    })
}

/// The blob.
pub(super) fn write(record: &Record) -> Bytes {
    let text = |time: Option<Timestamp>| time.map(|it| it.to_string());
    let entry = |(cause, it): (&Cause, &Warning)| Entry {
        code: cause.code.clone(),
        about: cause.about.clone(),
        level: it.level.word().to_owned(),
        detail: it.detail.clone(),
        advice: it.advice.clone(),
        deadline: text(it.deadline),
        since: it.since.to_string(),
        over: text(it.over),
        told: it.told,
    };
    let digest = |it: Told| Digest {
        at: it.at.to_string(),
        synced: it.synced,
        healed: it.healed,
        raised: it.raised,
        over: it.over,
    };
    let document = Document {
        format: FORMAT,
        warnings: record.warnings.iter().map(entry).collect(),
        raised: record.raised,
        over: record.over,
        digest: record.digest.map(digest),
        claimed: text(record.claimed),
    };
    let json = serde_json::to_vec(&document);
    json.expect("texts and numbers are always JSON").into()
}
