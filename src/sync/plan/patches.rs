//! What is sent to the referral.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::findings::Findings;
use super::{Inputs, Patch, Report, reference};
use crate::ids::LeadId;
use crate::lead::{Column, Columns, Lead, Value};
use crate::mapping::columns::{
    ESTIMATED_AMOUNT, ESTIMATED_CLOSE_DATE, STATUS, TRANSACTION_CURRENCY,
};
use crate::mapping::{Projection, Unit};
use crate::referral::{PatchOp, PatchOperation};
use crate::sync::options::Mode;
use crate::sync::state::{Pair, Values};

/// Tells the referral which lead it has, where it names none or one that was ours.
pub(super) fn link(
    inputs: &Inputs<'_>,
    lead: LeadId,
    merged_from: Option<LeadId>,
    findings: &mut Findings,
) -> Option<Patch> {
    let named = reference(inputs.referral);
    let named_lead: Option<LeadId> = named.and_then(|text| text.parse().ok());
    if named_lead == Some(lead) {
        return None;
    }
    let own = LeadId::of(inputs.referral.id);
    let was_ours = |it: LeadId| it == own || [merged_from, inputs.state.lead].contains(&Some(it));
    if let Some(named) = named
        && !named_lead.is_some_and(was_ours)
    {
        findings.add(Report::ForeignReference, named);
        return None;
    }
    if !inputs.options.may_write_referrals() {
        return None;
    }
    if inputs.referral.status.state.is_closed() {
        findings.add(Report::NotLinked, "");
        return None;
    }
    let before = inputs.referral.external_reference.as_deref();
    Some(Patch {
        operations: vec![operation("/externalReferenceId", before, lead.to_string())],
        values: Values::new(),
        closes: false,
    })
}

/// Sends the units in `sends` as the lead holds them, all in one request. What cannot be sent still differs.
pub(super) fn data(
    inputs: &Inputs<'_>,
    projection: &Projection,
    lead: &Lead,
    sends: &BTreeSet<Unit>,
    findings: &mut Findings,
) -> Option<Patch> {
    let mut patch = Patch {
        operations: Vec::new(),
        values: Values::new(),
        closes: false,
    };
    for unit in sends {
        let sent = match unit {
            Unit::Deal => deal(inputs, projection, &lead.columns, findings),
            _ => closing(inputs, &lead.columns, findings),
        };
        let Some(Sent { operations, raw }) = sent else {
            findings.add(Report::Differs(*unit), "");
            continue;
        };
        patch.operations.extend(operations);
        for (column, raw) in raw {
            let pair = Pair {
                lead: inputs.state.held(&column, lead, inputs.referral.id),
                referral: Some(inputs.state.referral_digest(&column, &raw)),
                alike: true,
            };
            patch.values.insert(column, pair);
        }
    }
    (!patch.operations.is_empty()).then_some(patch)
}

/// Whether values and status go to the referral at all.
pub(super) fn writes_back(inputs: &Inputs<'_>) -> bool {
    inputs.options.mode == Mode::TwoWay && inputs.options.may_write_referrals()
}

/// What writes a unit, and what the referral says by column thereafter.
struct Sent {
    operations: Vec<PatchOperation>,
    raw: Vec<(Column, String)>,
}

fn deal(
    inputs: &Inputs<'_>,
    projection: &Projection,
    columns: &Columns,
    findings: &mut Findings,
) -> Option<Sent> {
    let details = &inputs.referral.details;
    let Some(Value::Amount(amount)) = columns.get(&ESTIMATED_AMOUNT) else {
        return None;
    };
    let wanted = projection.columns.get(&ESTIMATED_AMOUNT);
    if details.deal_value.is_some() && wanted.is_none() {
        // The referral's amount cannot be compared here, and the loss is reported.
        return None;
    }
    let Some(code) = currency_code(inputs, columns) else {
        findings.add(Report::UnknownCurrency, "");
        return None;
    };
    let same_amount =
        wanted == Some(&Value::Amount(*amount)) || details.deal_value == Some(*amount);
    let before = details.currency.as_deref();
    let same_currency = before.is_some_and(|it| it.trim().eq_ignore_ascii_case(code));
    let mut operations = Vec::new();
    let mut raw = amount.normalize().to_string();
    if same_amount {
        let kept = projection.raw.get(&ESTIMATED_AMOUNT);
        raw = kept.cloned().unwrap_or(raw);
    } else {
        let before = details.deal_value.as_ref().map(Decimal::to_string);
        operations.push(operation(
            "/details/dealValue",
            before.as_deref(),
            raw.clone(),
        ));
    }
    if !same_currency {
        operations.push(operation("/details/currency", before, code.to_owned()));
    }
    Some(Sent {
        operations,
        raw: vec![
            (ESTIMATED_AMOUNT, raw),
            (TRANSACTION_CURRENCY, code.to_ascii_uppercase()),
        ],
    })
}

/// ISO code of the lead's currency.
pub(super) fn currency_code<'a>(inputs: &Inputs<'a>, columns: &Columns) -> Option<&'a str> {
    let Some(Value::Row(row)) = columns.get(&TRANSACTION_CURRENCY) else {
        return None;
    };
    [inputs.currency, inputs.lead_currency]
        .into_iter()
        .flatten()
        .find(|currency| currency.id.uuid() == *row)
        .map(|currency| currency.code.as_str())
}

fn closing(inputs: &Inputs<'_>, columns: &Columns, findings: &mut Findings) -> Option<Sent> {
    let Some(Value::Date(date)) = columns.get(&ESTIMATED_CLOSE_DATE) else {
        return None;
    };
    let zone = &inputs.options.time_zone;
    if *date < inputs.now.to_zoned(zone.clone()).date() {
        findings.add(Report::PastClosingDate, &date.to_string());
        return None;
    }
    // The last date of the calendar has no instant in every zone.
    let start = date.to_zoned(zone.clone()).ok()?;
    let before = inputs.referral.details.closing.map(|it| it.to_string());
    let value = start.timestamp().to_string();
    Some(Sent {
        operations: vec![operation(
            "/details/closingDateTime",
            before.as_deref(),
            value.clone(),
        )],
        raw: vec![(ESTIMATED_CLOSE_DATE, value)],
    })
}

/// Accepts or closes the referral.
pub(super) fn to(
    inputs: &Inputs<'_>,
    status: &str,
    substatus: &str,
    reason: Option<&str>,
    agreed: Pair,
) -> Patch {
    let referral = inputs.referral;
    let before = &referral.status;
    let mut operations = vec![
        operation("/status", Some(&before.status), status.to_owned()),
        operation("/substatus", Some(&before.substatus), substatus.to_owned()),
    ];
    let before = referral.status_reason.as_deref();
    operations.extend(reason.map(|it| operation("/statusReason", before, it.to_owned())));
    Patch {
        operations,
        values: [(STATUS, agreed)].into(),
        closes: status == "Closed",
    }
}

/// `replace` needs a value to replace.
pub(in crate::sync) fn operation(
    path: &'static str,
    before: Option<&str>,
    value: String,
) -> PatchOperation {
    let op = if before.is_some() {
        PatchOp::Replace
    } else {
        PatchOp::Add
    };
    PatchOperation { op, path, value }
}
