//! How often strangers can make us fetch something.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_mins(1);

/// So many in any minute.
#[derive(Debug)]
pub(super) struct Budget {
    most: usize,
    spent: VecDeque<Instant>,
}

impl Budget {
    pub(super) fn per_minute(most: usize) -> Self {
        Self {
            most,
            spent: VecDeque::with_capacity(most),
        }
    }

    /// Takes one, if there is one left at `now`.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        while let Some(first) = self.spent.front()
            && now.saturating_duration_since(*first) >= MINUTE
        {
            self.spent.pop_front();
        }
        let left = self.spent.len() < self.most;
        if left {
            self.spent.push_back(now);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Budget;

    #[test]
    fn a_minute_has_so_many_and_the_next_one_again() {
        let mut budget = Budget::per_minute(2);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(budget.take(start));
        assert!(budget.take(after(30)));
        assert!(!budget.take(after(59)));
        assert!(budget.take(after(60)));
        assert!(!budget.take(after(61)));
        assert!(budget.take(after(90)));
    }
}
