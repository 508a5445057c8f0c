//! `[[column]]`: what each column is made of, and who wins it.

mod recipe;

use std::collections::BTreeSet;

use super::reader::{At, Reader, Table};
use crate::lead::{Column, ColumnKind};
use crate::mapping::columns::{ESTIMATED_AMOUNT, Rule, TRANSACTION_CURRENCY, Unit, kept};
use crate::mapping::table::{Mapping, Row};

const KEYS: [&str; 15] = [
    "column",
    "type",
    "from",
    "instead",
    "template",
    "value",
    "join",
    "map",
    "otherwise",
    "lines",
    "whole",
    "winner",
    "direction",
    "unit",
    "about",
];

/// Columns that are written in another way, with what it is.
const RESERVED: [(&str, &str); 5] = [
    ("statecode", "[status] says what becomes of it"),
    ("statuscode", "[status] says what becomes of it"),
    ("ownerid", "[[owner]] says who gets a lead"),
    ("leadid", "it is the referral's id"),
    ("overriddencreatedon", "it is when the referral was made"),
];

/// How many columns can be mapped: what is remembered of each referral has to stay small.
const MOST: usize = 64;
/// Dataverse's limit for the name of a column.
const LONGEST_NAME: usize = 128;

/// The rows of `base` with those in `document` laid over them.
pub(super) fn read<'t>(
    reader: &mut Reader<'t>,
    document: &Table<'t>,
    base: Option<&Mapping>,
) -> Vec<Row> {
    let mut rows = base.map(|base| base.rows.clone()).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for table in reader.tables(document, "column").unwrap_or_default() {
        reader.only(&table, &KEYS);
        let Some(name) = name(reader, &table) else {
            continue;
        };
        let column = Column::from(name.value);
        if !seen.insert(column.clone()) {
            reader.problem(name.line, format_args!("{column} is here twice"));
            continue;
        }
        let at = rows.iter().position(|row| row.column == column);
        let shipped = at.map(|at| rows[at].clone());
        let direction = reader.text(&table, "direction");
        if direction.as_ref().is_some_and(|it| it.value == "off") {
            match at {
                Some(at) => drop(rows.remove(at)),
                None => reader.problem(name.line, format_args!("{column} is not mapped anyway")),
            }
            continue;
        }
        let column = At {
            value: column,
            line: name.line,
        };
        let is_default = base.is_none();
        match (
            row(
                reader,
                &table,
                column,
                direction.as_ref(),
                shipped.as_ref(),
                is_default,
            ),
            at,
        ) {
            (Some(row), Some(at)) => rows[at] = row,
            (Some(row), None) => rows.push(row),
            (None, _) => {}
        }
    }
    if MOST < rows.len() {
        let problem = format_args!("{} columns are mapped, and there can be {MOST}", rows.len());
        reader.problem(1, problem);
    }
    together(reader, &rows);
    rows
}

fn name<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Option<At<String>> {
    let Some(name) = reader.text(table, "column") else {
        reader.problem(table.line, "which column? column = \"new_size\"");
        return None;
    };
    let text = name.value.as_str();
    let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    let begins = text.starts_with(|it: char| it.is_ascii_lowercase());
    if !begins || !text.chars().all(is_plain) || LONGEST_NAME < text.len() {
        let problem = format_args!(
            "{text:?} is no logical name of a column: lower-case letters, digits and _"
        );
        reader.problem(name.line, problem);
        return None;
    }
    if let Some((_, why)) = RESERVED.iter().find(|(reserved, _)| *reserved == text) {
        reader.problem(name.line, format_args!("{text} cannot be mapped: {why}"));
        return None;
    }
    Some(name)
}

fn row<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    column: At<Column>,
    direction: Option<&At<String>>,
    shipped: Option<&Row>,
    is_default: bool,
) -> Option<Row> {
    let At {
        value: column,
        line,
    } = column;
    let kind = kind(reader, table, &column, shipped, is_default)?;
    let recipe = recipe::read(reader, table, kind, shipped.map(|row| &row.recipe))?;
    let unit = unit(reader, table, &column, shipped, is_default)?;
    let is_sent = matches!(unit, Unit::Deal | Unit::Closing);
    if is_sent && shipped.is_some_and(|row| row.recipe != recipe) {
        reader.problem(
            line,
            format_args!(
                "{column} can go to the referral, so what it is made of cannot be changed"
            ),
        );
        return None;
    }
    let rule = rule(reader, table, kind, unit, shipped)?;
    let goes_back = match direction {
        None => shipped.is_some_and(|row| row.goes_back),
        Some(it) if it.value == "in" => false,
        Some(it) if it.value == "both" && is_sent => true,
        Some(it) if it.value == "both" => {
            reader.problem(
                it.line,
                "Partner Center takes nothing back but the deal and the closing date",
            );
            return None;
        }
        Some(it) => {
            let found = &it.value;
            reader.problem(
                it.line,
                format_args!("direction is {found:?}, and has to be in, both or off"),
            );
            return None;
        }
    };
    let about = reader.text(table, "about").map(|it| it.value);
    let about = about.unwrap_or_else(|| {
        let words: Vec<_> = recipe
            .paths()
            .map(|path| format!("`{}`", path.word()))
            .collect();
        words.join(", ")
    });
    Some(Row {
        column,
        kind,
        recipe,
        unit,
        rule,
        goes_back,
        about,
        line: (!is_default).then_some(line),
    })
}

fn kind<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    column: &Column,
    shipped: Option<&Row>,
    is_default: bool,
) -> Option<ColumnKind> {
    let Some(word) = reader.text(table, "type") else {
        return Some(shipped.map_or(ColumnKind::Text, |row| row.kind));
    };
    let kind = match word.value.as_str() {
        "text" => ColumnKind::Text,
        "choice" => ColumnKind::Choice,
        "flag" => ColumnKind::Flag,
        "number" => ColumnKind::Whole,
        "date" => ColumnKind::Date,
        "amount" => ColumnKind::Amount,
        "currency" => ColumnKind::Row,
        other => {
            let expected = "text, choice, flag, number or date";
            reader.problem(
                word.line,
                format_args!("type is {other:?}, and has to be {expected}"),
            );
            return None;
        }
    };
    if shipped.is_some_and(|row| row.kind != kind) {
        reader.problem(
            word.line,
            format_args!("{column} holds something else in every organisation"),
        );
        return None;
    }
    let is_money = matches!(kind, ColumnKind::Amount | ColumnKind::Row);
    if is_money && shipped.is_none() && !is_default {
        let why = "an amount is only right beside its currency, and a lead has one: estimatedamount holds the deal";
        reader.problem(word.line, why);
        return None;
    }
    Some(kind)
}

/// A column of the default rules keeps its unit, any other is merged by itself.
fn unit<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    column: &Column,
    shipped: Option<&Row>,
    is_default: bool,
) -> Option<Unit> {
    let own = shipped.map_or_else(|| Unit::Own(kept(column.as_str())), |row| row.unit);
    let Some(word) = reader.text(table, "unit") else {
        return Some(own);
    };
    match Unit::named(&word.value) {
        Some(unit) if is_default || unit == own => Some(unit),
        _ => {
            let own = own.word();
            reader.problem(
                word.line,
                format_args!("{column} belongs to the unit {own}, and units cannot be changed"),
            );
            None
        }
    }
}

fn rule<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    kind: ColumnKind,
    unit: Unit,
    shipped: Option<&Row>,
) -> Option<Rule> {
    let Some(word) = reader.text(table, "winner") else {
        return Some(shipped.map_or(Rule::PartnerCenter, |row| row.rule));
    };
    let why = match Rule::named(&word.value) {
        None => "and has to be partner-center, crm, creation or stricter",
        Some(Rule::Stricter) if kind != ColumnKind::Flag => "and only a flag can be switched on",
        Some(rule) if unit == Unit::Consent && rule != Rule::Stricter => {
            "and what a customer forbids stays forbidden: stricter, or direction = \"off\""
        }
        Some(rule) => return Some(rule),
    };
    reader.problem(word.line, format_args!("winner is {:?}, {why}", word.value));
    None
}

/// What is merged together has one winner, and an amount has its currency.
fn together(reader: &mut Reader<'_>, rows: &[Row]) {
    for (at, row) in rows.iter().enumerate() {
        let others = rows
            .iter()
            .enumerate()
            .filter(|(other, it)| *other != at && it.unit == row.unit);
        let other = others.map(|(_, it)| it).find(|it| it.rule != row.rule);
        if let (Some(line), Some(other)) = (row.line, other) {
            let (column, unit) = (&row.column, row.unit.word());
            let problem = format_args!(
                "{column} is merged with {} ({unit}): both need the same winner",
                other.column
            );
            reader.problem(line, problem);
        }
        let other = others_direction(rows, row);
        if let (Some(line), Some(other)) = (row.line, other) {
            let problem = format_args!(
                "{} is merged with {other}: both need the same direction",
                row.column
            );
            reader.problem(line, problem);
        }
    }
    let has = |column: &Column| rows.iter().any(|row| row.column == *column);
    if !rows.is_empty() && has(&ESTIMATED_AMOUNT) != has(&TRANSACTION_CURRENCY) {
        reader.problem(
            1,
            format_args!(
                "{ESTIMATED_AMOUNT} and {TRANSACTION_CURRENCY} go together: both or neither"
            ),
        );
    }
}

/// A column of the same unit as `row` that goes another way.
fn others_direction<'a>(rows: &'a [Row], row: &Row) -> Option<&'a Column> {
    let mut others = rows.iter().filter(|it| it.unit == row.unit);
    others
        .find(|it| it.goes_back != row.goes_back)
        .map(|it| &it.column)
}
