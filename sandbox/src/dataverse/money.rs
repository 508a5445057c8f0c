//! Amounts: the currency of a row, rounding to it, and the same amounts in the organisation's currency.

use rust_decimal::{Decimal, RoundingStrategy};
use uuid::Uuid;

use super::cell::Cell;
use super::refusal::{Outcome, Refusal};
use super::rows::{Cells, Rows};
use super::schema::{Kind, Table};

/// Brings the money columns of a row in step with its currency.
pub(super) fn settle(rows: &Rows, table: &Table, base: Uuid, cells: &mut Cells) -> Outcome<()> {
    let amounts: Vec<_> = pairs(table).collect();
    if amounts.is_empty() {
        return Ok(());
    }
    let has_amount = amounts.iter().any(|(amount, _)| cells.contains_key(amount));
    if has_amount {
        cells
            .entry("transactioncurrencyid")
            .or_insert(Cell::Row("transactioncurrency", base));
    }
    let currency = cells.get("transactioncurrencyid").and_then(Cell::id);
    let Some(currency) = currency.and_then(|id| rows.get("transactioncurrency", id)) else {
        cells.remove("exchangerate");
        return Ok(());
    };
    let rate = currency.get("exchangerate").and_then(Cell::exact);
    let rate = rate.unwrap_or(Decimal::ONE);
    let precision = currency.get("currencyprecision").and_then(Cell::whole);
    let precision = precision.and_then(|it| u32::try_from(it).ok()).unwrap_or(2);
    cells.insert("exchangerate", Cell::Exact(rate, 12));
    for (amount, in_base) in amounts {
        match cells.get(amount).and_then(Cell::exact) {
            None => drop(cells.remove(in_base)),
            Some(value) => {
                let value = round(value, precision);
                cells.insert(amount, Cell::money(value));
                cells.insert(in_base, Cell::money(converted(value, rate)?));
            }
        }
    }
    Ok(())
}

/// The money columns of a table, each with its `_base` column.
fn pairs(table: &Table) -> impl Iterator<Item = (&'static str, &'static str)> {
    let bases = table
        .columns
        .iter()
        .filter(|column| matches!(column.kind, Kind::Money(..)) && column.name.ends_with("_base"));
    bases.filter_map(|column| Some((column.name.strip_suffix("_base")?, column.name)))
}

fn round(amount: Decimal, places: u32) -> Decimal {
    amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

fn converted(amount: Decimal, rate: Decimal) -> Outcome<Decimal> {
    let limit = Decimal::from(922_337_203_685_477_i64);
    let converted = amount.checked_div(rate).filter(|it| it.abs() <= limit);
    converted.map(|amount| round(amount, 4)).ok_or_else(|| {
        Refusal::bad_request(
            0x8004_8cec,
            "The value of the currency field is too large in the base currency of the organization.",
        )
    })
}
