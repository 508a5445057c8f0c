//! What the application user's security roles allow, and how it asks for that.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use super::State;
use super::address::{KeyValue, Segment};
use super::body::Json;
use super::calls::{Call, is_of_sales, respond};
use super::cell::Cell;
use super::organisation::BUSINESS_UNIT_ID;
use super::refusal::{Outcome, Refusal};
use super::security::{Depth, OTHERS, privilege_id, privilege_names};

/// The function bound to a user that tells which of the named privileges the user holds, by its roles and its teams' roles.
pub(super) const BY_NAMES: &str = "Microsoft.Dynamics.CRM.RetrieveUserSetOfPrivilegesByNames";

impl State {
    /// Those of the named privileges that `user` holds. A name that is none is not held.
    pub(super) fn privileges_by_names(
        &self,
        call: &Call<'_>,
        user: Uuid,
        part: &Segment,
    ) -> Outcome<Response> {
        let tables = self.schema.tables();
        let tables = tables.filter(|table| self.switches.sales || !is_of_sales(table.logical));
        let of_tables = tables.flat_map(privilege_names);
        let known: BTreeSet<String> = of_tables.chain(OTHERS.map(str::to_owned)).collect();
        let names = names(call, part)?;
        let held = names.iter().filter(|name| known.contains(*name));
        let held = held.filter_map(|name| {
            let own = self.switches.own_rows_only.contains(name);
            let depth = self.reach(name, user)?;
            Some(role_privilege(name, if own { Depth::Basic } else { depth }))
        });
        let context = format!("{}$metadata#{BY_NAMES}Response", call.root);
        let members = vec![
            ("@odata.context".to_owned(), Json::text(context)),
            ("RolePrivileges".to_owned(), Json::List(held.collect())),
        ];
        Ok(respond(StatusCode::OK, &Json::Object(members)))
    }
}

fn role_privilege(name: &str, depth: Depth) -> Json {
    let id = |id| Json::Cell(Some(Cell::Id(id)));
    let members = [
        ("Depth", Json::text(format!("{depth:?}"))),
        ("PrivilegeId", id(privilege_id(name))),
        ("BusinessUnitId", id(BUSINESS_UNIT_ID)),
        ("PrivilegeName", Json::text(name)),
        ("RecordFilterId", id(Uuid::nil())),
        ("RecordFilterUniqueName", Json::text("")),
    ];
    Json::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
}

/// The names in the query's alias that the function's parameter points to.
fn names(call: &Call<'_>, part: &Segment) -> Outcome<Vec<String>> {
    let bad = || Refusal::query("Bad Request - Error in query syntax.".to_owned());
    let Some(KeyValue::Columns(parameters)) = &part.key else {
        return Err(bad());
    };
    let alias = parameters
        .iter()
        .find(|(name, _)| name == "PrivilegeNames")
        .map(|(_, alias)| alias)
        .ok_or_else(bad)?;
    let mut pairs = url::form_urlencoded::parse(call.query.as_bytes());
    let (_, list) = pairs.find(|(name, _)| name == alias).ok_or_else(bad)?;
    serde_json::from_str(&list).map_err(|_| bad())
}
