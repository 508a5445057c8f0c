//! Keeps one referral and its lead in step: read both, decide, write what differs.

pub mod activity;
pub mod dead_letters;
pub mod erasure;
pub mod error;
pub mod flight;
pub mod flow;
pub mod options;
pub mod park;
pub mod plan;
pub mod preview;
pub mod reconcile;
pub mod replays;
pub mod state;
pub mod world;

#[cfg(test)]
pub(crate) mod drawer;
mod look;
mod run;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

pub use error::{SyncCause, SyncError};
pub use flight::Flights;
pub use replays::Replays;

use self::dead_letters::DeadLetters;
use self::options::SyncOptions;
use self::plan::{Outcome, Report};
use self::run::Run;
use self::state::store::States;
use self::world::World;
use crate::ids::{LeadId, ReferralId};
use crate::upstream::calls::{self, CallRecord};
use crate::upstream::retry;

/// Syncs referrals. Clones share what was learnt.
#[derive(Clone)]
pub struct Syncer {
    world: World,
    states: States,
    letters: DeadLetters,
    options: Arc<SyncOptions>,
    ids: Arc<Mutex<dyn FnMut() -> Uuid + Send>>,
}

/// What a sync did.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncReport {
    /// What it came to.
    pub outcome: Outcome,
    /// The lead the referral has, if it has one.
    pub lead: Option<LeadId>,
    /// What a person may want to know.
    pub reports: Vec<Report>,
    /// Every request it made.
    pub calls: Vec<CallRecord>,
}

impl SyncReport {
    /// Logs what a person may want to know, if anything, for a sync that no call's own line tells of.
    fn log_reports(&self, referral: ReferralId) {
        if self.reports.is_empty() {
            return;
        }
        let reports: Vec<_> = self.reports.iter().map(ToString::to_string).collect();
        tracing::info!(
            code = "reported",
            cause = self.outcome.word(),
            referral.id = %referral,
            lead.id = self.lead.map(|id| id.to_string()),
            reports = reports.join(","),
            "referral {referral}: reported",
        );
    }
}

impl Syncer {
    /// A syncer of this world, by the administrator's choices.
    pub fn new(world: World, options: SyncOptions) -> Self {
        Self {
            states: States::new(Arc::clone(&world.blobs)),
            letters: DeadLetters::new(Arc::clone(&world.blobs)),
            world,
            options: Arc::new(options),
            ids: Arc::new(Mutex::new(Uuid::new_v4)),
        }
    }

    /// The same, with runs and salts that get their ids from `ids`, so that a simulation can be repeated.
    #[must_use]
    pub fn with_ids(self, ids: impl FnMut() -> Uuid + Send + 'static) -> Self {
        Self {
            ids: Arc::new(Mutex::new(ids)),
            ..self
        }
    }

    /// Brings referral `id` and its lead in step. Nothing is sent after `deadline`.
    ///
    /// Safe to run any number of times, at the same time too, and to be cut off anywhere: the lead has the referral's own
    /// id, every write presumes the version it was decided on, and what is left is found by the next run.
    pub async fn sync(&self, id: ReferralId, deadline: Instant) -> Result<SyncReport, SyncError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let now = self.world.clock.now();
        let until = now.checked_add(left).unwrap_or(Timestamp::MAX);
        retry::until(deadline, Box::pin(self.sync_until(id, until))).await
    }

    /// As [`Syncer::sync`], by the world's clock alone.
    pub async fn sync_until(
        &self,
        id: ReferralId,
        deadline: Timestamp,
    ) -> Result<SyncReport, SyncError> {
        let run = Run::new(self, id, deadline);
        let (result, calls) = calls::recorded(Box::pin(run.finish())).await;
        match result {
            Ok(progress) => Ok(SyncReport {
                outcome: progress.outcome,
                lead: progress.lead,
                reports: progress.reports,
                calls,
            }),
            Err(cause) => Err(SyncError {
                referral: id,
                cause,
                calls,
            }),
        }
    }

    fn fresh_id(&self) -> Uuid {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids()
    }
}
