//! Table and column definitions: `EntityDefinitions`, `Attributes`, `Keys`.

mod attributes;

use axum::http::{Method, StatusCode};
use axum::response::Response;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::State;
use super::address::{KeyValue, Segment};
use super::body::Json;
use super::calls::{Call, is_of_sales, respond};
use super::cell::Cell;
use super::filter::Properties;
use super::query::{Expand, Query};
use super::refusal::{Outcome, Refusal};
use super::schema::custom::Custom;
use super::schema::{Column, Table};
use super::security;

/// A definition: its properties by name.
type Definition = Map<String, Value>;

impl State {
    /// Answers what lies at and below `EntityDefinitions`.
    pub(super) fn describe(
        &self,
        call: &Call<'_>,
        first: &Segment,
        rest: &[Segment],
    ) -> Outcome<Response> {
        if call.method != Method::GET {
            return Err(Refusal::method_not_allowed(call.method.as_str()));
        }
        for privilege in ["prvReadEntity", "prvReadAttribute"] {
            self.need_named(privilege, call.writer.user)?;
        }
        let query = Query::parse(call.query)?;
        let Some(key) = &first.key else {
            let tables = self.visible().map(entity);
            return many(call, "EntityDefinitions", tables.collect(), &query);
        };
        let table = self.described(key)?;
        let context = format!("EntityDefinitions('{}')", table.logical);
        match rest {
            [] => one(call, "EntityDefinitions", entity(table), &query),
            [part] if part.name == "Keys" => {
                let keys = table.keys.iter().map(|key| {
                    definition(json!({
                        "MetadataId": metadata_id(&["key", table.logical, &key.schema_name]),
                        "SchemaName": key.schema_name,
                        "LogicalName": key.schema_name.to_lowercase(),
                        "EntityLogicalName": table.logical,
                        "KeyAttributes": key.columns,
                        "EntityKeyIndexStatus": "Active",
                    }))
                });
                many(call, &format!("{context}/Keys"), keys.collect(), &query)
            }
            [part, cast @ ..] if part.name == "Attributes" => {
                let known = |column: &Column| self.is_known(call, column);
                attributes::answer(call, table, &known, part.key.as_ref(), cast, &query)
            }
            [other, ..] => Err(Refusal::unknown_segment(&other.name)),
        }
    }

    /// Whether a read like `call` knows of a column yet.
    fn is_known(&self, call: &Call<'_>, column: &Column) -> bool {
        let strong = call.headers.get("consistency");
        let strong = strong.is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"strong"));
        let cached = SignedDuration::from_secs(self.switches.metadata_cache_seconds.into());
        let age = |added: &Custom| call.writer.now.duration_since(added.created);
        let added = column.custom.as_deref();
        strong || added.is_none_or(|added| age(added) >= cached)
    }

    fn visible(&self) -> impl Iterator<Item = &Table> {
        let sales = self.switches.sales;
        self.schema
            .tables()
            .filter(move |table| sales || !is_of_sales(table.logical))
    }

    /// The table that `(LogicalName='lead')` or `(metadata id)` names.
    pub(super) fn described(&self, key: &KeyValue) -> Outcome<&Table> {
        let wanted = |table: &&Table| match key {
            KeyValue::Id(id) => metadata_id(&[table.logical]) == id.to_string(),
            KeyValue::Columns(columns) => {
                matches!(columns.as_slice(), [(name, value)] if name == "LogicalName" && value == table.logical)
            }
        };
        self.visible().find(wanted).ok_or_else(|| Refusal {
            status: StatusCode::NOT_FOUND,
            ..Refusal::bad_request(
                0x8006_0888,
                "Could not find an entity with the specified name or id in the MetadataCache.",
            )
        })
    }
}

fn entity(table: &Table) -> Definition {
    let owned = table.column("ownerid").is_some();
    definition(json!({
        "MetadataId": metadata_id(&[table.logical]),
        "LogicalName": table.logical,
        "SchemaName": table.schema_name,
        "EntitySetName": table.set,
        "LogicalCollectionName": table.set,
        "PrimaryIdAttribute": table.id,
        "PrimaryNameAttribute": table.name,
        "ObjectTypeCode": table.object_type,
        "OwnershipType": if owned { "UserOwned" } else { "OrganizationOwned" },
        "IsCustomEntity": false,
        "IsOptimisticConcurrencyEnabled": true,
        "ChangeTrackingEnabled": true,
        "CanChangeTrackingBeEnabled": {"Value": true, "CanBeChanged": false},
        "HasStateCode": table.has_state(),
        "Privileges": security::of_table(table),
    }))
}

/// A stable id for the definition with this path of names.
pub(super) fn metadata_id(path: &[&str]) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, path.join("/").as_bytes()).to_string()
}

fn definition(value: Value) -> Definition {
    match value {
        Value::Object(members) => members,
        _ => unreachable!("definitions are written as objects"),
    }
}

/// One definition as an answer.
fn one(call: &Call<'_>, context: &str, found: Definition, query: &Query) -> Outcome<Response> {
    let mut body = Map::new();
    let context = format!("{}$metadata#{context}/$entity", call.root);
    body.insert("@odata.context".to_owned(), context.into());
    body.extend(shaped(found, query)?);
    Ok(respond(StatusCode::OK, &Json::Plain(body.into())))
}

/// The definitions that `$filter` admits, as an answer.
fn many(
    call: &Call<'_>,
    context: &str,
    found: Vec<Definition>,
    query: &Query,
) -> Outcome<Response> {
    let mut values = Vec::new();
    for item in found {
        let admitted = match &query.filter {
            Some(filter) => filter.matches(&Described(&item))?,
            None => true,
        };
        if admitted {
            values.push(Value::Object(shaped(item, query)?));
        }
    }
    let context = format!("{}$metadata#{context}", call.root);
    let body = json!({"@odata.context": context, "value": values});
    Ok(respond(StatusCode::OK, &Json::Plain(body)))
}

/// Keeps what `$select` names, the id in any case, and adds what `$expand` names.
fn shaped(mut found: Definition, query: &Query) -> Outcome<Definition> {
    let mut expanded = Definition::new();
    for name in ["OptionSet", "GlobalOptionSet"] {
        let value = found.remove(name);
        if let Some(expand) = query.expand.iter().find(|expand| expand.name == name) {
            expanded.insert(
                name.to_owned(),
                narrowed(value.unwrap_or(Value::Null), expand),
            );
        }
    }
    if let Some(unknown) = query
        .expand
        .iter()
        .find(|it| !expanded.contains_key(&it.name))
    {
        return Err(unknown_property(&unknown.name));
    }
    if let Some(names) = &query.select {
        if let Some(unknown) = names.iter().find(|name| !found.contains_key(*name)) {
            return Err(unknown_property(unknown));
        }
        found.retain(|name, _| {
            name.starts_with('@') || name == "MetadataId" || names.contains(name)
        });
    }
    found.extend(expanded);
    Ok(found)
}

fn narrowed(mut value: Value, expand: &Expand) -> Value {
    if let (Some(members), Some(names)) = (value.as_object_mut(), &expand.select) {
        members.retain(|name, _| name == "MetadataId" || names.contains(name));
    }
    value
}

fn unknown_property(name: &str) -> Refusal {
    Refusal::query(format!(
        "Could not find a property named '{name}' on this metadata type."
    ))
}

/// A definition as `$filter` sees it.
struct Described<'a>(&'a Definition);

impl Properties for Described<'_> {
    fn get(&self, property: &str) -> Outcome<Option<Cell>> {
        let value = self
            .0
            .get(property)
            .ok_or_else(|| unknown_property(property))?;
        Ok(match value {
            Value::String(text) => Some(match Uuid::try_parse(text) {
                Ok(id) => Cell::Id(id),
                Err(_) => Cell::text(text),
            }),
            Value::Bool(flag) => Some(Cell::Flag(*flag)),
            Value::Number(number) => number.as_i64().map(Cell::Whole),
            _ => None,
        })
    }
}
