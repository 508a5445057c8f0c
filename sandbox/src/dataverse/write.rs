//! Creating, changing and removing rows, with what the system computes on the way.

use jiff::Timestamp;
use uuid::Uuid;

use super::State;
use super::cell::Cell;
use super::refusal::{Outcome, Refusal};
use super::rows::{Cells, Changes};
use super::schema::{Column, Kind, Table};
use super::{BUSINESS_UNIT_ID, computed, money};

/// Who writes, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer {
    /// The row of `systemuser`.
    pub(super) user: Uuid,
    pub(super) now: Timestamp,
}

impl Writer {
    fn moment(self) -> Cell {
        let second = Timestamp::from_second(self.now.as_second());
        Cell::Moment(second.expect("a clock's moment is in range"))
    }

    fn user(self) -> Cell {
        Cell::Row("systemuser", self.user)
    }
}

/// What closed leads and merged ones answer to a write that does not reopen them. Microsoft's documentation calls
/// them read-only, others found them writable; a sandbox can be either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClosedLeads {
    /// The write is carried out.
    #[default]
    Writable,
    /// 400 `0x80040519`, the lead is already closed.
    AlreadyClosed,
    /// 400 `0x8004022e`, the object is read-only.
    ReadOnly,
}

impl State {
    /// Creates a row; `id` stands above one among the changes, and without either the system chooses.
    pub(super) fn create(
        &mut self,
        table: &'static str,
        id: Option<Uuid>,
        changes: Changes,
        writer: Writer,
    ) -> Outcome<Uuid> {
        let definition = self.definition(table);
        let chosen = changes.get(definition.id).cloned().flatten();
        let id = id
            .or_else(|| chosen.and_then(|cell| cell.id()))
            .unwrap_or_else(Uuid::new_v4);
        if self.rows.get(table, id).is_some() {
            return Err(Refusal::already_exists());
        }
        let mut cells = defaults(definition);
        cells.insert(definition.id, Cell::Id(id));
        apply(definition, &mut cells, changes, |column| column.create);
        settle_reason(definition, id, &mut cells, None)?;
        if definition.column("ownerid").is_some() {
            cells.entry("ownerid").or_insert_with(|| writer.user());
        }
        cells.insert("createdby", writer.user());
        // A row brought over from elsewhere shows the moment it was created there.
        let created = match cells.get("overriddencreatedon") {
            Some(_) => cells.insert("overriddencreatedon", writer.moment()),
            None => None,
        };
        cells.insert("createdon", created.unwrap_or_else(|| writer.moment()));
        self.store(table, id, cells, writer)?;
        Ok(id)
    }

    /// Changes a row that exists.
    pub(super) fn update(
        &mut self,
        table: &'static str,
        id: Uuid,
        changes: Changes,
        writer: Writer,
    ) -> Outcome<()> {
        let definition = self.definition(table);
        let row = self
            .rows
            .get(table, id)
            .ok_or_else(|| Refusal::no_row(table, id))?;
        if table == "lead" {
            refuse_closed(self.switches.closed_leads, &row.cells, &changes)?;
        }
        let mut cells = row.cells.clone();
        let written = Reason::of(&changes);
        apply(definition, &mut cells, changes, |column| column.update);
        settle_reason(definition, id, &mut cells, Some(written))?;
        self.store(table, id, cells, writer)
    }

    /// Removes a row and the notes on it.
    pub(super) fn remove(&mut self, table: &str, id: Uuid) -> Outcome<()> {
        self.rows
            .remove(table, id)
            .ok_or_else(|| Refusal::no_row(table, id))?;
        self.rows.remove_related("annotation", "objectid", id);
        Ok(())
    }

    /// Closes `from` as merged into `into`.
    pub(super) fn merge_rows(&mut self, from: Uuid, into: Uuid, writer: Writer) -> Outcome<()> {
        let row = self
            .rows
            .get("lead", from)
            .ok_or_else(|| Refusal::no_row("lead", from))?;
        if self.rows.get("lead", into).is_none() {
            return Err(Refusal::no_row("lead", into));
        }
        let mut cells = row.cells.clone();
        cells.insert("merged", Cell::Flag(true));
        cells.insert("masterid", Cell::Row("lead", into));
        cells.insert("statecode", Cell::Whole(2));
        let reason = default_reason(self.definition("lead"), 2);
        cells.extend(reason.map(|reason| ("statuscode", Cell::Whole(reason))));
        self.store("lead", from, cells, writer)
    }

    pub(super) fn definition(&self, table: &str) -> &Table {
        self.schema
            .table(table)
            .expect("rows are addressed through the schema")
    }

    /// Computes what follows from the other columns, checks the alternate keys and stores the row.
    fn store(
        &mut self,
        table: &'static str,
        id: Uuid,
        mut cells: Cells,
        writer: Writer,
    ) -> Outcome<()> {
        cells.insert("modifiedon", writer.moment());
        cells.insert("modifiedby", writer.user());
        let definition = self.definition(table);
        money::settle(&self.rows, definition, self.base_currency(), &mut cells)?;
        computed::settle(definition, BUSINESS_UNIT_ID, &mut cells);
        self.check_keys(definition, id, &cells)?;
        self.rows.put(table, id, cells);
        Ok(())
    }

    /// Rows with a null among a key's columns are not compared.
    fn check_keys(&self, table: &Table, id: Uuid, cells: &Cells) -> Outcome<()> {
        for key in &table.keys {
            let values = key.columns.iter().map(|name| {
                let (name, cell) = cells.get_key_value(name.as_str())?;
                Some((*name, cell.clone()))
            });
            let Some(values) = values.collect::<Option<Cells>>() else {
                continue;
            };
            if self
                .rows
                .find(table.logical, &values)
                .is_some_and(|other| other != id)
            {
                return Err(Refusal::duplicate_key(table.logical));
            }
        }
        Ok(())
    }
}

fn defaults(table: &Table) -> Cells {
    let columns = table.columns.iter();
    columns
        .filter_map(|column| Some((column.name, column.default.clone()?)))
        .collect()
}

/// Columns that the operation cannot write are passed over in silence, as Dataverse does.
fn apply(table: &Table, cells: &mut Cells, changes: Changes, valid: fn(&Column) -> bool) {
    for (name, value) in changes {
        if name == table.id || !table.column(name).is_some_and(valid) {
            continue;
        }
        match value {
            Some(cell) => cells.insert(name, cell),
            None => cells.remove(name),
        };
    }
}

/// Which of the pair `statecode`, `statuscode` a write named.
#[derive(Clone, Copy)]
struct Reason {
    state: bool,
    status: bool,
}

impl Reason {
    fn of(changes: &Changes) -> Self {
        let named = |column| changes.get(column).is_some_and(Option::is_some);
        Self {
            state: named("statecode"),
            status: named("statuscode"),
        }
    }
}

/// Gives the state its default reason when the write named none, and refuses a pair that does not belong together.
fn settle_reason(
    table: &Table,
    id: Uuid,
    cells: &mut Cells,
    written: Option<Reason>,
) -> Outcome<()> {
    let Some(state) = cells.get("statecode").and_then(Cell::whole) else {
        return Ok(());
    };
    let unnamed = match written {
        None => !cells.contains_key("statuscode"),
        Some(named) => named.state && !named.status || !cells.contains_key("statuscode"),
    };
    if unnamed {
        let reason = default_reason(table, state);
        cells.extend(reason.map(|reason| ("statuscode", Cell::Whole(reason))));
    }
    let reason = cells.get("statuscode").and_then(Cell::whole);
    if state_of(table, reason) == Some(state) {
        return Ok(());
    }
    Err(Refusal::bad_request(
        0x8004_8408,
        format!(
            "{} is not a valid status code for state code {}State.{state} on {} with Id {id}.",
            reason.unwrap_or(-1),
            table.schema_name,
            table.logical
        ),
    ))
}

fn reasons(table: &Table) -> &[super::schema::StatusReason] {
    match table.column("statuscode").map(|column| &column.kind) {
        Some(Kind::Status(reasons)) => reasons,
        _ => &[],
    }
}

pub(super) fn default_reason(table: &Table, state: i64) -> Option<i64> {
    let mut reasons = reasons(table).iter();
    reasons
        .find(|reason| reason.state == state && reason.default)
        .map(|reason| reason.value)
}

pub(super) fn state_of(table: &Table, reason: Option<i64>) -> Option<i64> {
    let mut reasons = reasons(table).iter();
    reasons
        .find(|it| Some(it.value) == reason)
        .map(|reason| reason.state)
}

fn refuse_closed(rule: ClosedLeads, before: &Cells, changes: &Changes) -> Outcome<()> {
    let closed = before.get("statecode").and_then(Cell::whole) != Some(0);
    let reopens = changes.get("statecode") == Some(&Some(Cell::Whole(0)));
    if !closed || reopens {
        return Ok(());
    }
    match rule {
        ClosedLeads::Writable => Ok(()),
        ClosedLeads::AlreadyClosed => Err(already_closed()),
        ClosedLeads::ReadOnly => Err(Refusal::bad_request(
            0x8004_022e,
            "The object cannot be updated because it is read-only.",
        )),
    }
}

pub(super) fn already_closed() -> Refusal {
    Refusal::bad_request(0x8004_0519, "The lead is already closed.")
}
