//! Stops a pass when what fails is not the referrals' fault: otherwise an outage would put thousands into the queue.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::report::Problem;
use super::rows::problem;
use crate::sync::park::Why;

/// After so many parked in a row, nothing that passes is in the way of one referral alone.
const PARKED_IN_A_ROW: u32 = 8;

/// A brake that is off.
#[derive(Debug, Default)]
pub(super) struct Brake(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    parked_in_a_row: u32,
    on: bool,
    /// What was in the way of the last one.
    problem: Option<Problem>,
}

impl Brake {
    /// Whether nothing more may be begun.
    pub(super) fn is_on(&self) -> bool {
        self.state().on
    }

    /// What it is on for.
    pub(super) fn problem(&self) -> Option<Problem> {
        let state = self.state();
        state.problem.clone().filter(|_| state.on)
    }

    /// A referral was synced.
    pub(super) fn release(&self) {
        self.state().parked_in_a_row = 0;
    }

    /// A referral was parked. Many in a row, or `gated`, when none can be synced, and the brake is on.
    pub(super) fn press(&self, why: &Why, gated: bool) {
        let found = why.error.as_deref().map(problem);
        let mut state = self.state();
        state.parked_in_a_row += 1;
        state.on |= gated || PARKED_IN_A_ROW <= state.parked_in_a_row;
        state.problem = found.or_else(|| state.problem.take());
    }

    /// Nothing can be kept: the brake is on.
    pub(super) fn pull(&self) {
        self.state().on = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
