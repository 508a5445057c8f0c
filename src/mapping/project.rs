//! A referral as the lead it should be.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::RoundingStrategy;

use super::columns::{DESCRIPTION, TRANSACTION_CURRENCY};
use super::recipe::{Fixed, Made};
use super::table::Row;
use crate::lead::{Column, ColumnKind, Columns, Currency, LeadSchema, Value};
use crate::referral::Referral;
use crate::sync::options::SyncOptions;
use crate::text;

/// The earliest date Dataverse stores.
const EARLIEST: Date = jiff::civil::date(1753, 1, 1);

/// The lead a referral should be, in this organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projection {
    /// The columns the referral has a value for.
    pub columns: Columns,
    /// Columns whose value stands in for one the referral does not have: they fill, they never overwrite.
    pub stand_ins: BTreeSet<Column>,
    /// What could not be carried over whole.
    pub losses: Vec<Loss>,
    /// The text for `description` before any cut.
    pub description: Option<String>,
    /// What the referral says behind each column, as [`super::Mapping::raw`] gives it.
    pub raw: BTreeMap<Column, String>,
}

/// Something of a referral that its column could not take as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The column.
    pub column: Column,
    /// Why.
    pub reason: LossReason,
    /// The whole value, for the lead's timeline. Personal data.
    pub value: String,
}

/// Why a value did not arrive whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
    /// Longer than the column: its beginning was kept.
    Cut,
    /// Longer than the column and useless in part: not written.
    TooLong,
    /// The organisation has no row for the currency, or the referral names none.
    NoCurrency,
    /// The organisation's choice column does not have this choice.
    NoChoice,
    /// The organisation's table does not have this column.
    NoColumn,
    /// Outside what the column takes.
    OutOfRange,
    /// The column holds something else here than the mapping says, or cannot be written.
    NotWritable,
}

impl LossReason {
    /// The word that stands for it in logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::TooLong => "too_long",
            Self::NoCurrency => "no_currency",
            Self::NoChoice => "no_choice",
            Self::NoColumn => "no_column",
            Self::OutOfRange => "out_of_range",
            Self::NotWritable => "not_writable",
        }
    }
}

/// The lead `referral` should be where the table is `schema`. `currency` is the organisation's row for the
/// referral's currency. Empty members of the referral make no column.
pub fn project(
    referral: &Referral,
    schema: &LeadSchema,
    currency: Option<&Currency>,
    options: &SyncOptions,
) -> Projection {
    let mut projector = Projector {
        referral,
        schema,
        time_zone: &options.time_zone,
        projection: Projection {
            raw: options.mapping.raw(referral),
            ..Projection::default()
        },
    };
    for row in options.mapping.rows() {
        match row.kind {
            ColumnKind::Amount => projector.deal(&row.column, currency),
            // Comes with its amount.
            ColumnKind::Row => {}
            _ => projector.row(row),
        }
    }
    projector.projection
}

struct Projector<'a> {
    referral: &'a Referral,
    schema: &'a LeadSchema,
    time_zone: &'a TimeZone,
    projection: Projection,
}

impl Projector<'_> {
    /// Amount and currency, or neither: an amount in the wrong currency is worse than none.
    fn deal(&mut self, column: &Column, currency: Option<&Currency>) {
        let details = &self.referral.details;
        let Some(value) = details.deal_value else {
            return;
        };
        let Some(currency) = currency else {
            let code = details.currency.as_deref().unwrap_or_default();
            let value = format!("{value} {code}").trim_end().to_owned();
            return self.lose(column, LossReason::NoCurrency, value);
        };
        let amount = value
            .round_dp_with_strategy(currency.precision, RoundingStrategy::MidpointAwayFromZero)
            .normalize();
        let limits = self.schema.amounts.get(column);
        if limits.is_some_and(|(least, most)| !(least..=most).contains(&&amount)) {
            let value = format!("{value} {}", currency.code);
            return self.lose(column, LossReason::OutOfRange, value);
        }
        self.set(column, Value::Amount(amount));
        self.set(&TRANSACTION_CURRENCY, Value::Row(currency.id.uuid()));
    }

    fn row(&mut self, row: &Row) {
        let Some(Made { value, stands_in }) = row.recipe.make(self.referral) else {
            return;
        };
        let column = &row.column;
        if stands_in {
            self.projection.stand_ins.insert(column.clone());
        }
        if *column == DESCRIPTION {
            self.projection.description = Some(value.to_string());
        }
        if self.schema.unusable.contains(column) {
            return self.lose(column, LossReason::NotWritable, value.to_string());
        }
        match (row.kind, value) {
            (ColumnKind::Choice, value) => self.choice(column, &value),
            (ColumnKind::Flag, value) => {
                if let Some(flag) = value.flag() {
                    self.set(column, Value::Flag(flag));
                }
            }
            (ColumnKind::Whole, value) => self.whole_number(column, &value),
            (ColumnKind::Date, value) => self.date(column, &value.to_string()),
            (_, value) => self.text(column, value.to_string(), row.recipe.whole),
        }
    }

    /// Without its end where that is worth having; an e-mail address is wrong unless it is whole.
    fn text(&mut self, column: &Column, text: String, whole: bool) {
        let Some(limit) = self.schema.length(column) else {
            return self.lose(column, LossReason::NoColumn, text);
        };
        let short = text::cut(&text, limit);
        if short.len() == text.len() {
            return self.set(column, Value::Text(text));
        }
        if whole {
            return self.lose(column, LossReason::TooLong, text);
        }
        if !short.is_empty() {
            self.set(column, Value::Text(short.to_owned()));
        }
        self.lose(column, LossReason::Cut, text);
    }

    /// By its number, or by its label.
    fn choice(&mut self, column: &Column, value: &Fixed) {
        let number = match value {
            Fixed::Whole(number) => i32::try_from(*number).ok(),
            Fixed::Text(text) => {
                let label = self.schema.labelled(column, text);
                label.or_else(|| text.trim().parse().ok())
            }
            Fixed::Flag(_) => None,
        };
        match number.filter(|it| self.schema.takes_choice(column, *it)) {
            Some(choice) => self.set(column, Value::Choice(choice)),
            None => self.lose(column, LossReason::NoChoice, value.to_string()),
        }
    }

    fn whole_number(&mut self, column: &Column, value: &Fixed) {
        let limits = self.schema.wholes.get(column);
        let fits =
            |number: &i64| limits.is_none_or(|(least, most)| (least..=most).contains(&number));
        match value.whole().filter(fits) {
            Some(number) => self.set(column, Value::Whole(number)),
            None => self.lose(column, LossReason::OutOfRange, value.to_string()),
        }
    }

    /// The date of a moment where the organisation is.
    fn date(&mut self, column: &Column, moment: &str) {
        let Ok(moment) = moment.parse::<Timestamp>() else {
            return self.lose(column, LossReason::OutOfRange, moment.to_owned());
        };
        let date = moment.to_zoned(self.time_zone.clone()).date();
        if date < EARLIEST {
            return self.lose(column, LossReason::OutOfRange, date.to_string());
        }
        self.set(column, Value::Date(date));
    }

    fn set(&mut self, column: &Column, value: Value) {
        self.projection.columns.insert(column.clone(), value);
    }

    fn lose(&mut self, column: &Column, reason: LossReason, value: String) {
        self.projection.losses.push(Loss {
            column: column.clone(),
            reason,
            value,
        });
    }
}
