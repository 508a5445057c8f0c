//! One run: read the lead, then the referral; decide; write with preconditions; start over when one does not hold.

use jiff::Timestamp;
use tokio::time::sleep;

use super::Syncer;
use super::error::SyncCause;
use super::look::View;
use super::plan::{self, Inputs, LeadAction, LeadFinding, Outcome, Plan, Report};
use super::state::State;
use crate::failure::Classify;
use crate::ids::{ETag, LeadId, ReferralId};
use crate::lead::Note;
use crate::referral::{PatchOperation, Referral};
use crate::upstream::dataverse::code::Meaning;
use crate::upstream::dataverse::{Created, DataverseError, Failure, Updated};
use crate::upstream::partner_center::{PartnerCenterError, Patched};
use crate::upstream::retry::RetryPolicy;

/// How often a run starts over because somebody else wrote in between.
const RACES: u32 = 5;
/// How often a run starts over because it does not know whether a write was done.
const LOST: u32 = 3;
/// How many patches one run sends: a plan has at most four, and a side that stores another value than it was sent must
/// not keep a run going.
const PATCHES: u32 = 6;

/// What a run has done so far.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) outcome: Outcome,
    pub(super) lead: Option<LeadId>,
    pub(super) reports: Vec<Report>,
    races: u32,
    patches: u32,
    /// The referral's version that Partner Center refused to be the current one.
    refused: Option<ETag>,
    /// The lead is there although it cannot be read: it was merged into one that was deleted.
    was_there: bool,
}

/// How one round ended.
enum Round {
    /// Both sides are as they should be.
    Done,
    /// A patch was sent and more is to be done: look again, because the patch changed the referral.
    More,
    /// Somebody else wrote in between: look again.
    Raced,
}

/// Whether the lead was written.
enum Written {
    Yes,
    No,
    /// No, and the round ends with that.
    Instead(Round),
}

impl Syncer {
    pub(super) async fn run(&self, id: ReferralId) -> Result<Progress, SyncCause> {
        let mut progress = Progress {
            outcome: Outcome::Unchanged,
            lead: None,
            reports: Vec::new(),
            races: 0,
            patches: 0,
            refused: None,
            was_there: false,
        };
        loop {
            let round = match self.round(id, &mut progress).await {
                Err(SyncCause::Dataverse(DataverseError::SchemaMoved { .. })) => Round::Raced,
                Err(cause) if cause.is_lost_write() && progress.races < LOST => {
                    let wait =
                        RetryPolicy::CALL.delay(progress.races + 1, cause.disposition(), 1.0);
                    sleep(wait.unwrap_or_default()).await;
                    Round::Raced
                }
                Err(SyncCause::PartnerCenter(error)) => return self.refused(progress, error).await,
                other => other?,
            };
            match round {
                Round::Done => return Ok(progress),
                Round::More => progress.patches += 1,
                Round::Raced => progress.races += 1,
            }
            if progress.races > RACES || progress.patches > PATCHES {
                let rounds = progress.races + progress.patches;
                return Err(SyncCause::Unsettled { rounds });
            }
        }
    }

    /// A referral that cannot be had may not be there yet, or may not be ours.
    async fn refused(
        &self,
        progress: Progress,
        error: PartnerCenterError,
    ) -> Result<Progress, SyncCause> {
        match error {
            PartnerCenterError::NotFound { .. } => Err(SyncCause::LookAgain),
            PartnerCenterError::Forbidden { .. } if progress.lead.is_none() => {
                self.partner_center.probe().await?;
                Ok(Progress {
                    outcome: Outcome::NotOurs,
                    ..progress
                })
            }
            other => Err(other.into()),
        }
    }

    async fn round(&self, id: ReferralId, progress: &mut Progress) -> Result<Round, SyncCause> {
        let view = self.look(id).await?;
        let plan = plan::plan(&Inputs {
            referral: &view.referral,
            lead: &view.lead,
            state: &State::new(id.uuid()),
            run: id.uuid(),
            schema: &view.schema,
            currency: view.currency.as_ref(),
            lead_currency: view.lead_currency.as_ref(),
            options: &self.options,
            now: Timestamp::now(),
        });
        self.carry_out(&view, plan, progress).await
    }

    /// Creates the lead, writes its notes, updates it, then sends the first patch. A crash in between leaves nothing that
    /// the next run does not find.
    async fn carry_out(
        &self,
        view: &View,
        plan: Plan,
        progress: &mut Progress,
    ) -> Result<Round, SyncCause> {
        progress.report(plan.reports);
        if let LeadFinding::Found { lead, .. } = &view.lead {
            progress.lead = Some(lead.id);
        }
        let created = self.create(view, &plan.lead, progress).await?;
        if let Written::Instead(round) = created {
            return Ok(round);
        }
        if let Some(lead) = progress.lead
            && !self.write_notes(lead, &plan.notes).await?
        {
            return Ok(Round::Raced);
        }
        let updated = self.update(view, &plan.lead, progress).await?;
        if let Written::Instead(round) = updated {
            return Ok(round);
        }
        if matches!(plan.lead, LeadAction::None) && plan.patches.is_empty() {
            progress.outcome = progress.outcome.and(plan.outcome);
        }
        let lead_written = matches!(created, Written::Yes) || matches!(updated, Written::Yes);
        match plan.patches.split_first() {
            Some((patch, rest)) => {
                self.send(view, &patch.operations, !rest.is_empty(), progress)
                    .await
            }
            None if lead_written => self.settle(&view.referral).await,
            None => Ok(Round::Done),
        }
    }

    async fn create(
        &self,
        view: &View,
        action: &LeadAction,
        progress: &mut Progress,
    ) -> Result<Written, SyncCause> {
        let LeadAction::Create {
            columns,
            owner,
            created,
            ..
        } = action
        else {
            return Ok(Written::No);
        };
        let id = LeadId::of(view.referral.id);
        let creation = self.dataverse.create_lead(id, columns, *owner, *created);
        match creation.await? {
            Created::Now(_) => {
                progress.lead = Some(id);
                progress.outcome = progress.outcome.and(Outcome::Created);
                Ok(Written::Yes)
            }
            Created::AlreadyThere if progress.was_there => {
                Ok(Written::Instead(progress.unreadable()))
            }
            Created::AlreadyThere => {
                progress.was_there = true;
                Ok(Written::Instead(Round::Raced))
            }
        }
    }

    async fn update(
        &self,
        view: &View,
        action: &LeadAction,
        progress: &mut Progress,
    ) -> Result<Written, SyncCause> {
        let (LeadAction::Update { etag, changes, .. }, LeadFinding::Found { lead, .. }) =
            (action, &view.lead)
        else {
            return Ok(Written::No);
        };
        match self.dataverse.update_lead(lead.id, etag, changes).await {
            Ok(Updated::Done(_)) => {
                progress.outcome = progress.outcome.and(Outcome::Updated);
                Ok(Written::Yes)
            }
            Ok(Updated::Changed | Updated::Gone) => Ok(Written::Instead(Round::Raced)),
            Err(error) if is_about_state(&error) => {
                progress.report(vec![Report::LeadReadOnly]);
                Ok(Written::No)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the notes that are not known to be there. `false` if the lead is gone.
    async fn write_notes(&self, lead: LeadId, notes: &[Note]) -> Result<bool, SyncCause> {
        for note in notes {
            if self.known_notes.holds(note.id) {
                continue;
            }
            match self.dataverse.add_note(lead, note).await {
                Ok(_) => self.known_notes.remember(note.id),
                Err(error) if is_about_absence(&error) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Sends one patch. That it presumes the version that was compared makes it the second look, too.
    async fn send(
        &self,
        view: &View,
        patch: &[PatchOperation],
        more: bool,
        progress: &mut Progress,
    ) -> Result<Round, SyncCause> {
        let (id, etag) = (view.referral.id, &view.referral.etag);
        if progress.refused.as_ref() == Some(etag) {
            // No race: nobody wrote since the refusal. The lead is right; the rest is for a person.
            progress.report(vec![Report::PreconditionRefused]);
            return Ok(Round::Done);
        }
        match self.partner_center.patch(id, etag, patch).await? {
            Patched::Done(_) => {
                progress.outcome = progress.outcome.and(sent(patch));
                Ok(if more { Round::More } else { Round::Done })
            }
            Patched::Changed => {
                progress.refused = Some(etag.clone());
                Ok(Round::Raced)
            }
        }
    }

    /// Looks whether the referral is still what the lead was made from: an event for a change in between may have joined
    /// this very run.
    async fn settle(&self, before: &Referral) -> Result<Round, SyncCause> {
        let now = self.partner_center.referral(before.id).await?;
        Ok(if now.etag == before.etag {
            Round::Done
        } else {
            Round::Raced
        })
    }
}

impl Progress {
    fn report(&mut self, reports: Vec<Report>) {
        for report in reports {
            if !self.reports.contains(&report) {
                self.reports.push(report);
            }
        }
    }

    /// The lead cannot be created and cannot be found: what it was merged into was deleted.
    fn unreadable(&mut self) -> Round {
        self.outcome = self.outcome.and(Outcome::LeadDeleted);
        self.report(vec![Report::LeadDeleted]);
        Round::Done
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

fn is_about_state(error: &DataverseError) -> bool {
    matches!(error, DataverseError::Update { source, .. } if means(source, Meaning::State))
}

fn is_about_absence(error: &DataverseError) -> bool {
    matches!(error, DataverseError::Note { source, .. } if means(source, Meaning::Gone))
}

fn means(failure: &Failure, wanted: Meaning) -> bool {
    matches!(failure, Failure::Refused { meaning, .. } if *meaning == wanted)
}
