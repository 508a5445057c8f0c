//! Customizing: publishers and solutions, new columns, publishing, the languages that labels are written in.

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::State;
use super::address::{KeyValue, Segment};
use super::body::Json;
use super::calls::{Call, respond};
use super::cell::Cell;
use super::metadata::metadata_id;
use super::refusal::{Outcome, Refusal};
use super::rows::{Cells, Changes};
use super::schema::custom::{self, invalid};

/// The publisher of what is created outside any solution.
const DEFAULT_PREFIX: (&str, i64) = ("new", 10_000);

impl State {
    /// `POST EntityDefinitions(LogicalName='lead')/Attributes`.
    pub(super) fn add_column(&mut self, call: &Call<'_>, table: &'static str) -> Outcome<Response> {
        self.need_named("prvCreateAttribute", call.writer.user)?;
        self.customizing("EntityCustomization")?;
        let definition: Map<String, Value> = serde_json::from_slice(call.body)
            .map_err(|_| Refusal::payload("the payload is no definition of a column"))?;
        self.check_languages(&Value::Object(definition.clone()))?;
        let solution = call.headers.get("mscrm.solutionuniquename");
        let solution = solution.and_then(|it| it.to_str().ok()).map(str::to_owned);
        let (prefix, option_prefix) = match &solution {
            Some(name) => self.prefixes(name)?,
            None => (DEFAULT_PREFIX.0.to_owned(), DEFAULT_PREFIX.1),
        };
        let column = custom::column(&definition, option_prefix, solution, call.writer.now)?;
        if !column.name.starts_with(&format!("{prefix}_")) {
            return Err(Refusal::bad_request(
                0x8004_4366,
                format!(
                    "The schema name of '{}' must start with a valid customization prefix.",
                    column.name
                ),
            ));
        }
        let id = metadata_id(&[table, column.name]);
        let table = self.schema.table_mut(table).expect("it was found");
        if table.column(column.name).is_some() {
            return Err(Refusal::bad_request(
                0x8004_7013,
                format!(
                    "An attribute with the schema name '{}' already exists in table '{}'.",
                    column.name, table.logical
                ),
            ));
        }
        table.columns.push(column);
        let url = format!(
            "{}EntityDefinitions(LogicalName='{}')/Attributes({id})",
            call.root, table.logical
        );
        let url = HeaderValue::from_str(&url).expect("names and ids are ASCII");
        let mut response = StatusCode::NO_CONTENT.into_response();
        response.headers_mut().insert(header::LOCATION, url.clone());
        response.headers_mut().insert("odata-entityid", url);
        Ok(response)
    }

    /// `POST PublishXml`.
    pub(super) fn publish(&mut self, call: &Call<'_>) -> Outcome<Response> {
        if call.method != Method::POST {
            return Err(Refusal::method_not_allowed(call.method.as_str()));
        }
        self.need_named("prvPublishCustomization", call.writer.user)?;
        self.customizing("PublishAll")?;
        let body: Value = serde_json::from_slice(call.body).unwrap_or_default();
        let xml = body["ParameterXml"].as_str().unwrap_or_default();
        if !(xml.starts_with("<importexportxml>") && xml.ends_with("</importexportxml>")) {
            return Err(invalid("ParameterXml is no importexportxml document"));
        }
        self.counters.published += 1;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    /// `GET RetrieveProvisionedLanguages()`.
    pub(super) fn languages(&self, call: &Call<'_>) -> Response {
        let name = "RetrieveProvisionedLanguages";
        let context = format!(
            "{}$metadata#Microsoft.Dynamics.CRM.{name}Response",
            call.root
        );
        let body = json!({"@odata.context": context, name: self.switches.languages});
        respond(StatusCode::OK, &Json::Plain(body))
    }

    /// Refuses what a publisher or a solution cannot be.
    pub(super) fn check_component(&self, table: &str, changes: &Changes) -> Outcome<()> {
        if !matches!(table, "publisher" | "solution") {
            return Ok(());
        }
        let value = |column| changes.get(column).and_then(Option::as_ref);
        let name = value("uniquename").ok_or_else(|| invalid("uniquename is missing"))?;
        let same = Cells::from([("uniquename", name.clone())]);
        if self.rows.find(table, &same).is_some() {
            return Err(Refusal::already_exists());
        }
        if table == "solution" {
            let complete = value("publisherid").is_some() && value("version").is_some();
            return if complete {
                Ok(())
            } else {
                Err(invalid("publisherid or version is missing"))
            };
        }
        let prefix = value("customizationprefix")
            .and_then(Cell::as_str)
            .unwrap_or_default();
        let letters = prefix.chars().all(|it| it.is_ascii_alphanumeric());
        let begins = prefix.starts_with(|it: char| it.is_ascii_alphabetic());
        if !(letters && begins && (2..=8).contains(&prefix.len())) || prefix.starts_with("mscrm") {
            return Err(invalid("customizationprefix is invalid"));
        }
        Ok(())
    }

    /// Another vendor's publisher, with the prefix of its names.
    pub fn seed_publisher(&mut self, unique_name: &str, prefix: &str) {
        let id = Uuid::new_v4();
        let cells = Cells::from([
            ("publisherid", Cell::Id(id)),
            ("uniquename", Cell::text(unique_name)),
            ("friendlyname", Cell::text(unique_name)),
            ("customizationprefix", Cell::text(prefix)),
        ]);
        self.rows.put("publisher", id, cells);
    }

    /// A column of several lines that somebody added to `lead` long ago.
    pub fn seed_memo_column(&mut self, schema_name: &str) {
        let definition = json!({
            "@odata.type": "Microsoft.Dynamics.CRM.MemoAttributeMetadata",
            "SchemaName": schema_name,
            "MaxLength": 2000,
        });
        let definition = definition.as_object().expect("it is written as an object");
        let column = custom::column(definition, DEFAULT_PREFIX.1, None, Timestamp::UNIX_EPOCH);
        let table = self.schema.table_mut("lead").expect("lead is defined");
        table
            .columns
            .push(column.expect("its definition is complete"));
    }

    /// Somebody removes the column `name` of `lead`, with what it holds. Publishes at once.
    pub fn remove_column(&mut self, name: &str) {
        let table = self.schema.table_mut("lead").expect("lead is defined");
        table.columns.retain(|column| column.name != name);
    }

    /// The columns that were added to `lead`: name, and the solution each was created in.
    pub fn added_columns(&self) -> Vec<(&'static str, Option<String>)> {
        let columns = &self.definition("lead").columns;
        columns
            .iter()
            .filter_map(|column| Some((column.name, column.custom.as_ref()?.solution.clone())))
            .collect()
    }

    /// The segments of a request that adds a column: the table it is added to.
    pub(super) fn is_new_column(
        &self,
        call: &Call<'_>,
        first: &Segment,
        rest: &[Segment],
    ) -> Outcome<Option<&'static str>> {
        let (Some(KeyValue::Columns(_) | KeyValue::Id(_)), [part]) = (&first.key, rest) else {
            return Ok(None);
        };
        if call.method != Method::POST || part.name != "Attributes" || part.key.is_some() {
            return Ok(None);
        }
        let key = first.key.as_ref().expect("it was just there");
        Ok(Some(self.described(key)?.logical))
    }

    /// The customization prefix and the option prefix of a solution's publisher.
    fn prefixes(&self, solution: &str) -> Outcome<(String, i64)> {
        let named = Cells::from([("uniquename", Cell::text(solution))]);
        let publisher = self
            .rows
            .find("solution", &named)
            .and_then(|id| self.rows.get("solution", id)?.get("publisherid")?.id())
            .and_then(|id: Uuid| self.rows.get("publisher", id))
            .ok_or_else(|| Refusal::no_row("solution", solution))?;
        let prefix = publisher.get("customizationprefix").and_then(Cell::as_str);
        let number = publisher.get("customizationoptionvalueprefix");
        Ok((
            prefix.unwrap_or_default().to_owned(),
            number.and_then(Cell::whole).unwrap_or(DEFAULT_PREFIX.1),
        ))
    }

    /// One customization at a time: 429 while somebody else's runs.
    fn customizing(&mut self, what: &str) -> Outcome<()> {
        if self.switches.customizations_running == 0 {
            return Ok(());
        }
        self.switches.customizations_running -= 1;
        let message = format!(
            "Cannot start another [{what}] because there is a previous [Import] running at this moment. Use Solution \
             History for more details."
        );
        Err(Refusal {
            status: StatusCode::TOO_MANY_REQUESTS,
            ..Refusal::bad_request(0x8007_1151, message)
        })
    }

    /// Every label is in a language that is enabled here.
    fn check_languages(&self, value: &Value) -> Outcome<()> {
        match value {
            Value::Object(members) => {
                if let Some(code) = members.get("LanguageCode").and_then(Value::as_i64)
                    && !self.switches.languages.contains(&code)
                {
                    return Err(invalid(format!("The language code {code} is not enabled.")));
                }
                members.values().try_for_each(|it| self.check_languages(it))
            }
            Value::Array(items) => items.iter().try_for_each(|it| self.check_languages(it)),
            _ => Ok(()),
        }
    }
}
