//! JSON bodies in which decimals keep their digits.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::State;
use super::cell::Cell;
use super::query::{Expand, Query};
use super::refusal::{Outcome, Refusal};
use super::rows::Row;
use super::schema::{Column, Kind, Table};

/// A JSON value made of cells.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Cell(Option<Cell>),
    Plain(Value),
    Object(Vec<(String, Json)>),
    List(Vec<Json>),
}

impl Json {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Plain(Value::String(text.into()))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Cell(cell) => cell.serialize(serializer),
            Self::Plain(value) => value.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// The members of a row: its tag, the selected columns, its id in any case, the expanded rows.
pub(super) fn row(
    state: &State,
    table: &Table,
    row: &Row,
    query: &Query,
    annotations: bool,
) -> Outcome<Vec<(String, Json)>> {
    let mut members = vec![("@odata.etag".to_owned(), Json::text(row.etag()))];
    for column in selected(table, query.select.as_deref())? {
        let cell = row.get(column.name);
        if annotations {
            members.extend(annotation(column, cell));
        }
        members.push((column.property(), Json::Cell(cell.cloned())));
    }
    for expand in &query.expand {
        members.push((expand.name.clone(), expanded(state, table, row, expand)?));
    }
    Ok(members)
}

/// Refuses a query that selects or expands what the table does not have.
pub(super) fn check(table: &Table, query: &Query) -> Outcome<()> {
    selected(table, query.select.as_deref())?;
    for expand in &query.expand {
        navigation(table, expand)?;
    }
    Ok(())
}

/// The columns `$select` names, and the primary key whether named or not.
fn selected<'a>(table: &'a Table, select: Option<&[String]>) -> Outcome<Vec<&'a Column>> {
    let Some(names) = select else {
        return Ok(table.columns.iter().collect());
    };
    let mut columns = Vec::new();
    for name in names {
        let column = table.property(name).or_else(|| {
            // The navigation property's name selects its lookup too.
            table.navigation(name).map(|(column, _)| column)
        });
        columns.push(column.ok_or_else(|| unknown_property(table, name))?);
    }
    if !columns.iter().any(|column| column.name == table.id) {
        columns.extend(table.column(table.id));
    }
    Ok(columns)
}

pub(super) fn unknown_property(table: &Table, name: &str) -> Refusal {
    Refusal::query(format!(
        "Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{}'.",
        table.logical
    ))
}

fn annotation(column: &Column, cell: Option<&Cell>) -> Option<(String, Json)> {
    let property = column.property();
    match (&column.kind, cell?) {
        (Kind::Lookup(_), Cell::Row(table, _)) => Some((
            format!("{property}@Microsoft.Dynamics.CRM.lookuplogicalname"),
            Json::text(*table),
        )),
        (kind, Cell::Whole(number)) => Some((
            format!("{property}@OData.Community.Display.V1.FormattedValue"),
            Json::text(label(kind, *number)?),
        )),
        _ => None,
    }
}

fn label(kind: &Kind, number: i64) -> Option<&'static str> {
    match kind {
        Kind::Choice(choices) | Kind::State(choices) => choices
            .iter()
            .find(|choice| choice.value == number)
            .map(|choice| choice.label),
        Kind::Status(reasons) => reasons
            .iter()
            .find(|reason| reason.value == number)
            .map(|reason| reason.label),
        _ => None,
    }
}

fn navigation<'a>(
    table: &'a Table,
    expand: &Expand,
) -> Outcome<(&'a Column, &'static [&'static str])> {
    table
        .navigation(&expand.name)
        .ok_or_else(|| unknown_property(table, &expand.name))
}

/// The row behind a single-valued navigation property, or null.
fn expanded(state: &State, table: &Table, row: &Row, expand: &Expand) -> Outcome<Json> {
    let (column, targets) = navigation(table, expand)?;
    let Some(Cell::Row(target, id)) = row.get(column.name) else {
        return Ok(Json::Cell(None));
    };
    let found = state.rows.get(target, *id);
    let Some(found) = found.filter(|_| targets.contains(target)) else {
        return Ok(Json::Cell(None));
    };
    let query = Query {
        select: expand.select.clone(),
        ..Query::default()
    };
    let members = self::row(state, state.definition(target), found, &query, false)?;
    Ok(Json::Object(members))
}
