//! The events that were synced a short while ago, so that sending one again and again costs nothing upstream.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::flight::Digest;

/// How long an event is remembered. Partner Center's own second attempts come sooner, and a lead that needs a sync
/// again after that gets one from the same event.
const LASTS: Duration = Duration::from_mins(10);
/// How many are remembered, before the oldest is forgotten. Forgetting costs two reads, nothing else.
const MOST: usize = 4096;

/// A bounded memory of the events that were synced to the end.
#[derive(Default)]
pub struct Replays(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    digests: HashSet<Digest>,
    /// The same, the oldest first.
    order: VecDeque<(Instant, Digest)>,
}

impl Replays {
    /// Whether the event of this digest was synced within the last ten minutes.
    pub fn holds(&self, digest: &Digest) -> bool {
        let mut remembered = self.remembered();
        remembered.forget_old();
        remembered.digests.contains(digest)
    }

    /// Remembers that the event of this digest was synced to the end. A copy that was under way at the same time does
    /// not prolong that.
    pub fn remember(&self, digest: Digest) {
        let mut remembered = self.remembered();
        remembered.forget_old();
        if !remembered.digests.insert(digest) {
            return;
        }
        remembered.order.push_back((Instant::now(), digest));
        if MOST < remembered.order.len() {
            remembered.forget_oldest();
        }
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    fn forget_old(&mut self) {
        while let Some((since, _)) = self.order.front()
            && LASTS <= since.elapsed()
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, digest)) = self.order.pop_front() {
            self.digests.remove(&digest);
        }
    }
}

impl fmt::Debug for Replays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replays")
            .field("remembered", &self.remembered().order.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::{MOST, Replays};
    use crate::sync::flight::Digest;

    fn digest(number: usize) -> Digest {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        digest
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_a_replay_for_ten_minutes_and_then_is_not() {
        let replays = Replays::default();
        assert!(!replays.holds(&digest(1)));
        replays.remember(digest(1));
        advance(Duration::from_secs(599)).await;
        assert!(replays.holds(&digest(1)));
        assert!(!replays.holds(&digest(2)));
        advance(Duration::from_secs(1)).await;
        assert!(!replays.holds(&digest(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_copy_does_not_prolong_the_ten_minutes() {
        let replays = Replays::default();
        replays.remember(digest(1));
        advance(Duration::from_mins(9)).await;
        replays.remember(digest(1));
        advance(Duration::from_mins(1)).await;
        assert!(!replays.holds(&digest(1)));
        replays.remember(digest(1));
        assert!(replays.holds(&digest(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_events_pushes_out_the_oldest_alone() {
        let replays = Replays::default();
        for number in 0..=MOST {
            replays.remember(digest(number));
        }
        assert!(!replays.holds(&digest(0)));
        assert!(replays.holds(&digest(1)));
        assert!(replays.holds(&digest(MOST)));
        let remembered = replays.remembered();
        assert_eq!(
            (remembered.order.len(), remembered.digests.len()),
            (MOST, MOST)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_old_is_kept() {
        let replays = Replays::default();
        for number in 0..100 {
            replays.remember(digest(number));
        }
        advance(Duration::from_mins(10)).await;
        replays.remember(digest(100));
        let remembered = replays.remembered();
        assert_eq!((remembered.order.len(), remembered.digests.len()), (1, 1));
    }
}
