//! What people do in the organisation without the Web API's client knowing: sellers and administrators.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use super::State;
use super::cell::Cell;
use super::organisation::{APPLICATION_USER_ID, SELLER_ID};
use super::payload;
use super::refusal::Refusal;
use super::rows::{Changes, Row};
use super::schema::{Key, LeadProfile};
use super::write::Writer;

fn seller(now: Timestamp) -> Writer {
    Writer {
        user: SELLER_ID,
        now,
    }
}

impl State {
    /// A seller enters a lead at `now`. `columns` is written as in the Web API, `leadid` and `@odata.bind`
    /// members included; a `statecode` or `statuscode` closes the lead after it is created. Gives its id.
    pub fn seed_lead(&mut self, columns: &Value, now: Timestamp) -> Result<Uuid, Refusal> {
        self.seed("lead", columns, now)
    }

    /// A seller enters an account at `now`; with a `statecode` of 1 it is inactive.
    pub fn seed_account(&mut self, columns: &Value, now: Timestamp) -> Result<Uuid, Refusal> {
        self.seed("account", columns, now)
    }

    /// A seller enters a contact at `now`; with a `statecode` of 1 it is inactive.
    pub fn seed_contact(&mut self, columns: &Value, now: Timestamp) -> Result<Uuid, Refusal> {
        self.seed("contact", columns, now)
    }

    fn seed(
        &mut self,
        table: &'static str,
        columns: &Value,
        now: Timestamp,
    ) -> Result<Uuid, Refusal> {
        let mut changes = self.read_changes(table, columns)?;
        let mut closing = Changes::new();
        for column in ["statecode", "statuscode"] {
            closing.extend(changes.remove_entry(column));
        }
        let id = self.create(table, None, changes, seller(now))?;
        if !closing.is_empty() {
            self.update(table, id, closing, seller(now))?;
        }
        Ok(id)
    }

    /// A seller deletes an account.
    pub fn delete_account(&mut self, id: Uuid) -> Result<(), Refusal> {
        self.remove("account", id)
    }

    /// Another program that signs in as the connector's application user makes a lead at `now`.
    pub fn seed_own_lead(&mut self, columns: &Value, now: Timestamp) -> Result<Uuid, Refusal> {
        let changes = self.read_changes("lead", columns)?;
        let user = APPLICATION_USER_ID;
        self.create("lead", None, changes, Writer { user, now })
    }

    /// A seller changes columns of a lead at `now`.
    pub fn edit_lead(&mut self, id: Uuid, columns: &Value, now: Timestamp) -> Result<(), Refusal> {
        let changes = self.read_changes("lead", columns)?;
        self.update("lead", id, changes, seller(now))
    }

    /// A seller merges one lead into another: `from` is closed, `merged`, and names `into` as its `masterid`.
    pub fn merge_leads(&mut self, from: Uuid, into: Uuid, now: Timestamp) -> Result<(), Refusal> {
        self.merge_rows(from, into, seller(now))
    }

    /// A seller deletes a lead with its notes.
    pub fn delete_lead(&mut self, id: Uuid) -> Result<(), Refusal> {
        self.remove("lead", id)
    }

    /// A lead, every column of it, as the Web API would print it. Amounts pass through `f64`: for exact ones see
    /// [`State::amount`].
    pub fn lead(&self, id: Uuid) -> Option<Value> {
        let row = self.rows.get("lead", id)?;
        Some(self.printed("lead", row))
    }

    /// All leads, by id.
    pub fn leads(&self) -> Vec<Value> {
        let rows = self.rows.of("lead");
        rows.map(|(_, row)| self.printed("lead", row)).collect()
    }

    /// A money column of a lead, exactly.
    pub fn amount(&self, id: Uuid, column: &str) -> Option<Decimal> {
        self.rows.get("lead", id)?.get(column)?.exact()
    }

    /// The version of a lead as its `ETag` has it.
    pub fn lead_etag(&self, id: Uuid) -> Option<String> {
        self.rows.get("lead", id).map(Row::etag)
    }

    /// The notes on a lead.
    pub fn notes(&self, lead: Uuid) -> Vec<Value> {
        let rows = self.rows.of("annotation");
        let on_lead = rows.filter(|(_, row)| row.get("objectid").and_then(Cell::id) == Some(lead));
        on_lead
            .map(|(_, row)| self.printed("annotation", row))
            .collect()
    }

    /// An administrator adds a currency, or changes the one with that ISO code: digits after the point, and units
    /// for one unit of the base currency. Gives the row's id.
    pub fn set_currency(
        &mut self,
        code: &str,
        precision: u8,
        rate: Decimal,
        now: Timestamp,
    ) -> Result<Uuid, Refusal> {
        let id = super::organisation::currency_id(code);
        let changes = Changes::from([
            ("isocurrencycode", Some(Cell::text(code))),
            ("currencyname", Some(Cell::text(code))),
            ("currencyprecision", Some(Cell::Whole(precision.into()))),
            ("exchangerate", Some(Cell::money(rate))),
        ]);
        if self.rows.get("transactioncurrency", id).is_some() {
            self.update("transactioncurrency", id, changes, seller(now))?;
            return Ok(id);
        }
        self.create("transactioncurrency", Some(id), changes, seller(now))
    }

    /// An administrator deletes a column of leads, `name` by its logical name.
    pub fn remove_lead_column(&mut self, name: &str) {
        if let Some(table) = self.schema.table_mut("lead") {
            table.columns.retain(|column| column.name != name);
        }
    }

    /// An administrator removes the currency with an ISO code.
    pub fn remove_currency(&mut self, code: &str) -> Result<(), Refusal> {
        let id = super::organisation::currency_id(code);
        self.remove("transactioncurrency", id)
    }

    /// An administrator customises the `lead` table, or takes the customisations back. Rows stay as they are.
    pub fn set_lead_profile(&mut self, profile: LeadProfile) {
        self.schema.set_profile(profile);
    }

    /// An administrator defines an alternate key on `lead` over columns that exist.
    pub fn define_lead_key(&mut self, schema_name: &str, columns: &[&str]) {
        let key = Key {
            schema_name: schema_name.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
        };
        let table = self.schema.table_mut("lead").expect("lead is defined");
        assert!(
            columns.iter().all(|column| table.column(column).is_some()),
            "a key's columns exist"
        );
        table.keys.push(key);
    }

    fn read_changes(&self, table: &str, columns: &Value) -> Result<Changes, Refusal> {
        let members = payload::members(columns.to_string().as_bytes())?;
        payload::changes(self, self.definition(table), &members)
    }

    fn printed(&self, table: &str, row: &Row) -> Value {
        let mut printed = row.to_json(self.definition(table));
        printed["@odata.etag"] = row.etag().into();
        printed
    }
}
