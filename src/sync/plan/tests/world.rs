//! One referral and its lead in memory, to which plans are applied as a run applies them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::ids::{ETag, LeadId, NoteId};
use crate::lead::{Changes, Column, Currency, Lead, LeadSchema, LeadState, Note, Value};
use crate::mapping::columns::{STATE, STATUS};
use crate::mapping::fixtures;
use crate::mapping::project;
use crate::referral::{PatchOperation, Referral, ReferralState};
use crate::sync::options::{Mode, SyncOptions};
use crate::sync::plan::{Inputs, Known, LeadAction, LeadFinding, Plan, plan};
use crate::sync::state::{Side, State, Values};

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) referral: Referral,
    pub(super) lead: LeadFinding,
    pub(super) notes: BTreeMap<NoteId, Note>,
    pub(super) state: State,
    pub(super) run: Uuid,
    pub(super) schema: LeadSchema,
    pub(super) currencies: Vec<Currency>,
    pub(super) known: Known,
    pub(super) options: SyncOptions,
    pub(super) shown: Changes,
    pub(super) now: Timestamp,
}

impl World {
    /// A referral without a lead.
    pub(super) fn new(mode: Mode) -> Self {
        let mut euro = fixtures::dollar();
        euro.id = crate::ids::CurrencyId::new(uuid::Uuid::from_u128(0xe0));
        euro.code = "EUR".to_owned();
        Self {
            referral: fixtures::referral(),
            lead: LeadFinding::Absent,
            notes: BTreeMap::new(),
            state: State::new(Uuid::from_u128(7)),
            run: Uuid::from_u128(1),
            schema: fixtures::schema(),
            currencies: vec![fixtures::dollar(), euro],
            known: Known::default(),
            options: fixtures::options(mode),
            shown: Changes::new(),
            now: "2026-11-22T12:00:00Z".parse().unwrap(),
        }
    }

    /// A referral whose own lead is what it should be, is linked, and of which nothing is remembered.
    pub(super) fn unknown(mode: Mode) -> Self {
        let mut world = Self::new(mode);
        let mut lead = fixtures::lead(LeadState::Open, 1);
        let currency = world.currency();
        lead.columns = project(&world.referral, &world.schema, currency, &world.options).columns;
        world.referral.external_reference = Some(lead.id.to_string());
        world.lead = found(lead);
        world
    }

    /// The same, with both sides agreed.
    pub(super) fn in_step(mode: Mode) -> Self {
        let mut world = Self::unknown(mode);
        if mode == Mode::Observe {
            world.options.mode = Mode::Link;
        }
        world.run();
        world.options.mode = mode;
        world
    }

    pub(super) fn lead(&mut self) -> &mut Lead {
        match &mut self.lead {
            LeadFinding::Found { lead, .. } => lead,
            LeadFinding::Absent | LeadFinding::OfAnother { .. } => panic!("there is no lead"),
        }
    }

    pub(super) fn set(&mut self, column: &Column, text: &str) {
        let value = Value::Text(text.to_owned());
        self.lead().columns.insert(column.clone(), value);
    }

    fn currency(&self) -> Option<&Currency> {
        let code = self.referral.details.currency.as_deref()?;
        self.currencies
            .iter()
            .find(|currency| currency.code == code)
    }

    pub(super) fn plan(&self) -> Plan {
        let row = match &self.lead {
            LeadFinding::Found { lead, .. } => lead
                .columns
                .get(&crate::mapping::columns::TRANSACTION_CURRENCY),
            LeadFinding::Absent | LeadFinding::OfAnother { .. } => None,
        };
        let lead_currency = self
            .currencies
            .iter()
            .find(|currency| Some(&Value::Row(currency.id.uuid())) == row);
        plan(&Inputs {
            referral: &self.referral,
            lead: &self.lead,
            state: &self.state,
            run: self.run,
            schema: &self.schema,
            currency: self.currency(),
            lead_currency,
            known: (self.lead == LeadFinding::Absent).then_some(&self.known),
            options: &self.options,
            shown: &self.shown,
            now: self.now,
        })
    }

    /// Plans and applies until nothing is left to do, and gives every plan that was applied and the last one.
    pub(super) fn run(&mut self) -> Vec<Plan> {
        let mut plans = Vec::new();
        loop {
            let plan = self.plan();
            let is_done = is_quiet(&plan);
            if plan.busy_until.is_none() && self.options.mode != Mode::Observe {
                self.apply(&plan);
            }
            plans.push(plan);
            if is_done {
                return plans;
            }
            assert!(plans.len() < 10, "no end: {plans:?}");
        }
    }

    /// Does the first write of `plan`, with the notes before it, and confirms it as the answer tells.
    pub(super) fn apply(&mut self, plan: &Plan) {
        self.state.clone_from(&plan.state);
        self.intend(plan);
        match &plan.lead {
            LeadAction::None => self.patch_first(plan),
            LeadAction::Create {
                columns, values, ..
            } => {
                let mut lead = fixtures::lead(LeadState::Open, 1);
                lead.id = LeadId::of(self.referral.id);
                self.lead = found(lead);
                let columns = columns.clone().into_iter();
                self.write(
                    columns
                        .map(|(column, value)| (column, Some(value)))
                        .collect(),
                );
                self.confirm(values);
            }
            LeadAction::Update {
                etag,
                changes,
                values,
            } => {
                assert_eq!(*etag, self.lead().etag);
                self.write(changes.clone());
                self.confirm(values);
            }
        }
        for note in &plan.notes {
            self.notes.insert(note.id, note.clone());
            self.state.noted(note.id);
        }
        self.state.told(&plan.holding);
        let look = plan.look_again.or(self.state.look_again);
        self.state.look_again = look;
    }

    /// Remembers what `plan` is about to write.
    pub(super) fn intend(&mut self, plan: &Plan) {
        let deadline = self.now + SignedDuration::from_secs(60);
        let values = match &plan.lead {
            LeadAction::None => None,
            LeadAction::Create { values, .. } | LeadAction::Update { values, .. } => Some(values),
        };
        let version = match &self.lead {
            LeadFinding::Found { lead, .. } => Some(lead.etag.clone()),
            LeadFinding::Absent | LeadFinding::OfAnother { .. } => None,
        };
        if let Some(values) = values {
            self.state
                .intend(self.run, deadline, Side::Lead, version.as_ref(), values);
        }
        for patch in &plan.patches {
            let version = Some(&self.referral.etag);
            self.state
                .intend(self.run, deadline, Side::Referral, version, &patch.values);
        }
    }

    /// A later run, after every intention has ended.
    pub(super) fn later(&mut self) {
        self.run = Uuid::from_u128(self.run.as_u128() + 1);
        self.now += SignedDuration::from_mins(5);
    }

    fn patch_first(&mut self, plan: &Plan) {
        if let Some(patch) = plan.patches.first() {
            patch.operations.iter().for_each(|it| self.patch(it));
            self.referral_edited();
            self.state
                .confirm_referral(self.run, &self.referral, &patch.values);
        }
    }

    fn confirm(&mut self, values: &Values) {
        let lead = self.lead().clone();
        self.state
            .confirm_lead(self.run, self.referral.id, &lead, values);
    }

    /// The referral has another version.
    pub(super) fn referral_edited(&mut self) {
        self.referral.etag = ETag::new(format!("{}'", self.referral.etag));
    }

    /// The lead has another version.
    pub(super) fn lead_edited(&mut self) {
        let now = self.now;
        let lead = self.lead();
        lead.modified = Some(now);
        lead.etag = ETag::new(format!("{}'", lead.etag));
    }

    pub(super) fn write(&mut self, changes: Changes) {
        let lead = self.lead();
        for (column, value) in changes {
            match value {
                Some(Value::Choice(2)) if column == STATE => lead.state = LeadState::Disqualified,
                Some(Value::Choice(reason)) if column == STATUS => {
                    lead.status_reason = Some(reason);
                }
                Some(value) => drop(lead.columns.insert(column, value)),
                None => drop(lead.columns.remove(&column)),
            }
        }
        self.lead_edited();
    }

    pub(super) fn patch(&mut self, operation: &PatchOperation) {
        let value = operation.value.clone();
        let referral = &mut self.referral;
        match operation.path {
            "/externalReferenceId" => referral.external_reference = Some(value),
            "/details/dealValue" => referral.details.deal_value = Some(value.parse().unwrap()),
            "/details/currency" => referral.details.currency = Some(value),
            "/details/closingDateTime" => {
                referral.details.closing = Some(value.parse().unwrap());
            }
            "/status" => referral.status.status = value,
            "/substatus" => {
                referral.status = fixtures::status(match value.as_str() {
                    "Accepted" => ReferralState::Active,
                    "Won" => ReferralState::Won,
                    "Lost" => ReferralState::Lost,
                    "Declined" => ReferralState::Declined,
                    other => panic!("{other}"),
                });
            }
            "/statusReason" => referral.status_reason = Some(value),
            other => panic!("{other}"),
        }
    }
}

/// Whether `plan` writes nothing.
pub(super) fn is_quiet(plan: &Plan) -> bool {
    plan.lead == LeadAction::None && plan.patches.is_empty()
}

pub(super) fn found(lead: Lead) -> LeadFinding {
    LeadFinding::Found {
        lead,
        merged_from: None,
    }
}

/// What a plan sends, a line for each request.
pub(super) fn sent(plan: &Plan) -> Vec<String> {
    let line = |operation: &PatchOperation| {
        format!("{:?} {}={}", operation.op, operation.path, operation.value)
    };
    plan.patches
        .iter()
        .map(|patch| {
            patch
                .operations
                .iter()
                .map(line)
                .collect::<Vec<_>>()
                .join(", ")
        })
        .collect()
}

/// The columns a plan changes on an existing lead.
pub(super) fn changed(plan: &Plan) -> Vec<&str> {
    match &plan.lead {
        LeadAction::Update { changes, .. } => changes.keys().map(Column::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The reports of a plan as they are logged.
pub(super) fn reported(plan: &Plan) -> Vec<String> {
    plan.reports.iter().map(ToString::to_string).collect()
}
