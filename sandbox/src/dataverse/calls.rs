//! From an HTTP request to the operation it names.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::State;
use super::address::{self, KeyValue, Segment};
use super::body::Json;
use super::cell::Cell;
use super::organisation::{BUSINESS_UNIT_ID, ORGANIZATION_ID};
use super::privileges;
use super::refusal::{Outcome, Refusal};
use super::write::Writer;
use crate::world::{Service, SharedWorld};

const ROOT: &str = "api/data/v9.2/";

/// One request, taken apart.
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    /// The absolute URL of the service root, with a trailing slash.
    pub(super) root: String,
    /// The path below the root, as sent.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) writer: Writer,
    /// The applications and managed identities of the tenant.
    pub(super) applications: BTreeSet<Uuid>,
}

impl Call<'_> {
    /// The value of `@odata.context`: `…$metadata#leads(subject,leadid)/$entity`.
    pub(super) fn context(&self, set: &str, select: Option<&[String]>, single: bool) -> String {
        let columns = select.map_or(String::new(), |names| format!("({})", names.join(",")));
        let entity = if single { "/$entity" } else { "" };
        format!("{}$metadata#{set}{columns}{entity}", self.root)
    }
}

/// The Web API of the organisation.
pub(super) fn router(world: SharedWorld) -> Router {
    Router::new().fallback(answer).with_state(world)
}

async fn answer(
    extract::State(world): extract::State<SharedWorld>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let base = world.url(Service::Dataverse).clone();
    let claims = match world.authorize(&headers, base.as_str()) {
        Ok(claims) => claims,
        Err(refused) => return refused.into_response(),
    };
    let admitted = {
        let mut state = world.dataverse.lock();
        let limits = state.switches.limits;
        let admitted = state.traffic.admit(&claims.oid, limits, world.clock.now());
        admitted
            .map(|()| state.switches.execution_milliseconds)
            .map_err(|refusal| {
                state.counters.throttled += 1;
                refusal.into_response(state.switches.code_spelling)
            })
    };
    match admitted {
        Ok(0) => {}
        Ok(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
        Err(response) => return response,
    }
    let mut applications = world.identity.lock().applications();
    applications.extend(world.entra.lock().applications());
    let writer = Writer {
        user: world.dataverse.lock().user_of(&claims.appid),
        now: world.clock.now(),
    };
    let call = Call {
        method: &method,
        root: format!("{base}{ROOT}"),
        path: uri
            .path()
            .trim_start_matches('/')
            .strip_prefix(ROOT)
            .unwrap_or_default(),
        query: uri.query().unwrap_or_default(),
        headers: &headers,
        body: &body,
        writer,
        applications,
    };
    let world = Arc::clone(&world);
    let mut state = world.dataverse.lock();
    let response = state.handle(&call);
    state.traffic.finish(&claims.oid);
    response.unwrap_or_else(|refusal| refusal.into_response(state.switches.code_spelling))
}

impl State {
    fn handle(&mut self, call: &Call<'_>) -> Outcome<Response> {
        self.counters.requests += 1;
        if self.switches.unknown_application {
            return Err(Refusal::no_application_user());
        }
        let segments = address::segments(call.path)?;
        let (first, rest) = segments.split_first().expect("a split has a first part");
        match first.name.as_str() {
            "WhoAmI" if rest.is_empty() => who_am_i(call),
            "EntityDefinitions" => match self.is_new_column(call, first, rest)? {
                Some(table) => self.add_column(call, table),
                None => self.describe(call, first, rest),
            },
            "PublishXml" if rest.is_empty() => self.publish(call),
            "RetrieveProvisionedLanguages" if rest.is_empty() => Ok(self.languages(call)),
            "RetrieveRolePrivilegesRole" if rest.is_empty() => {
                self.role_privileges(call, first.key.as_ref())
            }
            _ => self.on_table(call, first, rest),
        }
    }

    fn on_table(&mut self, call: &Call<'_>, set: &Segment, rest: &[Segment]) -> Outcome<Response> {
        let table = self
            .schema
            .by_set(&set.name)
            .filter(|table| self.switches.sales || !is_of_sales(table.logical))
            .ok_or_else(|| Refusal::unknown_segment(&set.name))?;
        let logical = table.logical;
        match (&set.key, rest) {
            (None, []) => self.on_set(call, logical),
            (None, [count]) if count.name == "$count" && call.method == Method::GET => {
                self.need("Read", logical, call.writer.user)?;
                self.count(call, self.definition(logical))
            }
            (Some(key), []) => self.on_row(call, logical, key),
            (Some(key), [part]) => self.on_part(call, logical, key, part),
            (Some(key), [part, reference])
                if reference.name == "$ref" && call.method == Method::DELETE =>
            {
                let id = self.existing(logical, key)?;
                self.delete_property(call, logical, id, &part.name, true)
            }
            (Some(key), [part, reference])
                if reference.name == "$ref"
                    && part.name == "systemuserroles_association"
                    && call.method == Method::POST
                    && logical == "systemuser" =>
            {
                let id = self.existing(logical, key)?;
                self.assign_role(call, id)
            }
            _ => Err(Refusal::unknown_segment(&rest.last().unwrap_or(set).name)),
        }
    }

    fn on_set(&mut self, call: &Call<'_>, table: &'static str) -> Outcome<Response> {
        match *call.method {
            Method::GET => {
                self.need("Read", table, call.writer.user)?;
                self.list(call, table, None)
            }
            Method::POST => self.post(call, table),
            _ => Err(Refusal::method_not_allowed(call.method.as_str())),
        }
    }

    fn on_row(
        &mut self,
        call: &Call<'_>,
        table: &'static str,
        key: &KeyValue,
    ) -> Outcome<Response> {
        match *call.method {
            Method::GET => {
                self.need("Read", table, call.writer.user)?;
                let id = self.existing(table, key)?;
                self.read_row(call, self.definition(table), id)
            }
            Method::PATCH => self.patch(call, table, key),
            Method::DELETE => {
                self.need("Delete", table, call.writer.user)?;
                self.delete(call, table, key)
            }
            _ => Err(Refusal::method_not_allowed(call.method.as_str())),
        }
    }

    /// A property of a row, the notes on it, or an action bound to it.
    fn on_part(
        &mut self,
        call: &Call<'_>,
        table: &'static str,
        key: &KeyValue,
        part: &Segment,
    ) -> Outcome<Response> {
        let id = self.existing(table, key)?;
        match (call.method.as_str(), part.name.as_str()) {
            ("POST", "Microsoft.Dynamics.CRM.QualifyLead") if table == "lead" => {
                self.qualify(call, id)
            }
            ("POST", "Microsoft.Dynamics.CRM.AddPrivilegesRole") if table == "role" => {
                self.add_privileges(call, id)
            }
            ("GET", "systemuserroles_association") if table == "systemuser" => {
                self.roles_of(call, id)
            }
            ("GET", "Lead_Annotation") if table == "lead" => {
                self.need("Read", "annotation", call.writer.user)?;
                self.list(call, "annotation", Some(("objectid", id)))
            }
            ("GET", privileges::BY_NAMES) if table == "systemuser" => {
                self.privileges_by_names(call, id, part)
            }
            ("GET", property) => {
                self.need("Read", table, call.writer.user)?;
                self.read_property(call, self.definition(table), id, property)
            }
            ("PUT", property) => self.put_property(call, table, id, property),
            ("DELETE", property) => self.delete_property(call, table, id, property, false),
            (method, _) => Err(Refusal::method_not_allowed(method)),
        }
    }
}

/// Tables that an environment without Dynamics 365 Sales does not have.
pub(super) fn is_of_sales(table: &str) -> bool {
    matches!(table, "lead" | "opportunity" | "campaign")
}

fn who_am_i(call: &Call<'_>) -> Outcome<Response> {
    if call.method != Method::GET {
        return Err(Refusal::method_not_allowed(call.method.as_str()));
    }
    let context = format!(
        "{}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
        call.root
    );
    let ids = [
        ("BusinessUnitId", BUSINESS_UNIT_ID),
        ("UserId", call.writer.user),
        ("OrganizationId", ORGANIZATION_ID),
    ];
    let mut members = vec![("@odata.context".to_owned(), Json::text(context))];
    members.extend(ids.map(|(name, id)| (name.to_owned(), Json::Cell(Some(Cell::Id(id))))));
    Ok(respond(StatusCode::OK, &Json::Object(members)))
}

/// An answer with a JSON body.
pub(super) fn respond(status: StatusCode, body: &Json) -> Response {
    let text = serde_json::to_string(body).expect("cells print as JSON");
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; odata.metadata=minimal"),
    );
    headers.insert("odata-version", HeaderValue::from_static("4.0"));
    response
}
