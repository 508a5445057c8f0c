//! Which columns of an existing lead change, by the mapping table's rules.

use crate::lead::{Changes, Column, Columns, LeadState, Value};
use crate::mapping::columns::{
    COMPANY, EMAIL, ESTIMATED_AMOUNT, FIRST_NAME, LAST_NAME, STATE, STATUS,
};
use crate::mapping::status::Inbound;
use crate::mapping::{Projection, ROWS, Row, Rule, Unit};
use crate::referral::Referral;
use crate::text;

/// What merging a referral into a lead comes to.
pub(super) struct Merged {
    /// The columns that change.
    pub(super) changes: Changes,
    /// The units in which both sides hold a value, they differ, and the CRM's is kept.
    pub(super) conflicts: Vec<Unit>,
}

/// Merges the lead a referral should be into the one it has.
pub(super) fn merge(referral: &Referral, wanted: &Projection, lead: &Columns) -> Merged {
    let view = View {
        referral,
        wanted,
        lead,
    };
    let mut changes = Changes::new();
    for row in &ROWS {
        if let Some(value) = wanted.columns.get(&row.column)
            && view.writes(row, value)
        {
            changes.insert(row.column.clone(), Some(value.clone()));
        }
    }
    let crm_wins = [Unit::Deal, Unit::Closing, Unit::Contact];
    let conflicts = crm_wins.into_iter().filter(|unit| view.conflicts(*unit));
    Merged {
        conflicts: conflicts.collect(),
        changes,
    }
}

/// Adds what the referral's status asks of its lead.
pub(super) fn apply_status(inbound: Inbound, changes: &mut Changes) {
    match inbound {
        Inbound::Nothing | Inbound::Flag => {}
        Inbound::Contacted(reason) => {
            changes.insert(STATUS, Some(Value::Choice(reason)));
        }
        Inbound::Disqualify(reason) => {
            let state = LeadState::Disqualified.number();
            changes.insert(STATE, Some(Value::Choice(state)));
            changes.insert(STATUS, Some(Value::Choice(reason)));
        }
    }
}

/// The lead's columns once `changes` are written.
pub(super) fn after(lead: &Columns, changes: &Changes) -> Columns {
    let mut columns = lead.clone();
    for (column, value) in changes {
        match value {
            Some(value) => columns.insert(column.clone(), value.clone()),
            None => columns.remove(column),
        };
    }
    columns
}

struct View<'a> {
    referral: &'a Referral,
    wanted: &'a Projection,
    lead: &'a Columns,
}

impl View<'_> {
    fn writes(&self, row: &Row, value: &Value) -> bool {
        if self.lead.get(&row.column) == Some(value) {
            return false;
        }
        match row.rule {
            Rule::PartnerCenter => {
                !self.wanted.stand_ins.contains(&row.column) || self.is_empty(&row.column)
            }
            Rule::Crm if self.is_unit_empty(row.unit) => true,
            Rule::Crm => {
                row.unit == Unit::Contact && self.is_same_person() && self.is_empty(&row.column)
            }
            Rule::Creation => false,
            Rule::Stricter => *value == Value::Flag(true),
        }
    }

    fn is_empty(&self, column: &Column) -> bool {
        match self.lead.get(column) {
            None => true,
            Some(Value::Text(text)) => {
                text::is_empty(text, self.referral.id)
                    || *column == LAST_NAME && self.stands_in_for_last_name(text)
            }
            Some(_) => false,
        }
    }

    /// Whether `held` is what stood in for the family name before the referral had one. Filling the given name beside it
    /// would make a person who has one name twice.
    fn stands_in_for_last_name(&self, held: &str) -> bool {
        if self.wanted.stand_ins.contains(&LAST_NAME) || self.lead.contains_key(&FIRST_NAME) {
            return false;
        }
        let wanted = |column: &Column| match self.wanted.columns.get(column) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let local = wanted(&EMAIL).and_then(|email| Some(email.split_once('@')?.0));
        let mut earlier = [wanted(&FIRST_NAME), local, wanted(&COMPANY)]
            .into_iter()
            .flatten();
        wanted(&LAST_NAME).is_some() && earlier.any(|text| text == held)
    }

    /// A currency alone is no deal: Dataverse sets one by itself.
    fn is_unit_empty(&self, unit: Unit) -> bool {
        if unit == Unit::Deal {
            return self.is_empty(&ESTIMATED_AMOUNT);
        }
        let mut rows = ROWS.iter().filter(|row| row.unit == unit);
        rows.all(|row| self.is_empty(&row.column))
    }

    /// Whether the lead names the person the referral names: same e-mail address or same full name.
    fn is_same_person(&self) -> bool {
        let same = |column: &Column| {
            let (wanted, lead) = (self.wanted.columns.get(column), self.lead.get(column));
            wanted.is_some() && equal(wanted, lead)
        };
        let same_first_name = equal(
            self.wanted.columns.get(&FIRST_NAME),
            self.lead.get(&FIRST_NAME),
        );
        let is_named = !self.wanted.stand_ins.contains(&LAST_NAME);
        same(&EMAIL) || is_named && same(&LAST_NAME) && same_first_name
    }

    /// Whether the referral holds another value for a unit the CRM wins than the lead does.
    fn conflicts(&self, unit: Unit) -> bool {
        if self.is_unit_empty(unit) {
            return false;
        }
        let is_same_person = unit == Unit::Contact && self.is_same_person();
        ROWS.iter().filter(|row| row.unit == unit).any(|row| {
            let Some(wanted) = self.wanted.columns.get(&row.column) else {
                return false;
            };
            let stands_in = self.wanted.stand_ins.contains(&row.column);
            let is_filled_in = is_same_person && (stands_in || self.is_empty(&row.column));
            let held = self.lead.get(&row.column);
            !(is_filled_in || equal(Some(wanted), held) || self.is_unrounded(row, held))
        })
    }

    /// Whether `held` is the referral's amount before it was rounded: the CRM may hold more digits than its currency.
    fn is_unrounded(&self, row: &Row, held: Option<&Value>) -> bool {
        let value = self.referral.details.deal_value.map(Value::Amount);
        row.column == ESTIMATED_AMOUNT && value.as_ref() == held
    }
}

/// Whether two values are the same to a person: text without regard to letter case and outer blanks.
fn equal(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(Value::Text(left)), Some(Value::Text(right))) => {
            left.trim().to_lowercase() == right.trim().to_lowercase()
        }
        _ => left == right,
    }
}
