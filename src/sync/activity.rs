//! What was done last, and what waits: kept in `activity.json` for `status` and for warnings, never on the path of an answer.
//!
//! Each instance notes what it does in memory, and adds that to the blob at most once a minute. The newest time wins, counts
//! add up, and a referral that any instance brought to an end waits no more.

mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::park::job::Word;
use super::park::{Disposal, EARLY};
use super::plan::Outcome;
use crate::failure::Chain;
use crate::ids::{ETag, ReferralId};
use crate::upstream::storage::{Blobs, Presumed, Put, StorageCause, StorageError};

/// The blob's name.
pub const NAME: &str = "activity.json";

/// How long after something was done it is written down: a delivery is an event first and a sync moments later.
const SETTLED: Duration = Duration::from_secs(2);
/// The least time between two writes of one instance.
const PAUSE: Duration = Duration::from_mins(1);
/// How often a write is begun anew because another instance wrote meanwhile.
const RACES: u32 = 5;
/// How many waiting referrals are told of, those that wait longest.
const WAITING: usize = 100;
/// How many ends are remembered until they are written down. One that is forgotten counts as waiting until it is stale.
const ENDS: usize = 4096;
/// How long after its next attempt was due a referral counts as waiting although nobody has told of it again.
const STALE: SignedDuration = SignedDuration::from_hours(2);

/// What was done last, and what waits, by all instances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// When an event last came that Partner Center had signed.
    pub event: Option<Timestamp>,
    /// When a referral was last brought in step.
    pub sync: Option<Timestamp>,
    /// How the timer `ReferralReconcile` ended last.
    pub reconciled: Option<Ran>,
    /// How the timer `TokenRenewal` ended last.
    pub renewed: Option<Ran>,
    /// How often a referral was brought in step, ever.
    pub synced: u64,
    /// How many changes were healed that no event had told, ever.
    pub healed: u64,
    /// Referrals that are not in step and wait in the queue; the hundred that have waited longest.
    pub waiting: BTreeMap<ReferralId, Waiting>,
}

/// When a timer's function ended, and with which code word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// When.
    pub at: Timestamp,
    /// The code word, as in the log.
    pub code: String,
}

/// A referral that is not in step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again.
    pub until: Timestamp,
    /// The code word of what was in the way.
    pub why: Word,
}

impl Picture {
    /// What the blob says; nothing was done yet if there is none, or none that can be read.
    pub async fn load(blobs: &dyn Blobs) -> Result<Self, StorageError> {
        Ok(Stored::load(blobs).await?.picture)
    }

    /// The referral that has waited longest, as of `now`.
    pub fn longest(&self, now: Timestamp) -> Option<(ReferralId, &Waiting)> {
        let waiting = self.waiting.iter().filter(|(_, it)| !it.is_stale(now));
        waiting
            .map(|(id, it)| (*id, it))
            .min_by_key(|(_, it)| it.since)
    }

    /// The same after what one instance did.
    fn with(mut self, notes: &Notes, now: Timestamp) -> Self {
        let it = &notes.picture;
        self.event = self.event.max(it.event);
        self.sync = self.sync.max(it.sync);
        self.reconciled = newest(self.reconciled, it.reconciled.as_ref());
        self.renewed = newest(self.renewed, it.renewed.as_ref());
        self.synced = self.synced.saturating_add(it.synced);
        self.healed = self.healed.saturating_add(it.healed);
        self.waiting
            .retain(|id, _| !notes.ended.contains(id) || it.waiting.contains_key(id));
        for (id, waiting) in &it.waiting {
            let mut waiting = waiting.clone();
            if let Some(known) = self.waiting.get(id).filter(|_| !notes.ended.contains(id)) {
                waiting.since = waiting.since.min(known.since);
            }
            self.waiting.insert(*id, waiting);
        }
        self.waiting.retain(|_, it| !it.is_stale(now));
        let surplus = self.waiting.len().saturating_sub(WAITING);
        let mut newest: Vec<_> = self
            .waiting
            .iter()
            .map(|(id, it)| (it.since, *id))
            .collect();
        newest.sort_unstable_by(|one, other| other.cmp(one));
        for (_, id) in &newest[..surplus] {
            self.waiting.remove(id);
        }
        self
    }
}

impl Waiting {
    /// Whether somebody should have told of it again by now.
    fn is_stale(&self, now: Timestamp) -> bool {
        STALE < now.duration_since(self.until)
    }
}

fn newest(one: Option<Ran>, other: Option<&Ran>) -> Option<Ran> {
    let other = other.cloned();
    one.into_iter().chain(other).max_by_key(|it| it.at)
}

/// What this instance did since it last wrote that down.
#[derive(Clone, Debug, Default)]
struct Notes {
    /// As if nobody had done anything before.
    picture: Picture,
    /// Referrals that wait no more, or waited no more before they waited again.
    ended: BTreeSet<ReferralId>,
}

/// What this instance does.
#[derive(Debug, Default)]
pub struct Activity {
    notes: Mutex<Notes>,
    news: Notify,
}

impl Activity {
    /// An event came.
    pub fn event(&self, now: Timestamp) {
        self.change(|notes| notes.picture.event = Some(now));
    }

    /// `ReferralReconcile` ended so, and healed so many changes.
    pub fn reconciled(&self, code: &str, healed: u64, now: Timestamp) {
        let ran = ran(code, now);
        self.change(|notes| {
            notes.picture.reconciled = Some(ran);
            notes.picture.healed += healed;
        });
    }

    /// `TokenRenewal` ended so.
    pub fn renewed(&self, code: &str, now: Timestamp) {
        let ran = ran(code, now);
        self.change(|notes| notes.picture.renewed = Some(ran));
    }

    /// That became of a referral that had been tried since then.
    pub(super) fn disposed(
        &self,
        id: ReferralId,
        since: Timestamp,
        disposal: &Disposal,
        now: Timestamp,
    ) {
        match disposal {
            Disposal::Done(report) => {
                let in_step = !matches!(report.outcome, Outcome::Ignored(_) | Outcome::NotOurs);
                self.change(|notes| {
                    notes.end(id);
                    if in_step {
                        notes.picture.sync = Some(now);
                        notes.picture.synced += 1;
                    }
                });
            }
            Disposal::Absent(_) | Disposal::DeadLettered(_) => self.change(|notes| notes.end(id)),
            Disposal::Parked { until, why } if why.word != EARLY => {
                let waiting = Waiting {
                    since: since.min(now),
                    until: *until,
                    why: why.word.clone(),
                };
                self.change(|notes| notes.wait(id, waiting));
            }
            Disposal::Parked { .. } | Disposal::NotKept { .. } => {}
        }
    }

    /// Writes down what this instance does, for ever: soon after something was done, and at most once a minute.
    pub async fn keep(&self, blobs: &dyn Blobs) {
        loop {
            self.news.notified().await;
            tokio::time::sleep(SETTLED).await;
            if let Err(error) = self.save(blobs, Timestamp::now()).await {
                tracing::debug!(error = %Chain(&error), "what was done last could not be written down");
                self.news.notify_one();
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Writes down what this instance did since it last did so, if it did anything.
    pub async fn save(&self, blobs: &dyn Blobs, now: Timestamp) -> Result<(), StorageError> {
        let Some(notes) = self.take() else {
            return Ok(());
        };
        let saved = save(&notes, blobs, now).await;
        if saved.is_err() {
            self.put_back(notes);
        }
        saved
    }

    fn take(&self) -> Option<Notes> {
        let notes = std::mem::take(&mut *self.notes());
        let nothing = notes.picture == Picture::default() && notes.ended.is_empty();
        (!nothing).then_some(notes)
    }

    /// Notes that were taken and could not be written go below what was noted meanwhile.
    fn put_back(&self, older: Notes) {
        let mut notes = self.notes();
        let picture = older.picture.clone().with(&notes, Timestamp::MIN);
        let mut ended = older.ended;
        ended.append(&mut notes.ended);
        *notes = Notes { picture, ended };
    }

    fn change(&self, change: impl FnOnce(&mut Notes)) {
        change(&mut self.notes());
        self.news.notify_one();
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn end(&mut self, id: ReferralId) {
        self.picture.waiting.remove(&id);
        if self.ended.len() < ENDS {
            self.ended.insert(id);
        }
    }

    fn wait(&mut self, id: ReferralId, mut waiting: Waiting) {
        if let Some(known) = self.picture.waiting.get(&id) {
            waiting.since = waiting.since.min(known.since);
        } else if self.picture.waiting.len() == ENDS {
            return;
        }
        self.picture.waiting.insert(id, waiting);
    }
}

fn ran(code: &str, now: Timestamp) -> Ran {
    Ran {
        at: now,
        code: code.to_owned(),
    }
}

async fn save(notes: &Notes, blobs: &dyn Blobs, now: Timestamp) -> Result<(), StorageError> {
    for _ in 0..RACES {
        let Stored { picture, version } = Stored::load(blobs).await?;
        let picture = picture.with(notes, now);
        let presumed = version.as_ref().map_or(Presumed::Absent, Presumed::Version);
        let put = blobs.put(NAME, wire::write(&picture), presumed).await?;
        if matches!(put, Put::Done(_)) {
            return Ok(());
        }
    }
    Err(StorageCause::Unsettled.of("write", NAME))
}

/// The blob as it was read.
struct Stored {
    picture: Picture,
    version: Option<ETag>,
}

impl Stored {
    async fn load(blobs: &dyn Blobs) -> Result<Self, StorageError> {
        let Some(blob) = blobs.get(NAME).await? else {
            return Ok(Self {
                picture: Picture::default(),
                version: None,
            });
        };
        let picture = wire::read(&blob.content)
            .map_err(|format| StorageCause::Newer { format }.of("read", NAME))?;
        Ok(Self {
            picture: picture.unwrap_or_default(),
            version: Some(blob.version),
        })
    }
}

#[cfg(test)]
mod tests;
