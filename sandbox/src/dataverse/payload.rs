//! Reads a request body into changes, checking names, types and limits.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil};
use rust_decimal::Decimal;
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::State;
use super::address::{self, KeyValue};
use super::cell::Cell;
use super::refusal::{Outcome, Refusal};
use super::rows::{Cells, Changes};
use super::schema::{Column, Kind, Required, Table};

/// The members of a JSON object, unread: decimals keep the digits they were sent with.
pub(super) type Members = BTreeMap<String, Box<RawValue>>;

/// The members of `body`.
pub(super) fn members(body: &[u8]) -> Outcome<Members> {
    serde_json::from_slice(body).map_err(|_| {
        Refusal::payload(
            "An unexpected token was found in the JSON reader, or the payload is no object.",
        )
    })
}

/// What `members` would change in a row of `table`.
pub(super) fn changes(state: &State, table: &Table, members: &Members) -> Outcome<Changes> {
    let mut changes = Changes::new();
    for (name, raw) in members {
        let change = match name.split_once('@') {
            Some((navigation, "odata.bind")) => Some(binding(state, table, navigation, raw)?),
            Some(_) => None,
            None => Some(property(table, name, raw)?),
        };
        changes.extend(change);
    }
    Ok(changes)
}

type Change = (&'static str, Option<Cell>);

fn binding(state: &State, table: &Table, navigation: &str, raw: &RawValue) -> Outcome<Change> {
    let (column, targets) = table.navigation(navigation).ok_or_else(|| {
        Refusal::payload(format!(
            "An undeclared property '{navigation}' which only has property annotations in the payload but no \
             property value was found in the payload. In OData, only declared navigation properties and declared \
             named streams can be represented as properties without values."
        ))
    })?;
    match json(raw) {
        Value::Null => Ok((column.name, not_required(table, column)?)),
        Value::String(target) => {
            let (table, id) = resolve(state, targets, &target)?;
            Ok((column.name, Some(Cell::Row(table, id))))
        }
        other => Err(Refusal::payload(format!(
            "'{other}' is no reference to a row"
        ))),
    }
}

/// The row that a reference such as `/teams(guid)` names; it must exist and be of one of the `targets`.
pub(super) fn resolve(
    state: &State,
    targets: &[&str],
    reference: &str,
) -> Outcome<(&'static str, Uuid)> {
    let segment = address::reference(reference)?;
    let table = state
        .schema
        .by_set(&segment.name)
        .ok_or_else(|| Refusal::unknown_segment(&segment.name))?;
    if !targets.contains(&table.logical) {
        return Err(Refusal::payload(format!(
            "'{}' is no target of this navigation property",
            segment.name
        )));
    }
    match segment.key {
        Some(KeyValue::Id(id)) if state.rows.get(table.logical, id).is_some() => {
            Ok((table.logical, id))
        }
        Some(KeyValue::Id(id)) => Err(Refusal::no_row(table.logical, id)),
        Some(KeyValue::Columns(values)) => {
            let values = key_values(table, &values)?;
            let id = state.rows.find(table.logical, &values);
            id.map(|id| (table.logical, id))
                .ok_or_else(|| Refusal::no_row_by_key(table.logical))
        }
        None => Err(Refusal::payload(format!("'{reference}' names no row"))),
    }
}

/// The values of an alternate key of `table`. It must be defined with exactly these columns.
pub(super) fn key_values(table: &Table, values: &[(String, String)]) -> Outcome<Cells> {
    let defined = table.keys.iter().any(|key| {
        key.columns.len() == values.len()
            && values.iter().all(|(name, _)| key.columns.contains(name))
    });
    if !defined {
        return Err(Refusal::undefined_key(table.logical));
    }
    let cell = |(name, text): &(String, String)| {
        let column = table.column(name).expect("a key names columns that exist");
        let raw = match column.kind {
            Kind::Text(_) | Kind::Memo(_) | Kind::Id | Kind::Day | Kind::Moment => {
                Value::String(text.clone()).to_string()
            }
            _ => text.clone(),
        };
        let raw = RawValue::from_string(raw)
            .map_err(|_| Refusal::query(format!("'{text}' is no value of '{name}'")))?;
        Ok((column.name, typed(table, column, &raw)?))
    };
    values.iter().map(cell).collect()
}

fn property(table: &Table, name: &str, raw: &RawValue) -> Outcome<Change> {
    let null = raw.get() == "null";
    if let (true, Some((column, _))) = (null, table.navigation(name)) {
        return Ok((column.name, not_required(table, column)?));
    }
    let column = table.property(name).ok_or_else(|| {
        Refusal::payload(format!(
            "The property '{name}' does not exist on type 'Microsoft.Dynamics.CRM.{}'. Make sure to only use \
             property names that are defined by the type.",
            table.logical
        ))
    })?;
    if matches!(column.kind, Kind::Lookup(_)) {
        return Err(Refusal::query(
            "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.",
        ));
    }
    if null {
        return Ok((column.name, not_required(table, column)?));
    }
    let cell = typed(table, column, raw)?;
    // An empty string is stored as no value.
    Ok((
        column.name,
        Some(cell).filter(|cell| cell.as_str() != Some("")),
    ))
}

fn not_required(table: &Table, column: &Column) -> Outcome<Option<Cell>> {
    if column.required == Required::BySystem {
        return Err(Refusal::bad_request(
            0x8004_0203,
            format!(
                "The column '{}' of '{}' cannot be null.",
                column.name, table.logical
            ),
        ));
    }
    Ok(None)
}

/// The value of one column, within its limits.
fn typed(table: &Table, column: &Column, raw: &RawValue) -> Outcome<Cell> {
    let mismatch = |edm| {
        Refusal::payload(format!(
            "Cannot convert the literal '{}' to the expected type 'Edm.{edm}'.",
            raw.get()
        ))
    };
    let value = json(raw);
    match &column.kind {
        Kind::Text(limit) | Kind::Memo(limit) => {
            let text = value.as_str().ok_or_else(|| mismatch("String"))?;
            within_length(table, column, text, *limit)
        }
        Kind::Money(least, most) => {
            let amount = decimal(raw).ok_or_else(|| mismatch("Decimal"))?;
            in_range(
                table,
                column,
                amount >= *least && amount <= *most,
                0x8004_4330,
            )?;
            Ok(Cell::money(amount))
        }
        Kind::Decimal(places) => {
            let number = decimal(raw).ok_or_else(|| mismatch("Decimal"))?;
            Ok(Cell::Exact(number, *places))
        }
        Kind::Double(least, most) => {
            let number = value.as_f64().ok_or_else(|| mismatch("Double"))?;
            in_range(
                table,
                column,
                number >= *least && number <= *most,
                0x8004_4330,
            )?;
            Ok(Cell::Double(number))
        }
        Kind::Integer(least, most) => {
            let number = value.as_i64().ok_or_else(|| mismatch("Int32"))?;
            in_range(
                table,
                column,
                number >= *least && number <= *most,
                0x8004_432f,
            )?;
            Ok(Cell::Whole(number))
        }
        Kind::BigInt => value
            .as_i64()
            .map(Cell::Whole)
            .ok_or_else(|| mismatch("Int64")),
        Kind::Flag => value
            .as_bool()
            .map(Cell::Flag)
            .ok_or_else(|| mismatch("Boolean")),
        Kind::Choice(_) | Kind::State(_) | Kind::Status(_) => {
            let number = value.as_i64().ok_or_else(|| mismatch("Int32"))?;
            option(table, column, number)
        }
        Kind::Day => day(&value).ok_or_else(|| mismatch("Date")),
        Kind::Moment => moment(&value).ok_or_else(|| mismatch("DateTimeOffset")),
        Kind::Id | Kind::Lookup(_) => {
            let id = value.as_str().and_then(|text| Uuid::try_parse(text).ok());
            id.map(Cell::Id).ok_or_else(|| mismatch("Guid"))
        }
    }
    .and_then(not_before_1753)
}

fn within_length(table: &Table, column: &Column, text: &str, limit: usize) -> Outcome<Cell> {
    if text.encode_utf16().count() > limit {
        return Err(Refusal::bad_request(
            0x8004_4331,
            format!(
                "The length of the '{}' attribute of the '{}' entity exceeded the maximum allowed length of '{limit}'.",
                column.name, table.logical
            ),
        ));
    }
    Ok(Cell::text(text))
}

fn in_range(table: &Table, column: &Column, inside: bool, code: u32) -> Outcome<()> {
    if inside {
        return Ok(());
    }
    Err(Refusal::bad_request(
        code,
        format!(
            "A validation error occurred. The value of '{}' on record of type '{}' is outside the valid range.",
            column.name, table.logical
        ),
    ))
}

fn option(table: &Table, column: &Column, number: i64) -> Outcome<Cell> {
    let accepted: Vec<i64> = match &column.kind {
        Kind::Choice(choices) | Kind::State(choices) => {
            choices.iter().map(|choice| choice.value).collect()
        }
        Kind::Status(reasons) => reasons.iter().map(|reason| reason.value).collect(),
        _ => Vec::new(),
    };
    if accepted.contains(&number) {
        return Ok(Cell::Whole(number));
    }
    let accepted: Vec<String> = accepted.iter().map(i64::to_string).collect();
    Err(Refusal::bad_request(
        0x8004_431a,
        format!(
            "A validation error occurred. The value {number} of '{}' on record of type '{}' is outside the valid \
             range. Accepted Values: {}",
            column.name,
            table.logical,
            accepted.join(",")
        ),
    ))
}

fn decimal(raw: &RawValue) -> Option<Decimal> {
    let text = raw.get();
    Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_scientific(text))
        .ok()
}

/// A column of dates alone takes `2024-04-10` and nothing longer.
fn day(value: &Value) -> Option<Cell> {
    let text = value.as_str()?;
    (text.len() == 10)
        .then(|| text.parse::<civil::Date>().ok())?
        .map(Cell::Day)
}

/// A moment with an offset or `Z`; without either it is taken as UTC. Stored to the second.
fn moment(value: &Value) -> Option<Cell> {
    let text = value.as_str()?;
    let moment: Timestamp = text
        .parse()
        .or_else(|_| format!("{text}Z").parse())
        .or_else(|_| format!("{text}T00:00:00Z").parse())
        .ok()?;
    Timestamp::from_second(moment.as_second())
        .ok()
        .map(Cell::Moment)
}

fn not_before_1753(cell: Cell) -> Outcome<Cell> {
    let year = match &cell {
        Cell::Day(day) => day.year(),
        Cell::Moment(moment) => moment.to_zoned(jiff::tz::TimeZone::UTC).year(),
        _ => return Ok(cell),
    };
    if year < 1753 {
        return Err(Refusal::bad_request(
            0x8004_0239,
            "DateTime is less than minimum value supported by CrmDateTime. Minimum value supported: 01/01/1753 00:00:00",
        ));
    }
    Ok(cell)
}

fn json(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).expect("a raw value is JSON")
}
