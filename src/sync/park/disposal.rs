//! What became of a referral.

use std::sync::Arc;

use jiff::Timestamp;

use super::job::Word;
use crate::sync::SyncReport;
use crate::sync::error::SyncError;
use crate::upstream::storage::StorageError;

/// What became of a referral.
#[derive(Debug)]
pub enum Disposal {
    /// It is in step.
    Done(Arc<SyncReport>),
    /// Partner Center did not show it, twice with a minute between: it is not there, or another partner's.
    Absent(Why),
    /// It is kept in the queue until then.
    Parked {
        /// When it is tried again.
        until: Timestamp,
        /// What was in the way.
        why: Why,
    },
    /// A dead letter tells of it.
    DeadLettered(Why),
    /// It could not even be kept: whoever asked has to ask again.
    NotKept {
        /// What was in the way of syncing it.
        why: Why,
        /// What was in the way of keeping it.
        storage: StorageError,
    },
}

/// What was in the way.
#[derive(Clone, Debug)]
pub struct Why {
    /// In one word.
    pub word: Word,
    /// The error, if something was tried.
    pub error: Option<Arc<SyncError>>,
}

impl Why {
    pub(super) const fn word(word: &'static str) -> Self {
        Self {
            word: Word::Borrowed(word),
            error: None,
        }
    }
}
