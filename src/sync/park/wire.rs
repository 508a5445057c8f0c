//! The message of a parked referral.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::job::{BadMessage, Job};
use crate::ids::ReferralId;

const FORMAT: u32 = 1;
/// The longest code word that is believed.
const LONGEST_WORD: usize = 40;

#[derive(Serialize)]
struct Message<'a> {
    format: u32,
    referral: String,
    first_attempt: String,
    attempts: u32,
    why: &'a str,
}

pub(super) fn write(job: &Job) -> String {
    let message = Message {
        format: FORMAT,
        referral: job.referral.to_string(),
        first_attempt: job.first_attempt.to_string(),
        attempts: job.attempts,
        why: &job.why,
    };
    serde_json::to_string(&message).expect("strings and numbers are always JSON")
}

pub(super) fn read(text: &str) -> Result<Job, BadMessage> {
    let message: Value = serde_json::from_str(text).map_err(|_| BadMessage::Foreign)?;
    let format = message["format"].as_u64().and_then(|it| it.try_into().ok());
    let referral = parsed::<ReferralId>(&message, "referral");
    match (format, &referral) {
        (Some(FORMAT), _) => {}
        (Some(format), Ok(_)) if FORMAT < format => return Err(BadMessage::Newer { format }),
        _ => return Err(BadMessage::Foreign),
    }
    let attempts = message["attempts"].as_u64();
    let why = message["why"].as_str().filter(|word| is_word(word));
    Ok(Job {
        referral: referral?,
        first_attempt: parsed::<Timestamp>(&message, "first_attempt")?,
        attempts: attempts
            .and_then(|it| it.try_into().ok())
            .ok_or(BadMessage::Broken("attempts"))?,
        why: why.ok_or(BadMessage::Broken("why"))?.to_owned().into(),
    })
}

fn parsed<T: std::str::FromStr>(message: &Value, member: &'static str) -> Result<T, BadMessage> {
    let text = message[member].as_str();
    text.and_then(|text| text.parse().ok())
        .ok_or(BadMessage::Broken(member))
}

/// What is read here reaches logs and listings.
fn is_word(text: &str) -> bool {
    let letter = |it: u8| it.is_ascii_lowercase() || it == b'_';
    (1..=LONGEST_WORD).contains(&text.len()) && text.bytes().all(letter)
}
