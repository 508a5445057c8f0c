//! When to repeat a call, and until when any work may go on.

use std::time::Duration;

use tokio::time::Instant;

use crate::failure::Disposition;

/// How often, and how patiently, to repeat a call.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Attempts in all.
    pub attempts: u32,
    /// The wait after the first failure; doubles with each one.
    pub base: Duration,
    /// The longest wait of our own choosing.
    pub cap: Duration,
}

impl RetryPolicy {
    /// The policy of every upstream call.
    pub const CALL: Self = Self {
        attempts: 4,
        base: Duration::from_millis(250),
        cap: Duration::from_secs(4),
    };

    /// How long to wait after the `failed`-th failure, or `None` to give up.
    ///
    /// `jitter` is in `0.0..1.0`. The wait the other side asked for is a floor under our own; whether
    /// there is time for it is the caller's question.
    pub fn delay(&self, failed: u32, disposition: Disposition, jitter: f64) -> Option<Duration> {
        let Disposition::Retry { after } = disposition else {
            return None;
        };
        if failed >= self.attempts {
            return None;
        }
        let doubled = 2_u32.saturating_pow(failed.saturating_sub(1));
        let wait = self.base.saturating_mul(doubled).min(self.cap);
        let wait = wait.mul_f64(0.5 + jitter / 2.0);
        Some(after.map_or(wait, |asked| asked.max(wait)))
    }
}

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs `work` so that none of its calls is sent, repeated or waited for after `deadline`.
///
/// An earlier deadline around it stays in force.
pub async fn until<T>(deadline: Instant, work: impl Future<Output = T>) -> T {
    let deadline = DEADLINE
        .try_with(|outer| deadline.min(*outer))
        .unwrap_or(deadline);
    DEADLINE.scope(deadline, work).await
}

/// When the work of this task has to be over; `limit` from now when nobody said.
pub(crate) fn deadline(limit: Duration) -> Instant {
    DEADLINE
        .try_with(|deadline| *deadline)
        .unwrap_or_else(|_| Instant::now() + limit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RETRY: Disposition = Disposition::RETRY;

    #[test]
    fn waits_double_up_to_the_cap_and_end_with_the_attempts() {
        let policy = RetryPolicy {
            attempts: 5,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(4),
        };
        let waits: Vec<_> = (1..=5)
            .map(|failed| policy.delay(failed, RETRY, 1.0).map(|it| it.as_secs()))
            .collect();
        assert_eq!(waits, [Some(1), Some(2), Some(4), Some(4), None]);
    }

    #[test]
    fn what_cannot_pass_by_itself_is_not_repeated() {
        for disposition in [Disposition::Permanent, Disposition::Misconfigured] {
            assert_eq!(RetryPolicy::CALL.delay(1, disposition, 0.5), None);
        }
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_than_asked_for(failed in 1_u32..4, asked in 0_u64..10_000, jitter in 0.0..1.0) {
            let after = Some(Duration::from_millis(asked));
            let wait = RetryPolicy::CALL.delay(failed, Disposition::Retry { after }, jitter);
            prop_assert!(wait >= after);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_outer_deadline_stays_in_force() {
        let soon = Instant::now() + Duration::from_secs(1);
        let later = soon + Duration::from_secs(9);
        let seen = until(soon, until(later, async { deadline(Duration::ZERO) })).await;
        assert_eq!(seen, soon);
        assert_eq!(deadline(Duration::ZERO), Instant::now());
    }
}
