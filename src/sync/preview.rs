//! What a sync would do, without doing any of it: the plan of its first step, beside what it was made from.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::error::SyncCause;
use super::look::View;
use super::plan::{self, Known, LeadAction, LeadFinding, Plan};
use super::state::State;
use super::world::{Referrals, World};
use super::{SyncError, Syncer};
use crate::ids::{CurrencyId, ETag, LeadId, ReferralId};
use crate::lead::{Changes, Column, Columns, Currency, LeadSchema, Own, Value};
use crate::mapping::columns::{STATE, STATUS};
use crate::mapping::{self, Loss, Mapping, Projection, Rule, Unit};
use crate::provision::columns::number;
use crate::referral::{PatchOperation, Referral};
use crate::upstream::calls;
use crate::upstream::partner_center::{ListQuery, Page, PartnerCenterError, Patched};

/// What a sync would do. It holds values, which are personal data: for a person's eyes, never for a log.
#[derive(Debug)]
pub struct Preview {
    /// The referral.
    pub referral: ReferralId,
    /// Its lead: the one it has, or the one it would get.
    pub lead: Option<LeadId>,
    /// What becomes of each column, in the order of the mapping table, then of the connector's own. Empty if the referral has nothing to do with a lead.
    pub fields: Vec<Field>,
    /// What of the referral its lead cannot hold as it is.
    pub losses: Vec<Loss>,
    /// What would be done, in full.
    pub plan: Plan,
    /// The currencies that the values name.
    pub currencies: Vec<Currency>,
    /// What was taken for granted because it could not be had.
    pub assumed: Vec<Assumption>,
}

/// One column of the lead.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The column.
    pub column: Column,
    /// What it is merged with; `None` for the connector's own columns, which are not merged.
    pub unit: Option<Unit>,
    /// Who wins it; `None` for the status, which has a table of its own, and where nothing is merged.
    pub rule: Option<Rule>,
    /// What the lead holds.
    pub now: Option<Value>,
    /// What the referral makes of it.
    pub said: Option<Value>,
    /// What the lead will hold.
    pub after: Option<Value>,
    /// What becomes of it.
    pub decision: Decision,
}

/// What becomes of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The lead gets the referral's value.
    Written,
    /// The lead's value is taken away.
    Emptied,
    /// The referral gets the lead's value.
    Sent,
    /// Both sides mean the same.
    Same,
    /// The lead keeps what it holds, be it nothing.
    Kept,
    /// The column cannot take the referral's value.
    LeftOut,
}

impl Decision {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Emptied => "emptied",
            Self::Sent => "sent",
            Self::Same => "same",
            Self::Kept => "kept",
            Self::LeftOut => "left_out",
        }
    }
}

/// Something that was taken for granted.
#[derive(Debug)]
pub struct Assumption {
    /// What.
    pub what: Assumed,
    /// Why it is not known.
    pub cause: SyncCause,
}

/// What can be taken for granted of a referral that was not read from Partner Center.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assumed {
    /// It was never synced.
    NeverSynced,
    /// It has no lead.
    NoLead,
    /// The lead table is as Dynamics 365 ships it, and the currency has two decimals.
    ShippedColumns,
}

impl Assumed {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NeverSynced => "never_synced",
            Self::NoLead => "no_lead",
            Self::ShippedColumns => "shipped_columns",
        }
    }

    fn because(self, cause: impl Into<SyncCause>) -> Assumption {
        Assumption {
            what: self,
            cause: cause.into(),
        }
    }
}

impl Syncer {
    /// What a sync of referral `id` would do now. Only reads.
    pub async fn preview(&self, id: ReferralId) -> Result<Preview, SyncError> {
        let previewed = async {
            let stored = self.states.load(id).await?;
            let state = stored.state.unwrap_or_else(|| State::new(self.fresh_id()));
            let view = Box::pin(self.look(id, &state)).await?;
            Ok(self.previewed(&state, &view, Vec::new()))
        };
        let (result, calls) = calls::recorded(previewed).await;
        result.map_err(|cause| SyncError {
            referral: id,
            cause,
            calls,
        })
    }

    /// What a sync would do if Partner Center gave `referral`. What cannot be read beside it is assumed.
    pub async fn preview_of(&self, referral: Referral) -> Preview {
        let mut assumed = Vec::new();
        let id = referral.id;
        let state = match self.states.load(id).await {
            Ok(stored) => stored.state,
            Err(cause) => {
                assumed.push(Assumed::NeverSynced.because(cause));
                None
            }
        };
        let state = state.unwrap_or_else(|| State::new(self.fresh_id()));
        let given = self.given(referral.clone());
        let view = match Box::pin(given.look(id, &state)).await {
            Ok(view) => view,
            Err(cause) => {
                assumed.push(Assumed::NoLead.because(cause));
                let weighed = self.weigh(LeadFinding::Absent, referral.clone()).await;
                let weighed = weighed.map(|view| View {
                    known: Some(Known::default()),
                    ..view
                });
                weighed.unwrap_or_else(|cause| {
                    assumed.push(Assumed::ShippedColumns.because(cause));
                    shipped(referral)
                })
            }
        };
        self.previewed(&state, &view, assumed)
    }

    /// The same in a world where Partner Center gives `referral`.
    fn given(&self, referral: Referral) -> Self {
        let others = Arc::clone(&self.world.referrals);
        Self {
            world: World {
                referrals: Arc::new(Given { referral, others }),
                ..self.world.clone()
            },
            ..self.clone()
        }
    }

    fn previewed(&self, state: &State, view: &View, assumed: Vec<Assumption>) -> Preview {
        let shown = Changes::new();
        let plan = plan::intended(&view.inputs(self, state, &shown, Uuid::nil()));
        let projection = mapping::project(
            &view.referral,
            &view.schema,
            view.currency.as_ref(),
            &self.options,
        );
        let (lead, columns) = match (&plan.lead, &view.lead) {
            (LeadAction::Create { .. }, _) => {
                (Some(LeadId::of(view.referral.id)), Some(Columns::new()))
            }
            (_, LeadFinding::Found { lead, .. }) => (Some(lead.id), Some(lead.columns.clone())),
            _ => (None, None),
        };
        let reason = match &view.lead {
            LeadFinding::Found { lead, .. } => lead.status_reason.map(Value::Choice),
            LeadFinding::Absent | LeadFinding::OfAnother { .. } => None,
        };
        let fields = columns.map(|mut columns| {
            columns.extend(reason.map(|reason| (STATUS, reason)));
            let mut fields = fields(&self.options.mapping, &columns, &projection, &plan);
            fields.extend(own_fields(view, &columns, &plan));
            fields
        });
        let currencies = [&view.currency, &view.lead_currency];
        Preview {
            referral: view.referral.id,
            lead,
            fields: fields.unwrap_or_default(),
            losses: projection.losses,
            plan,
            currencies: currencies.into_iter().flatten().cloned().collect(),
            assumed,
        }
    }
}

/// Both sides of a lead that holds `columns`, and what `plan` makes of each, but for what is empty and stays so.
fn fields(
    mapping: &Mapping,
    columns: &Columns,
    projection: &Projection,
    plan: &Plan,
) -> Vec<Field> {
    let status = [STATE, STATUS].map(|column| (column, Unit::Status, None));
    let rows = mapping.rows().iter();
    let rows = rows.map(|row| (row.column.clone(), row.unit, Some(row.rule)));
    let changes = changes(plan);
    let sent = plan.patches.iter();
    let sent: BTreeSet<_> = sent.flat_map(|patch| patch.values.keys()).collect();
    let field = |(column, unit, rule): (Column, Unit, Option<Rule>)| {
        let now = columns.get(&column).cloned();
        let said = projection.columns.get(&column).cloned();
        let change = changes.get(&column);
        let after = change.unwrap_or(&now).clone();
        let is_lost = projection.losses.iter().any(|loss| loss.column == column);
        let decision = match change {
            Some(Some(_)) => Decision::Written,
            Some(None) => Decision::Emptied,
            None if sent.contains(&column) => Decision::Sent,
            None if is_lost && said.is_none() => Decision::LeftOut,
            None if said.is_some() && plan::similar(now.as_ref(), said.as_ref()) => Decision::Same,
            None if now.is_none() && said.is_none() => return None,
            None => Decision::Kept,
        };
        Some(Field {
            column,
            unit: Some(unit),
            rule,
            now,
            said,
            after,
            decision,
        })
    };
    rows.chain(status).filter_map(field).collect()
}

/// The connector's own columns, but for what is empty and stays so.
fn own_fields(view: &View, columns: &Columns, plan: &Plan) -> Vec<Field> {
    let changes = changes(plan);
    let decided = match &view.lead {
        LeadFinding::Found { lead, .. } => lead.decision,
        LeadFinding::Absent | LeadFinding::OfAnother { .. } => None,
    };
    let field = |(own, column): (&Own, &Column)| {
        let now = match own {
            Own::Decision => decided.map(|it| Value::Choice(number(it))),
            _ => columns.get(column).cloned(),
        };
        let change = changes.get(column);
        let after = change.unwrap_or(&now).clone();
        let decision = match change {
            Some(Some(_)) => Decision::Written,
            Some(None) => Decision::Emptied,
            None if now.is_none() => return None,
            None if matches!(own, Own::Decision | Own::LastSynced) => Decision::Kept,
            None => Decision::Same,
        };
        Some(Field {
            column: column.clone(),
            unit: None,
            rule: None,
            said: after.clone(),
            now,
            after,
            decision,
        })
    };
    view.schema.own.iter().filter_map(field).collect()
}

/// The columns that `plan` writes.
fn changes(plan: &Plan) -> Changes {
    match &plan.lead {
        LeadAction::None => Changes::new(),
        LeadAction::Create { columns, .. } => {
            let columns = columns.iter();
            columns
                .map(|(column, value)| (column.clone(), Some(value.clone())))
                .collect()
        }
        LeadAction::Update { changes, .. } => changes.clone(),
    }
}

/// `referral` without a lead, in an organisation nobody has changed anything in.
fn shipped(referral: Referral) -> View {
    let code = referral.details.currency.as_deref().map(str::trim);
    let currency = code.filter(|code| !code.is_empty()).map(|code| Currency {
        id: CurrencyId::new(Uuid::nil()),
        code: code.to_owned(),
        precision: 2,
    });
    View {
        lead: LeadFinding::Absent,
        referral,
        schema: Arc::new(LeadSchema::as_shipped()),
        currency,
        lead_currency: None,
        known: Some(Known::default()),
    }
}

/// Partner Center, were one referral what it was given as. Nothing is written through it.
struct Given {
    referral: Referral,
    others: Arc<dyn Referrals>,
}

#[async_trait]
impl Referrals for Given {
    async fn read(&self, id: ReferralId) -> Result<Referral, PartnerCenterError> {
        if id == self.referral.id {
            return Ok(self.referral.clone());
        }
        self.others.read(id).await
    }

    async fn patch(
        &self,
        _: ReferralId,
        _: &ETag,
        _: &[PatchOperation],
    ) -> Result<Patched, PartnerCenterError> {
        Ok(Patched::Changed)
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, PartnerCenterError> {
        self.others.list(query).await
    }

    async fn probe(&self) -> Result<(), PartnerCenterError> {
        self.others.probe().await
    }
}
