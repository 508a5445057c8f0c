//! When a parked referral is tried again, and for how long. Pure.

use std::time::Duration;

use jiff::Timestamp;

use crate::ids::ReferralId;

/// The longest a queue hides a message.
pub const LONGEST_DELAY: Duration = Duration::from_hours(7 * 24);
/// How many times longer than the first delay is the pause between two probes.
const PROBE: u32 = 4;
/// How many pauses between two probes a referral waits at most while nothing can be synced.
const PATIENCE: u32 = 5;

/// How patiently parked referrals are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryRules {
    /// The delay after the first failure; doubles with each one.
    pub first: Duration,
    /// The longest delay of our own choosing.
    pub longest: Duration,
    /// For how long a referral is tried before it becomes a dead letter.
    pub limit: Duration,
}

impl RetryRules {
    /// How long to wait after `attempts` failures. `jitter` is in `0.0..1.0`; what the other side asked for is a floor.
    pub fn delay(&self, attempts: u32, asked: Option<Duration>, jitter: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let wait = self.first.saturating_mul(doubled).min(self.longest);
        let wait = wait.mul_f64(0.5 + jitter / 2.0);
        // Everybody is asked to wait equally long: they must not come back all at once.
        let asked = asked.unwrap_or_default().min(LONGEST_DELAY);
        let spread = asked.min(self.longest).mul_f64(jitter / 8.0);
        wait.max(asked + spread).min(LONGEST_DELAY)
    }

    /// Whether a referral first tried then has been tried for long enough. A clock that was set back does not matter.
    pub fn is_over(&self, first_attempt: Timestamp, now: Timestamp) -> bool {
        let tried_for = now.duration_since(first_attempt);
        Duration::try_from(tried_for).is_ok_and(|tried_for| self.limit <= tried_for)
    }

    /// How long to leave between two probes while the settings are wrong.
    pub fn probe(&self) -> Duration {
        self.first.saturating_mul(PROBE)
    }

    /// How long a referral waits unseen, once the settings have been wrong for `closed_for`: the longer, the less often.
    pub fn unseen(&self, closed_for: Duration, jitter: f64) -> Duration {
        let probe = self.probe();
        let wait = (closed_for / 4).clamp(probe, probe.saturating_mul(PATIENCE));
        wait.mul_f64(1.0 + jitter / 4.0).min(LONGEST_DELAY)
    }
}

/// A number in `0.0..1.0` that differs between referrals and attempts, and is always the same for one attempt.
pub fn jitter(referral: ReferralId, attempts: u32) -> f64 {
    let (high, low) = referral.uuid().as_u64_pair();
    let mixed = mix(mix(high ^ u64::from(attempts)) ^ low);
    // Thirty-two bits are exact in a float.
    f64::from(u32::try_from(mixed >> 32).unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014): every bit of the number decides about every bit of the result.
const fn mix(number: u64) -> u64 {
    let mut it = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const RULES: RetryRules = RetryRules {
        first: Duration::from_secs(15),
        longest: Duration::from_hours(1),
        limit: Duration::from_hours(7 * 24),
    };

    #[test]
    fn delays_double_from_seconds_to_an_hour() {
        let delays: Vec<_> = (1..=10)
            .map(|attempts| RULES.delay(attempts, None, 1.0).as_secs())
            .collect();
        assert_eq!(delays, [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    }

    #[test]
    fn a_minute_lies_between_two_probes_and_nobody_waits_unseen_for_long() {
        assert_eq!(RULES.probe(), Duration::from_mins(1));
        let unseen = |closed_for| RULES.unseen(closed_for, 0.0);
        assert_eq!(unseen(Duration::ZERO), Duration::from_mins(1));
        assert_eq!(unseen(Duration::from_mins(12)), Duration::from_mins(3));
        assert_eq!(unseen(Duration::MAX), Duration::from_mins(5));
    }

    #[test]
    fn a_referral_is_tried_for_seven_days() {
        let first: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let after = |hours| first + SignedDuration::from_hours(hours);
        assert!(!RULES.is_over(first, after(7 * 24 - 1)));
        assert!(RULES.is_over(first, after(7 * 24)));
        assert!(!RULES.is_over(first, after(-1)));
    }

    proptest! {
        #[test]
        fn a_delay_keeps_its_bounds(
            attempts: u32, asked in proptest::option::of(0_u64..1_000_000), jitter in 0.0..1.0, first in 1_u64..600, longest in 1_u64..1440,
        ) {
            let rules = RetryRules {
                first: Duration::from_secs(first),
                longest: Duration::from_mins(longest),
                ..RULES
            };
            let asked = asked.map(Duration::from_secs);
            let delay = rules.delay(attempts, asked, jitter);
            prop_assert!(delay >= asked.unwrap_or_default().min(LONGEST_DELAY));
            prop_assert!(delay >= rules.first.min(rules.longest) / 2);
            prop_assert!(delay <= LONGEST_DELAY);
            if asked.is_none() {
                prop_assert!(delay <= rules.longest);
            }
        }

        #[test]
        fn delays_never_shrink(attempts in 0_u32..100, jitter in 0.0..1.0) {
            prop_assert!(RULES.delay(attempts, None, jitter) <= RULES.delay(attempts + 1, None, jitter));
        }

        #[test]
        fn jitter_is_a_fraction_that_depends_on_referral_and_attempt(id: u128, attempts in 0_u32..1000) {
            let referral = ReferralId::new(Uuid::from_u128(id));
            let fraction = jitter(referral, attempts);
            prop_assert!((0.0..1.0).contains(&fraction));
            prop_assert!((fraction - jitter(referral, attempts)).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn a_crowd_that_failed_together_does_not_come_back_together() {
        let mut quarters = [0; 4];
        for number in 0..1000 {
            let fraction = jitter(ReferralId::new(Uuid::from_u128(number)), 1);
            let quarter = [0.25, 0.5, 0.75]
                .iter()
                .filter(|it| **it <= fraction)
                .count();
            quarters[quarter] += 1;
        }
        assert!(quarters.iter().all(|count| 200 < *count), "{quarters:?}");
    }
}
