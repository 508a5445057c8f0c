//! The rows of an organisation.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::cell::Cell;
use super::schema::Table;

/// Columns with a value, by logical name.
pub(super) type Cells = BTreeMap<&'static str, Cell>;

/// Columns to write: `None` empties one.
pub(super) type Changes = BTreeMap<&'static str, Option<Cell>>;

/// A row and the version its `ETag` is made of.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) version: i64,
    pub(super) cells: Cells,
}

impl Row {
    /// `W/"2264386"`: opaque to clients, in truth the version number.
    pub(super) fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }

    pub(super) fn get(&self, column: &str) -> Option<&Cell> {
        self.cells.get(column)
    }

    /// Every column of `table` as JSON, nulls included.
    pub(super) fn to_json(&self, table: &Table) -> Value {
        let columns = table.columns.iter().map(|column| {
            let cell = self.get(column.name);
            let value = serde_json::to_value(cell).expect("cells print as JSON");
            (column.property(), value)
        });
        columns.collect()
    }
}

/// All rows, by table and id, and the organisation-wide version counter.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    tables: BTreeMap<&'static str, BTreeMap<Uuid, Row>>,
    version: i64,
}

impl Rows {
    pub(super) fn get(&self, table: &str, id: Uuid) -> Option<&Row> {
        self.tables.get(table)?.get(&id)
    }

    /// The rows of a table by id.
    pub(super) fn of(&self, table: &str) -> impl Iterator<Item = (Uuid, &Row)> {
        let rows = self.tables.get(table).into_iter().flatten();
        rows.map(|(id, row)| (*id, row))
    }

    /// Stores what a row holds now, under the next version.
    pub(super) fn put(&mut self, table: &'static str, id: Uuid, mut cells: Cells) {
        self.version += 1;
        cells.insert("versionnumber", Cell::Whole(self.version));
        let row = Row {
            version: self.version,
            cells,
        };
        self.tables.entry(table).or_default().insert(id, row);
    }

    pub(super) fn remove(&mut self, table: &str, id: Uuid) -> Option<Row> {
        self.tables.get_mut(table)?.remove(&id)
    }

    /// Removes the rows of `table` whose lookup `column` leads to `id`.
    pub(super) fn remove_related(&mut self, table: &str, column: &str, id: Uuid) {
        if let Some(rows) = self.tables.get_mut(table) {
            rows.retain(|_, row| row.get(column).and_then(Cell::id) != Some(id));
        }
    }

    /// The row whose columns equal all of `values`.
    pub(super) fn find(&self, table: &str, values: &Cells) -> Option<Uuid> {
        let same = |row: &Row| {
            values.iter().all(|(column, value)| {
                row.get(column)
                    .is_some_and(|cell| cell.order(value) == Some(std::cmp::Ordering::Equal))
            })
        };
        self.of(table).find(|(_, row)| same(row)).map(|(id, _)| id)
    }
}
