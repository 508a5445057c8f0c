//! Columns the system fills from others: full names, composed addresses, owners.

use uuid::Uuid;

use super::cell::Cell;
use super::rows::Cells;
use super::schema::Table;

/// Fills the computed columns of a row of `table`.
pub(super) fn settle(table: &Table, business_unit: Uuid, cells: &mut Cells) {
    if table.column("firstname").is_some() && table.column("fullname").is_some() {
        put(
            cells,
            "fullname",
            joined(cells, &["firstname", "lastname"], " "),
        );
    }
    if table.column("address1_composite").is_some() {
        put(cells, "address1_composite", address(cells));
    }
    if table.column("ownerid").is_some() {
        owner(cells, business_unit);
    }
    if table.column("objecttypecode").is_some() {
        let regarding = match cells.get("objectid") {
            Some(Cell::Row(table, _)) => Some((*table).to_owned()),
            _ => None,
        };
        put(cells, "objecttypecode", regarding.unwrap_or_default());
    }
}

fn put(cells: &mut Cells, column: &'static str, text: String) {
    if text.is_empty() {
        cells.remove(column);
    } else {
        cells.insert(column, Cell::Text(text));
    }
}

fn joined(cells: &Cells, columns: &[&str], separator: &str) -> String {
    let parts = columns
        .iter()
        .filter_map(|column| cells.get(column)?.as_str());
    parts.collect::<Vec<_>>().join(separator)
}

/// Street lines, then `city, state postal-code`, then the country, one to a line.
fn address(cells: &Cells) -> String {
    let street = ["address1_line1", "address1_line2", "address1_line3"];
    let region = joined(
        cells,
        &["address1_stateorprovince", "address1_postalcode"],
        " ",
    );
    let city = joined(cells, &["address1_city"], "");
    let town = [city, region];
    let town: Vec<&str> = town
        .iter()
        .map(String::as_str)
        .filter(|it| !it.is_empty())
        .collect();
    let lines = [
        joined(cells, &street, "\r\n"),
        town.join(", "),
        joined(cells, &["address1_country"], ""),
    ];
    let lines: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|it| !it.is_empty())
        .collect();
    lines.join("\r\n")
}

fn owner(cells: &mut Cells, business_unit: Uuid) {
    let (user, team) = match cells.get("ownerid") {
        Some(Cell::Row("team", id)) => (None, Some(Cell::Row("team", *id))),
        Some(Cell::Row(_, id)) => (Some(Cell::Row("systemuser", *id)), None),
        _ => (None, None),
    };
    for (column, cell) in [("owninguser", user), ("owningteam", team)] {
        match cell {
            Some(cell) => cells.insert(column, cell),
            None => cells.remove(column),
        };
    }
    cells.insert(
        "owningbusinessunit",
        Cell::Row("businessunit", business_unit),
    );
}
