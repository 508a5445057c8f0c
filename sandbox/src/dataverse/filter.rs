//! `$filter`: comparisons with `and`, `or`, `not`, parentheses, and the functions over text.

mod parse;

use std::cmp::Ordering;

use jiff::tz::TimeZone;

use super::cell::Cell;
use super::refusal::{Outcome, Refusal};

/// A condition on one row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    /// The property, the operator, and the literal; `None` is null.
    Compare(String, Operator, Option<Cell>),
    Text(TextFunction, String, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextFunction {
    Contains,
    StartsWith,
    EndsWith,
}

/// What a filter is asked about.
pub(super) trait Properties {
    /// The value of `property`, or a refusal when the type has no such property.
    fn get(&self, property: &str) -> Outcome<Option<Cell>>;
}

impl Filter {
    /// Reads the value of `$filter`.
    pub(super) fn parse(text: &str) -> Outcome<Self> {
        parse::filter(text)
    }

    /// Whether the condition holds for `row`.
    pub(super) fn matches(&self, row: &dyn Properties) -> Outcome<bool> {
        match self {
            // Both sides are always evaluated, so that an unknown property is found whatever the rows hold.
            Self::And(left, right) => Ok(left.matches(row)? & right.matches(row)?),
            Self::Or(left, right) => Ok(left.matches(row)? | right.matches(row)?),
            Self::Not(inner) => Ok(!inner.matches(row)?),
            Self::Compare(property, operator, literal) => compare(
                property,
                row.get(property)?.as_ref(),
                *operator,
                literal.as_ref(),
            ),
            Self::Text(function, property, text) => {
                let value = row.get(property)?;
                let value = value.as_ref().and_then(Cell::as_str).unwrap_or_default();
                Ok(function.holds(&value.to_lowercase(), &text.to_lowercase()))
            }
        }
    }
}

impl TextFunction {
    fn holds(self, value: &str, text: &str) -> bool {
        match self {
            Self::Contains => value.contains(text),
            Self::StartsWith => value.starts_with(text),
            Self::EndsWith => value.ends_with(text),
        }
    }
}

/// An order never holds with a null on either side; `ne` holds where exactly one side is null.
fn compare(
    property: &str,
    value: Option<&Cell>,
    operator: Operator,
    literal: Option<&Cell>,
) -> Outcome<bool> {
    let (Some(value), Some(literal)) = (value, literal) else {
        let same = value.is_none() && literal.is_none();
        return Ok(match operator {
            Operator::Equal => same,
            Operator::NotEqual => !same,
            _ => false,
        });
    };
    let order = value.order(&like(value, literal)).ok_or_else(|| {
        Refusal::query(format!(
            "A binary operator with incompatible types was detected for the property '{property}'."
        ))
    })?;
    Ok(match operator {
        Operator::Equal => order == Ordering::Equal,
        Operator::NotEqual => order != Ordering::Equal,
        Operator::Greater => order == Ordering::Greater,
        Operator::GreaterOrEqual => order != Ordering::Less,
        Operator::Less => order == Ordering::Less,
        Operator::LessOrEqual => order != Ordering::Greater,
    })
}

/// A date compared with a moment stands for its first instant in UTC.
fn like(value: &Cell, literal: &Cell) -> Cell {
    match (value, literal) {
        (Cell::Moment(_), Cell::Day(day)) => match day.to_zoned(TimeZone::UTC) {
            Ok(midnight) => Cell::Moment(midnight.timestamp()),
            Err(_) => literal.clone(),
        },
        _ => literal.clone(),
    }
}

#[cfg(test)]
mod tests;
