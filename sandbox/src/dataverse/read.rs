//! Reading: one row, one property, lists page by page.

use std::cmp::Ordering;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::State;
use super::body::{self, Json};
use super::calls::{Call, respond};
use super::cell::Cell;
use super::filter::Properties;
use super::headers::{Precondition, Preferences};
use super::query::{Order, Query};
use super::refusal::{Outcome, Refusal};
use super::rows::Row;
use super::schema::Table;

/// The largest page, and the page of a client that asks for none.
const PAGE: usize = 5000;

/// Where the next page starts: behind the last row of this one, by the values it was ordered by.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    /// The query the page belongs to, without its token. It must come back unchanged.
    query: String,
    keys: Vec<Option<Cell>>,
    id: Uuid,
}

/// Which rows of a table a list is about: all, or those whose lookup leads to one row.
pub(super) type Related = Option<(&'static str, Uuid)>;

impl State {
    pub(super) fn read_row(&self, call: &Call<'_>, table: &Table, id: Uuid) -> Outcome<Response> {
        let found = self
            .rows
            .get(table.logical, id)
            .ok_or_else(|| Refusal::no_row(table.logical, id))?;
        let query = Query::parse(call.query)?;
        let preferences = Preferences::of(call.headers);
        if let Precondition::OtherVersion(tag) = Precondition::of(call.headers)?
            && tag == found.etag()
            && query.expand.is_empty()
            && !preferences.annotations
        {
            return Ok(StatusCode::NOT_MODIFIED.into_response());
        }
        self.representation(call, table, found, StatusCode::OK)
    }

    /// A row as the body of an answer, as `$select` and `$expand` of the call want it.
    pub(super) fn representation(
        &self,
        call: &Call<'_>,
        table: &Table,
        found: &Row,
        status: StatusCode,
    ) -> Outcome<Response> {
        let query = Query::parse(call.query)?;
        let annotations = Preferences::of(call.headers).annotations;
        let context = call.context(table.set, query.select.as_deref(), true);
        let mut members = vec![("@odata.context".to_owned(), Json::text(context))];
        members.extend(body::row(self, table, found, &query, annotations)?);
        let mut response = respond(status, &Json::Object(members));
        let tag = HeaderValue::from_str(&found.etag()).expect("a tag is ASCII");
        response.headers_mut().insert(header::ETAG, tag);
        Ok(response)
    }

    pub(super) fn read_property(
        &self,
        call: &Call<'_>,
        table: &Table,
        id: Uuid,
        property: &str,
    ) -> Outcome<Response> {
        let found = self
            .rows
            .get(table.logical, id)
            .ok_or_else(|| Refusal::no_row(table.logical, id))?;
        let column = table
            .property(property)
            .ok_or_else(|| Refusal::unknown_segment(property))?;
        let Some(value) = found.get(column.name) else {
            return Ok(StatusCode::NO_CONTENT.into_response());
        };
        let context = format!("{}$metadata#{}({id})/{property}", call.root, table.set);
        let members = vec![
            ("@odata.context".to_owned(), Json::text(context)),
            ("value".to_owned(), Json::Cell(Some(value.clone()))),
        ];
        Ok(respond(StatusCode::OK, &Json::Object(members)))
    }

    pub(super) fn list(
        &mut self,
        call: &Call<'_>,
        table: &'static str,
        related: Related,
    ) -> Outcome<Response> {
        let query = Query::parse(call.query)?;
        let preferences = Preferences::of(call.headers);
        let (page, total, next) = {
            let table = self.definition(table);
            body::check(table, &query)?;
            let rows = self.matching(table, &query, related)?;
            self.page(call, table, &query, preferences.page_size, rows)?
        };
        let definition = self.definition(table);
        let context = call.context(definition.set, query.select.as_deref(), false);
        let mut members = vec![("@odata.context".to_owned(), Json::text(context))];
        if query.count {
            let total = i64::try_from(total).unwrap_or(i64::MAX);
            members.push((
                "@odata.count".to_owned(),
                Json::Cell(Some(Cell::Whole(total))),
            ));
        }
        let rows = page.iter().filter_map(|id| self.rows.get(table, *id));
        let rows = rows.map(|row| {
            body::row(self, definition, row, &query, preferences.annotations).map(Json::Object)
        });
        let rows = rows.collect::<Outcome<_>>()?;
        members.push(("value".to_owned(), Json::List(rows)));
        if let Some(cursor) = next {
            let token = Uuid::new_v4().simple().to_string();
            members.push((
                "@odata.nextLink".to_owned(),
                Json::text(self.next_link(call, &cursor, &token)),
            ));
            self.cursors.insert(token, cursor);
        }
        if table == "lead"
            && let Some(id) = self.saved_between_pages.pop_front()
        {
            // One that was deleted in the meantime cannot be saved.
            let _ = self.edit_lead(id, &serde_json::json!({}), call.writer.now);
        }
        Ok(respond(StatusCode::OK, &Json::Object(members)))
    }

    pub(super) fn count(&self, call: &Call<'_>, table: &Table) -> Outcome<Response> {
        let query = Query::parse(call.query)?;
        let total = self.matching(table, &query, None)?.len().min(PAGE);
        Ok((StatusCode::OK, total.to_string()).into_response())
    }

    /// The rows that the filter admits, in order; equal ones by id.
    fn matching(
        &self,
        table: &Table,
        query: &Query,
        related: Related,
    ) -> Outcome<Vec<(Uuid, &Row)>> {
        for order in &query.order {
            column(table, &order.property)?;
        }
        let blank = Row {
            version: 0,
            cells: super::rows::Cells::new(),
        };
        if let Some(filter) = &query.filter {
            // Finds unknown properties in an empty table too.
            filter.matches(&OfTable(table, &blank))?;
        }
        let mut rows = Vec::new();
        for (id, row) in self.rows.of(table.logical) {
            let regarding =
                related.is_none_or(|(name, to)| row.get(name).and_then(Cell::id) == Some(to));
            let admitted = match &query.filter {
                Some(filter) => filter.matches(&OfTable(table, row))?,
                None => true,
            };
            if regarding && admitted {
                rows.push((id, row));
            }
        }
        rows.sort_by(|left, right| {
            let keys = (
                keys(table, left.1, &query.order),
                keys(table, right.1, &query.order),
            );
            precedence(&query.order, (&keys.0, left.0), (&keys.1, right.0))
        });
        Ok(rows)
    }

    /// The ids on the page, how many rows there are in all, and where the next page starts.
    fn page(
        &self,
        call: &Call<'_>,
        table: &Table,
        query: &Query,
        page_size: Option<usize>,
        rows: Vec<(Uuid, &Row)>,
    ) -> Outcome<(Vec<Uuid>, usize, Option<Cursor>)> {
        let total = rows.len();
        let after = match &query.token {
            None => None,
            Some(token) => Some(self.cursor(token, call)?),
        };
        let rows = rows.into_iter().filter(|(id, row)| {
            after.is_none_or(|cursor| {
                let keys = keys(table, row, &query.order);
                precedence(&query.order, (&keys, *id), (&cursor.keys, cursor.id)).is_gt()
            })
        });
        let rows: Vec<_> = rows.collect();
        // With a page size, $top is passed over.
        let size = match (page_size, query.top) {
            (None, Some(top)) => {
                let top = rows.into_iter().take(top).map(|(id, _)| id).collect();
                return Ok((top, total, None));
            }
            (size, _) => size.unwrap_or(PAGE).min(PAGE),
        };
        let next = (rows.len() > size).then(|| Cursor {
            query: without_token(call.query),
            keys: keys(table, rows[size - 1].1, &query.order),
            id: rows[size - 1].0,
        });
        let page = rows.into_iter().take(size).map(|(id, _)| id).collect();
        Ok((page, total, next))
    }

    fn next_link(&self, call: &Call<'_>, cursor: &Cursor, token: &str) -> String {
        let separator = if cursor.query.is_empty() { "" } else { "&" };
        let root = if self.switches.other_host_in_links {
            "https://contoso.api.crm.dynamics.invalid/api/data/v9.2/"
        } else {
            &call.root
        };
        let (path, query) = (call.path, &cursor.query);
        format!("{root}{path}?{query}{separator}$skiptoken={token}")
    }

    fn cursor(&self, token: &str, call: &Call<'_>) -> Outcome<&Cursor> {
        let cursor = self.cursors.get(token);
        cursor
            .filter(|cursor| cursor.query == without_token(call.query))
            .ok_or_else(|| {
                Refusal::bad_request(0x8004_0203, "Malformed paging token in the request.")
            })
    }
}

fn without_token(query: &str) -> String {
    let options = query.split('&').filter(|option| {
        !option.starts_with("$skiptoken=") && !option.starts_with("%24skiptoken=")
    });
    options.collect::<Vec<_>>().join("&")
}

fn column<'a>(table: &'a Table, property: &str) -> Outcome<&'a super::schema::Column> {
    table
        .property(property)
        .ok_or_else(|| body::unknown_property(table, property))
}

fn keys(table: &Table, row: &Row, order: &[Order]) -> Vec<Option<Cell>> {
    let columns = order.iter().map(|order| {
        let column = table.property(&order.property)?;
        row.get(column.name).cloned()
    });
    columns.collect()
}

/// Nulls come first in ascending order.
fn precedence(
    order: &[Order],
    left: (&[Option<Cell>], Uuid),
    right: (&[Option<Cell>], Uuid),
) -> Ordering {
    let terms = order.iter().zip(left.0.iter().zip(right.0));
    for (term, (left, right)) in terms {
        let ascending = match (left, right) {
            (Some(left), Some(right)) => left.order(right).unwrap_or(Ordering::Equal),
            (left, right) => left.is_some().cmp(&right.is_some()),
        };
        let directed = if term.descending {
            ascending.reverse()
        } else {
            ascending
        };
        if directed.is_ne() {
            return directed;
        }
    }
    left.1.cmp(&right.1)
}

/// A row as its table's properties.
struct OfTable<'a>(&'a Table, &'a Row);

impl Properties for OfTable<'_> {
    fn get(&self, property: &str) -> Outcome<Option<Cell>> {
        Ok(self.1.get(column(self.0, property)?.name).cloned())
    }
}
