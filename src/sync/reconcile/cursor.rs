//! How far the lists have been worked off: kept between passes in `reconcile/cursor.json`.

mod wire;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::ids::ETag;
use crate::sync::world::World;
use crate::upstream::storage::{Presumed, Put, StorageError};

const NAME: &str = "reconcile/cursor.json";
/// Rows may become visible later than their timestamps say, and the clocks behind one address differ: a cursor stays so
/// far behind the server's clock.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// How many rows of the overlap are remembered. Of more, some are looked at once more.
const REMEMBERED: usize = 2000;
/// How long a healed change counts towards the suspicion that events do not arrive.
const SUSPICION: SignedDuration = SignedDuration::from_hours(24);
/// How many changes are healed within a day before it is said that events do not arrive.
pub const UNTOLD_LIMIT: usize = 5;

/// What is kept between passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// In the list of referrals.
    pub referrals: Position,
    /// In the list of leads that the connector made.
    pub leads: Position,
    /// In the list of leads that it adopted.
    pub adopted: Position,
    /// The users of Dataverse that passes acted as: leads made by any of them are ours.
    pub users: BTreeSet<Uuid>,
    /// When changes were healed that an event should have told, within the last day; the newest few.
    pub untold: Vec<Timestamp>,
    /// When it was last said that events do not arrive.
    pub suspected: Option<Timestamp>,
    /// When everything remembered was last gone through.
    pub rounds: Rounds,
}

/// A place in a list by time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Everything older is done, parked or dead-lettered; `None` is the very beginning.
    pub from: Option<Timestamp>,
    /// Whether the end of the list was never reached yet.
    pub first: bool,
    /// Rows at or after `from` that need not be looked at again although nothing else remembers them.
    pub settled: BTreeMap<Uuid, Mark>,
}

/// The version of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// When it was changed.
    pub stamp: Option<Timestamp>,
    /// Its version, where a list tells it.
    pub version: Option<String>,
}

/// The daily round over everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rounds {
    /// When the last one ended.
    pub ended: Option<Timestamp>,
    /// Where the one under way goes on.
    pub marker: Option<String>,
}

impl Default for Position {
    fn default() -> Self {
        Self {
            from: None,
            first: true,
            settled: BTreeMap::new(),
        }
    }
}

impl Mark {
    /// Of a referral: its `updatedDateTime` changes with every version.
    pub fn of_referral(stamp: Option<Timestamp>) -> Self {
        Self {
            stamp,
            version: None,
        }
    }

    /// Of a lead: its time has a grain of a second.
    pub fn of_lead(stamp: Option<Timestamp>, version: &ETag) -> Self {
        Self {
            stamp,
            version: Some(version.as_str().to_owned()),
        }
    }
}

impl Position {
    /// Moves to `from`, and forgets what lies before it.
    pub fn move_to(&mut self, from: Option<Timestamp>) {
        self.from = from;
        self.settled.retain(|_, mark| mark.stamp >= from);
        if self.settled.len() > REMEMBERED {
            let mut marks: Vec<_> = self
                .settled
                .iter()
                .map(|(id, it)| (it.stamp, *id))
                .collect();
            marks.sort_unstable();
            let surplus = marks.len() - REMEMBERED;
            for (_, id) in &marks[..surplus] {
                self.settled.remove(id);
            }
        }
    }
}

impl Cursor {
    /// A cursor that is at `from` in every list.
    pub fn at(from: Option<Timestamp>) -> Self {
        let position = Position {
            from,
            ..Position::default()
        };
        Self {
            referrals: position.clone(),
            leads: position.clone(),
            adopted: position,
            ..Self::default()
        }
    }

    /// How many changes were healed within a day before `now` that events should have told; no more than are suspicious.
    pub fn untold_lately(&self, now: Timestamp) -> usize {
        let recent = |at: &&Timestamp| now.duration_since(**at).abs() < SUSPICION;
        self.untold.iter().filter(recent).count()
    }

    /// Notes that `count` changes were healed that events should have told. Gives how many there were within a day, if it
    /// is time to say that events do not arrive: five a day, said once a day.
    pub fn suspect(&mut self, count: usize, now: Timestamp) -> Option<usize> {
        let recent = |at: &Timestamp| now.duration_since(*at).abs() < SUSPICION;
        self.untold.retain(recent);
        self.untold.extend(std::iter::repeat_n(now, count));
        let total = self.untold.len();
        let surplus = total.saturating_sub(UNTOLD_LIMIT);
        self.untold.drain(..surplus);
        if count == 0 || total < UNTOLD_LIMIT || self.suspected.as_ref().is_some_and(recent) {
            return None;
        }
        self.suspected = Some(now);
        Some(total)
    }
}

/// The cursor as it is stored.
#[derive(Debug)]
pub struct Stored {
    /// What it says.
    pub cursor: Cursor,
    /// The blob's version; `None` if there is none.
    version: Option<ETag>,
    /// What the blob says.
    saved: Option<Cursor>,
}

impl Stored {
    /// Reads it. One that cannot be read is started anew: that looks at everything once more, and loses nothing.
    pub async fn load(world: &World) -> Result<Self, StorageError> {
        let Some(blob) = world.blobs.get(NAME).await? else {
            return Ok(Self {
                cursor: Cursor::default(),
                version: None,
                saved: None,
            });
        };
        let read = wire::read(&blob.content).map_err(|newer| newer.of(NAME))?;
        if read.is_none() {
            tracing::warn!(
                code = "cursor_unreadable",
                "where the lists were worked off to cannot be read; everything is looked at once more"
            );
        }
        Ok(Self {
            cursor: read.clone().unwrap_or_default(),
            version: Some(blob.version),
            saved: read,
        })
    }

    /// Saves it if it differs from what is stored. `false` if another pass has saved one in between.
    pub async fn save(&mut self, world: &World) -> Result<bool, StorageError> {
        if self.saved.as_ref() == Some(&self.cursor) {
            return Ok(true);
        }
        let presumed = self
            .version
            .as_ref()
            .map_or(Presumed::Absent, Presumed::Version);
        let content = wire::write(&self.cursor);
        match world.blobs.put(NAME, content, presumed).await? {
            Put::Done(version) => {
                self.version = Some(version);
                self.saved = Some(self.cursor.clone());
                Ok(true)
            }
            Put::Changed => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + 60 * minute).unwrap()
    }

    #[test]
    fn five_changes_a_day_that_no_event_told_are_suspicious_and_it_is_said_once_a_day() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.suspect(4, at(0)), None);
        assert_eq!(cursor.suspect(0, at(5)), None);
        assert_eq!(cursor.suspect(1, at(10)), Some(5));
        assert_eq!(cursor.suspect(3, at(15)), None);
        assert_eq!(cursor.suspect(5, at(10 + 24 * 60)), Some(8));
        assert_eq!(cursor.suspect(1, at(10 + 72 * 60)), None);
    }

    #[test]
    fn what_lies_before_the_cursor_is_forgotten_and_the_rest_is_bounded() {
        let mut position = Position::default();
        for minute in 0..3000 {
            let id = Uuid::from_u128(u128::try_from(minute).unwrap());
            position
                .settled
                .insert(id, Mark::of_referral(Some(at(minute))));
        }
        position.move_to(Some(at(500)));
        assert_eq!(position.settled.len(), REMEMBERED);
        let oldest = position.settled.values().filter_map(|it| it.stamp).min();
        assert_eq!(oldest, Some(at(1000)));
        position.move_to(Some(at(2999)));
        assert_eq!(position.settled.len(), 1);
    }
}
