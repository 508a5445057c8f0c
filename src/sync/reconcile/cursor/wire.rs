//! The cursor as JSON.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Cursor, Mark, Position, Rounds};
use crate::upstream::storage::{StorageCause, StorageError};

/// The format that is written.
const FORMAT: u32 = 1;

/// A newer program wrote it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Newer {
    format: u32,
}

impl Newer {
    /// The error about the blob `name`.
    pub(super) fn of(self, name: &str) -> StorageError {
        StorageError {
            operation: "read",
            name: name.to_owned(),
            cause: StorageCause::Newer {
                format: self.format,
            },
        }
    }
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    format: u32,
    referrals: Place,
    leads: Place,
    adopted: Place,
    users: BTreeSet<Uuid>,
    untold: Vec<String>,
    suspected: Option<String>,
    round_ended: Option<String>,
    round_marker: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    from: Option<String>,
    first: bool,
    settled: BTreeMap<Uuid, (Option<String>, Option<String>)>,
}

/// Reads a cursor; `None` if it is none.
pub(super) fn read(json: &[u8]) -> Result<Option<Cursor>, Newer> {
    match serde_json::from_slice(json) {
        Ok(Head { format }) if FORMAT < format => return Err(Newer { format }),
        Ok(_) => {}
        Err(_) => return Ok(None),
    }
    let document: Option<Document> = serde_json::from_slice(json).ok();
    Ok(document.and_then(cursor))
}

fn cursor(it: Document) -> Option<Cursor> {
    Some(Cursor {
        referrals: position(it.referrals)?,
        leads: position(it.leads)?,
        adopted: position(it.adopted)?,
        users: it.users,
        untold: it
            .untold
            .iter()
            .map(|it| it.parse().ok())
            .collect::<Option<_>>()?,
        suspected: time(it.suspected)?,
        rounds: Rounds {
            ended: time(it.round_ended)?,
            marker: it.round_marker,
        },
    })
}

fn position(it: Place) -> Option<Position> {
    let settled = it.settled.into_iter().map(|(id, (stamp, version))| {
        let stamp = time(stamp)?;
        Some((id, Mark { stamp, version }))
    });
    Some(Position {
        from: time(it.from)?,
        first: it.first,
        settled: settled.collect::<Option<_>>()?,
    })
}

/// The outer `None` is a text that is no time.
#[expect(
    clippy::option_option,
    reason = "no time and a wrong one are different things"
)]
fn time(text: Option<String>) -> Option<Option<Timestamp>> {
    text.map(|it| it.parse().ok())
        .map_or(Some(None), |it| it.map(Some))
}

/// The JSON of a cursor.
pub(super) fn write(cursor: &Cursor) -> Bytes {
    let document = Document {
        format: FORMAT,
        referrals: place(&cursor.referrals),
        leads: place(&cursor.leads),
        adopted: place(&cursor.adopted),
        users: cursor.users.clone(),
        untold: cursor.untold.iter().map(Timestamp::to_string).collect(),
        suspected: cursor.suspected.map(|it| it.to_string()),
        round_ended: cursor.rounds.ended.map(|it| it.to_string()),
        round_marker: cursor.rounds.marker.clone(),
    };
    let json = serde_json::to_vec(&document);
    json.expect("texts and ids are always JSON").into()
}

fn place(position: &Position) -> Place {
    let settled = position.settled.iter().map(|(id, mark)| {
        let stamp = mark.stamp.map(|it| it.to_string());
        (*id, (stamp, mark.version.clone()))
    });
    Place {
        from: position.from.map(|it| it.to_string()),
        first: position.first,
        settled: settled.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ETag;

    fn full() -> Cursor {
        let stamp: Timestamp = "2026-11-02T09:00:04.1234567Z".parse().unwrap();
        let place = |mark| Position {
            from: Some(stamp),
            first: false,
            settled: BTreeMap::from([(Uuid::from_u128(1), mark)]),
        };
        Cursor {
            referrals: place(Mark::of_referral(Some(stamp))),
            leads: place(Mark::of_lead(Some(stamp), &ETag::new("W/\"7\""))),
            adopted: place(Mark::of_lead(None, &ETag::new("W/\"8\""))),
            users: BTreeSet::from([Uuid::from_u128(2)]),
            untold: vec![stamp],
            suspected: Some(stamp),
            rounds: Rounds {
                ended: Some(stamp),
                marker: Some("state/x".to_owned()),
            },
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for cursor in [full(), Cursor::default()] {
            assert_eq!(read(&write(&cursor)), Ok(Some(cursor)));
        }
    }

    #[test]
    fn the_first_format_is_read_for_ever() {
        let first = r#"{"format":1,
            "referrals":{"from":"2026-11-02T09:00:04.1234567Z","first":false,
                "settled":{"00000000-0000-0000-0000-000000000001":["2026-11-02T09:00:04.1234567Z",null]}},
            "leads":{"from":"2026-11-02T09:00:04.1234567Z","first":false,
                "settled":{"00000000-0000-0000-0000-000000000001":["2026-11-02T09:00:04.1234567Z","W/\"7\""]}},
            "adopted":{"from":"2026-11-02T09:00:04.1234567Z","first":false,
                "settled":{"00000000-0000-0000-0000-000000000001":[null,"W/\"8\""]}},
            "users":["00000000-0000-0000-0000-000000000002"],
            "untold":["2026-11-02T09:00:04.1234567Z"],"suspected":"2026-11-02T09:00:04.1234567Z",
            "roundEnded":"2026-11-02T09:00:04.1234567Z","roundMarker":"state/x"}"#;
        assert_eq!(read(first.as_bytes()), Ok(Some(full())));
    }

    #[test]
    fn a_damaged_cursor_is_none_and_a_newer_one_is_left_alone() {
        let whole = write(&full());
        assert_eq!(read(&whole[..whole.len() / 2]), Ok(None));
        let text = String::from_utf8(whole.to_vec()).unwrap();
        assert_eq!(
            read(text.replace("2026-11", "2026-99").as_bytes()),
            Ok(None)
        );
        let newer = text.replace("\"format\":1", "\"format\":2");
        assert_eq!(read(newer.as_bytes()), Err(Newer { format: 2 }));
    }
}
