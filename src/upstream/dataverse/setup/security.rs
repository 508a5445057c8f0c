//! Privileges, roles, and the users of applications.

use uuid::Uuid;

use super::super::wire::Rows;
use super::super::wire::setup as wire;
use super::{Setup, SetupError};
use crate::failure::{Classify, Disposition};
use crate::provision::rights::{Grant, Need};

/// An application's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplicationUser {
    /// Its row of `systemuser`.
    pub id: Uuid,
    /// Whether it may not sign in.
    pub disabled: bool,
}

impl Setup {
    /// The privileges that `needs` speak of, as far as the environment knows them.
    pub async fn privileges(&self, needs: &[Need]) -> Result<Vec<Grant>, SetupError> {
        let names: Vec<String> = needs
            .iter()
            .map(|it| format!("name eq '{}'", it.name))
            .collect();
        let path = format!(
            "privileges?$select=privilegeid,name&$filter={}",
            names.join(" or ")
        );
        let rows: Rows<wire::Privilege> = self.read("reading privileges", &path).await?;
        let grant = |need: &Need| {
            let mut rows = rows.value.iter();
            let row = rows.find(|row| row.name.eq_ignore_ascii_case(need.name))?;
            Some(Grant {
                privilege: row.privilegeid,
                name: row.name.clone(),
                depth: need.depth,
            })
        };
        Ok(needs.iter().filter_map(grant).collect())
    }

    /// The security role `name` of the root business unit.
    pub async fn role(&self, name: &str) -> Result<Option<Uuid>, SetupError> {
        let unit = self.root_unit().await?;
        let path = format!(
            "roles?$select=roleid&$filter=name eq '{name}' and _businessunitid_value eq {unit}"
        );
        let rows: Rows<wire::Role> = self.read("looking for the security role", &path).await?;
        Ok(rows.value.first().map(|it| it.roleid))
    }

    /// Creates the security role `name` in the root business unit.
    pub async fn add_role(&self, name: &str) -> Result<(), SetupError> {
        if self.role(name).await?.is_none() {
            let body = wire::role(name, self.root_unit().await?);
            self.post("creating the security role", "roles", body)
                .await?;
        }
        Ok(())
    }

    /// What a role grants.
    pub async fn granted(&self, role: Uuid) -> Result<Vec<Grant>, SetupError> {
        let path = format!("RetrieveRolePrivilegesRole(RoleId={role})");
        let granted: wire::Granted = self.read("reading what the role grants", &path).await?;
        Ok(granted.into())
    }

    /// Lets a role grant this too.
    pub async fn grant(&self, role: Uuid, grants: &[Grant]) -> Result<(), SetupError> {
        let doing = "granting privileges to the role";
        let path = format!("roles({role})/Microsoft.Dynamics.CRM.AddPrivilegesRole");
        self.post(doing, &path, wire::grants(grants))
            .await
            .map(drop)
    }

    /// The user of an application.
    pub async fn user(&self, application: Uuid) -> Result<Option<ApplicationUser>, SetupError> {
        let path = format!(
            "systemusers?$select=systemuserid,isdisabled&$filter=applicationid eq {application}"
        );
        let rows: Rows<wire::User> = self.read("looking for the application user", &path).await?;
        Ok(rows.value.first().map(|it| ApplicationUser {
            id: it.systemuserid,
            disabled: it.isdisabled.unwrap_or_default(),
        }))
    }

    /// Adds a user for an application, in the root business unit.
    pub async fn add_user(&self, application: Uuid) -> Result<(), SetupError> {
        if self.user(application).await?.is_some() {
            return Ok(());
        }
        let body = wire::user(application, self.root_unit().await?);
        let added = self
            .post("adding the application user", "systemusers", body)
            .await;
        match added {
            // Which code an unknown application gets is nowhere documented; the rest of the request is known to be good.
            Err(SetupError::Failed { source, .. })
                if source.disposition() == Disposition::Permanent =>
            {
                Err(SetupError::Application {
                    application,
                    source,
                })
            }
            other => other.map(drop),
        }
    }

    /// The roles of a user.
    pub async fn roles_of(&self, user: Uuid) -> Result<Vec<Uuid>, SetupError> {
        let path = format!("systemusers({user})/systemuserroles_association?$select=roleid");
        let doing = "reading the roles of the application user";
        let rows: Rows<wire::Role> = self.read(doing, &path).await?;
        Ok(rows.value.into_iter().map(|it| it.roleid).collect())
    }

    /// Gives a user a role.
    pub async fn assign(&self, user: Uuid, role: Uuid) -> Result<(), SetupError> {
        let doing = "giving the application user its role";
        let path = format!("systemusers({user})/systemuserroles_association/$ref");
        let role = self.requests.address(&format!("roles({role})"));
        self.post(doing, &path, wire::reference(&role))
            .await
            .map(drop)
    }

    async fn root_unit(&self) -> Result<Uuid, SetupError> {
        let doing = "looking for the root business unit";
        let path =
            "businessunits?$select=businessunitid&$filter=_parentbusinessunitid_value eq null";
        let rows: Rows<wire::Unit> = self.read(doing, path).await?;
        let unit = rows.value.first().map(|it| it.businessunitid);
        unit.ok_or_else(|| SetupError::Missing {
            doing: doing.to_owned(),
            what: "root business unit".to_owned(),
        })
    }
}
