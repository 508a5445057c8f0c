//! The blob of a dead letter.

use std::str::FromStr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Letter, Subject};

const FORMAT: u32 = 1;

/// Why a blob is no letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is not what this program writes.
    Damaged,
    /// A newer version of this program wrote it.
    Newer {
        /// The format it says it has.
        format: u32,
    },
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Deserialize, Serialize)]
struct Document {
    format: u32,
    subject: String,
    why: String,
    reason: String,
    advice: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    first_attempt: String,
    last_attempt: String,
    attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

pub(super) fn write(letter: &Letter) -> Bytes {
    let document = Document {
        format: FORMAT,
        subject: letter.subject.to_string(),
        why: letter.why.to_string(),
        reason: letter.reason.clone(),
        advice: letter.advice.clone(),
        error: letter.error.clone(),
        first_attempt: letter.first_attempt.to_string(),
        last_attempt: letter.last_attempt.to_string(),
        attempts: letter.attempts,
        message: letter.message.clone(),
    };
    serde_json::to_vec(&document)
        .expect("strings and numbers are always JSON")
        .into()
}

pub(super) fn read(subject: Subject, content: &[u8]) -> Result<Letter, Unreadable> {
    let head: Head = serde_json::from_slice(content).map_err(|_| Unreadable::Damaged)?;
    if FORMAT < head.format {
        return Err(Unreadable::Newer {
            format: head.format,
        });
    }
    let document: Document = serde_json::from_slice(content).map_err(|_| Unreadable::Damaged)?;
    if document.subject.parse() != Ok(subject) {
        return Err(Unreadable::Damaged);
    }
    Ok(Letter {
        subject,
        why: document.why.into(),
        reason: document.reason,
        advice: document.advice,
        error: document.error,
        first_attempt: parsed(&document.first_attempt)?,
        last_attempt: parsed(&document.last_attempt)?,
        attempts: document.attempts,
        message: document.message,
    })
}

fn parsed<T: FromStr>(text: &str) -> Result<T, Unreadable> {
    text.parse().map_err(|_| Unreadable::Damaged)
}
