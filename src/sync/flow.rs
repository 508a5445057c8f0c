//! Keeps a flow up to date in place of leads: every referral is handed to it when it says something new, and the record that
//! the flow says it wrote is named in the referral.
//!
//! A flow is handed every version that is looked at at least once, never two versions at a time, and never an older one after
//! a newer. It is handed the same version again, under the same key, when the answer was lost or the program ended before it
//! was saved that there was one.

mod handing;
mod link;
mod no_leads;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use uuid::Uuid;

pub use self::no_leads::NoLeads;

use self::handing::Handing;
use super::SyncReport;
use super::dead_letters::DeadLetters;
use super::error::SyncError;
use super::options::SyncOptions;
use super::state::store::States;
use super::world::{Clock, World};
use crate::ids::ReferralId;
use crate::upstream::flow::{ANSWER_LIMIT, Flow};
use crate::upstream::partner_center::PartnerCenter;
use crate::upstream::{calls, retry};

/// Hands referrals to a flow. Clones share the clients.
#[derive(Clone)]
pub struct Courier {
    partner_center: PartnerCenter,
    flow: Flow,
    states: States,
    letters: DeadLetters,
    clock: Arc<dyn Clock>,
    options: Arc<SyncOptions>,
}

impl Courier {
    /// From `partner_center` to `flow`, with what is remembered in `world`.
    pub fn new(
        partner_center: PartnerCenter,
        flow: Flow,
        world: &World,
        options: SyncOptions,
    ) -> Self {
        Self {
            partner_center,
            flow,
            states: States::new(Arc::clone(&world.blobs)),
            letters: DeadLetters::new(Arc::clone(&world.blobs)),
            clock: Arc::clone(&world.clock),
            options: Arc::new(options),
        }
    }

    /// Hands referral `id` over if it says something new, and has it name its record.
    ///
    /// Takes as long as a flow may take to answer, whoever waits for it: to hang up on a flow would be to hand the same
    /// version over again.
    pub async fn sync(&self, id: ReferralId) -> Result<SyncReport, SyncError> {
        let now = self.clock.now();
        let limit = SignedDuration::try_from(ANSWER_LIMIT).expect("not very long");
        let until = now.checked_add(limit).unwrap_or(Timestamp::MAX);
        let handing = Handing::new(self, id, Uuid::new_v4(), until);
        let work = retry::until(Instant::now() + ANSWER_LIMIT, handing.finish());
        let (result, calls) = calls::recorded(Box::pin(work)).await;
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
