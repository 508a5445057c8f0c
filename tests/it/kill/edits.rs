//! Every edit that people make on either side, and what may have become of it in the end.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::ToSpan;
use jiff::civil::date;
use sandbox::World;
use serde_json::{Value, json};

/// What people edit. No value is ever entered twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    /// Goes into the lead alone; Partner Center wins.
    Company,
    /// Goes both ways; the CRM wins.
    Amount,
    /// Goes both ways; the CRM wins.
    Closing,
}

/// The side where somebody edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Lead,
    Referral,
}

/// A value that somebody entered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edit {
    referral: String,
    field: Field,
    side: Side,
    value: String,
}

/// All edits.
#[derive(Default)]
pub(super) struct Edits(Mutex<Ledger>);

#[derive(Default)]
struct Ledger {
    made: Vec<Edit>,
    /// What somebody saw and replaced: referral, field, value.
    replaced: BTreeSet<(String, Field, String)>,
}

impl Field {
    pub(super) const ALL: [Self; 3] = [Self::Company, Self::Amount, Self::Closing];

    /// The value of edit number `n`.
    fn value(self, n: usize) -> String {
        match self {
            Self::Company => format!("Company {n:05}"),
            Self::Amount => (100_000 + n).to_string(),
            Self::Closing => {
                let days = i32::try_from(n).unwrap().days();
                date(2030, 1, 1).checked_add(days).unwrap().to_string()
            }
        }
    }

    fn change(self, side: Side, value: &str) -> Value {
        let number = || value.parse::<u32>().unwrap();
        match (self, side) {
            (Self::Company, Side::Lead) => json!({ "companyname": value }),
            (Self::Amount, Side::Lead) => json!({ "estimatedamount": number() }),
            (Self::Closing, Side::Lead) => json!({ "estimatedclosedate": value }),
            (Self::Company, Side::Referral) => json!({ "customerProfile": { "name": value } }),
            (Self::Amount, Side::Referral) => json!({ "details": { "dealValue": number() } }),
            (Self::Closing, Side::Referral) => {
                json!({ "details": { "closingDateTime": format!("{value}T00:00:00Z") } })
            }
        }
    }

    fn of(self, side: Side, record: &Value) -> String {
        let path = match (self, side) {
            (Self::Company, Side::Lead) => "/companyname",
            (Self::Amount, Side::Lead) => "/estimatedamount",
            (Self::Closing, Side::Lead) => "/estimatedclosedate",
            (Self::Company, Side::Referral) => "/customerProfile/name",
            (Self::Amount, Side::Referral) => "/details/dealValue",
            (Self::Closing, Side::Referral) => "/details/closingDateTime",
        };
        match record.pointer(path) {
            Some(Value::String(text)) if self == Self::Closing => text[..10].to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(number) => format!("{:.0}", number.as_f64().unwrap()),
            None => String::new(),
        }
    }
}

impl Edits {
    /// Somebody enters a new value. A lead that is not there yet cannot be edited.
    pub(super) fn make(&self, world: &World, referral: &str, field: Field, side: Side) {
        let mut ledger = self.ledger();
        let value = field.value(ledger.made.len());
        let change = field.change(side, &value);
        let now = world.clock.now();
        let before = match side {
            Side::Lead => {
                let mut dataverse = world.dataverse.lock();
                let id = referral.parse().unwrap();
                let Some(before) = dataverse.lead(id) else {
                    return;
                };
                dataverse.edit_lead(id, &change, now).unwrap();
                before
            }
            Side::Referral => {
                let mut partner_center = world.partner_center.lock();
                let before = partner_center.referral(referral).unwrap();
                partner_center.edit(referral, &change, now).unwrap();
                before
            }
        };
        let seen = (referral.to_owned(), field, field.of(side, &before));
        ledger.replaced.insert(seen);
        ledger.made.push(Edit {
            referral: referral.to_owned(),
            field,
            side,
            value,
        });
    }

    /// How many there were of one side.
    pub(super) fn count(&self, side: Side) -> usize {
        let ledger = self.ledger();
        ledger.made.iter().filter(|edit| edit.side == side).count()
    }

    /// The edits that are neither there, nor were replaced by somebody who saw them, nor are told of on the lead's timeline.
    pub(super) fn lost(&self, world: &World) -> Vec<String> {
        let ledger = self.ledger();
        let lost = ledger.made.iter().filter(|edit| {
            let key = (edit.referral.clone(), edit.field, edit.value.clone());
            let held = [Side::Lead, Side::Referral].map(|side| held(world, &edit.referral, side));
            let is_held = edit.field.of(Side::Lead, &held[0]) == edit.value
                || edit.field.of(Side::Referral, &held[1]) == edit.value;
            !is_held && !ledger.replaced.contains(&key) && !is_told(world, edit)
        });
        lost.map(|edit| format!("{edit:?}")).collect()
    }

    /// Where the two sides of `referral` differ against the rules.
    pub(super) fn differences(&self, world: &World, referral: &str) -> Vec<String> {
        let lead = held(world, referral, Side::Lead);
        let other = held(world, referral, Side::Referral);
        let ledger = self.ledger();
        let is_kept = |field: Field, value: &str| {
            let mut made = ledger.made.iter();
            field == Field::Company
                && made
                    .any(|it| it.side == Side::Lead && it.referral == referral && it.value == value)
        };
        let pairs = Field::ALL.map(|field| {
            let lead = field.of(Side::Lead, &lead);
            (field, lead, field.of(Side::Referral, &other))
        });
        pairs
            .into_iter()
            .filter(|(field, lead, other)| lead != other && !is_kept(*field, lead))
            .map(|(field, lead, other)| format!("{referral} {field:?}: {lead} and {other}"))
            .collect()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn held(world: &World, referral: &str, side: Side) -> Value {
    let held = match side {
        Side::Lead => world.dataverse.lock().lead(referral.parse().unwrap()),
        Side::Referral => world.partner_center.lock().referral(referral),
    };
    held.unwrap_or_default()
}

fn is_told(world: &World, edit: &Edit) -> bool {
    let lead = edit.referral.parse().unwrap();
    let notes = world.dataverse.lock().notes(lead);
    let mut texts = notes.iter().filter_map(|note| note["notetext"].as_str());
    texts.any(|text| text.contains(&edit.value))
}
