//! Security: privileges, the roles that grant them, and the users that have the roles.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::State;
use super::address::{self, KeyValue};
use super::body::Json;
use super::calls::{Call, respond};
use super::cell::Cell;
use super::organisation::{
    APPLICATION_USER_ID, BUSINESS_UNIT_ID, ORGANIZATION_ID, SYSTEM_ADMINISTRATOR_ID,
};
use super::refusal::{Outcome, Refusal};
use super::rows::{Cells, Changes, Rows};
use super::schema::Table;
use super::schema::custom::invalid;

/// What can be done to a row, as privileges are called.
const RIGHTS: [&str; 8] = [
    "Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign", "Share",
];

/// Privileges that belong to no table here: customizing, and reading definitions.
pub(super) const OTHERS: [&str; 8] = [
    "prvCreateAttribute",
    "prvPublishCustomization",
    "prvReadEntity",
    "prvReadAttribute",
    "prvReadOptionSet",
    "prvReadRelationship",
    "prvCreateEntity",
    "prvActOnBehalfOfAnotherUser",
];

/// How far a privilege reaches, from a user's own rows to everybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
pub(super) enum Depth {
    Basic,
    Local,
    Deep,
    Global,
}

/// Who may do what. The role System Administrator may do everything.
#[derive(Clone, Debug)]
pub(super) struct Security {
    /// Role, privilege, depth.
    grants: BTreeMap<Uuid, BTreeMap<Uuid, Depth>>,
    /// User, role.
    members: BTreeSet<(Uuid, Uuid)>,
}

impl Default for Security {
    fn default() -> Self {
        Self {
            grants: BTreeMap::new(),
            members: [(APPLICATION_USER_ID, SYSTEM_ADMINISTRATOR_ID)].into(),
        }
    }
}

/// The noun in the names of a table's privileges, which is not always its schema name.
fn noun(table: &Table) -> &'static str {
    match table.logical {
        "annotation" => "Note",
        "systemuser" => "User",
        _ => table.schema_name,
    }
}

pub(super) fn privilege_id(name: &str) -> Uuid {
    Uuid::new_v5(&ORGANIZATION_ID, name.as_bytes())
}

/// The names of the privileges for the rows of `table`.
pub(super) fn privilege_names(table: &Table) -> [String; RIGHTS.len()] {
    RIGHTS.map(|right| format!("prv{right}{}", noun(table)))
}

/// The rows of `privilege` that these tables need.
pub(super) fn fill<'a>(rows: &mut Rows, tables: impl Iterator<Item = &'a Table>) {
    let of_tables = tables.flat_map(privilege_names);
    for name in of_tables.chain(OTHERS.map(str::to_owned)) {
        let id = privilege_id(&name);
        let cells = Cells::from([("privilegeid", Cell::Id(id)), ("name", Cell::Text(name))]);
        rows.put("privilege", id, cells);
    }
}

/// `Privileges` of a table's definition.
pub(super) fn of_table(table: &Table) -> Value {
    let owned = table.column("ownerid").is_some();
    let privileges = RIGHTS.map(|right| {
        let name = format!("prv{right}{}", noun(table));
        json!({
            "CanBeBasic": owned, "CanBeLocal": owned, "CanBeDeep": owned, "CanBeGlobal": true,
            "CanBeEntityReference": false, "CanBeParentEntityReference": false,
            "PrivilegeId": privilege_id(&name), "Name": name, "PrivilegeType": right,
        })
    });
    privileges.to_vec().into()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Privileges {
    privileges: Vec<Granted>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Granted {
    privilege_id: Uuid,
    depth: Depth,
}

impl State {
    /// Refuses when the user's roles lack `prv{right}{Table}`.
    pub(super) fn need(&self, right: &str, table: &str, user: Uuid) -> Outcome<()> {
        let privilege = format!("prv{right}{}", noun(self.definition(table)));
        if self.may(&privilege, user) {
            return Ok(());
        }
        Err(Refusal::missing_privilege(user, &privilege, table))
    }

    /// Refuses when the user's roles lack a privilege of no table.
    pub(super) fn need_named(&self, privilege: &str, user: Uuid) -> Outcome<()> {
        if self.may(privilege, user) {
            return Ok(());
        }
        Err(Refusal::missing_privilege(user, privilege, "none"))
    }

    /// What binding lookups takes: append here, append to there.
    pub(super) fn need_to_bind(&self, table: &str, changes: &Changes, user: Uuid) -> Outcome<()> {
        for (column, cell) in changes {
            if let Some(Cell::Row(target, _)) = cell
                && *column != "ownerid"
            {
                self.need("Append", table, user)?;
                self.need("AppendTo", target, user)?;
            }
        }
        Ok(())
    }

    fn may(&self, privilege: &str, user: Uuid) -> bool {
        self.reach(privilege, user).is_some()
    }

    /// How far the user's roles let it use a privilege; `None` if they do not.
    pub(super) fn reach(&self, privilege: &str, user: Uuid) -> Option<Depth> {
        if self.switches.missing_privileges.contains(privilege) {
            return None;
        }
        let id = privilege_id(privilege);
        let roles = self.roles(user);
        if roles.contains(&SYSTEM_ADMINISTRATOR_ID) {
            return Some(Depth::Global);
        }
        let granted = |role: &Uuid| self.security.grants.get(role)?.get(&id).copied();
        roles.iter().filter_map(granted).max()
    }

    fn roles(&self, user: Uuid) -> BTreeSet<Uuid> {
        let members = self.security.members.iter();
        members
            .filter(|(member, _)| *member == user)
            .map(|(_, role)| *role)
            .collect()
    }

    /// The user an application signs in as: the one with its id, else the one every organisation here starts with.
    pub(super) fn user_of(&self, application: &str) -> Uuid {
        let id = Uuid::try_parse(application).unwrap_or_default();
        let named = Cells::from([("applicationid", Cell::Id(id))]);
        let user = self.rows.find("systemuser", &named);
        user.unwrap_or(APPLICATION_USER_ID)
    }

    /// `POST roles(id)/Microsoft.Dynamics.CRM.AddPrivilegesRole`.
    pub(super) fn add_privileges(&mut self, call: &Call<'_>, role: Uuid) -> Outcome<Response> {
        self.need("Write", "role", call.writer.user)?;
        let asked: Privileges = serde_json::from_slice(call.body)
            .map_err(|_| Refusal::payload("Privileges are PrivilegeId and Depth each"))?;
        for granted in &asked.privileges {
            if self.rows.get("privilege", granted.privilege_id).is_none() {
                return Err(Refusal::no_row("privilege", granted.privilege_id));
            }
        }
        let grants = self.security.grants.entry(role).or_default();
        grants.extend(
            asked
                .privileges
                .into_iter()
                .map(|it| (it.privilege_id, it.depth)),
        );
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    /// `GET RetrieveRolePrivilegesRole(RoleId=guid)`.
    pub(super) fn role_privileges(
        &self,
        call: &Call<'_>,
        key: Option<&KeyValue>,
    ) -> Outcome<Response> {
        self.need("Read", "role", call.writer.user)?;
        let role = match key {
            Some(KeyValue::Columns(named)) => named
                .iter()
                .find(|(name, _)| name == "RoleId")
                .and_then(|(_, id)| Uuid::try_parse(id).ok()),
            _ => None,
        };
        let role = role.ok_or_else(|| invalid("RoleId is missing"))?;
        if self.rows.get("role", role).is_none() {
            return Err(Refusal::no_row("role", role));
        }
        let grants = self.security.grants.get(&role);
        let privileges = grants.into_iter().flatten().map(|(id, depth)| {
            json!({"Depth": depth, "PrivilegeId": id, "BusinessUnitId": BUSINESS_UNIT_ID})
        });
        let privileges: Vec<Value> = privileges.collect();
        let context = format!(
            "{}$metadata#Microsoft.Dynamics.CRM.RetrieveRolePrivilegesRoleResponse",
            call.root
        );
        let body = json!({"@odata.context": context, "RolePrivileges": privileges});
        Ok(respond(StatusCode::OK, &Json::Plain(body)))
    }

    /// `POST systemusers(id)/systemuserroles_association/$ref`.
    pub(super) fn assign_role(&mut self, call: &Call<'_>, user: Uuid) -> Outcome<Response> {
        self.need("Assign", "role", call.writer.user)?;
        let body: Value = serde_json::from_slice(call.body).unwrap_or_default();
        let reference = body["@odata.id"].as_str().unwrap_or_default();
        let role = match address::reference(reference)?.key {
            Some(KeyValue::Id(role)) if self.rows.get("role", role).is_some() => role,
            _ => return Err(Refusal::payload("@odata.id names no role")),
        };
        self.security.members.insert((user, role));
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    /// `GET systemusers(id)/systemuserroles_association`.
    pub(super) fn roles_of(&self, call: &Call<'_>, user: Uuid) -> Outcome<Response> {
        self.need("Read", "role", call.writer.user)?;
        let roles = self.roles(user).into_iter().filter_map(|id| {
            let row = self.rows.get("role", id)?;
            Some(json!({"roleid": id, "name": row.get("name").and_then(Cell::as_str)}))
        });
        let roles: Vec<Value> = roles.collect();
        let context = format!("{}$metadata#roles(roleid,name)", call.root);
        let body = json!({"@odata.context": context, "value": roles});
        Ok(respond(StatusCode::OK, &Json::Plain(body)))
    }

    /// Refuses a user for an application that the tenant does not have, or that has one already; else names the user.
    pub(super) fn check_user(
        &self,
        call: &Call<'_>,
        table: &str,
        changes: &mut Changes,
    ) -> Outcome<()> {
        let Some(Some(Cell::Id(application))) = changes.get("applicationid") else {
            return Ok(());
        };
        if table != "systemuser" {
            return Ok(());
        }
        let same = Cells::from([("applicationid", Cell::Id(*application))]);
        if self.rows.find("systemuser", &same).is_some() {
            return Err(Refusal::already_exists());
        }
        if !call.applications.contains(application) {
            return Err(invalid(format!(
                "The application {application} was not found in the tenant's directory."
            )));
        }
        if changes.get("businessunitid").is_none_or(Option::is_none) {
            return Err(invalid("businessunitid is missing"));
        }
        let name = format!("# {application}");
        changes.insert("fullname", Some(Cell::Text(name)));
        Ok(())
    }

    /// The user that organisations here start with is no System Administrator any more.
    pub fn demote(&mut self) {
        let membership = (APPLICATION_USER_ID, SYSTEM_ADMINISTRATOR_ID);
        self.security.members.remove(&membership);
    }
}
