//! What is sent to the referral.

use rust_decimal::Decimal;

use super::{Inputs, Report, reference};
use crate::ids::LeadId;
use crate::lead::{Columns, Lead, Value};
use crate::mapping::columns::{ESTIMATED_AMOUNT, ESTIMATED_CLOSE_DATE, TRANSACTION_CURRENCY};
use crate::mapping::status::{self, Close};
use crate::mapping::{Projection, Unit};
use crate::referral::{PatchOp, PatchOperation};
use crate::sync::options::Mode;

type Patch = Vec<PatchOperation>;

/// Tells the referral which lead it has, where it names none or one that was ours before a merge.
pub(super) fn link(
    inputs: &Inputs<'_>,
    lead: LeadId,
    merged_from: Option<LeadId>,
    reports: &mut Vec<Report>,
) -> Option<PatchOperation> {
    let named = reference(inputs.referral);
    let named_lead: Option<LeadId> = named.and_then(|text| text.parse().ok());
    if named_lead == Some(lead) {
        return None;
    }
    let own = LeadId::of(inputs.referral.id);
    let was_ours = named_lead.is_some_and(|it| it == own || Some(it) == merged_from);
    if named.is_some() && !was_ours {
        reports.push(Report::ForeignReference);
        return None;
    }
    if !inputs.options.may_write_referrals() {
        return None;
    }
    if inputs.referral.status.state.is_closed() {
        reports.push(Report::NotLinked);
        return None;
    }
    let before = inputs.referral.external_reference.as_deref();
    Some(operation("/externalReferenceId", before, lead.to_string()))
}

/// Sends the values the CRM wins, where the lead as it will be (`columns`) holds others than the referral.
pub(super) fn data(
    inputs: &Inputs<'_>,
    projection: &Projection,
    columns: &Columns,
    reports: &mut Vec<Report>,
) -> Vec<Patch> {
    if !writes_back(inputs) {
        return Vec::new();
    }
    let deal = deal(inputs, projection, columns, reports);
    let closing = closing(inputs, projection, columns, reports);
    if !inputs.referral.status.state.is_closed() {
        let patch: Patch = deal.into_iter().chain(closing).collect();
        return Some(patch)
            .filter(|it| !it.is_empty())
            .into_iter()
            .collect();
    }
    for (unit, operations) in [(Unit::Deal, deal), (Unit::Closing, closing)] {
        if !operations.is_empty() {
            reports.push(Report::WriteBackDropped(unit));
        }
    }
    Vec::new()
}

fn writes_back(inputs: &Inputs<'_>) -> bool {
    inputs.options.mode == Mode::TwoWay && inputs.options.may_write_referrals()
}

fn deal(
    inputs: &Inputs<'_>,
    projection: &Projection,
    columns: &Columns,
    reports: &mut Vec<Report>,
) -> Patch {
    let details = &inputs.referral.details;
    let Some(Value::Amount(amount)) = columns.get(&ESTIMATED_AMOUNT) else {
        return Patch::new();
    };
    let wanted = projection.columns.get(&ESTIMATED_AMOUNT);
    if details.deal_value.is_some() && wanted.is_none() {
        // The referral's amount cannot be compared here, and the loss is reported.
        return Patch::new();
    }
    let Some(code) = currency_code(inputs, columns) else {
        reports.push(Report::UnknownCurrency);
        return Patch::new();
    };
    let same_amount =
        wanted == Some(&Value::Amount(*amount)) || details.deal_value == Some(*amount);
    let before = details.currency.as_deref();
    let same_currency = before.is_some_and(|it| it.trim().eq_ignore_ascii_case(code));
    let mut patch = Patch::new();
    if !same_amount {
        let before = details.deal_value.as_ref().map(Decimal::to_string);
        let value = amount.normalize().to_string();
        patch.push(operation("/details/dealValue", before.as_deref(), value));
    }
    if !same_currency {
        patch.push(operation("/details/currency", before, code.to_owned()));
    }
    patch
}

/// ISO code of the lead's currency.
fn currency_code<'a>(inputs: &Inputs<'a>, columns: &Columns) -> Option<&'a str> {
    let Some(Value::Row(row)) = columns.get(&TRANSACTION_CURRENCY) else {
        return None;
    };
    [inputs.currency, inputs.lead_currency]
        .into_iter()
        .flatten()
        .find(|currency| currency.id.uuid() == *row)
        .map(|currency| currency.code.as_str())
}

fn closing(
    inputs: &Inputs<'_>,
    projection: &Projection,
    columns: &Columns,
    reports: &mut Vec<Report>,
) -> Patch {
    let Some(value @ Value::Date(date)) = columns.get(&ESTIMATED_CLOSE_DATE) else {
        return Patch::new();
    };
    if projection.columns.get(&ESTIMATED_CLOSE_DATE) == Some(value) {
        return Patch::new();
    }
    let zone = &inputs.options.time_zone;
    if *date < inputs.now.to_zoned(zone.clone()).date() {
        reports.push(Report::PastClosingDate);
        return Patch::new();
    }
    // The last date of the calendar has no instant in every zone.
    let Ok(start) = date.to_zoned(zone.clone()) else {
        return Patch::new();
    };
    let before = inputs.referral.details.closing.map(|it| it.to_string());
    let value = start.timestamp().to_string();
    vec![operation(
        "/details/closingDateTime",
        before.as_deref(),
        value,
    )]
}

/// Sends what the lead's status says. Closing comes last, and only for a lead that this sync leaves alone (`rests`).
pub(super) fn status(
    inputs: &Inputs<'_>,
    lead: &Lead,
    rests: bool,
    reports: &mut Vec<Report>,
) -> Vec<Patch> {
    if !writes_back(inputs) {
        return Vec::new();
    }
    let state = inputs.referral.status.state;
    let asked = status::outbound(state, lead, inputs.options, inputs.now);
    let mut patches = Vec::new();
    if asked.accept {
        patches.push(to(inputs, "Active", "Accepted"));
    }
    match asked.close {
        Close::No => {}
        Close::Now { substatus, reason } if rests => {
            let mut patch = to(inputs, "Closed", substatus);
            let before = inputs.referral.status_reason.as_deref();
            patch.extend(reason.map(|it| operation("/statusReason", before, it.to_owned())));
            patches.push(patch);
        }
        Close::Held | Close::Now { .. } => reports.push(Report::CloseHeld),
    }
    patches
}

fn to(inputs: &Inputs<'_>, status: &str, substatus: &str) -> Patch {
    let before = &inputs.referral.status;
    vec![
        operation("/status", Some(&before.status), status.to_owned()),
        operation("/substatus", Some(&before.substatus), substatus.to_owned()),
    ]
}

/// `replace` needs a value to replace.
fn operation(path: &'static str, before: Option<&str>, value: String) -> PatchOperation {
    let op = if before.is_some() {
        PatchOp::Replace
    } else {
        PatchOp::Add
    };
    PatchOperation { op, path, value }
}
