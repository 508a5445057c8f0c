//! What is remembered of a referral, as JSON. Every format that was ever written stays readable; `formats/` holds one of each.

mod handed;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use bytes::Bytes;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::{Digest, Handed, Intention, Pair, Side, State};
use crate::ids::{ETag, LeadId, ReferralId};
use crate::lead::Column;

/// The format this program writes.
pub(super) const FORMAT: u32 = 1;

/// The most a document may have, in bytes. A state of every column with several intentions has a quarter of it.
const SIZE_LIMIT: usize = 64 * 1024;

/// Why a document says nothing to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is none of ours, or broken.
    Broken,
    /// A newer program wrote it.
    Newer(u32),
}

/// `state` as a document; the number of bytes if that is more than a document may have.
pub(super) fn write(state: &State) -> Result<Bytes, usize> {
    let document = serde_json::to_vec(&Document::from(state));
    let document = document.expect("a state has nothing that JSON cannot hold");
    if document.len() > SIZE_LIMIT {
        return Err(document.len());
    }
    Ok(document.into())
}

/// The state in `document`.
pub(super) fn read(document: &[u8]) -> Result<State, Unread> {
    parse::<Document>(document).map(State::from)
}

/// The document that says which referral a lead belongs to.
pub(super) fn write_owner(referral: ReferralId) -> Bytes {
    let document = serde_json::to_vec(&Owner {
        format: FORMAT,
        referral: referral.uuid(),
    });
    document.expect("an id is a text").into()
}

/// The referral that `document` says a lead belongs to.
pub(super) fn read_owner(document: &[u8]) -> Result<ReferralId, Unread> {
    parse::<Owner>(document).map(|owner| ReferralId::new(owner.referral))
}

fn parse<'a, T: Deserialize<'a>>(document: &'a [u8]) -> Result<T, Unread> {
    if document.len() > SIZE_LIMIT {
        return Err(Unread::Broken);
    }
    let head: Head = serde_json::from_slice(document).map_err(|_| Unread::Broken)?;
    match head.format {
        1 => serde_json::from_slice(document).map_err(|_| Unread::Broken),
        0 => Err(Unread::Broken),
        newer => Err(Unread::Newer(newer)),
    }
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Deserialize, Serialize)]
struct Owner {
    format: u32,
    referral: Uuid,
}

/// Format 1. Members that say nothing are left out.
#[derive(Deserialize, Serialize)]
struct Document {
    format: u32,
    salt: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lead: Option<Uuid>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    agreed: BTreeMap<String, Values>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sources: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    intentions: Vec<Intended>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    referral_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    referral_updated: Option<Text<jiff::Timestamp>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lead_version: Option<String>,
    two_way: bool,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    reported: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    duplicates: BTreeSet<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    look_again: Option<Text<jiff::Timestamp>>,
    #[serde(default, skip_serializing_if = "is_false")]
    dead_letter: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed: Option<Text<jiff::Timestamp>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handed: Option<handed::Document>,
}

#[derive(Deserialize, Serialize)]
struct Intended {
    run: Uuid,
    deadline: Text<jiff::Timestamp>,
    side: IntendedSide,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    values: BTreeMap<String, Values>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum IntendedSide {
    Lead,
    Referral,
}

#[derive(Deserialize, Serialize)]
struct Values {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lead: Option<Text<Hex>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    referral: Option<Text<Hex>>,
    alike: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// A value as text, the way it prints and parses.
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = text.parse();
        value
            .map(Self)
            .map_err(|_| D::Error::custom("not what is expected here"))
    }
}

/// A digest as 32 hexadecimal digits: a UUID's simple form has as many bits.
struct Hex(Digest);

impl Display for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Uuid::from_bytes(self.0.0).simple().fmt(f)
    }
}

impl FromStr for Hex {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: Uuid = text.parse()?;
        Ok(Self(Digest(digits.into_bytes())))
    }
}

impl From<&State> for Document {
    fn from(state: &State) -> Self {
        let version = |etag: &ETag| etag.as_str().to_owned();
        Self {
            format: FORMAT,
            salt: state.salt,
            lead: state.lead.map(LeadId::uuid),
            agreed: columns(&state.agreed),
            sources: {
                let sources = state.sources.iter();
                let named =
                    |(column, it): (&Column, &String)| (column.as_str().to_owned(), it.clone());
                sources.map(named).collect()
            },
            intentions: state.intentions.iter().map(Intended::from).collect(),
            referral_version: state.referral_version.as_ref().map(version),
            referral_updated: state.referral_updated.map(Text),
            lead_version: state.lead_version.as_ref().map(version),
            two_way: state.two_way,
            reported: state.reported.clone(),
            duplicates: state.duplicates.iter().map(|lead| lead.uuid()).collect(),
            look_again: state.look_again.map(Text),
            dead_letter: state.dead_letter,
            closed: state.closed.map(Text),
            handed: state.handed.as_ref().map(handed::Document::from),
        }
    }
}

impl From<Document> for State {
    fn from(it: Document) -> Self {
        Self {
            salt: it.salt,
            lead: it.lead.map(LeadId::new),
            agreed: pairs(it.agreed),
            sources: it
                .sources
                .into_iter()
                .map(|(column, it)| (column.into(), it))
                .collect(),
            intentions: it.intentions.into_iter().map(Intention::from).collect(),
            referral_version: it.referral_version.map(ETag::new),
            referral_updated: it.referral_updated.map(|it| it.0),
            lead_version: it.lead_version.map(ETag::new),
            two_way: it.two_way,
            reported: it.reported,
            duplicates: it.duplicates.into_iter().map(LeadId::new).collect(),
            look_again: it.look_again.map(|it| it.0),
            dead_letter: it.dead_letter,
            closed: it.closed.map(|it| it.0),
            handed: it.handed.map(Handed::from),
        }
    }
}

impl From<&Intention> for Intended {
    fn from(it: &Intention) -> Self {
        Self {
            run: it.run,
            deadline: Text(it.deadline),
            side: match it.side {
                Side::Lead => IntendedSide::Lead,
                Side::Referral => IntendedSide::Referral,
            },
            version: it.version.as_ref().map(|etag| etag.as_str().to_owned()),
            values: columns(&it.values),
        }
    }
}

impl From<Intended> for Intention {
    fn from(it: Intended) -> Self {
        Self {
            run: it.run,
            deadline: it.deadline.0,
            side: match it.side {
                IntendedSide::Lead => Side::Lead,
                IntendedSide::Referral => Side::Referral,
            },
            version: it.version.map(ETag::new),
            values: pairs(it.values),
        }
    }
}

fn columns(pairs: &BTreeMap<Column, Pair>) -> BTreeMap<String, Values> {
    let digest = |it: Option<Digest>| it.map(|digest| Text(Hex(digest)));
    let values = pairs.iter().map(|(column, pair)| {
        let values = Values {
            lead: digest(pair.lead),
            referral: digest(pair.referral),
            alike: pair.alike,
        };
        (column.as_str().to_owned(), values)
    });
    values.collect()
}

fn pairs(columns: BTreeMap<String, Values>) -> BTreeMap<Column, Pair> {
    let digest = |it: Option<Text<Hex>>| it.map(|text| text.0.0);
    let pairs = columns.into_iter().map(|(column, values)| {
        let pair = Pair {
            lead: digest(values.lead),
            referral: digest(values.referral),
            alike: values.alike,
        };
        (Column::from(column), pair)
    });
    pairs.collect()
}

#[cfg(test)]
mod tests;
