//! The app's own storage account, as far as the connector uses it: small blobs under `ETags`, and messages that show later.

mod account;
mod blobs;
mod cause;
mod queues;
mod signature;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use account::Access;
pub use blobs::BlobStore;
pub use cause::{StorageCause, StorageError};
pub use queues::StorageQueue;

use self::account::Account;
use super::Transport;
use crate::config::StorageConfig;
use crate::ids::ETag;

/// The queue of what is to be done later. A function is triggered by it.
pub const RETRY_QUEUE: &str = "referral-retry";
/// Where the Functions host puts what failed too often.
pub const POISON_QUEUE: &str = "referral-retry-poison";

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

/// The app's storage account, cheap to clone.
#[derive(Clone)]
pub struct Storage {
    account: Arc<Account>,
    container: String,
}

impl Storage {
    /// The account that `config` names, opened by `access`. Nothing is sent yet.
    pub fn new(config: &StorageConfig, access: Access, transport: Transport) -> Self {
        let account = Account {
            blobs: config.blobs.clone(),
            queues: config.queues.clone(),
            access,
            transport,
        };
        Self {
            account: Arc::new(account),
            container: config.container.clone(),
        }
    }

    /// When the shared access signature ends that opens the account, if it is one.
    pub fn signature_end(&self) -> Option<jiff::Timestamp> {
        self.account.signature_end()
    }

    /// The connector's blobs.
    pub fn blobs(&self) -> BlobStore {
        BlobStore::new(Arc::clone(&self.account), self.container.clone())
    }

    /// The queue `name`.
    pub fn queue(&self, name: &'static str) -> StorageQueue {
        StorageQueue::new(Arc::clone(&self.account), name)
    }
}
