//! The syncs of a town: they remember which versions they saw, as real ones do.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Fails, SYNC_TAKES, Town, lead};
use crate::ids::{ETag, ReferralId};
use crate::sync::SyncReport;
use crate::sync::error::{SyncCause, SyncError};
use crate::sync::flight::{Digest, Shared};
use crate::sync::park::Syncs;
use crate::sync::plan::Outcome;
use crate::sync::state::State;
use crate::sync::state::store::States;
use crate::upstream::partner_center::PartnerCenterError;
use crate::upstream::{CallError, Upstream};

#[async_trait]
impl Syncs for Town {
    async fn sync(&self, id: ReferralId, _: Option<Digest>, _: Instant) -> Shared {
        let number = id.uuid().as_u128();
        let fails = {
            let mut registry = self.open();
            registry.synced.push(number);
            registry.now += SignedDuration::from_secs(SYNC_TAKES);
            registry.fails.get(&number).copied()
        };
        tokio::task::yield_now().await;
        let outcome = match fails {
            None => self.settle(number).await,
            Some(Fails::NotOurs) => Outcome::NotOurs,
            Some(Fails::ForNow) => return failed(id, SyncCause::Unsettled { rounds: 6 }),
            Some(Fails::ForGood) => {
                let error = PartnerCenterError::Malformed { id, member: "eTag" };
                return failed(id, error.into());
            }
            Some(Fails::Denied) => {
                let source = CallError::NotJson {
                    upstream: Upstream::PartnerCenter,
                    operation: "read",
                };
                return failed(id, PartnerCenterError::ListForbidden { source }.into());
            }
        };
        Ok(Arc::new(SyncReport {
            outcome,
            lead: Some(lead(number)),
            reports: Vec::new(),
            calls: Vec::new(),
        }))
    }
}

impl Town {
    /// Brings both sides in step and remembers them.
    async fn settle(&self, number: u128) -> Outcome {
        let states = States::new(Arc::clone(&self.blobs) as _);
        let id = super::referral(number);
        let mut stored = states.load(id).await.unwrap();
        let before = stored.state.clone();
        let mut state = before.clone().unwrap_or_else(|| State::new(Uuid::nil()));
        {
            let mut registry = self.open();
            let now = registry.now;
            let record = registry.records.get_mut(&number).unwrap();
            record.lead = record.lead.or(Some(now));
            state.lead = state.lead.or(Some(lead(number)));
            state.referral_updated = record.referral;
            state.lead_version = Some(ETag::new(record.version.to_string()));
            state.closed = state.closed.or(record.closed.then_some(now));
            state.intentions.clear();
        }
        if before.as_ref() == Some(&state) {
            return Outcome::Unchanged;
        }
        states.save(id, &state, &mut stored).await.unwrap();
        if before.is_none() {
            Outcome::Created
        } else {
            Outcome::Updated
        }
    }
}

fn failed(referral: ReferralId, cause: SyncCause) -> Shared {
    Err(Arc::new(SyncError {
        referral,
        cause,
        calls: Vec::new(),
    }))
}
