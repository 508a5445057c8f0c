//! What one column of one row holds, and how it looks on the wire.

use std::cmp::Ordering;

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

/// A value. A column without one is null.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Whole(i64),
    /// Exact, and printed with this many decimals (`1234.5600000000`).
    Exact(Decimal, u32),
    Double(f64),
    Flag(bool),
    Day(Date),
    Moment(Timestamp),
    Id(Uuid),
    /// A lookup: the table, by logical name, and the row in it.
    Row(&'static str, Uuid),
}

impl Cell {
    /// An `Edm.Decimal` with the ten decimals that money and most decimals are printed with.
    pub(super) fn money(amount: Decimal) -> Self {
        Self::Exact(amount, 10)
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn id(&self) -> Option<Uuid> {
        match self {
            Self::Id(id) | Self::Row(_, id) => Some(*id),
            _ => None,
        }
    }

    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            Self::Whole(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn exact(&self) -> Option<Decimal> {
        match self {
            Self::Exact(number, _) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The order of two values of one column. Text compares without regard to case, as the database's collation does.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => {
                Some(left.to_lowercase().cmp(&right.to_lowercase()))
            }
            (Self::Whole(left), Self::Whole(right)) => Some(left.cmp(right)),
            (Self::Flag(left), Self::Flag(right)) => Some(left.cmp(right)),
            (Self::Day(left), Self::Day(right)) => Some(left.cmp(right)),
            (Self::Moment(left), Self::Moment(right)) => Some(left.cmp(right)),
            (Self::Id(_) | Self::Row(..), Self::Id(_) | Self::Row(..)) => {
                Some(self.id().cmp(&other.id()))
            }
            (Self::Double(left), Self::Double(right)) => left.partial_cmp(right),
            (Self::Double(left), _) => left.partial_cmp(&other.approximate()?),
            (_, Self::Double(right)) => self.approximate()?.partial_cmp(right),
            _ => Some(self.decimal()?.cmp(&other.decimal()?)),
        }
    }

    fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Exact(number, _) => Some(*number),
            Self::Whole(number) => Some(Decimal::from(*number)),
            _ => None,
        }
    }

    fn approximate(&self) -> Option<f64> {
        self.decimal()?.try_into().ok()
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Whole(number) => serializer.serialize_i64(*number),
            Self::Double(number) => serializer.serialize_f64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Day(day) => serializer.collect_str(day),
            Self::Moment(moment) => serializer.collect_str(moment),
            Self::Id(id) | Self::Row(_, id) => serializer.collect_str(id),
            Self::Exact(number, decimals) => {
                let places = usize::try_from(*decimals).expect("a column has few decimals");
                RawValue::from_string(format!("{number:.places$}"))
                    .expect("a decimal prints as a JSON number")
                    .serialize(serializer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(cell: &Cell) -> String {
        serde_json::to_string(cell).unwrap()
    }

    #[test]
    fn money_is_a_bare_number_with_ten_decimals() {
        let amount = Cell::money("1234.56".parse().unwrap());
        assert_eq!(printed(&amount), "1234.5600000000");
    }

    #[test]
    fn an_amount_too_fine_for_a_float_keeps_every_digit() {
        let amount = Cell::money("99999999999999.0123".parse().unwrap());
        assert_eq!(printed(&amount), "99999999999999.0123000000");
    }

    #[test]
    fn moments_are_printed_in_utc_to_the_second() {
        let moment = Cell::Moment("2026-11-22T10:00:00+01:00".parse().unwrap());
        assert_eq!(printed(&moment), "\"2026-11-22T09:00:00Z\"");
    }

    #[test]
    fn text_compares_without_regard_to_case() {
        assert_eq!(
            Cell::text("CONTOSO").order(&Cell::text("contoso")),
            Some(Ordering::Equal)
        );
    }

    #[test]
    fn numbers_of_different_kinds_compare_by_value() {
        let amount = Cell::money("12.50".parse().unwrap());
        assert_eq!(amount.order(&Cell::Whole(12)), Some(Ordering::Greater));
        assert_eq!(amount.order(&Cell::Double(12.5)), Some(Ordering::Equal));
        assert_eq!(amount.order(&Cell::text("12.5")), None);
    }
}
