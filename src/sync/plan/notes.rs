//! What the lead's timeline must hold. A note's id follows from what it says, so that writing it twice makes one.

use std::collections::BTreeSet;

use url::Url;
use uuid::Uuid;

use crate::ids::{LeadId, NoteId, ReferralId};
use crate::lead::{self, Column, Columns, Note, Value};
use crate::mapping::columns::DESCRIPTION;
use crate::mapping::{Loss, LossReason, Mapping, Projection, Unit};
use crate::referral::Referral;
use crate::text;

/// Longest text of a note, in UTF-16 units (Dataverse, `annotation.notetext`).
const LONGEST: usize = 100_000;

/// What notes are written from.
pub(super) struct Occasion<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) referral: &'a Referral,
    pub(super) projection: &'a Projection,
    /// The lead's columns as they are.
    pub(super) before: &'a Columns,
    /// As they will be.
    pub(super) columns: &'a Columns,
    /// Where the referral's value loses against the lead's.
    pub(super) lost_by_referral: &'a BTreeSet<Unit>,
    /// Where the lead's value loses against the referral's.
    pub(super) lost_by_lead: &'a BTreeSet<Column>,
    /// ISO code of the currency of the lead's amount.
    pub(super) currency: Option<&'a str>,
    /// Open leads that may be the same.
    pub(super) duplicates: &'a BTreeSet<LeadId>,
    /// Where people see them.
    pub(super) crm: Option<&'a Url>,
    /// The referral was closed under a lead that somebody works on.
    pub(super) flagged: bool,
}

/// The notes that must be there.
pub(super) fn notes(occasion: &Occasion<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    notes.extend(invitation(occasion.referral));
    notes.extend(description(occasion));
    notes.extend(losses(occasion));
    notes.extend(duplicates(occasion));
    if occasion.flagged {
        notes.push(flag(occasion.referral));
    }
    // What the description does not show has a note anyway.
    let units = occasion.lost_by_referral.iter();
    let others = units.filter(|unit| **unit != Unit::Description);
    notes.extend(others.map(|unit| conflict(occasion, *unit)));
    notes.extend(overwritten(occasion));
    notes
}

fn note(referral: ReferralId, subject: &str, text: &str) -> Note {
    let content = format!("{subject}\n{text}");
    Note {
        id: NoteId::new(Uuid::new_v5(&referral.uuid(), content.as_bytes())),
        subject: subject.to_owned(),
        text: text::cut(text, LONGEST).to_owned(),
    }
}

/// What the inviter wrote.
fn invitation(referral: &Referral) -> Option<Note> {
    let invitation = referral.invitation.as_ref()?;
    let text = text::block(invitation.notes.as_deref()?)?;
    let name = invitation.organization_name.as_deref();
    let subject = match name.and_then(text::line) {
        Some(name) => format!("Partner Center: invitation from {}", text::cut(&name, 100)),
        None => "Partner Center: invitation".to_owned(),
    };
    Some(note(referral.id, &subject, &text))
}

/// The whole text, where the lead's description is another: cut, or somebody else's.
fn description(occasion: &Occasion<'_>) -> Option<Note> {
    let text = occasion.projection.description.as_deref()?;
    let shown = occasion.columns.get(&DESCRIPTION);
    let is_shown = matches!(shown, Some(Value::Text(shown)) if same_lines(shown, text));
    let subject = "Partner Center: description of the referral";
    (!is_shown).then(|| note(occasion.referral.id, subject, text))
}

/// Forms store line breaks as they like.
fn same_lines(left: &str, right: &str) -> bool {
    left.trim().lines().eq(right.trim().lines())
}

/// What a column could not take. The description has a note of its own; a missing choice is no loss to a seller.
fn losses(occasion: &Occasion<'_>) -> Option<Note> {
    let losses = occasion.projection.losses.iter();
    let lines: Vec<String> = losses
        .filter(|loss| loss.column != DESCRIPTION && loss.reason != LossReason::NoChoice)
        .map(explain)
        .collect();
    let subject = "Partner Center: not carried over in full";
    (!lines.is_empty()).then(|| note(occasion.referral.id, subject, &lines.join("\n")))
}

fn explain(loss: &Loss) -> String {
    let why = match loss.reason {
        LossReason::Cut => "longer than the column, cut",
        LossReason::TooLong => "longer than the column, left out",
        LossReason::NoCurrency => "no such currency here, left out",
        LossReason::NoChoice => "no such choice here, left out",
        LossReason::NoColumn => "no such column here, left out",
        LossReason::OutOfRange => "outside what the column takes, left out",
        LossReason::NotWritable => "the column cannot be written so here, left out",
    };
    format!("{} ({why}): {}", loss.column, loss.value)
}

/// The open leads that may be the same. The id follows from theirs alone: where they are seen may change.
fn duplicates(occasion: &Occasion<'_>) -> Option<Note> {
    let leads = occasion.duplicates.iter();
    let names: Vec<String> = leads.clone().map(LeadId::to_string).collect();
    let places = leads.map(|id| match occasion.crm {
        Some(crm) => lead::page(crm, *id).to_string(),
        None => id.to_string(),
    });
    let places: Vec<String> = places.collect();
    let content = format!("possible duplicate\n{}", names.join("\n"));
    let text = format!(
        "When this lead came from Partner Center, there was an open lead already with the same e-mail address and company. If both \
         are about the same business, please merge them.\n{}",
        places.join("\n")
    );
    (!names.is_empty()).then(|| Note {
        id: NoteId::new(Uuid::new_v5(
            &occasion.referral.id.uuid(),
            content.as_bytes(),
        )),
        subject: "Partner Center: possible duplicate".to_owned(),
        text,
    })
}

/// The referral was closed, and the lead says otherwise.
fn flag(referral: &Referral) -> Note {
    let line = |raw: &str| text::line(raw).unwrap_or_default();
    let (status, substatus) = (&referral.status.status, &referral.status.substatus);
    let reason = referral.status_reason.as_deref().and_then(text::block);
    let reason = reason.map(|it| format!("\nReason given: {it}"));
    let text = format!(
        "The referral is now {}/{} in Partner Center and can no longer be changed there. \
         This lead says otherwise and was left as it is: please decide.{}",
        line(status),
        line(substatus),
        reason.unwrap_or_default(),
    );
    note(
        referral.id,
        "Partner Center: the referral was closed",
        &text,
    )
}

/// What the referral holds instead. It names only that side: another edit in the CRM makes no other note.
fn conflict(occasion: &Occasion<'_>, unit: Unit) -> Note {
    let rows = occasion.mapping.rows().iter();
    let rows = rows.filter(|row| row.unit == unit);
    let code = occasion.referral.details.currency.as_deref();
    let values: Vec<String> = rows
        .filter_map(|row| line(&row.column, &occasion.projection.columns, code))
        .collect();
    let subject = format!("Partner Center: another {}", unit.word());
    let text = format!(
        "Partner Center holds these values. The ones on this lead were kept.\n{}",
        values.join("\n")
    );
    note(occasion.referral.id, &subject, &text)
}

/// What the lead held before Partner Center's values took its place.
fn overwritten(occasion: &Occasion<'_>) -> Option<Note> {
    let columns = occasion.lost_by_lead.iter();
    let values: Vec<String> = columns
        .filter_map(|column| line(column, occasion.before, occasion.currency))
        .collect();
    let text = format!(
        "Both sides were changed. This lead held these values, and has those of Partner Center now.\n{}",
        values.join("\n")
    );
    let subject = "Partner Center: values of this lead were replaced";
    (!values.is_empty()).then(|| note(occasion.referral.id, subject, &text))
}

fn line(column: &Column, columns: &Columns, currency: Option<&str>) -> Option<String> {
    let value = match columns.get(column)? {
        Value::Text(text) => text.clone(),
        Value::Amount(amount) => amount.to_string(),
        Value::Date(date) => date.to_string(),
        Value::Whole(number) => number.to_string(),
        // The only lookup is the deal's currency, and its code is what people know.
        Value::Row(_) => text::line(currency?)?,
        // Nothing that is merged is a moment.
        Value::Choice(_) | Value::Flag(_) | Value::Moment(_) => return None,
    };
    Some(format!("{column}: {value}"))
}
