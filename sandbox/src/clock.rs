//! The sandbox's time: the real clock plus an offset that tests move.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

use crate::world::lock;

/// A clock that runs at the real pace and can be moved either way.
#[derive(Debug, Default)]
pub struct Clock {
    offset: Mutex<SignedDuration>,
}

impl Clock {
    /// The present moment in the sandbox.
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
            .checked_add(self.offset())
            .unwrap_or(Timestamp::MAX)
    }

    /// How far the sandbox is ahead of the real clock; negative when it is behind.
    pub fn offset(&self) -> SignedDuration {
        *lock(&self.offset)
    }

    /// Moves the clock by `by`, which may be negative.
    pub fn advance(&self, by: SignedDuration) {
        let mut offset = lock(&self.offset);
        *offset = offset.saturating_add(by);
    }

    /// Goes back to the real time.
    pub fn reset(&self) {
        *lock(&self.offset) = SignedDuration::ZERO;
    }
}
