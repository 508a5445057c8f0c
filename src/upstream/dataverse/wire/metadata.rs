//! Table definitions from Dataverse → what a lead takes in this organisation.
//!
//! Shapes as in "Query table definitions using the Web API": one list for each type of column, options inside `OptionSet`.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::read::{Rows, decimal, state};
use crate::lead::{Column, LeadSchema};

/// A column, by name alone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct Name {
    logical_name: String,
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
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OptionSet {
    options: Vec<ChoiceOption>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChoiceOption {
    value: i32,
    /// Of status reasons only: the state it belongs to.
    state: Option<i32>,
}

/// Everything read about the columns of the lead table.
#[derive(Debug)]
pub(in crate::upstream::dataverse) struct Definitions {
    pub(in crate::upstream::dataverse) all: Rows<Name>,
    pub(in crate::upstream::dataverse) strings: Rows<Text>,
    pub(in crate::upstream::dataverse) memos: Rows<Text>,
    pub(in crate::upstream::dataverse) moneys: Rows<Money>,
    pub(in crate::upstream::dataverse) choices: Rows<Choice>,
    pub(in crate::upstream::dataverse) statuses: Rows<Choice>,
}

impl Definitions {
    /// Every column there is.
    pub(in crate::upstream::dataverse) fn columns(&self) -> impl Iterator<Item = Column> {
        let names = self.all.value.iter();
        names.map(|name| name.logical_name.clone().into())
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

fn options(choice: &Choice) -> impl Iterator<Item = &ChoiceOption> {
    choice.option_set.iter().flat_map(|set| &set.options)
}
