//! The moment at which a delivery is judged.

use std::ops::Add;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The time of day, for what certificates say, and the time of the clock that never jumps, for our own intervals.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// What a calendar shows.
    pub time: Timestamp,
    /// What a stopwatch shows.
    pub instant: Instant,
}

impl Now {
    /// This moment.
    pub fn read() -> Self {
        Self::at(Timestamp::now())
    }

    /// This moment, with a calendar that shows `time`.
    pub fn at(time: Timestamp) -> Self {
        Self {
            time,
            instant: Instant::now(),
        }
    }
}

impl Add<Duration> for Now {
    type Output = Self;

    fn add(self, wait: Duration) -> Self {
        Self {
            time: self.time + wait,
            instant: self.instant + wait,
        }
    }
}
