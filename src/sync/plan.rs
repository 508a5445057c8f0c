//! Decides what one sync does. Pure and total: the same inputs give the same plan, and every input has one.

mod cells;
mod draft;
mod findings;
mod known;
mod merge;
mod message;
mod mirror;
mod notes;
mod patches;
mod report;
mod settle;
mod sources;
mod standing;

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

pub(in crate::sync) use self::cells::similar;
pub use known::Known;
pub(super) use known::{Search, search, without_parents};
pub use report::{Ignored, Outcome, Report};

use self::draft::Draft;
pub(super) use self::patches::operation;
use crate::ids::{ETag, LeadId};
use crate::lead::{Changes, Columns, Currency, Lead, LeadSchema, Note, Owner};
use crate::mapping;
use crate::referral::{Direction, PatchOperation, Referral};
use crate::sync::options::{Filter, Mode, SyncOptions};
use crate::sync::state::{State, Values};

/// Everything a decision is made from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The referral as read after the lead.
    pub referral: &'a Referral,
    /// The lead as read before the referral.
    pub lead: &'a LeadFinding,
    /// What is remembered of the referral. A new one if nothing is.
    pub state: &'a State,
    /// The run that decides.
    pub run: Uuid,
    /// What the organisation's table takes.
    pub schema: &'a LeadSchema,
    /// The organisation's row for the referral's currency.
    pub currency: Option<&'a Currency>,
    /// The row of the lead's own currency, where it is needed and another.
    pub lead_currency: Option<&'a Currency>,
    /// What is known of the customer already; `None` if that was not looked for.
    pub known: Option<&'a Known>,
    /// The administrator's choices.
    pub options: &'a SyncOptions,
    /// What this run wrote to the connector's own columns of the lead.
    pub shown: &'a Changes,
    /// The present.
    pub now: Timestamp,
}

/// Whether the referral has a lead.
#[derive(Clone, Debug, PartialEq)]
pub enum LeadFinding {
    /// The one that [`State::lead`] names is no more; or it names none, and there is none under the referral's own id nor where
    /// its `externalReferenceId` points.
    Absent,
    /// There is one.
    Found {
        /// The lead that is worked with.
        lead: Lead,
        /// The lead that was merged into it, if that is how it was found.
        merged_from: Option<LeadId>,
    },
    /// There was one, and it was merged into the lead of another referral.
    OfAnother {
        /// The lead that stands.
        lead: LeadId,
    },
}

/// What one run does next, in this order: save the intentions, create the lead, write the notes, update the lead, send the
/// patches. After each write that changed a side, its answer is confirmed in the state and a new plan made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What happens to the lead.
    pub lead: LeadAction,
    /// What the lead's timeline must hold. Writing one twice makes one.
    pub notes: Vec<Note>,
    /// What is sent to the referral: each an own request, in this order.
    pub patches: Vec<Patch>,
    /// What is known after looking and before any write: intentions settled, equal values agreed.
    pub state: State,
    /// Until when a write of another run may still happen, or a newer referral than was read may show. Nothing is planned
    /// then: wait, and start over.
    pub busy_until: Option<Timestamp>,
    /// When this must be looked at again although no event will tell. Absent if [`State::look_again`] has it.
    pub look_again: Option<Timestamp>,
    /// What a person may want to know and was not told yet.
    pub reports: Vec<Report>,
    /// What [`State::told`] takes once the reports were handed on: a key for everything that holds now.
    pub holding: BTreeSet<String>,
    /// What the sync comes to once all this is done.
    pub outcome: Outcome,
}

/// One request to the referral.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// What it writes, all or nothing.
    pub operations: Vec<PatchOperation>,
    /// What both sides will hold after it.
    pub values: Values,
    /// Whether it closes the referral, which is final: the lead is read once more just before.
    pub closes: bool,
}

/// What happens to the lead.
#[derive(Clone, Debug, PartialEq)]
pub enum LeadAction {
    /// Nothing.
    None,
    /// It is created, under the referral's own id, unless it exists.
    Create {
        /// Its columns.
        columns: Columns,
        /// Who gets it.
        owner: Option<Owner>,
        /// When the referral was made.
        created: Option<Timestamp>,
        /// What both sides will hold after it.
        values: Values,
    },
    /// Some of its columns change.
    Update {
        /// The version they were compared with.
        etag: ETag,
        /// The columns that differ.
        changes: Changes,
        /// What both sides will hold after it.
        values: Values,
    },
}

impl Plan {
    fn nothing(outcome: Outcome, state: &State) -> Self {
        Self {
            lead: LeadAction::None,
            notes: Vec::new(),
            patches: Vec::new(),
            state: state.clone(),
            busy_until: None,
            look_again: None,
            reports: Vec::new(),
            holding: BTreeSet::new(),
            outcome,
        }
    }

    /// The same plan as something that is only reported.
    fn observed(self) -> Self {
        let mut reports = self.reports;
        for report in &mut reports {
            if let Report::Adopted(lead) = *report {
                *report = Report::WouldAdopt(lead);
            }
        }
        match self.lead {
            LeadAction::None => {}
            LeadAction::Create { columns, .. } => {
                reports.push(Report::WouldCreate);
                reports.extend(known::parents(&columns).map(Report::WouldWrite));
            }
            LeadAction::Update { changes, .. } => {
                reports.extend(changes.into_keys().map(Report::WouldWrite));
            }
        }
        reports.extend(self.notes.iter().map(|_| Report::WouldNote));
        let operations = self.patches.iter().flat_map(|patch| &patch.operations);
        reports.extend(operations.map(|operation| Report::WouldSend(operation.path)));
        let outcome = match self.outcome {
            Outcome::Created | Outcome::Updated | Outcome::Linked | Outcome::WrittenBack => {
                Outcome::Observed
            }
            other => other,
        };
        Self {
            reports,
            ..Self::nothing(outcome, &self.state)
        }
    }
}

/// What a sync of these inputs does. In observe mode that is nothing, and what is [`intended`] is reported; what is
/// remembered stays as it is.
pub fn plan(inputs: &Inputs<'_>) -> Plan {
    let intended = intended(inputs);
    if inputs.options.mode != Mode::Observe {
        return intended;
    }
    Plan {
        state: inputs.state.clone(),
        ..intended.observed()
    }
}

/// What a sync of these inputs would do, were it not for observe mode: there it is what link mode does.
pub fn intended(inputs: &Inputs<'_>) -> Plan {
    if inputs.options.mode != Mode::Observe {
        return decide(inputs);
    }
    let options = SyncOptions {
        mode: Mode::Link,
        ..inputs.options.clone()
    };
    decide(&Inputs {
        options: &options,
        ..*inputs
    })
}

fn decide(inputs: &Inputs<'_>) -> Plan {
    let state = sources::carried_over(inputs);
    let inputs = &Inputs {
        state: &state,
        ..*inputs
    };
    if let Some(until) = settle::busy_until(inputs) {
        return Plan {
            busy_until: Some(until),
            ..Plan::nothing(Outcome::Unchanged, inputs.state)
        };
    }
    let referral = inputs.referral;
    let projection = mapping::project(referral, inputs.schema, inputs.currency, inputs.options);
    let settled = settle::settle(inputs, &projection);
    let mut draft = Draft::new(inputs, &projection, settled);
    let outcome = match (ignored(referral, &inputs.options.filter), inputs.lead) {
        (Some(why), _) => Outcome::Ignored(why),
        (None, LeadFinding::Found { lead, merged_from }) => draft.existing(lead, *merged_from),
        (None, LeadFinding::OfAnother { lead }) => {
            draft.tell(Report::LeadOfAnother, &lead.to_string());
            Outcome::LeadOfAnother
        }
        (None, LeadFinding::Absent) if is_deleted(inputs) => {
            draft.tell(Report::LeadDeleted, "");
            Outcome::LeadDeleted
        }
        (None, LeadFinding::Absent) if referral.status.state.is_closed() => {
            Outcome::Ignored(Ignored::Closed)
        }
        (None, LeadFinding::Absent) if is_unsearched(inputs) => {
            // What would have kept it from being created is over since it was looked at.
            return Plan {
                busy_until: Some(inputs.now),
                ..Plan::nothing(Outcome::Unchanged, inputs.state)
            };
        }
        (None, LeadFinding::Absent) => draft.create(),
    };
    draft.finish(outcome)
}

/// Why `referral` is left alone, whatever else is known of it.
pub(super) fn ignored(referral: &Referral, filter: &Filter) -> Option<Ignored> {
    if referral.direction == Direction::Outgoing {
        Some(Ignored::Outgoing)
    } else if referral.is_spam {
        Some(Ignored::Spam)
    } else if !mapping::passes(filter, referral) {
        Some(Ignored::Filtered)
    } else {
        None
    }
}

/// Whether something is to be looked for before the lead is created, and was not.
fn is_unsearched(inputs: &Inputs<'_>) -> bool {
    inputs.known.is_none() && search(inputs).is_some()
}

/// Whether there was a lead: what has been deleted in the CRM stays deleted.
fn is_deleted(inputs: &Inputs<'_>) -> bool {
    let referral = inputs.referral;
    inputs.state.lead.is_some() || names(referral, LeadId::of(referral.id))
}

/// Whether the referral's `externalReferenceId` is `lead`, however it is written.
pub(super) fn names(referral: &Referral, lead: LeadId) -> bool {
    reference(referral).and_then(|text| text.parse().ok()) == Some(lead)
}

/// The referral's `externalReferenceId`, if it says anything.
pub(super) fn reference(referral: &Referral) -> Option<&str> {
    let text = referral.external_reference.as_deref()?.trim();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
