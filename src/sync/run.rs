//! One run: read what is remembered, the lead, then the referral; decide; save what is about to be written; write with
//! preconditions; save what is agreed. It starts over when a precondition does not hold.

mod ending;
mod write;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::Syncer;
use super::error::SyncCause;
use super::look::View;
use super::plan::{self, LeadAction, Outcome, Plan, Report};
use super::state::store::{Claim, Saved, Stored};
use super::state::{Side, State};
use crate::failure::Classify;
use crate::ids::{ETag, LeadId, ReferralId};
use crate::lead::Changes;
use crate::upstream::dataverse::DataverseError;
use crate::upstream::retry::RetryPolicy;

/// How often a run starts over because somebody else wrote in between.
const RACES: u32 = 5;
/// How many writes one run sends: a plan has at most five, and a side that stores another value than it was sent must not
/// keep a run going.
const WRITES: u32 = 10;
/// The first wait for another run's write, and the longest; a run takes about a second.
const WAITS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));

/// What a run came to.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) outcome: Outcome,
    pub(super) lead: Option<LeadId>,
    pub(super) reports: Vec<Report>,
}

/// A run under way.
pub(super) struct Run<'a> {
    syncer: &'a Syncer,
    id: ReferralId,
    /// This run.
    number: Uuid,
    /// Nothing is written to either side after this.
    deadline: Timestamp,
    progress: Progress,
    /// What the blob holds.
    stored: Stored,
    /// What it is to hold.
    state: State,
    /// Sides with a write whose end was not seen: it may be done yet.
    lost: BTreeSet<Side>,
    /// Sides with a write that was done, while the blob still says that it is about to be.
    unsaved: BTreeSet<Side>,
    /// The referral's version that Partner Center refused to be the current one.
    refused: Option<ETag>,
    /// What was written to the connector's own columns of the lead.
    shown: Changes,
    /// The lead is there although it cannot be read: it was merged into one that was deleted.
    was_there: bool,
    /// The lead was written since the referral was read.
    unchecked: bool,
    /// Something of this run is in the blob.
    has_saved: bool,
    /// Another run's write was waited for: what the blob held then, and until when.
    awaited: Option<(Stored, Timestamp)>,
    races: u32,
    losses: u32,
    writes: u32,
    waits: u32,
}

/// How one round ended.
enum Round {
    /// Both sides are as they should be.
    Done,
    /// Something was written, and what it came to has to be read.
    Unseen,
    /// Somebody else wrote in between.
    Raced,
    /// A write may have been done or not.
    Lost(SyncCause),
    /// A write may be done until then.
    Busy(Timestamp),
}

/// What one step of a round came to.
enum Step {
    /// There was nothing to write.
    Nothing,
    /// Something was written: decide anew.
    Written,
    /// The round ends.
    Over(Round),
}

impl<'a> Run<'a> {
    pub(super) fn new(syncer: &'a Syncer, id: ReferralId, deadline: Timestamp) -> Self {
        Self {
            syncer,
            id,
            number: syncer.fresh_id(),
            deadline,
            progress: Progress {
                outcome: Outcome::Unchanged,
                lead: None,
                reports: Vec::new(),
            },
            stored: Stored::default(),
            state: State::new(Uuid::nil()),
            lost: BTreeSet::new(),
            unsaved: BTreeSet::new(),
            refused: None,
            shown: Changes::new(),
            was_there: false,
            unchecked: false,
            has_saved: false,
            awaited: None,
            races: 0,
            losses: 0,
            writes: 0,
            waits: 0,
        }
    }

    /// Runs until both sides are in step, or says why they are not.
    pub(super) async fn finish(mut self) -> Result<Progress, SyncCause> {
        loop {
            let next = match self.round().await {
                Err(SyncCause::Dataverse(DataverseError::SchemaMoved { .. })) => {
                    self.starts_over(Round::Raced).await
                }
                Err(SyncCause::PartnerCenter(error)) => return self.not_shown(error).await,
                Ok(Round::Done) => return Ok(self.progress),
                Ok(round) => self.starts_over(round).await,
                Err(cause) => Err(cause),
            };
            if let Err(cause) = next {
                self.give_up().await;
                return Err(cause);
            }
        }
    }

    /// Waits as long as `round` demands before the next one, or says why there is none.
    async fn starts_over(&mut self, round: Round) -> Result<(), SyncCause> {
        if !self.unsaved.is_empty() {
            self.strike_what_is_known();
            let unfinished = self.unfinished();
            // If another run was here, the intentions tell what was done.
            self.save(&unfinished).await?;
        }
        match round {
            Round::Done => Ok(()),
            Round::Unseen => self.unless_endless(),
            Round::Raced => {
                // What stands there now may be somebody else's.
                self.shown.clear();
                self.races += 1;
                self.unless_endless()
            }
            Round::Lost(cause) => {
                self.losses += 1;
                let wait = RetryPolicy::CALL.delay(self.losses, cause.disposition(), 1.0);
                let Some(wait) = wait.filter(|wait| self.has_time_for(*wait)) else {
                    return Err(cause);
                };
                self.syncer.world.clock.sleep(wait).await;
                Ok(())
            }
            Round::Busy(until) => {
                let left = until.duration_since(self.syncer.world.clock.now());
                let left = Duration::try_from(left).unwrap_or_default();
                let (first, longest) = WAITS;
                let wait = first.saturating_mul(2_u32.saturating_pow(self.waits));
                let wait = wait.min(longest).min(left);
                self.waits += 1;
                if !self.has_time_for(wait) {
                    return Err(SyncCause::Busy { after: left });
                }
                self.syncer.world.clock.sleep(wait).await;
                Ok(())
            }
        }
    }

    async fn round(&mut self) -> Result<Round, SyncCause> {
        if let Some(until) = self.load().await? {
            return Ok(Round::Busy(until));
        }
        let mut view = Box::pin(self.syncer.look(self.id, &self.state)).await?;
        self.unchecked = false;
        loop {
            let mut plan = self.decide(&view);
            if let Some(until) = plan.busy_until {
                self.awaited = Some((self.stored.clone(), until));
                return Ok(Round::Busy(until));
            }
            self.state = plan.state.clone();
            self.settle_losses();
            self.progress.lead = view.lead_id().or(self.progress.lead);
            // That a lead is taken is only so once it is claimed.
            let told = plan.reports.drain(..);
            let told = told.filter(|it| !matches!(it, Report::Adopted(_)));
            self.progress.report(told);
            match Box::pin(self.step(&mut view, &plan)).await? {
                Step::Nothing => return Box::pin(self.end(&view, plan)).await,
                Step::Written => self.unless_endless()?,
                Step::Over(round) => return Ok(round),
            }
        }
    }

    /// What became of a write whose end was not seen is known once both sides were compared; the blob does not know it yet.
    fn settle_losses(&mut self) {
        let lost = std::mem::take(&mut self.lost);
        let (open, settled): (BTreeSet<Side>, BTreeSet<Side>) = lost
            .into_iter()
            .partition(|side| is_intended(&self.state, self.number, *side));
        self.lost = open;
        self.unsaved.extend(settled);
    }

    /// Loads what is remembered. Gives until when another run's write is to be waited for, if that is known without looking.
    async fn load(&mut self) -> Result<Option<Timestamp>, SyncCause> {
        self.stored = self.syncer.states.load(self.id).await?;
        if let Some((stored, until)) = &self.awaited
            && *stored == self.stored
            && self.syncer.world.clock.now() < *until
        {
            return Ok(Some(*until));
        }
        let remembered = self.stored.state.clone();
        self.state = remembered.unwrap_or_else(|| State::new(self.syncer.fresh_id()));
        for side in [Side::Lead, Side::Referral] {
            if !self.lost.contains(&side) && !self.unsaved.contains(&side) {
                self.state.strike(self.number, side);
            }
        }
        Ok(None)
    }

    fn decide(&self, view: &View) -> Plan {
        plan::plan(&view.inputs(self.syncer, &self.state, &self.shown, self.number))
    }

    /// Saves what `plan` is about to write, unless that is saved already. `false` if another run was here meanwhile.
    async fn intend(&mut self, view: &View, plan: &Plan) -> Result<bool, SyncCause> {
        let lead = match &plan.lead {
            LeadAction::Create { values, .. } => Some((Side::Lead, None, values)),
            LeadAction::Update { etag, values, .. } => Some((Side::Lead, Some(etag), values)),
            LeadAction::None => None,
        };
        let version = Some(&view.referral.etag);
        let patches = plan.patches.iter();
        let patches = patches.map(|patch| (Side::Referral, version, &patch.values));
        let mut is_news = false;
        for (side, version, values) in lead.into_iter().chain(patches) {
            let (run, deadline) = (self.number, self.deadline);
            is_news |= self.state.intend(run, deadline, side, version, values);
        }
        // Which lead is taken is saved before anything is written: it may look different soon.
        is_news |= self.adopts(view).is_some();
        if !self.claim(view, true).await? {
            return Ok(false);
        }
        if !is_news {
            return Ok(true);
        }
        let unfinished = self.unfinished();
        self.save(&unfinished).await
    }

    /// Makes the lead this referral's, if it was made for something else and is not yet. `false` if another referral has it.
    async fn claim(&mut self, view: &View, is_written: bool) -> Result<bool, SyncCause> {
        let Some(lead) = self.adopts(view) else {
            return Ok(true);
        };
        if !is_written && self.state.lead != Some(lead) {
            return Ok(true);
        }
        let claim = self.syncer.states.claim(lead, self.id).await?;
        let is_ours = claim == Claim::Ours;
        if is_ours && view.known.is_some() {
            self.progress.report([Report::Adopted(lead)]);
        }
        Ok(is_ours)
    }

    /// The lead that was made for something else and is not known to be this referral's yet.
    fn adopts(&self, view: &View) -> Option<LeadId> {
        let lead = view.lead_id().filter(|it| *it != LeadId::of(self.id))?;
        (self.remembered() != Some(lead)).then_some(lead)
    }

    /// The lead that the blob says the referral has.
    fn remembered(&self) -> Option<LeadId> {
        self.stored.state.as_ref().and_then(|state| state.lead)
    }

    /// `false` if another run saved meanwhile.
    async fn save(&mut self, state: &State) -> Result<bool, SyncCause> {
        let saved = self.syncer.states.save(self.id, state, &mut self.stored);
        let is_done = saved.await? == Saved::Done;
        self.has_saved |= is_done;
        if is_done {
            self.unsaved.clear();
        }
        Ok(is_done)
    }

    fn has_time_for(&self, wait: Duration) -> bool {
        let left = self.deadline.duration_since(self.syncer.world.clock.now());
        Duration::try_from(left).is_ok_and(|left| wait < left)
    }

    fn in_time(&self) -> Result<(), SyncCause> {
        if self.has_time_for(Duration::ZERO) {
            Ok(())
        } else {
            Err(SyncCause::OutOfTime)
        }
    }

    fn unless_endless(&self) -> Result<(), SyncCause> {
        if self.races <= RACES && self.writes <= WRITES {
            return Ok(());
        }
        let rounds = self.races + self.writes;
        Err(SyncCause::Unsettled { rounds })
    }
}

/// Whether `run` has an intention for `side`.
fn is_intended(state: &State, run: Uuid, side: Side) -> bool {
    let mut intentions = state.intentions.iter();
    intentions.any(|it| it.run == run && it.side == side)
}

impl Progress {
    pub(super) fn report(&mut self, reports: impl IntoIterator<Item = Report>) {
        for report in reports {
            if !self.reports.contains(&report) {
                self.reports.push(report);
            }
        }
    }
}
