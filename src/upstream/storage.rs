//! The app's own storage account, as far as the connector uses it: small blobs under `ETags`, and messages that show later.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;

use crate::credentials::TokenError;
use crate::failure::{Classify, Disposition};
use crate::ids::ETag;

/// The connector's blobs.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// The blob `name`; `None` if there is none.
    async fn get(&self, name: &str) -> Result<Option<Blob>, StorageError>;

    /// Writes blob `name` if `presumed` holds.
    async fn put(
        &self,
        name: &str,
        content: Bytes,
        presumed: Presumed<'_>,
    ) -> Result<Put, StorageError>;

    /// Deletes blob `name` if it still has `version` (whatever it is, if `None`). `false` if it does not, or is not there.
    async fn delete(&self, name: &str, version: Option<&ETag>) -> Result<bool, StorageError>;

    /// The blobs whose names begin with `prefix`, in the order of their names, from `marker` on.
    async fn list(&self, prefix: &str, marker: Option<&str>) -> Result<Listing, StorageError>;
}

/// A queue of the connector's messages.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Adds a message that nobody sees for `delay` (at most seven days) and that never expires.
    async fn send(&self, text: &str, delay: Duration) -> Result<(), StorageError>;

    /// Takes up to `most` visible messages (at most 32) and hides them for `hidden`.
    async fn take(&self, most: u8, hidden: Duration) -> Result<Vec<Taken>, StorageError>;

    /// Removes a message that was taken. Does nothing if it is gone, or visible again.
    async fn remove(&self, taken: &Taken) -> Result<(), StorageError>;
}

/// A blob as read at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// What it holds.
    pub content: Bytes,
    /// The version the next write must present.
    pub version: ETag,
}

/// What a write of a blob presumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presumed<'a> {
    /// That there is no such blob.
    Absent,
    /// That the blob has this version.
    Version(&'a ETag),
    /// Nothing.
    Nothing,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// The blob is written, and has this version now.
    Done(ETag),
    /// What was presumed does not hold; nothing was written.
    Changed,
}

/// Some of the connector's blobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Their names, each with when it was written last.
    pub names: Vec<(String, Option<jiff::Timestamp>)>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// A message that was taken from a queue and is hidden from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The queue's id of it.
    pub id: String,
    /// What proves that we took it.
    pub receipt: String,
    /// What it says.
    pub text: String,
}

/// The storage account did not do what it was asked. No text of it holds an address, a content or a key.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation} {name} in the storage account")]
pub struct StorageError {
    /// Completes the sentence "could not …".
    pub operation: &'static str,
    /// The blob or queue: made of ids and fixed words.
    pub name: String,
    /// Why.
    #[source]
    pub cause: StorageCause,
}

/// Why the storage account did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageCause {
    /// There was nothing to authenticate with.
    #[error("no access token")]
    NoToken(#[source] TokenError),
    /// It refused what we authenticate with.
    #[error("it refuses us with status {}: check AzureWebJobsStorage and the identity's role on the account", status.as_u16())]
    Forbidden {
        /// 401 or 403.
        status: StatusCode,
    },
    /// It answered that it could not.
    #[error("it answered with status {}", status.as_u16())]
    Failed {
        /// The status.
        status: StatusCode,
        /// How long it asked us to wait.
        after: Option<Duration>,
    },
    /// No answer came in time.
    #[error("no answer came")]
    Unreachable,
    /// What was to be written is larger than anything this program would read.
    #[error("it would have {bytes} bytes, which is more than is ever read")]
    TooLarge {
        /// How many it would have.
        bytes: usize,
    },
    /// Somebody wrote and deleted it again and again while it was read.
    #[error("it kept changing while it was read")]
    Unsettled,
    /// A newer program wrote it: this one must not touch it.
    #[error("a newer version of this program wrote it (format {format}); update this one")]
    Newer {
        /// The format it says it has.
        format: u32,
    },
}

impl Classify for StorageError {
    /// Whatever the account says, nothing is wrong with the referral: a passing failure, or ours. Only what cannot be
    /// written at all is the referral's.
    fn disposition(&self) -> Disposition {
        match &self.cause {
            StorageCause::NoToken(error) => error.disposition(),
            StorageCause::Forbidden { .. } => Disposition::Misconfigured,
            StorageCause::Failed { after, .. } => Disposition::Retry { after: *after },
            StorageCause::TooLarge { .. } => Disposition::Permanent,
            StorageCause::Unreachable | StorageCause::Unsettled | StorageCause::Newer { .. } => {
                Disposition::RETRY
            }
        }
    }
}
