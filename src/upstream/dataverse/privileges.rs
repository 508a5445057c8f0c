//! What our security roles let us do, asked without doing it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::wire::{RolePrivileges, Rows};
use super::{Dataverse, DataverseError};
use crate::lead::Currency;

/// How far a privilege reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Rows that the user owns.
    Own,
    /// Rows of the user's business unit, or of it and those below it.
    Unit,
    /// Every row of the organisation.
    Organisation,
}

impl Depth {
    /// Dataverse's word for it. A word that is not known reaches as little as any.
    fn read(word: &str) -> Self {
        match word {
            "Global" => Self::Organisation,
            "Deep" | "Local" => Self::Unit,
            _ => Self::Own,
        }
    }

    /// Which rows it reaches, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Own => "its own rows only",
            Self::Unit => "the rows of its business unit only",
            Self::Organisation => "every row",
        }
    }
}

impl Dataverse {
    /// Those of the privileges `names`, such as `prvCreateLead`, that `user` holds by its own roles and by its teams'.
    pub async fn privileges(
        &self,
        user: Uuid,
        names: &[&str],
    ) -> Result<BTreeMap<String, Depth>, DataverseError> {
        let failed = |source| DataverseError::Privileges { source };
        let list: Vec<String> = names.iter().map(|name| format!("%22{name}%22")).collect();
        let path = format!(
            "systemusers({user})/Microsoft.Dynamics.CRM.RetrieveUserSetOfPrivilegesByNames(PrivilegeNames=@p1)?@p1=[{}]",
            list.join(",")
        );
        let reply = self.requests.read("ask for our privileges", &path).await;
        let held: RolePrivileges = reply
            .map_err(failed)?
            .json()
            .map_err(|error| failed(error.into()))?;
        let mut depths = BTreeMap::new();
        for privilege in held.role_privileges {
            let depth = Depth::read(&privilege.depth);
            let known = depths.entry(privilege.privilege_name).or_insert(depth);
            *known = depth.max(*known);
        }
        Ok(depths)
    }

    /// Every currency of the organisation, up to a page of them.
    pub async fn all_currencies(&self) -> Result<Vec<Currency>, DataverseError> {
        let failed = |source| DataverseError::Currencies { source };
        let path = "transactioncurrencies?$select=transactioncurrencyid,isocurrencycode,currencyprecision&$orderby=isocurrencycode";
        let reply = self.requests.read("list currencies", path).await;
        let rows: Rows<super::wire::CurrencyRow> = reply
            .map_err(failed)?
            .json()
            .map_err(|error| failed(error.into()))?;
        Ok(rows.value.into_iter().map(Currency::from).collect())
    }

    /// The environment's clock, to the second, if it tells.
    pub async fn server_time(&self) -> Result<Option<Timestamp>, DataverseError> {
        let reply = self.requests.read("ask for the time", "WhoAmI").await;
        let reply = reply.map_err(|source| DataverseError::WhoAmI { source })?;
        Ok(reply.told_at())
    }
}
