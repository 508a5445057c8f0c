//! One row of a list: whose it is, whether it is news, and what becomes of it.

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::Scope;
use super::cursor::Position;
use super::pages::Row;
use super::pass::Pass;
use super::report::Problem;
use super::sides::Side;
use super::told::{self, Told};
use crate::failure::{Chain, Classify};
use crate::ids::{ETag, LeadId, ReferralId};
use crate::sync::options::Target;
use crate::sync::park::Disposal;
use crate::sync::plan::Outcome;
use crate::sync::state::State;
use crate::upstream::partner_center::PartnerCenterError;
use crate::upstream::storage::StorageError;

/// How many rows are compared with what is remembered of them at once.
const COMPARED: usize = 16;
/// How many referrals are synced at once: the events and the queue share the upstreams with a pass.
pub(super) const SYNCED: usize = 4;

/// A row, and what became of it.
pub(super) struct Found {
    pub(super) row: Row,
    pub(super) settled: Settled,
}

/// What became of a row.
pub(super) enum Settled {
    /// A pass before this one settled this very version, or this one parked the referral: its next sync sees it.
    Before,
    /// It is known in this version: an event told of it, or we wrote it ourselves.
    InStep,
    /// It is closed and has no lead, and the first import makes none for it.
    PassedOver,
    /// It is no referral that is shown to us, nor a lead of one.
    Foreign,
    /// It was synced.
    Done(Outcome),
    /// It waits in the queue.
    Parked,
    /// A dead letter tells of it.
    DeadLettered,
    /// The time was over, or too much failed before it.
    NotBegun,
    /// It could not even be kept.
    Failed(Problem),
}

impl Settled {
    /// Whether the cursor must not pass it.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::NotBegun | Self::Failed(_))
    }

    /// Whether nothing else remembers that it is settled. Of what was synced the state does: should the read have been
    /// older than the list, it is looked at again.
    pub(super) fn is_to_be_remembered(&self) -> bool {
        matches!(
            self,
            Self::Before
                | Self::Foreign
                | Self::Parked
                | Self::DeadLettered
                | Self::Done(Outcome::NotOurs)
        )
    }
}

impl From<StorageError> for Settled {
    fn from(error: StorageError) -> Self {
        Self::Failed(problem(&error))
    }
}

impl Pass<'_> {
    /// Takes `rows` of `side`, whose place is `position`, as far as each gets.
    pub(super) async fn settle(
        &self,
        side: &Side,
        rows: Vec<Row>,
        position: &Position,
    ) -> Vec<Found> {
        let turns = Semaphore::new(SYNCED);
        let rows = rows.into_iter();
        // Boxed before they are streamed: the compiler cannot see that the closure's futures may change threads.
        let settling: Vec<BoxFuture<'_, Found>> = rows
            .map(|row| self.find(side, row, position, &turns).boxed())
            .collect();
        let settling = stream::iter(settling).buffer_unordered(COMPARED);
        settling.collect().await
    }

    async fn find(&self, side: &Side, row: Row, position: &Position, turns: &Semaphore) -> Found {
        let settled = self.settle_row(side, &row, position, turns).await;
        Found { row, settled }
    }

    async fn settle_row(
        &self,
        side: &Side,
        row: &Row,
        position: &Position,
        turns: &Semaphore,
    ) -> Settled {
        if position.settled.get(&row.id) == Some(&row.mark) {
            return Settled::Before;
        }
        if !self.may_go_on() {
            return Settled::NotBegun;
        }
        let whose = if side.is_of_referrals() {
            self.referral(row, position).await
        } else {
            self.lead(row).await
        };
        match whose {
            Ok(Whose::News(referral)) => self.take(referral, turns).await,
            Ok(Whose::Settled(settled)) => settled,
            Err(error) => self.failed(error.into()),
        }
    }

    async fn referral(&self, row: &Row, position: &Position) -> Result<Whose, StorageError> {
        let id = ReferralId::new(row.id);
        if self.scope != Scope::Continue {
            return Ok(Whose::News(id));
        }
        let state = self.reconciler.states.load(id).await?.state;
        Ok(match state {
            Some(state) if self.knows_referral(&state, row.mark.stamp) => {
                Whose::Settled(Settled::InStep)
            }
            None if row.closed && position.first => Whose::Settled(Settled::PassedOver),
            _ => Whose::News(id),
        })
    }

    /// Whether this version of the referral was looked at, and everything that was to be written was.
    fn knows_referral(&self, state: &State, stamp: Option<Timestamp>) -> bool {
        let (is_over, seen) = match self.reconciler.target {
            Target::Dataverse => (state.intentions.is_empty(), state.referral_updated),
            Target::Flow => {
                let handed = state.handed.as_ref();
                let is_over = handed.is_some_and(|it| it.under_way.is_none());
                (is_over, handed.and_then(|it| it.updated))
            }
        };
        is_over && stamp.is_some() && seen == stamp
    }

    async fn lead(&self, row: &Row) -> Result<Whose, StorageError> {
        let lead = LeadId::new(row.id);
        let own = ReferralId::new(row.id);
        let states = &self.reconciler.states;
        let (id, state) = match states.load(own).await?.state {
            Some(state) => (own, Some(state)),
            None => match states.owner_of(lead).await? {
                Some(owner) => (owner, states.load(owner).await?.state),
                None if self.is_referral(own).await => (own, None),
                None => return Ok(Whose::Settled(Settled::Foreign)),
            },
        };
        Ok(match state {
            Some(state) if knows_lead(&state, lead, row) => Whose::Settled(Settled::InStep),
            _ => Whose::News(id),
        })
    }

    /// Whether there may be a referral with this id. Nothing is remembered of it: the lead may be another program's that
    /// signs in as the same user.
    async fn is_referral(&self, id: ReferralId) -> bool {
        let read = self.reconciler.world.referrals.read(id).await;
        !matches!(
            read,
            Err(PartnerCenterError::NotFound { .. } | PartnerCenterError::Forbidden { .. })
        )
    }

    /// Takes a referral to the desk, a few at once.
    pub(super) async fn take(&self, id: ReferralId, turns: &Semaphore) -> Settled {
        let _turn = turns.acquire().await;
        if self.has_parked(id) {
            return Settled::Before;
        }
        if !self.may_go_on() {
            return Settled::NotBegun;
        }
        let disposal = self.reconciler.desk.again(id, self.sync_ends()).await;
        told::log(id, &disposal);
        self.tell(Told::new(id, &disposal));
        match disposal {
            Disposal::Done(report) => {
                self.brake.release();
                Settled::Done(report.outcome)
            }
            Disposal::Absent(_) => Settled::Foreign,
            Disposal::DeadLettered(_) => Settled::DeadLettered,
            Disposal::Parked { why, .. } => {
                self.note_parked(id);
                let gated = self.reconciler.desk.is_gated();
                self.brake.press(&why, gated);
                Settled::Parked
            }
            Disposal::NotKept { storage, .. } => self.failed(storage.into()),
        }
    }

    /// A storage that does not keep anything ends the pass.
    fn failed(&self, settled: Settled) -> Settled {
        self.brake.pull();
        settled
    }
}

/// Whose a row is.
enum Whose {
    /// This referral's, and it is news.
    News(ReferralId),
    /// It is no news.
    Settled(Settled),
}

fn knows_lead(state: &State, lead: LeadId, row: &Row) -> bool {
    let known = state.lead_version.as_ref().map(ETag::as_str);
    state.intentions.is_empty()
        && state.lead == Some(lead)
        && known.is_some()
        && known == row.mark.version.as_deref()
}

/// `error` as a report tells it.
pub(super) fn problem(error: &(impl Classify + 'static)) -> Problem {
    Problem {
        text: Chain(error).to_string(),
        disposition: error.disposition(),
    }
}
