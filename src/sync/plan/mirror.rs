//! The connector's own columns of a lead. What they show follows from both sides, so nothing of it is remembered: it is written
//! where it differs, whoever changed it, together with whatever else is written.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::findings::Findings;
use super::merge::Merged;
use super::message::{self, Facts};
use super::standing::Standing;
use super::{Inputs, Patch, Report, patches};
use crate::lead::{Changes, Column, Columns, Lead, LeadState, Own, Value};
use crate::mapping::columns::STATE;
use crate::mapping::{self, LossReason, Mapping, Projection, Rule, Unit};
use crate::sync::state::State;

/// What the columns of a new lead hold.
pub(super) fn of_new(inputs: &Inputs<'_>, projection: &Projection) -> Columns {
    let facts = Facts {
        lead: LeadState::Open,
        decision: None,
        writes_back: patches::writes_back(inputs),
        closing: None,
        is_unsent: false,
        is_flagged: false,
        lost: lost(projection),
        differing: BTreeSet::new(),
    };
    let wanted = wanted(inputs, &facts).into_iter();
    let mut columns: Columns = wanted
        .filter_map(|(column, value)| Some((column, value?)))
        .collect();
    columns.extend(synced_now(inputs));
    columns
}

/// What is known of a lead besides its referral.
pub(super) struct Sides<'a> {
    pub(super) lead: &'a Lead,
    /// What is agreed, once this plan is done with looking.
    pub(super) state: &'a State,
    pub(super) projection: &'a Projection,
    pub(super) merged: &'a Merged,
    pub(super) standing: &'a Standing,
    /// What goes to the referral, but for its status.
    pub(super) patches: &'a [Patch],
}

/// What of them is to be written to a lead that there is: nothing while the plan closes the referral on a lead that it leaves
/// alone, for a write would begin the hold anew.
pub(super) fn changes(inputs: &Inputs<'_>, sides: &Sides<'_>, findings: &mut Findings) -> Changes {
    let others = &sides.merged.changes;
    if inputs.schema.own.is_empty() || sides.standing.is_due() && others.is_empty() {
        return Changes::new();
    }
    let mut changes = wanted(inputs, &facts(inputs, sides));
    changes.retain(|column, wanted| {
        let held = sides.lead.columns.get(column);
        let wanted = wanted.as_ref();
        !is_same(held, wanted) && !is_rewritten(inputs, column, held, wanted, findings)
    });
    if !others.is_empty() || !changes.is_empty() {
        let synced = synced_now(inputs).into_iter();
        let synced = synced.filter(|(column, now)| sides.lead.columns.get(column) != Some(now));
        changes.extend(synced.map(|(column, value)| (column, Some(value))));
    }
    changes
}

fn facts(inputs: &Inputs<'_>, sides: &Sides<'_>) -> Facts {
    let disqualifies = sides.merged.changes.contains_key(&STATE);
    Facts {
        lead: if disqualifies {
            LeadState::Disqualified
        } else {
            sides.lead.state
        },
        decision: sides.lead.decision,
        writes_back: patches::writes_back(inputs),
        closing: sides
            .standing
            .closes()
            .then(|| message::closing(inputs.referral, sides.lead, inputs.options))
            .flatten(),
        is_unsent: sides.standing.is_unsent,
        is_flagged: sides.standing.is_flagged,
        lost: lost(sides.projection),
        differing: differing(inputs, sides),
    }
}

fn wanted(inputs: &Inputs<'_>, facts: &Facts) -> Changes {
    let (referral, schema) = (inputs.referral, inputs.schema);
    let mut wanted = mapping::mirror(referral, schema, inputs.options);
    if let Some(column) = schema.own.get(&Own::Message) {
        let message = message::message(referral, schema, inputs.options, facts);
        wanted.insert(column.clone(), mapping::cut(schema, column, &message));
    }
    wanted
}

fn synced_now(inputs: &Inputs<'_>) -> Option<(Column, Value)> {
    let column = inputs.schema.own.get(&Own::LastSynced)?;
    let second = Timestamp::from_second(inputs.now.as_second()).ok()?;
    Some((column.clone(), Value::Moment(second)))
}

/// What a form or a column changes by itself is no difference.
fn is_same(held: Option<&Value>, wanted: Option<&Value>) -> bool {
    match (held, wanted) {
        (Some(Value::Text(held)), Some(Value::Text(wanted))) => {
            held.trim().lines().eq(wanted.trim().lines())
        }
        _ => held == wanted,
    }
}

/// Whether the organisation holds this instead of what it was sent, as it did before: then it is left, or there were no end.
fn is_rewritten(
    inputs: &Inputs<'_>,
    column: &Column,
    held: Option<&Value>,
    wanted: Option<&Value>,
    findings: &mut Findings,
) -> bool {
    let report = Report::Rewritten(column.clone());
    let about = format!("{wanted:?} {held:?}");
    let known = inputs.state.key(&report, &about);
    let shown = inputs.shown.get(column).map(Option::as_ref);
    let is_it = shown == Some(wanted) || inputs.state.reported.contains(&known);
    if is_it {
        findings.add(report, &about);
    }
    is_it
}

/// The columns whose values did not arrive whole, but for the description, which has a note whenever it is not all there, and
/// choices, which are no loss to a seller.
fn lost(projection: &Projection) -> BTreeSet<Column> {
    let losses = projection.losses.iter();
    let losses = losses.filter(|loss| {
        loss.reason != LossReason::NoChoice && loss.column != mapping::columns::DESCRIPTION
    });
    losses.map(|loss| loss.column.clone()).collect()
}

/// The units in which the lead will not hold what the referral says, although nothing of it is sent.
fn differing(inputs: &Inputs<'_>, sides: &Sides<'_>) -> BTreeSet<Unit> {
    if inputs.referral.status.state.is_closed() {
        return BTreeSet::new();
    }
    let mapping: &Mapping = &inputs.options.mapping;
    let sent = sides.patches.iter().flat_map(|patch| patch.values.keys());
    let sent: BTreeSet<Unit> = sent.map(|column| mapping.unit(column)).collect();
    let is_merged = |rule| matches!(rule, Rule::PartnerCenter | Rule::Crm);
    let rows = mapping.rows().iter().filter(|row| is_merged(row.rule));
    let rows = rows.filter(|row| row.unit != Unit::Description && !sent.contains(&row.unit));
    rows.filter(|row| differs(inputs, sides, &row.column))
        .map(|row| row.unit)
        .collect()
}

fn differs(inputs: &Inputs<'_>, sides: &Sides<'_>, column: &Column) -> bool {
    let projection = sides.projection;
    let Some(wanted) = projection.columns.get(column) else {
        return false;
    };
    if projection.stand_ins.contains(column) || sides.merged.values.contains_key(column) {
        return false;
    }
    let said = mapping::said(column, &sides.lead.columns, inputs.referral.id);
    let state = sides.state;
    let raw = projection.raw.get(column);
    let agreed = state.agreed.get(column).is_some_and(|pair| {
        pair.alike
            && pair.lead == said.map(|it| state.lead_digest(column, it))
            && pair.referral == raw.map(|it| state.referral_digest(column, it))
    });
    !agreed && !super::similar(said, Some(wanted))
}
