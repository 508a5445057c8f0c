//! Finds what no event told: lists what changed on either side since the last pass, and takes it to the desk.
//!
//! Rows are hints where to look, never the read. The cursor uses the servers' own times, stays an overlap behind their
//! clocks, and passes no row that is not done, parked or told of in a dead letter. It is the first import as well, and makes
//! work without any webhook possible.

pub mod cursor;
pub mod report;

mod brake;
mod pages;
mod pass;
mod poison;
mod rounds;
mod rows;
mod sides;
#[cfg(test)]
mod tests;
mod told;
#[cfg(test)]
mod town;

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use self::pages::ListError;
pub use self::report::{Ended, Problem, ReconcileReport};
pub use self::told::Told;

use self::pass::Pass;
use super::options::Target;
use super::park::Desk;
use super::state::store::States;
use super::world::World;
use crate::upstream::storage::Queue;

/// Takes what changed on either side to the desk.
#[derive(Clone)]
pub struct Reconciler {
    world: World,
    desk: Arc<Desk>,
    /// The queue `referral-retry-poison`.
    poison: Arc<dyn Queue>,
    states: States,
    /// How long the state of a closed referral is kept.
    kept: SignedDuration,
    /// Where referrals go: with a flow there are no leads to list.
    target: Target,
}

/// What a pass looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What changed since the last pass; the first time, every referral that is open.
    Continue,
    /// What changed at this time or later, whatever is remembered of it. The cursor stays.
    Since(Timestamp),
    /// Everything, closed referrals too, whatever is remembered of it. The cursor stays.
    All,
}

impl Reconciler {
    /// A reconciler of `world` that forgets closed referrals after `kept`.
    pub fn new(
        world: World,
        desk: Arc<Desk>,
        poison: Arc<dyn Queue>,
        kept: SignedDuration,
    ) -> Self {
        let states = States::new(Arc::clone(&world.blobs));
        Self {
            world,
            desk,
            poison,
            states,
            kept,
            target: Target::Dataverse,
        }
    }

    /// The same where a flow takes the referrals.
    #[must_use]
    pub fn to_a_flow(self) -> Self {
        Self {
            target: Target::Flow,
            ..self
        }
    }

    /// One pass, which begins nothing that may take beyond `deadline`. What it does not come to is left to the next one.
    pub async fn run_until(&self, scope: Scope, deadline: Timestamp) -> ReconcileReport {
        Pass::new(self, scope, deadline).run().await
    }
}

impl fmt::Debug for Reconciler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconciler").finish_non_exhaustive()
    }
}
