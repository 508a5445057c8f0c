//! The end of a run: what is looked at once more, what is queued, what is saved.

use jiff::{SignedDuration, Timestamp};

use super::{Progress, Round, Run, is_intended};
use crate::sync::dead_letters::Subject;
use crate::sync::error::SyncCause;
use crate::sync::look::View;
use crate::sync::options::Mode;
use crate::sync::park;
use crate::sync::plan::{LeadAction, Outcome, Plan, Report};
use crate::sync::state::{Side, State};
use crate::upstream::partner_center::PartnerCenterError;

/// How long a referral is left alone that Partner Center says has changed although its version has not.
const REFUSED_PAUSE: SignedDuration = SignedDuration::from_mins(10);
/// How long after its run's deadline a request may still arrive.
const IN_FLIGHT: SignedDuration = SignedDuration::from_secs(30);

impl Run<'_> {
    /// Nothing is left to write. Whether that stays so is looked at once more if the lead was written: an event for a change in
    /// between may have joined this very run.
    pub(super) async fn end(&mut self, view: &View, plan: Plan) -> Result<Round, SyncCause> {
        if self.unchecked {
            let now = self.syncer.world.referrals.read(self.id).await?;
            if now.etag != view.referral.etag {
                return Ok(Round::Raced);
            }
        }
        self.strike_what_is_known();
        if self.has_open_intention() {
            let until = self.deadline.saturating_add(IN_FLIGHT);
            return Ok(Round::Busy(until.expect("a fixed duration")));
        }
        if matches!(plan.lead, LeadAction::None) && plan.patches.is_empty() {
            self.progress.outcome = self.progress.outcome.and(plan.outcome);
        }
        let mut again = plan.look_again;
        if !plan.patches.is_empty() && self.is_refused(view) {
            again = self.report_refusal(view).or(again);
        }
        if self.syncer.options.mode == Mode::Observe {
            return self.acknowledge().await;
        }
        if let Some(at) = again {
            park::look_again(&self.syncer.world, self.id, at).await?;
            self.state.look_again = Some(at);
        }
        self.state.told(&plan.holding);
        if !self.claim(view, false).await? {
            return Ok(Round::Raced);
        }
        let state = self.state.clone();
        self.settle(state).await
    }

    /// Partner Center says the referral changed, and it did not: the lead is right, the rest is for a person. Gives when to
    /// try again, unless that is queued.
    fn report_refusal(&mut self, view: &View) -> Option<Timestamp> {
        let etag = &view.referral.etag;
        if self.state.tell(&Report::PreconditionRefused, etag) {
            self.progress.report([Report::PreconditionRefused]);
        }
        let now = self.syncer.world.clock.now();
        let again = now.saturating_add(REFUSED_PAUSE).expect("a fixed duration");
        let is_soon = |at: Timestamp| now < at && at <= again;
        let is_queued = self.state.look_again.is_some_and(is_soon);
        (!is_queued).then_some(again)
    }

    /// A referral that cannot be had may not be there yet, or may not be ours.
    pub(super) async fn not_shown(
        mut self,
        error: PartnerCenterError,
    ) -> Result<Progress, SyncCause> {
        let cause = match error {
            PartnerCenterError::NotFound { .. } => SyncCause::LookAgain,
            PartnerCenterError::Forbidden { .. } if self.progress.lead.is_none() => {
                match self.syncer.world.referrals.probe().await {
                    Ok(()) => {
                        self.progress.outcome = Outcome::NotOurs;
                        self.acknowledge().await?;
                        return Ok(self.progress);
                    }
                    Err(error) => error.into(),
                }
            }
            other => other.into(),
        };
        self.give_up().await;
        Err(cause)
    }

    /// Ends well without anything new to remember.
    async fn acknowledge(&mut self) -> Result<Round, SyncCause> {
        match self.stored.state.clone() {
            Some(state) => self.settle(state).await,
            None => Ok(Round::Done),
        }
    }

    /// Saves `state` if it is news, and removes the dead letter that told of this referral.
    async fn settle(&mut self, mut state: State) -> Result<Round, SyncCause> {
        if state.dead_letter {
            let subject = Subject::Referral(self.id);
            self.syncer.letters.remove(subject).await?;
            state.dead_letter = false;
        }
        let is_news = match &self.stored.state {
            Some(stored) => *stored != state,
            None => state != State::new(state.salt),
        };
        if !is_news || self.save(&state).await? {
            return Ok(Round::Done);
        }
        Ok(Round::Raced)
    }

    /// Saves what is known although the run failed, so that others need not wait for what is no longer under way. If that
    /// fails too, they wait.
    pub(super) async fn give_up(&mut self) {
        self.strike_what_is_known();
        let state = self.unfinished();
        let is_news = self.stored.state.as_ref().is_some_and(|it| *it != state);
        if self.has_saved && is_news {
            let _ = self.save(&state).await;
        }
    }

    /// The state of a run that is not over: that both sides were looked at, and that another lead stands for the one it had,
    /// is remembered once both are in step.
    pub(super) fn unfinished(&self) -> State {
        let seen = self.stored.state.as_ref();
        State {
            lead: seen.and_then(|state| state.lead).or(self.state.lead),
            referral_version: seen.and_then(|state| state.referral_version.clone()),
            referral_updated: seen.and_then(|state| state.referral_updated),
            lead_version: seen.and_then(|state| state.lead_version.clone()),
            ..self.state.clone()
        }
    }

    /// Strikes our intentions for the sides where nothing is under way.
    pub(super) fn strike_what_is_known(&mut self) {
        for side in [Side::Lead, Side::Referral] {
            if !self.lost.contains(&side) {
                self.state.strike(self.number, side);
            }
        }
    }

    fn has_open_intention(&self) -> bool {
        let mut lost = self.lost.iter();
        lost.any(|side| is_intended(&self.state, self.number, *side))
    }
}
