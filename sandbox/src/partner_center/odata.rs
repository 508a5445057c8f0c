//! The part of OData's `$filter` that the referral list documents: comparisons, `and`, `or`, parentheses,
//! paths into the referral, and `any` over a list.

mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

/// A condition on one referral.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    /// Every part holds.
    And(Vec<Filter>),
    /// A part holds.
    Or(Vec<Filter>),
    /// A member compared with a literal.
    Compare(Comparison),
    /// An entry of the list at `path` satisfies `condition`, whose paths start at the entry.
    Any {
        path: Vec<String>,
        condition: Box<Filter>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comparison {
    path: Vec<String>,
    operator: Operator,
    literal: Literal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Null,
    Truth(bool),
    Number(Decimal),
    Text(String),
    Moment(Timestamp),
}

/// Why a filter cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) String);

impl Filter {
    /// Reads a filter, percent-decoding done.
    pub(super) fn parse(text: &str) -> Result<Self, Malformed> {
        parser::parse(text)
    }

    /// Whether it holds for `item`.
    pub(super) fn holds(&self, item: &Map<String, Value>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(item)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(item)),
            Self::Compare(comparison) => comparison.holds(item),
            Self::Any { path, condition } => match lookup(item, path) {
                Some(Value::Array(entries)) => entries
                    .iter()
                    .filter_map(Value::as_object)
                    .any(|entry| condition.holds(entry)),
                _ => false,
            },
        }
    }
}

impl Comparison {
    fn holds(&self, item: &Map<String, Value>) -> bool {
        let member = lookup(item, &self.path);
        match (self.operator, self.literal.compare(member)) {
            (Operator::Eq, found) => found == Some(Ordering::Equal),
            (Operator::Ne, found) => found != Some(Ordering::Equal),
            (Operator::Gt, found) => found == Some(Ordering::Greater),
            (Operator::Ge, found) => found.is_some_and(Ordering::is_ge),
            (Operator::Lt, found) => found == Some(Ordering::Less),
            (Operator::Le, found) => found.is_some_and(Ordering::is_le),
        }
    }
}

impl Literal {
    /// How `member` compares with the literal; `None` when it is null, absent or of another kind.
    fn compare(&self, member: Option<&Value>) -> Option<Ordering> {
        match (self, member) {
            (Self::Null, None | Some(Value::Null)) => Some(Ordering::Equal),
            (Self::Truth(literal), Some(Value::Bool(member))) => Some(member.cmp(literal)),
            (Self::Text(literal), Some(Value::String(member))) => {
                Some(member.as_str().cmp(literal))
            }
            (Self::Moment(literal), Some(Value::String(member))) => {
                Some(member.parse::<Timestamp>().ok()?.cmp(literal))
            }
            (Self::Number(literal), Some(Value::Number(member))) => {
                Some(member.to_string().parse::<Decimal>().ok()?.cmp(literal))
            }
            _ => None,
        }
    }
}

fn lookup<'a>(item: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(item.get(first)?, |value, name| value.get(name))
}
