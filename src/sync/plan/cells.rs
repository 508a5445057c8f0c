//! One column of both sides, beside what they agreed on.

use std::collections::BTreeMap;

use crate::lead::{Column, Columns, Lead, Value};
use crate::mapping::columns::{COMPANY, EMAIL, ESTIMATED_AMOUNT, FIRST_NAME, LAST_NAME};
use crate::mapping::{self, Mapping, Projection, Row};
use crate::referral::Referral;
use crate::sync::state::{Digest, Pair, State};

/// One column of both sides.
#[derive(Clone, Debug)]
pub(super) struct Cell<'a> {
    pub(super) row: &'a Row,
    /// What the lead holds.
    pub(super) stored: Option<&'a Value>,
    /// What it says thereby; `None` if nothing.
    pub(super) lead: Option<&'a Value>,
    /// What it should say by the referral; `None` if nothing, or nothing that fits.
    pub(super) wanted: Option<&'a Value>,
    /// Digest of [`Cell::lead`].
    pub(super) held: Option<Digest>,
    /// Digest of [`Cell::wanted`].
    mapped: Option<Digest>,
    /// Digest of what the referral says.
    raw: Option<Digest>,
    /// What was agreed, if anything was.
    pub(super) pair: Option<Pair>,
    /// What the referral does not say itself: it fills, and goes only with a whole person.
    pub(super) stands_in: bool,
    /// The lead holds what stood in for this before the referral said it.
    pub(super) is_makeshift: bool,
    likeness: Likeness,
}

/// How much of the same both sides mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Likeness {
    Alike,
    /// To a person.
    Similar,
    Different,
}

/// Every merged column of `lead` and its referral.
pub(super) fn cells<'a>(
    mapping: &'a Mapping,
    referral: &'a Referral,
    projection: &'a Projection,
    lead: &'a Lead,
    state: &State,
) -> BTreeMap<&'a Column, Cell<'a>> {
    let cell = |row: &'a Row| {
        let column = &row.column;
        let said = mapping::said(column, &lead.columns, referral.id);
        let wanted = projection.columns.get(column);
        let raw = projection.raw.get(column);
        let is_exact = *column == ESTIMATED_AMOUNT
            && said.is_some()
            && said == referral.details.deal_value.map(Value::Amount).as_ref();
        let held = said.map(|it| state.lead_digest(column, it));
        let mapped = wanted.map(|it| state.lead_digest(column, it));
        let likeness = if held == mapped || is_exact && wanted.is_some() {
            Likeness::Alike
        } else if similar(said, wanted) {
            Likeness::Similar
        } else {
            Likeness::Different
        };
        let cell = Cell {
            row,
            stored: lead.columns.get(column),
            lead: said,
            wanted,
            held,
            mapped,
            raw: raw.map(|it| state.referral_digest(column, it)),
            pair: state.agreed.get(column).copied(),
            stands_in: stands_in(projection, column),
            is_makeshift: *column == LAST_NAME && is_makeshift(projection, &lead.columns),
            likeness,
        };
        (column, cell)
    };
    mapping.rows().iter().map(cell).collect()
}

impl Cell<'_> {
    /// Whether both sides mean the same.
    pub(super) fn is_alike(&self) -> bool {
        self.likeness == Likeness::Alike
    }

    /// Whether both sides mean the same to a person.
    pub(super) fn is_similar(&self) -> bool {
        self.likeness != Likeness::Different
    }

    /// What both sides hold now.
    pub(super) fn now(&self, alike: bool) -> Pair {
        Pair {
            lead: self.held,
            referral: self.raw,
            alike,
        }
    }

    /// What both sides hold once the lead has what the referral wants it to have.
    pub(super) fn written(&self) -> Pair {
        Pair {
            lead: self.mapped,
            referral: self.raw,
            alike: true,
        }
    }

    /// What was agreed. A column that came to its unit later starts as found: empty on both sides, unless both are filled.
    pub(super) fn baseline(&self) -> Pair {
        self.pair.unwrap_or_else(|| {
            if self.lead.is_some() && self.wanted.is_some() {
                self.now(self.is_similar())
            } else {
                Pair {
                    alike: true,
                    ..Pair::default()
                }
            }
        })
    }

    pub(super) fn lead_changed(&self) -> bool {
        self.held != self.baseline().lead
    }

    /// Another value, not only another way to write the one that is agreed.
    pub(super) fn referral_changed(&self) -> bool {
        let agreed = self.baseline();
        let means_the_same = self.mapped == agreed.lead || !self.lead_changed() && self.is_alike();
        self.raw != agreed.referral && !(agreed.alike && means_the_same)
    }

    /// Whether the referral holds something else than before that the lead cannot take, so that nothing can be said about it.
    /// A closed referral empties nothing either.
    pub(super) fn is_blocked(&self, is_closed: bool) -> bool {
        let agreed = self.pair.and_then(|pair| pair.referral);
        let is_lost = self.raw.is_some() && self.wanted.is_none();
        let is_emptied = is_closed && self.raw.is_none();
        (is_lost || is_emptied) && self.raw != agreed
    }

    /// What the referral says, in a form to recognise it by.
    pub(super) fn mark(&self) -> u128 {
        self.raw.map_or(0, |raw| u128::from_be_bytes(raw.0))
    }
}

/// A given name that takes the place of a family name stands for both.
fn stands_in(projection: &Projection, column: &Column) -> bool {
    projection.stand_ins.contains(column)
        || *column == FIRST_NAME && projection.stand_ins.contains(&LAST_NAME)
}

/// Whether the lead's family name is what stood in for it before the referral had one. Filling the given name beside it
/// would make a person who has one name twice.
fn is_makeshift(wanted: &Projection, lead: &Columns) -> bool {
    if wanted.stand_ins.contains(&LAST_NAME) || lead.contains_key(&FIRST_NAME) {
        return false;
    }
    let text = |columns: &Columns, column: &Column| match columns.get(column) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let wanted = |column: &Column| text(&wanted.columns, column);
    let email = wanted(&EMAIL);
    let local = email.and_then(|email| Some(email.split_once('@')?.0.to_owned()));
    let earlier = [wanted(&FIRST_NAME), local, wanted(&COMPANY)];
    let held = text(lead, &LAST_NAME);
    wanted(&LAST_NAME).is_some() && held.is_some() && earlier.contains(&held)
}

/// Whether two values are the same to a person: text without regard to letter case and outer blanks.
pub(in crate::sync) fn similar(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(Value::Text(left)), Some(Value::Text(right))) => {
            left.trim().to_lowercase() == right.trim().to_lowercase()
        }
        _ => left == right,
    }
}
