//! Table definitions from Dataverse → what a lead takes in this organisation.
//!
//! Shapes as in "Query table definitions using the Web API": one list for each type of column, options inside `OptionSet`.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::read::{Rows, decimal, state};
use crate::lead::{Column, ColumnKind, Decision, LeadSchema, Own};
use crate::provision::columns::number;

/// A column: its name, what it holds, and whether it can be written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct AnyColumn {
    logical_name: String,
    attribute_type: Option<String>,
    is_valid_for_create: Option<bool>,
    is_valid_for_update: Option<bool>,
}

impl AnyColumn {
    fn holds(&self, kind: ColumnKind) -> bool {
        let types: &[&str] = match kind {
            ColumnKind::Text => &["String", "Memo"],
            ColumnKind::Choice => &["Picklist"],
            ColumnKind::Flag => &["Boolean"],
            ColumnKind::Amount => &["Money"],
            ColumnKind::Date | ColumnKind::Moment => &["DateTime"],
            ColumnKind::Row => &["Lookup"],
            ColumnKind::Whole => &["Integer"],
        };
        let named = self.attribute_type.as_deref();
        named.is_none_or(|named| types.contains(&named))
    }

    fn is_writable(&self) -> bool {
        self.is_valid_for_create != Some(false) && self.is_valid_for_update != Some(false)
    }
}

/// A date column.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct Moment {
    logical_name: String,
    date_time_behavior: Option<Behavior>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Behavior {
    value: Option<String>,
}

/// A whole number column.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct Whole {
    logical_name: String,
    min_value: Option<i64>,
    max_value: Option<i64>,
}

/// A string or memo column.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct Text {
    logical_name: String,
    max_length: Option<usize>,
}

/// A money column. Its limits arrive as floating point numbers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct Money {
    logical_name: String,
    min_value: Option<Box<RawValue>>,
    max_value: Option<Box<RawValue>>,
}

/// A choice or status column.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct Choice {
    logical_name: String,
    option_set: Option<OptionSet>,
    /// Of choices that several tables share.
    global_option_set: Option<OptionSet>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OptionSet {
    options: Option<Vec<ChoiceOption>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChoiceOption {
    value: i32,
    label: Option<Label>,
    /// Of status reasons only: the state it belongs to.
    state: Option<i32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Label {
    localized_labels: Option<Vec<LocalizedLabel>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LocalizedLabel {
    label: Option<String>,
}

/// Everything read about the columns of the lead table.
#[derive(Debug)]
pub(in crate::upstream::dataverse) struct Definitions {
    pub(in crate::upstream::dataverse) all: Rows<AnyColumn>,
    pub(in crate::upstream::dataverse) strings: Rows<Text>,
    pub(in crate::upstream::dataverse) memos: Rows<Text>,
    pub(in crate::upstream::dataverse) moneys: Rows<Money>,
    pub(in crate::upstream::dataverse) choices: Rows<Choice>,
    pub(in crate::upstream::dataverse) statuses: Rows<Choice>,
    /// Read where a mapping needs them, or where there are dates of the connector's own.
    pub(in crate::upstream::dataverse) dates: Option<Rows<Moment>>,
    /// Read where a mapping needs them.
    pub(in crate::upstream::dataverse) wholes: Option<Rows<Whole>>,
}

/// Why a mapped column cannot be used as mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The table does not have it.
    Missing,
    /// It holds something else than is mapped to it.
    OfAnotherType,
    /// It cannot be written, at creation or later.
    ReadOnly,
}

impl Definitions {
    /// Why `column` cannot be used for values of `kind`, if so.
    pub(in crate::upstream::dataverse) fn unusable(
        &self,
        column: &Column,
        kind: ColumnKind,
    ) -> Option<Unusable> {
        let mut names = self.all.value.iter();
        let Some(name) = names.find(|name| name.logical_name == column.as_str()) else {
            return Some(Unusable::Missing);
        };
        let is_another = match kind {
            ColumnKind::Date => !self.is_day(column).unwrap_or(true),
            ColumnKind::Moment => self.is_day(column).unwrap_or(false),
            _ => false,
        };
        if !name.holds(kind) || is_another {
            return Some(Unusable::OfAnotherType);
        }
        (!name.is_writable()).then_some(Unusable::ReadOnly)
    }

    /// Why `column` cannot be used as the connector's own for `own`, if so.
    pub(in crate::upstream::dataverse) fn unusable_for(
        &self,
        own: Own,
        column: &Column,
    ) -> Option<Unusable> {
        let why = self.unusable(column, own.kind());
        if own != Own::Decision {
            return why;
        }
        let mut choices = self.choices.value.iter();
        let choice = choices.find(|choice| choice.logical_name == column.as_str());
        let numbers = choice.map(numbers).unwrap_or_default();
        let decisions = [Decision::Accept, Decision::Decline].map(number);
        match why {
            // It is only read.
            None | Some(Unusable::ReadOnly) => {
                let are_there = decisions.iter().all(|it| numbers.contains(it));
                (!are_there).then_some(Unusable::OfAnotherType)
            }
            why => why,
        }
    }

    /// Whether the table has any of `columns`.
    pub(in crate::upstream::dataverse) fn has_any<'a>(
        &self,
        columns: impl IntoIterator<Item = &'a Column>,
    ) -> bool {
        let mut columns = columns.into_iter();
        columns.any(|column| {
            let mut names = self.all.value.iter();
            names.any(|name| name.logical_name == column.as_str())
        })
    }

    /// Whether `column` holds dates without times, if that is known.
    fn is_day(&self, column: &Column) -> Option<bool> {
        let mut dates = self.dates.as_ref()?.value.iter();
        let date = dates.find(|date| date.logical_name == column.as_str())?;
        let behavior = date.date_time_behavior.as_ref()?.value.as_deref()?;
        Some(behavior == "DateOnly")
    }
}

impl From<Definitions> for LeadSchema {
    fn from(definitions: Definitions) -> Self {
        let texts = definitions.strings.value.into_iter();
        Self {
            lengths: texts
                .chain(definitions.memos.value)
                .filter_map(|text| Some((text.logical_name.into(), text.max_length?)))
                .collect(),
            amounts: definitions
                .moneys
                .value
                .into_iter()
                .filter_map(amounts)
                .collect(),
            labels: definitions
                .choices
                .value
                .iter()
                .map(|choice| (choice.logical_name.clone().into(), labels(choice)))
                .collect(),
            wholes: definitions
                .wholes
                .into_iter()
                .flat_map(|wholes| wholes.value)
                .filter_map(|it| Some((it.logical_name.into(), (it.min_value?, it.max_value?))))
                .collect(),
            unusable: BTreeSet::new(),
            own: BTreeMap::new(),
            choices: definitions
                .choices
                .value
                .into_iter()
                .map(|choice| (choice.logical_name.clone().into(), numbers(&choice)))
                .collect(),
            status_reasons: definitions
                .statuses
                .value
                .iter()
                .filter(|choice| choice.logical_name == "statuscode")
                .flat_map(options)
                .filter_map(|option| Some((option.value, state(option.state?)?)))
                .collect(),
        }
    }
}

/// The limits of a money column; one that has none, or none that is a decimal, is left to the server to check.
fn amounts(money: Money) -> Option<(Column, (Decimal, Decimal))> {
    let limit = |raw: Option<Box<RawValue>>| decimal(raw?.get());
    let limits = (limit(money.min_value)?, limit(money.max_value)?);
    Some((money.logical_name.into(), limits))
}

fn numbers(choice: &Choice) -> Vec<i32> {
    options(choice).map(|option| option.value).collect()
}

/// The numbers by their labels in lower case, but for labels that several numbers have.
fn labels(choice: &Choice) -> BTreeMap<String, i32> {
    let mut found: BTreeMap<String, BTreeSet<i32>> = BTreeMap::new();
    for option in options(choice) {
        let labels = option
            .label
            .iter()
            .flat_map(|label| &label.localized_labels);
        for label in labels.flatten().filter_map(|it| it.label.as_deref()) {
            let label = label.trim().to_lowercase();
            found.entry(label).or_default().insert(option.value);
        }
    }
    let of_one = |(label, numbers): (String, BTreeSet<i32>)| {
        let number = numbers.first().filter(|_| numbers.len() == 1);
        Some((label, *number?))
    };
    found.into_iter().filter_map(of_one).collect()
}

fn options(choice: &Choice) -> impl Iterator<Item = &ChoiceOption> {
    let sets = choice.option_set.iter().chain(&choice.global_option_set);
    sets.flat_map(|set| set.options.iter().flatten())
}
