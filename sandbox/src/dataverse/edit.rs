//! Writing over HTTP: create, update, upsert, delete, single properties.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::State;
use super::address::KeyValue;
use super::calls::Call;
use super::cell::Cell;
use super::headers::{Precondition, Preferences};
use super::payload::{self, Members};
use super::refusal::{Outcome, Refusal};
use super::rows::{Cells, Changes};
use super::schema::Kind;

const ENTITY_ID: HeaderName = HeaderName::from_static("odata-entityid");

/// What a request did to a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Created,
    Updated,
}

impl State {
    pub(super) fn post(&mut self, call: &Call<'_>, table: &'static str) -> Outcome<Response> {
        let changes = self.changes(call, table)?;
        let id = self.admit_create(call, table, None, changes)?;
        self.written(call, table, id, Done::Created, None)
    }

    /// PATCH: an upsert, unless a precondition makes it update-only or create-only.
    pub(super) fn patch(
        &mut self,
        call: &Call<'_>,
        table: &'static str,
        key: &KeyValue,
    ) -> Outcome<Response> {
        let (present, values) = self.find(table, key)?;
        self.check(call, table, key, present)?;
        let mut changes = self.changes(call, table)?;
        let by_key = matches!(key, KeyValue::Columns(_)).then_some(call.path);
        if let Some(id) = present {
            changes.retain(|column, _| !values.contains_key(column));
            self.admit_update(call, table, id, changes)?;
            return self.written(call, table, id, Done::Updated, by_key);
        }
        for (column, value) in values {
            changes.entry(column).or_insert(Some(value));
        }
        let chosen = match key {
            KeyValue::Id(id) => Some(*id),
            KeyValue::Columns(_) => None,
        };
        let id = self.admit_create(call, table, chosen, changes)?;
        self.written(call, table, id, Done::Created, by_key)
    }

    pub(super) fn delete(
        &mut self,
        call: &Call<'_>,
        table: &'static str,
        key: &KeyValue,
    ) -> Outcome<Response> {
        let (present, _) = self.find(table, key)?;
        self.check(call, table, key, present)?;
        let id = present.ok_or_else(|| absent(table, key))?;
        self.remove(table, id)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    /// `PUT leads(id)/subject {"value":…}`.
    pub(super) fn put_property(
        &mut self,
        call: &Call<'_>,
        table: &'static str,
        id: Uuid,
        property: &str,
    ) -> Outcome<Response> {
        let mut members = payload::members(call.body)?;
        let value = members
            .remove("value")
            .ok_or_else(|| Refusal::payload("the payload has no 'value'"))?;
        let definition = self.definition(table);
        let members = Members::from([(property.to_owned(), value)]);
        let changes = payload::changes(self, definition, &members)?;
        self.admit_update(call, table, id, changes)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    /// `DELETE leads(id)/subject`, and of a lookup `DELETE leads(id)/parentaccountid/$ref`.
    pub(super) fn delete_property(
        &mut self,
        call: &Call<'_>,
        table: &'static str,
        id: Uuid,
        property: &str,
        reference: bool,
    ) -> Outcome<Response> {
        let definition = self.definition(table);
        let column = if reference {
            definition.navigation(property).map(|(column, _)| column)
        } else {
            let column = definition.property(property);
            column.filter(|column| !matches!(column.kind, Kind::Lookup(_)))
        };
        let column = column.ok_or_else(|| Refusal::unknown_segment(property))?;
        let changes = Changes::from([(column.name, None)]);
        self.admit_update(call, table, id, changes)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    /// The row a key names, if there is one, and the columns of an alternate key.
    pub(super) fn find(&self, table: &str, key: &KeyValue) -> Outcome<(Option<Uuid>, Cells)> {
        match key {
            KeyValue::Id(id) => {
                let present = self.rows.get(table, *id).map(|_| *id);
                Ok((present, Cells::new()))
            }
            KeyValue::Columns(values) => {
                let values = payload::key_values(self.definition(table), values)?;
                Ok((self.rows.find(table, &values), values))
            }
        }
    }

    /// The id of the row that a key names.
    pub(super) fn existing(&self, table: &str, key: &KeyValue) -> Outcome<Uuid> {
        let (present, _) = self.find(table, key)?;
        present.ok_or_else(|| absent(table, key))
    }

    fn check(
        &self,
        call: &Call<'_>,
        table: &str,
        key: &KeyValue,
        present: Option<Uuid>,
    ) -> Outcome<()> {
        let row = present.and_then(|id| self.rows.get(table, id));
        match (Precondition::of(call.headers)?, row) {
            (Precondition::Version(_), None) if self.switches.absent_row_is_version_mismatch => {
                Err(Refusal::version_mismatch())
            }
            (Precondition::Exists | Precondition::Version(_), None) => Err(absent(table, key)),
            (Precondition::Version(tag), Some(row)) if tag != row.etag() => {
                Err(Refusal::version_mismatch())
            }
            (Precondition::Absent, Some(_)) => Err(Refusal::already_exists()),
            _ => Ok(()),
        }
    }

    fn changes(&self, call: &Call<'_>, table: &str) -> Outcome<Changes> {
        let members = payload::members(call.body)?;
        payload::changes(self, self.definition(table), &members)
    }

    fn admit_create(
        &mut self,
        call: &Call<'_>,
        table: &'static str,
        id: Option<Uuid>,
        mut changes: Changes,
    ) -> Outcome<Uuid> {
        let user = call.writer.user;
        self.need("Create", table, user)?;
        self.need_to_bind(table, &changes, user)?;
        if changes.get("ownerid").is_some_and(Option::is_some) {
            self.need("Assign", table, user)?;
        }
        self.check_component(table, &changes)?;
        self.check_user(call, table, &mut changes)?;
        self.refuse_by_plugin(table)?;
        self.detect_duplicates(call.headers, table, None, &changes)?;
        let id = self.create(table, id, changes, call.writer)?;
        self.counters.created += 1;
        Ok(id)
    }

    fn admit_update(
        &mut self,
        call: &Call<'_>,
        table: &'static str,
        id: Uuid,
        changes: Changes,
    ) -> Outcome<()> {
        self.need("Write", table, call.writer.user)?;
        if changes.contains_key("ownerid") {
            self.need("Assign", table, call.writer.user)?;
        }
        self.need_to_bind(table, &changes, call.writer.user)?;
        self.refuse_by_plugin(table)?;
        self.detect_duplicates(call.headers, table, Some(id), &changes)?;
        self.update(table, id, changes, call.writer)?;
        self.counters.updated += 1;
        Ok(())
    }

    fn refuse_by_plugin(&self, table: &str) -> Outcome<()> {
        match &self.switches.plugin_refusal {
            Some(message) if table == "lead" => Err(Refusal::bad_request(0x8004_0265, message)),
            _ => Ok(()),
        }
    }

    /// The rule for leads that every organisation starts with: no two with one e-mail address. Asked for by header.
    fn detect_duplicates(
        &self,
        headers: &HeaderMap,
        table: &str,
        id: Option<Uuid>,
        changes: &Changes,
    ) -> Outcome<()> {
        let wanted = headers
            .get("mscrm.suppressduplicatedetection")
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"false"));
        let Some(Some(address)) = changes.get("emailaddress1") else {
            return Ok(());
        };
        let same = Cells::from([("emailaddress1", address.clone())]);
        match self.rows.find(table, &same) {
            Some(other) if wanted && table == "lead" && Some(other) != id => {
                Err(Refusal::duplicate_detected())
            }
            _ => Ok(()),
        }
    }

    fn written(
        &self,
        call: &Call<'_>,
        table: &str,
        id: Uuid,
        done: Done,
        key_path: Option<&str>,
    ) -> Outcome<Response> {
        let definition = self.definition(table);
        if Preferences::of(call.headers).representation {
            self.need("Read", table, call.writer.user)?;
            let row = self
                .rows
                .get(table, id)
                .ok_or_else(|| Refusal::no_row(table, id))?;
            let status = match done {
                Done::Created => StatusCode::CREATED,
                Done::Updated => StatusCode::OK,
            };
            let mut response = self.representation(call, definition, row, status)?;
            response.headers_mut().insert(
                "preference-applied",
                HeaderValue::from_static("return=representation"),
            );
            return Ok(response);
        }
        let url = match key_path {
            Some(path) => format!("{}{path}", call.root),
            None => format!("{}{}({id})", call.root, definition.set),
        };
        let url = HeaderValue::from_str(&url).expect("a URL as sent is ASCII");
        let mut response = StatusCode::NO_CONTENT.into_response();
        if done == Done::Created {
            response.headers_mut().insert(header::LOCATION, url.clone());
        }
        response.headers_mut().insert(ENTITY_ID, url);
        Ok(response)
    }
}

pub(super) fn absent(table: &str, key: &KeyValue) -> Refusal {
    match key {
        KeyValue::Id(id) => Refusal::no_row(table, id),
        KeyValue::Columns(_) => Refusal::no_row_by_key(table),
    }
}

/// Changes made of cells that are known to be right.
pub(super) fn set<const N: usize>(cells: [(&'static str, Option<Cell>); N]) -> Changes {
    cells
        .into_iter()
        .filter(|(_, cell)| cell.is_some())
        .collect()
}
