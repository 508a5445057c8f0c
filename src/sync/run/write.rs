//! The writes of a run: each one presumes the version it was decided on, and what was stored is taken from its answer.

use jiff::Timestamp;

use super::{Round, Run, Step};
use crate::failure::{Classify, Disposition};
use crate::ids::LeadId;
use crate::lead::{Column, Columns, Lead, Note, Owner, Value};
use crate::referral::{PatchOperation, Referral};
use crate::sync::error::SyncCause;
use crate::sync::look::View;
use crate::sync::plan::{self, LeadAction, LeadFinding, Outcome, Patch, Plan, Report};
use crate::sync::state::{Side, Values};
use crate::upstream::dataverse::code::Meaning;
use crate::upstream::dataverse::{Created, DataverseError, Failure, Updated};
use crate::upstream::partner_center::Patched;

impl Run<'_> {
    /// Saves the intentions, then does the first of what `plan` wants: create the lead, update it, send a patch. Notes are
    /// written before anything they tell of is overwritten, and on a lead that is known to be this referral's before anything
    /// is saved: what a settled intention tells is not told twice.
    pub(super) async fn step(&mut self, view: &mut View, plan: &Plan) -> Result<Step, SyncCause> {
        let patch = plan.patches.first().filter(|_| !self.is_refused(view));
        if let Some(lead) = view.lead_id()
            && self.remembered() == Some(lead)
            && !self.write_notes(lead, &plan.notes).await?
        {
            return Ok(Step::Over(Round::Raced));
        }
        let takes = self.adopts(view).is_some() && !plan.notes.is_empty();
        if plan.lead != LeadAction::None || patch.is_some() || takes {
            self.in_time()?;
            if !self.intend(view, plan).await? {
                return Ok(Step::Over(Round::Raced));
            }
        }
        if let LeadAction::Create { .. } = plan.lead {
            return self.create(view, plan).await;
        }
        if let Some(lead) = view.lead_id()
            && !self.write_notes(lead, &plan.notes).await?
        {
            return Ok(Step::Over(Round::Raced));
        }
        if let LeadAction::Update { .. } = plan.lead {
            return self.update(view, &plan.lead).await;
        }
        match patch {
            Some(patch) => self.send(view, patch).await,
            None => Ok(Step::Nothing),
        }
    }

    async fn create(&mut self, view: &mut View, plan: &Plan) -> Result<Step, SyncCause> {
        let LeadAction::Create {
            columns,
            owner,
            created,
            values,
        } = &plan.lead
        else {
            return Ok(Step::Nothing);
        };
        self.in_time()?;
        let id = LeadId::of(self.id);
        let made = Box::pin(self.make(id, columns, *owner, *created));
        let stored = match made.await {
            Ok(Created::Now(stored)) => stored,
            Ok(Created::AlreadyThere) => return Ok(self.already_there(id)),
            Err(error) => return self.failed(Side::Lead, error.into()),
        };
        let written = columns.iter();
        let written = written.map(|(column, value)| (column.clone(), Some(value.clone())));
        self.shows(view, written);
        self.progress.lead = Some(id);
        self.progress.outcome = self.progress.outcome.and(Outcome::Created);
        let step = self.lead_written(view, stored, values).await?;
        let has_lead = self.write_notes(id, &plan.notes).await?;
        Ok(if has_lead {
            step
        } else {
            Step::Over(Round::Raced)
        })
    }

    /// Creates lead `id`, without account and contact if Dataverse will not have it with them: one may be gone, or not be
    /// ours to name. The lead matters more.
    async fn make(
        &self,
        id: LeadId,
        columns: &Columns,
        owner: Option<Owner>,
        created: Option<Timestamp>,
    ) -> Result<Created, DataverseError> {
        let leads = &self.syncer.world.leads;
        let made = leads.create(id, columns, owner, created).await;
        match (plan::without_parents(columns), &made) {
            (Some(rest), Err(error)) if is_final_refusal(error) => {
                leads.create(id, &rest, owner, created).await
            }
            _ => made,
        }
    }

    /// Somebody else created the lead, or it was there all the time and cannot be read: what it was merged into was deleted.
    fn already_there(&mut self, id: LeadId) -> Step {
        if self.was_there {
            self.writes += 1;
            // From here on it counts as the one that was deleted.
            self.state.lead = Some(id);
            return Step::Written;
        }
        self.was_there = true;
        Step::Over(Round::Raced)
    }

    async fn update(&mut self, view: &mut View, action: &LeadAction) -> Result<Step, SyncCause> {
        let (
            LeadAction::Update {
                etag,
                changes,
                values,
            },
            Some(id),
        ) = (action, view.lead_id())
        else {
            return Ok(Step::Nothing);
        };
        self.in_time()?;
        match self.syncer.world.leads.update(id, etag, changes).await {
            Ok(Updated::Done(stored)) => {
                self.progress.outcome = self.progress.outcome.and(Outcome::Updated);
                self.shows(view, changes.clone());
                self.lead_written(view, stored, values).await
            }
            Ok(Updated::Changed | Updated::Gone) => Ok(Step::Over(Round::Raced)),
            Err(error) if is_about_state(&error) => {
                self.writes += 1;
                self.state.strike(self.number, Side::Lead);
                // This version of the lead is left alone from now on. Nobody misses what only shows there.
                let is_news = self.state.tell(&Report::LeadReadOnly, etag);
                if is_news && !values.is_empty() {
                    self.progress.report([Report::LeadReadOnly]);
                }
                Ok(Step::Written)
            }
            Err(error) => self.failed(Side::Lead, error.into()),
        }
    }

    /// Remembers what was written to the connector's own columns, for as long as this run goes on.
    fn shows(&mut self, view: &View, written: impl IntoIterator<Item = (Column, Option<Value>)>) {
        let own = &view.schema.own;
        let is_own = |column: &Column| own.values().any(|it| it == column);
        let written = written.into_iter().filter(|(column, _)| is_own(column));
        self.shown.extend(written);
    }

    /// The lead holds `values` now, and is `stored` if the answer said so.
    async fn lead_written(
        &mut self,
        view: &mut View,
        stored: Option<Box<Lead>>,
        values: &Values,
    ) -> Result<Step, SyncCause> {
        self.writes += 1;
        self.unchecked = true;
        let Some(lead) = stored else {
            self.lost.insert(Side::Lead);
            return Ok(Step::Over(Round::Unseen));
        };
        self.lost.remove(&Side::Lead);
        self.unsaved.insert(Side::Lead);
        self.state.confirm_lead(self.number, self.id, &lead, values);
        let merged_from = match view.lead {
            LeadFinding::Found { merged_from, .. } => merged_from,
            LeadFinding::Absent | LeadFinding::OfAnother { .. } => None,
        };
        let lead = LeadFinding::Found {
            lead: *lead,
            merged_from,
        };
        *view = self.syncer.weigh(lead, view.referral.clone()).await?;
        Ok(Step::Written)
    }

    /// Writes the notes that are not known to be there. `false` if the lead is gone.
    async fn write_notes(&mut self, lead: LeadId, notes: &[Note]) -> Result<bool, SyncCause> {
        for note in notes {
            if self.state.is_noted(note.id) {
                continue;
            }
            self.in_time()?;
            match self.syncer.world.leads.add_note(lead, note).await {
                Ok(_) => self.state.noted(note.id),
                Err(error) if is_about_absence(&error) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Sends one patch. That it presumes the version that was compared makes it the second look, too.
    async fn send(&mut self, view: &mut View, patch: &Patch) -> Result<Step, SyncCause> {
        if patch.closes && !self.lead_still_says_so(view).await? {
            return Ok(Step::Over(Round::Raced));
        }
        self.in_time()?;
        let etag = view.referral.etag.clone();
        let referrals = &self.syncer.world.referrals;
        match referrals.patch(self.id, &etag, &patch.operations).await {
            Ok(Patched::Done(stored)) => {
                let outcome = sent(&patch.operations);
                self.progress.outcome = self.progress.outcome.and(outcome);
                self.referral_written(view, stored, &patch.values).await
            }
            Ok(Patched::Changed) => {
                self.refused = Some(etag);
                Ok(Step::Over(Round::Raced))
            }
            Err(error) => self.failed(Side::Referral, error.into()),
        }
    }

    async fn referral_written(
        &mut self,
        view: &mut View,
        stored: Option<Box<Referral>>,
        values: &Values,
    ) -> Result<Step, SyncCause> {
        self.writes += 1;
        self.unchecked = false;
        let Some(referral) = stored else {
            self.lost.insert(Side::Referral);
            return Ok(Step::Over(Round::Unseen));
        };
        self.lost.remove(&Side::Referral);
        self.unsaved.insert(Side::Referral);
        self.state.confirm_referral(self.number, &referral, values);
        *view = self.syncer.weigh(view.lead.clone(), *referral).await?;
        Ok(Step::Written)
    }

    /// A close is final: the lead is looked at once more just before.
    async fn lead_still_says_so(&self, view: &View) -> Result<bool, SyncCause> {
        let LeadFinding::Found { lead, .. } = &view.lead else {
            return Ok(false);
        };
        let now = self.syncer.world.leads.current(lead.id).await?;
        Ok(now.is_some_and(|now| now.lead.id == lead.id && now.lead.etag == lead.etag))
    }

    /// Whether Partner Center refused this very version of the referral as an old one. That is no race: nobody wrote since.
    pub(super) fn is_refused(&self, view: &View) -> bool {
        self.refused.as_ref() == Some(&view.referral.etag)
    }

    /// What a write to `side` that failed comes to.
    fn failed(&mut self, side: Side, cause: SyncCause) -> Result<Step, SyncCause> {
        if cause.had_no_effect() {
            return Err(cause);
        }
        self.lost.insert(side);
        match cause.disposition() {
            Disposition::Retry { .. } => Ok(Step::Over(Round::Lost(cause))),
            Disposition::Permanent | Disposition::Misconfigured => Err(cause),
        }
    }
}

/// What sending `patch` comes to.
fn sent(patch: &[PatchOperation]) -> Outcome {
    let is_link = patch.iter().all(|it| it.path == "/externalReferenceId");
    if is_link {
        Outcome::Linked
    } else {
        Outcome::WrittenBack
    }
}

/// Whether Dataverse will not create the lead as it was asked to, however often.
fn is_final_refusal(error: &DataverseError) -> bool {
    let is_refusal = matches!(
        error,
        DataverseError::Create {
            source: Failure::Refused { .. },
            ..
        }
    );
    is_refusal && !matches!(error.disposition(), Disposition::Retry { .. })
}

fn is_about_state(error: &DataverseError) -> bool {
    matches!(error, DataverseError::Update { source, .. } if means(source, Meaning::State))
}

fn is_about_absence(error: &DataverseError) -> bool {
    matches!(error, DataverseError::Note { source, .. } if means(source, Meaning::Gone))
}

fn means(failure: &Failure, wanted: Meaning) -> bool {
    matches!(failure, Failure::Refused { meaning, .. } if *meaning == wanted)
}
