//! Lists leads that changed: ids, versions and times, never what stands in them.
//!
//! Facts are those of the Dataverse developer guide ("Page results using OData", "Service protection API limits"):
//! `modifiedon` has a grain of one second, a page size makes `$top` void, and `@odata.nextLink` is taken as it is.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use url::form_urlencoded;
use uuid::Uuid;

use super::request::Requests;
use super::wire::{self, Row, Rows};
use super::{Dataverse, DataverseError, Failure};
use crate::ids::{ETag, LeadId};

/// Rows on a page, where a query does not say. A row takes some 200 bytes.
const PAGE: u32 = 500;

/// Which leads to list, in the order of `modifiedon`, then of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadQuery {
    which: Which,
    since: Option<Timestamp>,
    rows: u32,
    /// What a page gave to find this one.
    token: Option<String>,
}

/// Whose leads, or which ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that were created by the user we act as, or by one of these, which we acted as before.
    Ours(BTreeSet<Uuid>),
    /// These: at most a hundred, for they all stand in the address.
    Among(Vec<LeadId>),
}

/// One page of a list of leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadPage {
    /// The leads on it.
    pub rows: Vec<ListedLead>,
    /// How to ask for the page after it, if there is one.
    pub next: Option<LeadQuery>,
    /// Dataverse's clock when it answered, if it told.
    pub told_at: Option<Timestamp>,
    /// The user we act as, where the query had to know.
    pub user: Option<Uuid>,
}

/// What a list tells about a lead: a hint where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLead {
    /// Its id.
    pub id: LeadId,
    /// Its version.
    pub version: ETag,
    /// `modifiedon`, to the second.
    pub modified: Option<Timestamp>,
}

impl LeadQuery {
    /// Every one of `which` leads.
    pub fn new(which: Which) -> Self {
        Self {
            which,
            since: None,
            rows: PAGE,
            token: None,
        }
    }

    /// Only those modified at `moment` or later.
    #[must_use]
    pub fn since(self, moment: Timestamp) -> Self {
        Self {
            since: Some(moment),
            ..self
        }
    }

    /// At most so many on a page; Dataverse gives five thousand at most.
    #[must_use]
    pub fn rows(self, rows: u32) -> Self {
        Self { rows, ..self }
    }

    /// The same list from where the page that gave `token` ended.
    #[must_use]
    pub fn from_token(self, token: impl Into<String>) -> Self {
        Self {
            token: Some(token.into()),
            ..self
        }
    }

    /// Which leads are asked for.
    pub fn which(&self) -> &Which {
        &self.which
    }

    /// From which `modifiedon` on, if that is limited.
    pub fn lower_bound(&self) -> Option<Timestamp> {
        self.since
    }

    /// The most rows a page has.
    pub fn page_size(&self) -> u32 {
        self.rows
    }

    /// What a page gave to find this one, if this is not the first.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The address of the first page, relative to the API's root, for the user we act as.
    fn path(&self, user: Option<Uuid>) -> String {
        let one_of = match &self.which {
            Which::Ours(before) => {
                let users: BTreeSet<Uuid> = before.iter().copied().chain(user).collect();
                alternatives("_createdby_value", users)
            }
            Which::Among(leads) => alternatives("leadid", leads.iter().map(|lead| lead.uuid())),
        };
        let mut filter = format!("({one_of})");
        if let Some(since) = self.since {
            write!(filter, " and modifiedon ge {since}").expect("a string takes any text");
        }
        let filter: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let filter = filter.replace('+', "%20");
        format!("leads?$select=leadid,modifiedon&$filter={filter}&$orderby=modifiedon,leadid")
    }
}

/// `column eq a or column eq b`; of nothing, what is never true.
fn alternatives(column: &str, ids: impl IntoIterator<Item = Uuid>) -> String {
    let terms: Vec<_> = ids
        .into_iter()
        .map(|id| format!("{column} eq {id}"))
        .collect();
    if terms.is_empty() {
        return "leadid eq null".to_owned();
    }
    terms.join(" or ")
}

impl Dataverse {
    /// One page of leads that changed, those that rested longest first; `page.next` asks for the page after it.
    pub async fn changed(&self, query: &LeadQuery) -> Result<LeadPage, DataverseError> {
        let user = match query.which {
            Which::Ours(_) => Some(self.user().await?),
            Which::Among(_) => None,
        };
        let page = self.page(query, user).await;
        page.map_err(|source| DataverseError::List { source })
    }

    async fn page(&self, query: &LeadQuery, user: Option<Uuid>) -> Result<LeadPage, Failure> {
        let path = match query.token() {
            Some(link) => Requests::relative(link)
                .ok_or(Failure::NextLink)?
                .to_owned(),
            None => query.path(user),
        };
        let listing = self.requests.page("list changed leads", &path, query.rows);
        let reply = listing.await?;
        let page: Rows<Row> = reply.json()?;
        let rows = page.value.iter().map(wire::listed);
        Ok(LeadPage {
            rows: rows.collect::<Result<_, _>>()?,
            next: page.next_link.map(|link| query.clone().from_token(link)),
            told_at: reply.told_at(),
            user,
        })
    }

    /// The user we act as. Asked for once.
    async fn user(&self) -> Result<Uuid, DataverseError> {
        let asked = self
            .user
            .get_or_try_init(async || Ok(self.who_am_i().await?.user));
        asked.await.copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(number: u128) -> LeadId {
        LeadId::new(Uuid::from_u128(number))
    }

    #[test]
    fn ours_are_those_of_every_user_we_acted_as() {
        let (now, before) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let query = LeadQuery::new(Which::Ours(BTreeSet::from([before])))
            .since("2026-11-02T09:00:04Z".parse().unwrap());
        assert_eq!(
            query.path(Some(now)),
            "leads?$select=leadid,modifiedon&$filter=%28\
             _createdby_value%20eq%2000000000-0000-0000-0000-000000000001%20or%20\
             _createdby_value%20eq%2000000000-0000-0000-0000-000000000002%29%20and%20\
             modifiedon%20ge%202026-11-02T09%3A00%3A04Z&$orderby=modifiedon,leadid"
        );
    }

    #[test]
    fn a_hundred_leads_stand_in_an_address_that_every_server_takes() {
        let query = LeadQuery::new(Which::Among((0..100).map(lead).collect()));
        assert!(query.path(None).len() < 8 * 1024);
        let nothing = LeadQuery::new(Which::Among(Vec::new()));
        assert!(nothing.path(None).contains("leadid%20eq%20null"));
    }
}
