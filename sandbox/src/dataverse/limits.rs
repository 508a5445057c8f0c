//! Service protection limits: requests per user in a sliding window, and requests at one time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::refusal::{Outcome, Refusal};

/// The limits of one user on one web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Requests within the window.
    pub requests: usize,
    /// The window, in seconds.
    pub window_seconds: u32,
    /// Requests at one time.
    pub concurrent: usize,
}

impl Default for Limits {
    /// What Microsoft documents: 6,000 requests in 300 seconds, 52 at one time.
    fn default() -> Self {
        Self {
            requests: 6000,
            window_seconds: 300,
            concurrent: 52,
        }
    }
}

/// Who sent how much.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic(BTreeMap<String, User>);

#[derive(Clone, Debug, Default)]
struct User {
    recent: VecDeque<Timestamp>,
    running: usize,
}

impl Traffic {
    /// Counts a request of `user` as running, unless a limit refuses it.
    pub(super) fn admit(
        &mut self,
        user: &str,
        limits: Option<Limits>,
        now: Timestamp,
    ) -> Outcome<()> {
        let user = self.0.entry(user.to_owned()).or_default();
        if let Some(limits) = limits {
            user.check(limits, now)?;
            user.recent.push_back(now);
        }
        user.running += 1;
        Ok(())
    }

    /// Whether no request is running.
    #[cfg(test)]
    pub(super) fn is_quiet(&self) -> bool {
        self.0.values().all(|user| user.running == 0)
    }

    /// A request of `user` has been answered.
    pub(super) fn finish(&mut self, user: &str) {
        if let Some(user) = self.0.get_mut(user) {
            user.running -= 1;
        }
    }
}

impl User {
    fn check(&mut self, limits: Limits, now: Timestamp) -> Outcome<()> {
        let window = SignedDuration::from_secs(limits.window_seconds.into());
        while self
            .recent
            .front()
            .is_some_and(|oldest| now.duration_since(*oldest) >= window)
        {
            self.recent.pop_front();
        }
        if self.running >= limits.concurrent {
            let message = format!(
                "Number of concurrent requests exceeded the limit of {}.",
                limits.concurrent
            );
            return Err(Refusal::throttled(0x8007_2326, message, 1));
        }
        if self.recent.len() < limits.requests {
            return Ok(());
        }
        let message = format!(
            "Number of requests exceeded the limit of {} over time window of {} seconds.",
            limits.requests, limits.window_seconds
        );
        let oldest = self.recent.front().copied().unwrap_or(now);
        let wait = window.saturating_sub(now.duration_since(oldest));
        let wait = Duration::try_from(wait).unwrap_or_default();
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Err(Refusal::throttled(0x8007_2322, message, seconds.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Option<Limits> = Some(Limits {
        requests: 2,
        window_seconds: 300,
        concurrent: 3,
    });

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn the_window_slides() {
        let mut traffic = Traffic::default();
        for second in [0, 100] {
            traffic.admit("a", LIMITS, at(second)).unwrap();
            traffic.finish("a");
        }
        let refusal = traffic.admit("a", LIMITS, at(200)).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.retry_after),
            (0x8007_2322, Some(100))
        );
        traffic.admit("b", LIMITS, at(200)).unwrap();
        traffic.admit("a", LIMITS, at(300)).unwrap();
    }

    #[test]
    fn running_requests_are_limited_apart() {
        let limits = Some(Limits {
            concurrent: 1,
            ..Limits::default()
        });
        let mut traffic = Traffic::default();
        traffic.admit("a", limits, at(0)).unwrap();
        let refusal = traffic.admit("a", limits, at(0)).unwrap_err();
        assert_eq!(refusal.code, 0x8007_2326);
        traffic.finish("a");
        traffic.admit("a", limits, at(0)).unwrap();
    }
}
