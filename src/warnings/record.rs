//! What was raised: kept in `warnings.json`, so that every cause is told of once, by any number of instances.

mod wire;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::look::Look;
use crate::checkup::{Finding, Level};
use crate::ids::ETag;
use crate::upstream::storage::{Blobs, Presumed, Put, StorageCause, StorageError};

/// The blob's name.
const NAME: &str = "warnings.json";
/// How often a change is begun anew because another instance made one meanwhile.
const RACES: u32 = 5;
/// How many causes a message tells of. Teams takes 28 KB; what is left over is told of by the next run.
const MESSAGE: usize = 10;
/// For how long one instance alone tells the receiver. It is over long before.
const CLAIM: SignedDuration = SignedDuration::from_mins(2);
/// How far two instances' clocks, and the moments at which they began to look, may be apart. A claim from a later future
/// was made by a clock that is wrong.
const APART: SignedDuration = SignedDuration::from_mins(5);
/// The longest text that is taken over from a finding, in characters.
const LONGEST: usize = 400;

/// What a warning is about. It is raised once, and is over once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The code word of what was looked at.
    pub code: String,
    /// Which one of several.
    pub about: Option<String>,
}

/// A warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// How bad it is.
    pub level: Level,
    /// What was found, a plain sentence.
    pub detail: String,
    /// The one thing to do.
    pub advice: Option<String>,
    /// By when.
    pub deadline: Option<Timestamp>,
    /// When it was raised.
    pub since: Timestamp,
    /// When it was over. It is kept until the receiver has been told.
    pub over: Option<Timestamp>,
    /// Whether the receiver has been told that it was raised; or, once it is over, that it is.
    pub told: bool,
}

/// Everything that was raised and is not both over and told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The warnings.
    pub warnings: BTreeMap<Cause, Warning>,
    /// How many were raised, ever.
    pub raised: u64,
    /// How many were over, ever.
    pub over: u64,
    /// What the last digest told.
    pub digest: Option<Told>,
    /// Until when one instance alone tells the receiver.
    claimed: Option<Timestamp>,
}

/// The counts at the time of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// When it was sent.
    pub at: Timestamp,
    /// How often a referral had been brought in step.
    pub synced: u64,
    /// How many changes had been healed.
    pub healed: u64,
    /// How many warnings had been raised.
    pub raised: u64,
    /// How many had been over.
    pub over: u64,
}

/// What a look changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// What is raised now, or has become worse.
    pub raised: Vec<(Cause, Warning)>,
    /// What was raised before and is still so.
    pub standing: Vec<(Cause, Warning)>,
    /// What is over now.
    pub over: Vec<(Cause, Warning)>,
}

impl Record {
    /// Takes in what was found.
    pub fn take_in(&mut self, look: &Look<'_>, now: Timestamp) -> News {
        let mut news = News::default();
        for finding in look.warnings() {
            self.raise(finding, now, &mut news);
        }
        let is_over = |(cause, it): &(&Cause, &mut Warning)| it.over.is_none() && look.ends(cause);
        let ended = self.warnings.iter_mut().filter(is_over);
        for (cause, warning) in ended {
            warning.over = Some(now);
            news.over.push((cause.clone(), warning.clone()));
            self.over += 1;
            // Who was not told that it was raised, and is not being told, need not be told that it is over.
            warning.told = !warning.told && self.claimed.is_none();
        }
        self.forget();
        news
    }

    fn raise(&mut self, finding: &Finding, now: Timestamp, news: &mut News) {
        let cause = Cause {
            code: finding.code.to_owned(),
            about: finding.about.as_deref().map(harmless),
        };
        let mut warning = Warning {
            level: finding.level,
            detail: harmless(&finding.detail),
            advice: finding.advice.as_deref().map(harmless),
            deadline: finding.deadline,
            since: now,
            over: None,
            told: false,
        };
        match self.warnings.get_mut(&cause) {
            Some(known) if known.over.is_none() && finding.level <= known.level => {
                known.level = finding.level;
                known.deadline = finding.deadline;
                warning.since = known.since;
                news.standing.push((cause, warning));
            }
            known => {
                // That it was over has not been told yet: it never was.
                warning.told = known
                    .is_some_and(|it| it.over.is_some() && !it.told && finding.level <= it.level);
                self.raised += 1;
                news.raised.push((cause.clone(), warning.clone()));
                self.warnings.insert(cause, warning);
            }
        }
    }

    /// What the receiver has to be told, for the caller alone to tell; nothing while another one tells it.
    pub fn claim(&mut self, now: Timestamp) -> Option<Vec<(Cause, Warning)>> {
        let untold = self.warnings.iter().filter(|(_, it)| !it.told);
        let untold: Vec<_> = untold
            .take(MESSAGE)
            .map(|(cause, it)| (cause.clone(), it.clone()))
            .collect();
        (!untold.is_empty() && self.claim_for(now)).then_some(untold)
    }

    /// Whether the caller alone may tell the receiver something from now on.
    pub fn claim_for(&mut self, now: Timestamp) -> bool {
        let claimed = |until: Timestamp| now < until && until.duration_since(now) <= CLAIM + APART;
        if self.claimed.is_some_and(claimed) {
            return false;
        }
        self.claimed = Some(now + CLAIM);
        true
    }

    /// The receiver need not be left to the caller any more. It was told of these.
    pub fn release(&mut self, told: &[(Cause, Warning)]) {
        self.claimed = None;
        for (cause, then) in told {
            if let Some(now) = self.warnings.get_mut(cause)
                && now.over == then.over
                && now.level == then.level
            {
                now.told = true;
            }
        }
        self.forget();
    }

    /// The warnings that stand.
    pub fn standing(&self) -> impl Iterator<Item = (&Cause, &Warning)> {
        self.warnings.iter().filter(|(_, it)| it.over.is_none())
    }

    fn forget(&mut self) {
        self.warnings.retain(|_, it| it.over.is_none() || !it.told);
    }
}

/// `text`, cut, and without anything that could be a person's address: it goes to a log and into a channel.
fn harmless(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    let text: String = words
        .map(|word| if word.contains('@') { "… " } else { word })
        .collect();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.trim_end().to_owned(),
    }
}

/// The record as it is stored.
struct Stored {
    record: Record,
    version: Option<ETag>,
}

impl Stored {
    async fn load(blobs: &dyn Blobs) -> Result<Self, StorageError> {
        let Some(blob) = blobs.get(NAME).await? else {
            return Ok(Self {
                record: Record::default(),
                version: None,
            });
        };
        let record = wire::read(&blob.content)
            .map_err(|format| StorageCause::Newer { format }.of("read", NAME))?;
        if record.is_none() {
            tracing::warn!(
                code = "warnings_unreadable",
                "which warnings were raised cannot be read; all that stand are raised once more"
            );
        }
        Ok(Self {
            record: record.unwrap_or_default(),
            version: Some(blob.version),
        })
    }
}

/// What was raised.
pub(super) async fn load(blobs: &dyn Blobs) -> Result<Record, StorageError> {
    Ok(Stored::load(blobs).await?.record)
}

/// Makes `change` to the stored record, and gives what that gives. It is made again if somebody else was faster.
pub(super) async fn update<T>(
    blobs: &dyn Blobs,
    mut change: impl FnMut(&mut Record) -> T,
) -> Result<T, StorageError> {
    for _ in 0..RACES {
        let Stored { record, version } = Stored::load(blobs).await?;
        let mut changed = record.clone();
        let result = change(&mut changed);
        if changed == record {
            return Ok(result);
        }
        let presumed = version.as_ref().map_or(Presumed::Absent, Presumed::Version);
        let put = blobs.put(NAME, wire::write(&changed), presumed).await?;
        if matches!(put, Put::Done(_)) {
            return Ok(result);
        }
    }
    Err(StorageCause::Unsettled.of("write", NAME))
}

#[cfg(test)]
mod tests;
