//! How long an empty queue is left alone.

use std::time::Duration;

/// The pause after the last message that was found.
const SHORTEST: Duration = Duration::from_millis(100);
/// The share by which a growing pause differs from the plain doubling.
const JITTER: f64 = 0.2;

/// Pauses that grow from poll to poll that finds nothing.
pub(super) struct Backoff {
    longest: Duration,
    grown: i32,
}

impl Backoff {
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, grown: 0 }
    }

    /// Something was found: the next pause is the shortest.
    pub(super) fn reset(&mut self) {
        self.grown = 0;
    }

    /// The pause to make now.
    pub(super) fn next(&mut self) -> Duration {
        let pause = if self.grown == 0 {
            SHORTEST
        } else {
            SHORTEST + SHORTEST.mul_f64(jitter() * 2_f64.powi(self.grown - 1))
        };
        if pause < self.longest {
            self.grown += 1;
            pause
        } else {
            self.longest
        }
    }
}

fn jitter() -> f64 {
    let chance = f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / f64::from(u8::MAX);
    1.0 - JITTER + 2.0 * JITTER * chance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_a_message() {
        let longest = Duration::from_secs(2);
        let mut backoff = Backoff::new(longest);
        assert_eq!(backoff.next(), SHORTEST);
        for doubled in [1, 2, 4, 8, 16] {
            let pause = backoff.next().as_secs_f64();
            let (low, high) = (0.08 * f64::from(doubled), 0.12 * f64::from(doubled));
            assert!(
                (0.1 + low..=0.1 + high).contains(&pause),
                "{doubled}: {pause}"
            );
        }
        assert_eq!(backoff.next(), longest);
        assert_eq!(backoff.next(), longest);
        backoff.reset();
        assert_eq!(backoff.next(), SHORTEST);
    }

    #[test]
    fn a_longest_pause_below_the_shortest_is_kept() {
        let longest = Duration::from_millis(10);
        assert_eq!(Backoff::new(longest).next(), longest);
    }
}
