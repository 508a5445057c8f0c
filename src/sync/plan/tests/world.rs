//! One referral and its lead in memory, to which plans are applied.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::ids::{ETag, LeadId, NoteId};
use crate::lead::{Column, Columns, Currency, Lead, LeadSchema, LeadState, Value};
use crate::mapping::columns::{STATE, STATUS};
use crate::mapping::fixtures;
use crate::mapping::project;
use crate::referral::{PatchOperation, Referral, ReferralState};
use crate::sync::options::{Mode, SyncOptions};
use crate::sync::plan::{Inputs, LeadAction, LeadFinding, Plan, plan};

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) referral: Referral,
    pub(super) lead: LeadFinding,
    pub(super) notes: BTreeSet<NoteId>,
    pub(super) schema: LeadSchema,
    pub(super) currencies: Vec<Currency>,
    pub(super) options: SyncOptions,
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
            notes: BTreeSet::new(),
            schema: fixtures::schema(),
            currencies: vec![fixtures::dollar(), euro],
            options: fixtures::options(mode),
            now: "2026-11-22T12:00:00Z".parse().unwrap(),
        }
    }

    /// A referral whose own lead is what it should be, and is linked.
    pub(super) fn in_step(mode: Mode) -> Self {
        let mut world = Self::new(mode);
        let mut lead = fixtures::lead(LeadState::Open, 1);
        let currency = world.currency();
        lead.columns = project(&world.referral, &world.schema, currency, &world.options).columns;
        world.referral.external_reference = Some(lead.id.to_string());
        world.lead = found(lead);
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
            state: &crate::sync::state::State::new(uuid::Uuid::nil()),
            run: uuid::Uuid::nil(),
            schema: &self.schema,
            currency: self.currency(),
            lead_currency,
            options: &self.options,
            now: self.now,
        })
    }

    pub(super) fn apply(&mut self, plan: &Plan) {
        match &plan.lead {
            LeadAction::None => {}
            LeadAction::Create { columns, .. } => {
                let mut lead = fixtures::lead(LeadState::Open, 1);
                lead.id = LeadId::of(self.referral.id);
                self.lead = found(lead);
                self.write(columns.clone());
            }
            LeadAction::Update { etag, changes, .. } => {
                assert_eq!(*etag, self.lead().etag);
                let changes = changes.clone().into_iter();
                self.write(
                    changes
                        .map(|(column, value)| (column, value.unwrap()))
                        .collect(),
                );
            }
        }
        self.notes.extend(plan.notes.iter().map(|note| note.id));
        for operation in plan.patches.iter().flat_map(|it| &it.operations) {
            self.patch(operation);
        }
    }

    fn write(&mut self, columns: Columns) {
        let now = self.now;
        let lead = self.lead();
        for (column, value) in columns {
            match value {
                Value::Choice(2) if column == STATE => lead.state = LeadState::Disqualified,
                Value::Choice(reason) if column == STATUS => lead.status_reason = Some(reason),
                value => {
                    lead.columns.insert(column, value);
                }
            }
        }
        lead.modified = Some(now);
        lead.etag = ETag::new(format!("{}'", lead.etag));
    }

    fn patch(&mut self, operation: &PatchOperation) {
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
