//! Removes everything that is kept about one referral, and says what it was.
//!
//! Blobs are known by their names, or by the referral's id in them: whatever wrote them, they are found and removed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::state::store::{OWNERS, STATES};
use crate::ids::ReferralId;
use crate::upstream::storage::{
    Blobs, POISON_QUEUE, Queue, RETRY_QUEUE, StorageError, StorageQueue,
};

/// How many blobs are read at once.
const READS: usize = 8;
/// How long the other messages of a queue stay out of sight while it is searched.
const HIDDEN: Duration = Duration::from_secs(30);
/// How many messages are taken at once; as many are seen without taking them.
const BATCH: u8 = 32;
/// How many batches of a queue are searched at most.
const BATCHES: usize = 40;

/// Blobs that may name a referral, hold nothing else of it, and lose the name by themselves.
const PASSING: [&str; 3] = ["reconcile/cursor.json", "warnings.json", "activity.json"];

/// Something that is kept about a referral.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// A blob, by its name in the container.
    Blob(String),
    /// Messages in a queue: its name, and how many they are.
    Messages(&'static str, usize),
}

/// What is kept about a referral.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What is, or was, to be removed.
    pub kept: Vec<Kept>,
    /// Blobs that name the referral's id for a while, and are left.
    pub passing: Vec<&'static str>,
}

/// The places where something may be kept.
pub struct Erasure {
    blobs: Arc<dyn Blobs>,
    queues: [(&'static str, StorageQueue); 2],
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blob(name) => write!(f, "blob {name}"),
            Self::Messages(queue, 1) => write!(f, "a message in queue {queue}"),
            Self::Messages(queue, count) => write!(f, "{count} messages in queue {queue}"),
        }
    }
}

impl Erasure {
    /// Looks among `blobs`, and in the two queues.
    pub fn new(blobs: Arc<dyn Blobs>, queue: impl Fn(&'static str) -> StorageQueue) -> Self {
        Self {
            blobs,
            queues: [RETRY_QUEUE, POISON_QUEUE].map(|name| (name, queue(name))),
        }
    }

    /// What is kept about `referral`. Changes nothing. Of a queue's messages the first that are visible are seen.
    pub async fn find(&self, referral: ReferralId) -> Result<Findings, StorageError> {
        let mut findings = self.blobs_of(referral).await?;
        for (name, queue) in &self.queues {
            let seen = queue.peek(BATCH).await?;
            let count = seen.iter().filter(|text| tells_of(text, referral)).count();
            if count > 0 {
                findings.kept.push(Kept::Messages(name, count));
            }
        }
        Ok(findings)
    }

    /// Removes everything that is kept about `referral`, and says what it was.
    ///
    /// The state goes before what depends on it, so that a run that is cut off can be repeated.
    pub async fn erase(&self, referral: ReferralId) -> Result<Findings, StorageError> {
        let mut removed = Vec::new();
        for (name, queue) in &self.queues {
            let count = remove_messages(queue, referral).await?;
            if count > 0 {
                removed.push(Kept::Messages(name, count));
            }
        }
        let found = self.blobs_of(referral).await?;
        for kept in found.kept {
            if let Kept::Blob(name) = &kept
                && self.blobs.delete(name, None).await?
            {
                removed.push(kept);
            }
        }
        Ok(Findings {
            kept: removed,
            passing: found.passing,
        })
    }

    async fn blobs_of(&self, referral: ReferralId) -> Result<Findings, StorageError> {
        let mut kept = Vec::new();
        for folder in [STATES, "state-unreadable/", "dead-letters/"] {
            let name = format!("{folder}{referral}.json");
            if self.blobs.get(&name).await?.is_some() {
                kept.push(Kept::Blob(name));
            }
        }
        for folder in [OWNERS, "dead-letters/message-"] {
            let found = self.telling(folder, referral).await?;
            kept.extend(found.into_iter().map(Kept::Blob));
        }
        let mut passing = Vec::new();
        for name in PASSING {
            if self.tells(name, referral).await? {
                passing.push(name);
            }
        }
        Ok(Findings { kept, passing })
    }

    /// The blobs below `prefix` that tell of `referral`.
    async fn telling(
        &self,
        prefix: &str,
        referral: ReferralId,
    ) -> Result<Vec<String>, StorageError> {
        let mut names = Vec::new();
        let mut marker = None;
        loop {
            let page = self.blobs.list(prefix, marker.as_deref()).await?;
            names.extend(page.names.into_iter().map(|(name, _)| name));
            match page.next {
                Some(next) => marker = Some(next),
                None => break,
            }
        }
        let read = stream::iter(names).map(async |name| {
            let tells = self.tells(&name, referral).await?;
            Ok(tells.then_some(name))
        });
        let told = read.buffered(READS);
        told.try_filter_map(async |name| Ok(name))
            .try_collect()
            .await
    }

    async fn tells(&self, name: &str, referral: ReferralId) -> Result<bool, StorageError> {
        let blob = self.blobs.get(name).await?;
        Ok(blob.is_some_and(|blob| tells_of(&String::from_utf8_lossy(&blob.content), referral)))
    }
}

/// Removes the messages about `referral` that can be seen, and says how many they were.
///
/// The others are out of sight for half a minute, unless none of the first few is about it.
async fn remove_messages(
    queue: &StorageQueue,
    referral: ReferralId,
) -> Result<usize, StorageError> {
    let seen = queue.peek(BATCH).await?;
    let more = seen.len() >= BATCH.into();
    if !more && !seen.iter().any(|text| tells_of(text, referral)) {
        return Ok(0);
    }
    let mut removed = 0;
    for _ in 0..BATCHES {
        let taken = queue.take(BATCH, HIDDEN).await?;
        if taken.is_empty() {
            break;
        }
        for message in taken.iter().filter(|it| tells_of(&it.text, referral)) {
            queue.remove(message).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether `text` has the referral's id in it, in any letter case.
fn tells_of(text: &str, referral: ReferralId) -> bool {
    text.to_ascii_lowercase().contains(&referral.to_string())
}
