//! While the settings or permissions are wrong no referral can be synced: one in a minute is tried, the others wait unseen.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::ids::ReferralId;

/// How many referrals with a trouble of their own are remembered. Forgetting one costs the others a minute.
const MOST_ALONE: usize = 256;

/// Open, or closed by a referral that could not be synced because a person has to put something right.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    closed: Option<Closed>,
    /// Referrals that fail so while others are synced: their trouble is their own, and must not stop the others.
    alone: BTreeSet<ReferralId>,
}

#[derive(Debug)]
struct Closed {
    by: ReferralId,
    since: Timestamp,
    next_probe: Timestamp,
}

/// Whether a referral may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Yes.
    Try,
    /// No: the gate has been closed for so long, and another probe is not due.
    Wait(Duration),
}

/// What a failure did to the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slam {
    /// It closed the gate: somebody has to be told.
    Closed,
    /// The gate has been closed for so long.
    StillClosed(Duration),
    /// Others are synced: the trouble is this referral's own.
    Alone,
}

impl Gate {
    /// Asks for `referral` to be tried `now`. While the gate is closed one is let through every `pause`, as the probe.
    pub(super) fn admit(&self, now: Timestamp, pause: Duration) -> Admission {
        let mut state = self.state();
        let Some(closed) = &mut state.closed else {
            return Admission::Try;
        };
        // A clock that was set back would keep the gate closed for as long.
        if closed.next_probe <= now || now < closed.since {
            closed.since = closed.since.min(now);
            closed.next_probe = later(now, pause);
            return Admission::Try;
        }
        Admission::Wait(between(closed.since, now))
    }

    /// Notes that `referral` was synced. If that opens the gate: for how long it was closed.
    pub(super) fn succeeded(&self, referral: ReferralId, now: Timestamp) -> Option<Duration> {
        let mut state = self.state();
        state.alone.remove(&referral);
        let closed = state.closed.take()?;
        if closed.by != referral && state.alone.len() < MOST_ALONE {
            state.alone.insert(closed.by);
        }
        Some(between(closed.since, now))
    }

    /// Notes that `referral` could not be synced until a person puts something right.
    pub(super) fn failed(&self, referral: ReferralId, now: Timestamp, pause: Duration) -> Slam {
        let mut state = self.state();
        match &state.closed {
            Some(closed) => Slam::StillClosed(between(closed.since, now)),
            None if state.alone.contains(&referral) => Slam::Alone,
            None => {
                state.closed = Some(Closed {
                    by: referral,
                    since: now,
                    next_probe: later(now, pause),
                });
                Slam::Closed
            }
        }
    }

    /// Whether it is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.state().closed.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

fn between(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use uuid::Uuid;

    use super::*;

    const ONE: ReferralId = ReferralId::new(Uuid::from_u128(1));
    const OTHER: ReferralId = ReferralId::new(Uuid::from_u128(2));
    const PAUSE: Duration = Duration::from_mins(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn a_closed_gate_lets_one_through_in_a_minute() {
        let gate = Gate::default();
        assert_eq!(gate.admit(at(0), PAUSE), Admission::Try);
        assert_eq!(gate.failed(ONE, at(0), PAUSE), Slam::Closed);
        let wait = |seconds| Admission::Wait(Duration::from_secs(seconds));
        assert_eq!(gate.admit(at(59), PAUSE), wait(59));
        assert_eq!(gate.admit(at(60), PAUSE), Admission::Try);
        assert_eq!(gate.admit(at(60), PAUSE), wait(60));
        let still = Slam::StillClosed(Duration::from_secs(61));
        assert_eq!(gate.failed(OTHER, at(61), PAUSE), still);
        assert_eq!(gate.admit(at(119), PAUSE), wait(119));
        assert_eq!(gate.admit(at(120), PAUSE), Admission::Try);
    }

    #[test]
    fn the_first_success_opens_it_for_all() {
        let gate = Gate::default();
        gate.failed(ONE, at(0), PAUSE);
        assert!(gate.is_closed());
        assert_eq!(gate.succeeded(ONE, at(90)), Some(Duration::from_secs(90)));
        assert!(!gate.is_closed());
        assert_eq!(gate.admit(at(90), PAUSE), Admission::Try);
        assert_eq!(gate.succeeded(OTHER, at(91)), None);
    }

    #[test]
    fn a_referral_whose_trouble_is_its_own_stops_the_others_once() {
        let gate = Gate::default();
        gate.failed(ONE, at(0), PAUSE);
        gate.succeeded(OTHER, at(60));
        assert_eq!(gate.failed(ONE, at(61), PAUSE), Slam::Alone);
        assert_eq!(gate.admit(at(62), PAUSE), Admission::Try);
        gate.succeeded(ONE, at(63));
        assert_eq!(gate.failed(ONE, at(64), PAUSE), Slam::Closed);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_it_closed() {
        let gate = Gate::default();
        gate.failed(ONE, at(100_000), PAUSE);
        assert_eq!(gate.admit(at(0), PAUSE), Admission::Try);
        assert_eq!(
            gate.admit(at(1), PAUSE),
            Admission::Wait(Duration::from_secs(1))
        );
    }
}
