//! Once a day, everything that is remembered is gone through: closed referrals are forgotten after a while, and what no
//! list by time can tell is looked at: a lead that another user made, one that was deleted, a look that was queued and got
//! lost, a run that ended in the middle.

use std::collections::BTreeMap;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

use super::cursor::Cursor;
use super::pass::Pass;
use super::rows::{SYNCED, Settled};
use super::sides::{AMONG, id};
use crate::ids::{ETag, LeadId, ReferralId};
use crate::sync::options::Target;
use crate::sync::state::State;
use crate::sync::state::store::{STATES, States, Stored};
use crate::upstream::dataverse::{LeadQuery, Which};
use crate::upstream::storage::StorageError;

/// How long after the end of a round the next one begins.
const PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// How many states are read at once.
const READS: usize = 16;
/// How long after its time a planned look is taken for lost.
const LOST: SignedDuration = SignedDuration::from_hours(1);

/// A referral, and what is remembered of it.
struct Remembered {
    referral: ReferralId,
    stored: Stored,
}

impl Remembered {
    /// Whether a hand-over to the flow was begun and did not end.
    fn was_cut_off(&self, now: Timestamp) -> bool {
        let handed = self.stored.state.as_ref().and_then(|it| it.handed.as_ref());
        let under_way = handed.and_then(|handed| handed.under_way);
        under_way.is_some_and(|it| it.until < now)
    }
}

impl Pass<'_> {
    /// Begins a round if it is time, goes on with one that is under way.
    pub(super) async fn round(&mut self, cursor: &mut Cursor) -> Result<(), StorageError> {
        let now = self.now();
        let rests = cursor
            .rounds
            .ended
            .is_some_and(|ended| now.duration_since(ended).abs() < PAUSE);
        if rests && cursor.rounds.marker.is_none() {
            return Ok(());
        }
        while self.may_go_on() {
            let marker = cursor.rounds.marker.take();
            let blobs = &self.reconciler.world.blobs;
            let page = blobs.list(STATES, marker.as_deref()).await?;
            let referrals: Vec<_> = page
                .names
                .iter()
                .filter_map(|(name, _)| id(STATES, name))
                .map(ReferralId::new)
                .collect();
            for some in referrals.chunks(AMONG) {
                if !self.may_go_on() || !self.go_through(some).await? {
                    cursor.rounds.marker = marker;
                    return Ok(());
                }
            }
            cursor.rounds.marker = page.next;
            if cursor.rounds.marker.is_none() {
                cursor.rounds.ended = Some(now);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Goes through some of what is remembered. `false` if it could not be done to the end.
    async fn go_through(&mut self, referrals: &[ReferralId]) -> Result<bool, StorageError> {
        let states = &self.reconciler.states;
        let loads: Vec<BoxFuture<'_, _>> = referrals
            .iter()
            .map(|referral| remembered(states, *referral).boxed())
            .collect();
        let loads = stream::iter(loads).buffered(READS);
        let remembered: Vec<Remembered> = loads.try_collect().await?;
        let now = self.now();
        let mut current = Vec::new();
        for it in remembered {
            match &it.stored.state {
                Some(state) if self.is_to_be_forgotten(state, now) => {
                    let forgotten = states.forget(it.referral, &it.stored).await?;
                    self.report.forgotten += u64::from(forgotten);
                }
                Some(_) => current.push(it),
                None => {}
            }
        }
        if self.reconciler.target == Target::Flow {
            let left = current.into_iter().filter(|it| it.was_cut_off(now));
            return Ok(self.take_all(left.map(|it| it.referral).collect()).await);
        }
        let Some(versions) = self.lead_versions(&current).await else {
            return Ok(false);
        };
        let news = current.into_iter().filter_map(|it| {
            let state = it.stored.state?;
            is_news(&state, &versions, now).then_some(it.referral)
        });
        Ok(self.take_all(news.collect()).await)
    }

    fn is_to_be_forgotten(&self, state: &State, now: Timestamp) -> bool {
        let kept = self.reconciler.kept;
        state
            .closed
            .is_some_and(|closed| kept <= now.duration_since(closed))
    }

    /// The version that the lead of each referral has now; `None` if that cannot be told.
    async fn lead_versions(&mut self, remembered: &[Remembered]) -> Option<BTreeMap<LeadId, ETag>> {
        let leads = remembered
            .iter()
            .filter_map(|it| it.stored.state.as_ref()?.lead);
        let leads: Vec<LeadId> = leads.collect();
        let mut versions = BTreeMap::new();
        if leads.is_empty() {
            return Some(versions);
        }
        let rows = u32::try_from(AMONG).unwrap_or(u32::MAX);
        let mut query = Some(LeadQuery::new(Which::Among(leads)).rows(rows));
        while let Some(some) = query {
            let page = match self.reconciler.world.leads.changed(&some).await {
                Ok(page) => page,
                Err(error) => {
                    self.trouble(&error);
                    return None;
                }
            };
            versions.extend(page.rows.into_iter().map(|row| (row.id, row.version)));
            query = page.next;
        }
        Some(versions)
    }

    /// Takes `referrals` to the desk. `false` if one could not be taken as far as it must.
    async fn take_all(&mut self, referrals: Vec<ReferralId>) -> bool {
        let turns = Semaphore::new(SYNCED);
        let taking: Vec<BoxFuture<'_, Settled>> = referrals
            .into_iter()
            .map(|referral| self.take(referral, &turns).boxed())
            .collect();
        let taking = stream::iter(taking).buffer_unordered(SYNCED);
        let settled: Vec<Settled> = taking.collect().await;
        let all = !settled.iter().any(Settled::is_open);
        for it in &settled {
            self.count(it, None);
        }
        all
    }
}

async fn remembered(states: &States, referral: ReferralId) -> Result<Remembered, StorageError> {
    let stored = states.load(referral).await?;
    Ok(Remembered { referral, stored })
}

/// Whether there is something about a referral that no list by time tells.
fn is_news(state: &State, versions: &BTreeMap<LeadId, ETag>, now: Timestamp) -> bool {
    let lead = state.lead.map(|lead| versions.get(&lead));
    let changed = lead.is_some_and(|version| version != state.lead_version.as_ref());
    let left = state.intentions.iter().any(|it| it.deadline < now);
    let lost = state
        .look_again
        .is_some_and(|at| LOST <= now.duration_since(at));
    changed || left || lost
}
