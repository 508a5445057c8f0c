//! What could not be synced and waits for a person: one blob each, with the reason in plain words and ids only.

mod reason;
mod wire;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use uuid::Uuid;

use super::error::SyncError;
use super::park::job::{ASKED, BadMessage, Job, Word};
use super::state::State;
use super::state::store::{Saved, States};
use crate::ids::ReferralId;
use crate::upstream::storage::{Blobs, Presumed, Put, StorageCause, StorageError};

/// Where they lie in the container.
const FOLDER: &str = "dead-letters/";
/// How many are read at once.
const READS: usize = 8;
/// How often a letter is brought together with one that was written meanwhile.
const RACES: u32 = 3;

/// Retried five times by the host, and every time this program ended before it had an answer.
pub const POISONED: &str = "poisoned";
/// A message that something else wrote.
pub const FOREIGN: &str = "foreign_message";
/// A message of ours that was damaged.
pub const BROKEN: &str = "broken_message";

/// The dead letters of this app.
#[derive(Clone)]
pub struct DeadLetters {
    blobs: Arc<dyn Blobs>,
    states: States,
}

/// What a dead letter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A referral.
    Referral(ReferralId),
    /// A message of the queue, by the queue's id of it.
    Message(Uuid),
}

/// What could not be done, and what a person can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What it is about.
    pub subject: Subject,
    /// The code word of what was in the way.
    pub why: Word,
    /// What was in the way, in plain words.
    pub reason: String,
    /// What to do.
    pub advice: String,
    /// The last error with its causes, as in the log.
    pub error: Option<String>,
    /// When it was tried for the first time.
    pub first_attempt: Timestamp,
    /// When it was tried for the last time.
    pub last_attempt: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// The message itself, if the letter is about one. It may be anybody's: it is kept, and never shown.
    pub message: Option<String>,
}

impl Letter {
    /// About a referral that cannot be synced. `gave_up` says that it was tried for as long as the settings allow.
    pub fn unsynced(job: &Job, error: &SyncError, gave_up: bool, now: Timestamp) -> Self {
        Self {
            subject: Subject::Referral(job.referral),
            why: job.why.clone(),
            reason: reason::reason(
                &error.cause,
                gave_up.then(|| now.duration_since(job.first_attempt)),
            ),
            advice: reason::advice(&error.cause).to_owned(),
            error: Some(reason::causes(error)),
            first_attempt: job.first_attempt,
            last_attempt: now,
            attempts: job.attempts,
            message: None,
        }
    }

    /// About a referral whose retry never came to an answer.
    pub fn poisoned(job: &Job, now: Timestamp) -> Self {
        Self {
            subject: Subject::Referral(job.referral),
            why: Word::Borrowed(POISONED),
            reason: "its retry failed again and again without an answer: the settings could not be read, the storage \
                     account failed, or the program ended"
                .to_owned(),
            advice: "it is tried once more by itself; if this letter stays, look in the log for what ended the program"
                .to_owned(),
            error: None,
            first_attempt: job.first_attempt.min(now),
            last_attempt: now,
            attempts: job.attempts,
            message: None,
        }
    }

    /// About a message that is no job.
    pub fn message(id: Uuid, text: &str, problem: &BadMessage, now: Timestamp) -> Self {
        let (why, advice) = match problem {
            BadMessage::Foreign | BadMessage::Newer { .. } => (FOREIGN, reason::FOREIGN),
            BadMessage::Broken(_) => (BROKEN, reason::BROKEN),
        };
        Self {
            subject: Subject::Message(id),
            why: Word::Borrowed(why),
            reason: problem.to_string(),
            advice: advice.to_owned(),
            error: None,
            first_attempt: now,
            last_attempt: now,
            attempts: 1,
            message: Some(text.to_owned()),
        }
    }

    /// The message that makes the function try again.
    pub fn retry(&self, now: Timestamp) -> String {
        match (self.subject, &self.message) {
            (Subject::Referral(referral), _) => Job::new(referral, now, ASKED).text(),
            (Subject::Message(_), text) => text.clone().unwrap_or_default(),
        }
    }

    /// The same, knowing what an older letter about the same tells.
    fn after(mut self, older: &Self) -> Self {
        self.first_attempt = self.first_attempt.min(older.first_attempt);
        self.attempts = self.attempts.saturating_add(older.attempts);
        self
    }
}

impl DeadLetters {
    /// Those among `blobs`.
    pub fn new(blobs: Arc<dyn Blobs>) -> Self {
        let states = States::new(Arc::clone(&blobs));
        Self { blobs, states }
    }

    /// Stores `letter`; what an older one tells of earlier attempts is kept.
    ///
    /// A run that ends well removes the letter if the referral's state says that there is one. So the state says it before
    /// there is one, and is written once more after: a run that ends well in between either has been noticed here, or finds
    /// the state changed and starts over.
    pub async fn keep(&self, letter: Letter) -> Result<(), StorageError> {
        let Subject::Referral(referral) = letter.subject else {
            return self.store(letter).await;
        };
        self.mark(referral).await?;
        let subject = letter.subject;
        self.store(letter).await?;
        if !self.confirm(referral).await? {
            self.remove(subject).await?;
        }
        Ok(())
    }

    /// Makes the referral's state say that there is a letter.
    async fn mark(&self, referral: ReferralId) -> Result<(), StorageError> {
        loop {
            let mut stored = self.states.load(referral).await?;
            let state = stored.state.clone();
            let mut state = state.unwrap_or_else(|| State::new(Uuid::new_v4()));
            if state.dead_letter {
                return Ok(());
            }
            state.dead_letter = true;
            // Whoever was faster has come to an end: this does too.
            if self.states.save(referral, &state, &mut stored).await? == Saved::Done {
                return Ok(());
            }
        }
    }

    /// Writes the referral's state again, unchanged. `false` if it does not say any more that there is a letter.
    async fn confirm(&self, referral: ReferralId) -> Result<bool, StorageError> {
        loop {
            let mut stored = self.states.load(referral).await?;
            let Some(state) = stored.state.clone() else {
                self.mark(referral).await?;
                return Ok(true);
            };
            if !state.dead_letter {
                return Ok(false);
            }
            if self.states.save(referral, &state, &mut stored).await? == Saved::Done {
                return Ok(true);
            }
        }
    }

    async fn store(&self, letter: Letter) -> Result<(), StorageError> {
        let name = letter.subject.blob();
        for _ in 0..RACES {
            let found = self.blobs.get(&name).await?;
            let older = match &found {
                Some(blob) => read(&name, letter.subject, &blob.content)?,
                None => None,
            };
            let letter = match &older {
                Some(older) => letter.clone().after(older),
                None => letter.clone(),
            };
            let presumed = found
                .as_ref()
                .map_or(Presumed::Absent, |blob| Presumed::Version(&blob.version));
            let put = self.blobs.put(&name, wire::write(&letter), presumed);
            if matches!(put.await?, Put::Done(_)) {
                return Ok(());
            }
        }
        // Others keep writing the same letter: any of them will do.
        let put = self
            .blobs
            .put(&name, wire::write(&letter), Presumed::Nothing);
        put.await.map(|_| ())
    }

    /// The letter about `subject`.
    pub async fn get(&self, subject: Subject) -> Result<Option<Letter>, StorageError> {
        let name = subject.blob();
        match self.blobs.get(&name).await? {
            Some(blob) => Ok(Some(
                read(&name, subject, &blob.content)?.unwrap_or_else(|| unreadable(subject)),
            )),
            None => Ok(None),
        }
    }

    /// Removes the letter about `subject`. `false` if there is none.
    pub async fn remove(&self, subject: Subject) -> Result<bool, StorageError> {
        self.blobs.delete(&subject.blob(), None).await
    }

    /// What there is a letter about, in the order of the ids.
    pub async fn subjects(&self) -> Result<Vec<Subject>, StorageError> {
        let mut subjects = Vec::new();
        let mut marker = None;
        loop {
            let page = self.blobs.list(FOLDER, marker.as_deref()).await?;
            subjects.extend(page.names.iter().filter_map(|(name, _)| subject_of(name)));
            match page.next {
                Some(next) => marker = Some(next),
                None => return Ok(subjects),
            }
        }
    }

    /// Every letter, in the order of their ids.
    pub async fn all(&self) -> Result<Vec<Letter>, StorageError> {
        let subjects = self.subjects().await?;
        let letters = stream::iter(subjects).map(|subject| self.get(subject));
        // One that was dropped in between is no more.
        letters
            .buffered(READS)
            .try_filter_map(|letter| async { Ok(letter) })
            .try_collect()
            .await
    }
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").finish_non_exhaustive()
    }
}

impl Subject {
    /// The name of its blob.
    fn blob(self) -> String {
        format!("{FOLDER}{self}.json")
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Referral(id) => id.fmt(f),
            Self::Message(id) => write!(f, "message-{id}"),
        }
    }
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.strip_prefix("message-") {
            Some(id) => id.parse().map(Self::Message),
            None => text.parse().map(Self::Referral),
        };
        parsed.map_err(|_| "expected a referral's id, or message-<id>".to_owned())
    }
}

fn subject_of(name: &str) -> Option<Subject> {
    let id = name.strip_prefix(FOLDER)?.strip_suffix(".json")?;
    id.parse().ok()
}

/// The letter of this blob; `None` if it is none that anybody could read.
fn read(name: &str, subject: Subject, content: &[u8]) -> Result<Option<Letter>, StorageError> {
    match wire::read(subject, content) {
        Ok(letter) => Ok(Some(letter)),
        Err(wire::Unreadable::Damaged) => Ok(None),
        Err(wire::Unreadable::Newer { format }) => Err(StorageError {
            operation: "read",
            name: name.to_owned(),
            cause: StorageCause::Newer { format },
        }),
    }
}

/// What is shown of a letter that was damaged.
fn unreadable(subject: Subject) -> Letter {
    Letter {
        subject,
        why: Word::Borrowed("unreadable"),
        reason: "the letter itself cannot be read".to_owned(),
        advice: reason::TRY_AGAIN.to_owned(),
        error: None,
        first_attempt: Timestamp::UNIX_EPOCH,
        last_attempt: Timestamp::UNIX_EPOCH,
        attempts: 0,
        message: None,
    }
}

#[cfg(test)]
mod tests;
