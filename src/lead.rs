//! A Dynamics 365 lead: its columns by name, and what the organisation allows in them.

mod own;
mod page;
mod shipped;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::ids::{CurrencyId, ETag, LeadId, NoteId};

pub use self::page::page;
pub use own::{Decision, Own};

/// A column of the `lead` table, by its logical name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column(Cow<'static, str>);

impl Column {
    /// A column whose name is known when the connector is built.
    pub const fn named(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The logical name, such as `subject`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Column {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// String, memo.
    Text(String),
    /// Choice or status reason, by number.
    Choice(i32),
    /// Two options.
    Flag(bool),
    /// Money, exact.
    Amount(Decimal),
    /// A date without a time.
    Date(Date),
    /// A lookup: the row's id.
    Row(Uuid),
    /// A whole number.
    Whole(i64),
    /// A date with a time, to the second.
    Moment(Timestamp),
}

/// What kind of value a column holds: one for each of [`Value`]'s shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// [`Value::Text`].
    Text,
    /// [`Value::Choice`].
    Choice,
    /// [`Value::Flag`].
    Flag,
    /// [`Value::Amount`].
    Amount,
    /// [`Value::Date`].
    Date,
    /// [`Value::Row`].
    Row,
    /// [`Value::Whole`].
    Whole,
    /// [`Value::Moment`].
    Moment,
}

/// Columns with a value. An absent column is empty.
pub type Columns = BTreeMap<Column, Value>;

/// Columns to write: `None` empties one.
pub type Changes = BTreeMap<Column, Option<Value>>;

/// A lead as read at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    /// Its id.
    pub id: LeadId,
    /// The version the next write must present.
    pub etag: ETag,
    /// Open, qualified or disqualified.
    pub state: LeadState,
    /// `statuscode`: the reason within the state.
    pub status_reason: Option<i32>,
    /// The lead this one was merged into (`masterid`).
    pub merged_into: Option<LeadId>,
    /// `modifiedon`, to the second.
    pub modified: Option<Timestamp>,
    /// What the seller decided about the referral, in the connector's own column for that.
    pub decision: Option<Decision>,
    /// Every mapped column that has a value, and the connector's own, but for the decision's.
    pub columns: Columns,
}

/// `statecode` of a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeadState {
    /// 0.
    Open,
    /// 1.
    Qualified,
    /// 2.
    Disqualified,
}

impl LeadState {
    /// The number Dataverse knows it by.
    pub const fn number(self) -> i32 {
        match self {
            Self::Open => 0,
            Self::Qualified => 1,
            Self::Disqualified => 2,
        }
    }
}

/// Who gets a new lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A row of `systemuser`.
    User(Uuid),
    /// A row of `team`.
    Team(Uuid),
}

/// A note for a lead's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Chosen by us from what the note says, so that writing it twice makes one.
    pub id: NoteId,
    /// Its headline.
    pub subject: String,
    /// Its text.
    pub text: String,
}

/// A currency the organisation has a row for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currency {
    /// The row.
    pub id: CurrencyId,
    /// ISO 4217 code.
    pub code: String,
    /// Digits after the decimal point.
    pub precision: u32,
}

/// What this organisation's `lead` table takes. Lengths and choices differ from one organisation to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadSchema {
    /// Longest text of each string and memo column, in UTF-16 code units.
    pub lengths: BTreeMap<Column, usize>,
    /// The numbers each choice column takes.
    pub choices: BTreeMap<Column, Vec<i32>>,
    /// The status reasons there are, each with the state it belongs to.
    pub status_reasons: BTreeMap<i32, LeadState>,
    /// Smallest and largest amount of each money column.
    pub amounts: BTreeMap<Column, (Decimal, Decimal)>,
    /// Smallest and largest number of each whole number column, where one is mapped.
    pub wholes: BTreeMap<Column, (i64, i64)>,
    /// The choices of each choice column by their labels, in lower case and in every language; a label of two choices is none.
    pub labels: BTreeMap<Column, BTreeMap<String, i32>>,
    /// Mapped columns that exist and cannot be used as mapped: they hold something else, or cannot be written.
    pub unusable: BTreeSet<Column>,
    /// The columns of the connector's own that there are and that can be used.
    pub own: BTreeMap<Own, Column>,
}

impl LeadSchema {
    /// Whether `column` exists here as a text column.
    pub fn length(&self, column: &Column) -> Option<usize> {
        self.lengths.get(column).copied()
    }

    /// Whether `column` takes the choice `value` here.
    pub fn takes_choice(&self, column: &Column, value: i32) -> bool {
        self.choices
            .get(column)
            .is_some_and(|choices| choices.contains(&value))
    }

    /// The choice of `column` with this label, in any letter case.
    pub fn labelled(&self, column: &Column, label: &str) -> Option<i32> {
        let labels = self.labels.get(column)?;
        labels.get(&label.trim().to_lowercase()).copied()
    }
}

impl FromStr for Owner {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected team:<guid> or user:<guid>";
        let (kind, id) = text.split_once(':').ok_or(expected)?;
        let id: Uuid = id.parse().map_err(|_| expected)?;
        match kind {
            "team" => Ok(Self::Team(id)),
            "user" => Ok(Self::User(id)),
            _ => Err(expected),
        }
    }
}
