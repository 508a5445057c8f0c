//! Keeps one referral and its lead in step: read both, decide, write what differs.

pub mod dead_letters;
pub mod error;
pub mod flight;
pub mod options;
pub mod park;
pub mod plan;
pub mod replays;
pub mod state;
pub mod world;

#[cfg(test)]
pub(crate) mod drawer;
mod look;
mod memory;
mod run;

use std::sync::Arc;

use tokio::time::Instant;

pub use error::{SyncCause, SyncError};
pub use flight::Flights;
pub use replays::Replays;

use self::memory::KnownNotes;
use self::options::SyncOptions;
use self::plan::{Outcome, Report};
use crate::ids::{LeadId, ReferralId};
use crate::upstream::calls::{self, CallRecord};
use crate::upstream::dataverse::Dataverse;
use crate::upstream::partner_center::PartnerCenter;
use crate::upstream::retry;

/// Syncs referrals. Clones share what was learnt.
#[derive(Clone)]
pub struct Syncer {
    partner_center: PartnerCenter,
    dataverse: Dataverse,
    options: Arc<SyncOptions>,
    known_notes: Arc<KnownNotes>,
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

impl Syncer {
    /// A syncer between these two, by the administrator's choices.
    pub fn new(partner_center: PartnerCenter, dataverse: Dataverse, options: SyncOptions) -> Self {
        Self {
            partner_center,
            dataverse,
            options: Arc::new(options),
            known_notes: Arc::default(),
        }
    }

    /// Brings referral `id` and its lead in step. Nothing is sent after `deadline`.
    ///
    /// Safe to run any number of times, at the same time too, and to be cut off anywhere: the lead has the referral's own
    /// id, every write presumes the version it was decided on, and what is left is found by the next run.
    pub async fn sync(&self, id: ReferralId, deadline: Instant) -> Result<SyncReport, SyncError> {
        let (result, calls) = calls::recorded(retry::until(deadline, self.run(id))).await;
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
}
