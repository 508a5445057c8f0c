//! The Dataverse Web API: leads, their timeline notes, currencies, and what the organisation's columns take.
//!
//! Facts are those of the Dataverse developer guide ("Use the Web API", version 9.2). Writes never happen without a
//! precondition, decimals never become floats, and the text of an error answer is never read: it may quote the row.

pub mod code;

mod changed;
mod currencies;
mod error;
mod known;
mod privileges;
mod request;
mod schema;
pub mod setup;
mod wire;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::OnceCell;
use uuid::Uuid;

use self::code::Meaning;
use self::currencies::Currencies;
use self::request::{Precondition, Requests};
use self::schema::{Definer, Organisation};
use self::wire::{Body, Row, Rows};
use super::Transport;
use crate::config::DataverseConfig;
use crate::credentials::TokenSource;
use crate::ids::{CurrencyId, ETag, LeadId};
use crate::lead::{Changes, Column, ColumnKind, Columns, Currency, Lead, Note, Owner, Value};
use crate::mapping::columns::{STATE, TRANSACTION_CURRENCY};
use crate::provision::columns::names;

pub use self::changed::{LeadPage, LeadQuery, ListedLead, Which};
pub use self::error::{DataverseError, Failure};
pub use self::privileges::Depth;
pub use self::wire::{BadRow, UnknownLookup, Unusable};

/// How many merges are followed from a lead to the one that survived.
const MERGES_FOLLOWED: usize = 5;

/// The Dynamics 365 environment with the leads. Clones share what was learnt about it.
#[derive(Clone)]
pub struct Dataverse {
    requests: Requests,
    definer: Arc<Definer>,
    currencies: Arc<Currencies>,
    /// Our row of `systemuser`, once it was asked for.
    user: Arc<OnceCell<Uuid>>,
}

/// A lead that stands for itself: it was not merged into another.
#[derive(Clone, Debug, PartialEq)]
pub struct CurrentLead {
    /// The lead.
    pub lead: Lead,
    /// The lead that was asked for, if it was merged into this one.
    pub merged_from: Option<LeadId>,
}

/// What became of a creation.
#[derive(Clone, Debug, PartialEq)]
pub enum Created {
    /// The lead is new. As Dataverse stored it, if the answer says so.
    Now(Option<Box<Lead>>),
    /// There was one with that id. Nothing was written.
    AlreadyThere,
}

/// What became of an update.
#[derive(Clone, Debug, PartialEq)]
pub enum Updated {
    /// The lead has the new values. As Dataverse stored it, if the answer says so.
    Done(Option<Box<Lead>>),
    /// The lead is not what it was when it was read. Nothing was written.
    Changed,
    /// The lead was deleted. Nothing was written.
    Gone,
}

/// What became of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteAdded {
    /// The note is new.
    Now,
    /// It was written before.
    AlreadyThere,
}

/// Who we are to the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WhoAmI {
    /// Our row of `systemuser`.
    pub user: Uuid,
    /// The organisation.
    pub organization: Uuid,
}

impl Dataverse {
    /// A client of the configured environment that reads and writes `mapped` columns of leads, as far as that is possible
    /// there. What is not mapped of the columns that are its own, it uses as such.
    pub fn new(
        config: &DataverseConfig,
        transport: Transport,
        tokens: Arc<dyn TokenSource>,
        mapped: impl IntoIterator<Item = (Column, ColumnKind)>,
    ) -> Self {
        let mapped: Vec<_> = mapped.into_iter().collect();
        let is_mapped = |column: &Column| mapped.iter().any(|(mapped, _)| mapped == column);
        let own = names(&config.column_prefix).filter(|(_, column)| !is_mapped(column));
        let own = own.collect();
        Self {
            requests: Requests::new(&config.url, transport, tokens),
            definer: Arc::new(Definer::new(mapped, own)),
            currencies: Arc::default(),
            user: Arc::default(),
        }
    }

    /// The lead as it is now; `None` if there is none.
    pub async fn lead(&self, id: LeadId) -> Result<Option<Lead>, DataverseError> {
        let organisation = self.organisation().await?;
        let source = match self.row(id, &organisation).await {
            Ok(lead) => return Ok(Some(lead)),
            Err(failure) if failure.meaning() == Some(Meaning::Gone) => return Ok(None),
            Err(failure) => failure,
        };
        Err(self
            .doubted(id, source, &organisation, |source| DataverseError::Read {
                id,
                source,
            })
            .await)
    }

    /// The lead that stands for `id` now: itself, or the one it was merged into. `None` if there is none.
    pub async fn current_lead(&self, id: LeadId) -> Result<Option<CurrentLead>, DataverseError> {
        let mut ids = vec![id];
        let mut at = id;
        loop {
            let Some(lead) = self.lead(at).await? else {
                return Ok(None);
            };
            let Some(master) = lead.merged_into else {
                let merged_from = (at != id).then_some(id);
                return Ok(Some(CurrentLead { lead, merged_from }));
            };
            let seen = ids.contains(&master);
            ids.push(master);
            if seen {
                return Err(DataverseError::MergeCircle { ids });
            }
            if ids.len() > MERGES_FOLLOWED + 1 {
                return Err(DataverseError::MergedTooOften { ids });
            }
            at = master;
        }
    }

    /// Creates lead `id` with `columns`, unless there is one.
    ///
    /// Columns this organisation lacks are left out, and so is `statecode`: a lead is born open. `owner` is left to the
    /// organisation's rules if `None`; `created` back-dates the lead.
    pub async fn create_lead(
        &self,
        id: LeadId,
        columns: &Columns,
        owner: Option<Owner>,
        created: Option<Timestamp>,
    ) -> Result<Created, DataverseError> {
        let organisation = self.organisation().await?;
        let failed = |source| DataverseError::Create { id, source };
        let body = new_lead(columns, owner, created, &organisation).map_err(failed)?;
        let source = match self
            .store(
                "create lead",
                id,
                &organisation,
                Precondition::Absent,
                &body,
            )
            .await
        {
            Ok(stored) => return Ok(Created::Now(stored)),
            Err(failure) if says_present(&failure) => return Ok(Created::AlreadyThere),
            Err(failure) => failure,
        };
        Err(self.doubted(id, source, &organisation, failed).await)
    }

    /// Writes `changes` to lead `id` if it still has version `etag`.
    ///
    /// Columns this organisation lacks are left out; with nothing left, nothing is sent.
    pub async fn update_lead(
        &self,
        id: LeadId,
        etag: &ETag,
        changes: &Changes,
    ) -> Result<Updated, DataverseError> {
        let organisation = self.organisation().await?;
        let failed = |source| DataverseError::Update { id, source };
        let body = changed_lead(changes, &organisation).map_err(failed)?;
        if body.is_empty() {
            return Ok(Updated::Done(None));
        }
        let presumed = Precondition::Version(etag);
        let source = match self
            .store("update lead", id, &organisation, presumed, &body)
            .await
        {
            Ok(stored) => return Ok(Updated::Done(stored)),
            Err(failure) => match failure.meaning() {
                Some(Meaning::Changed | Meaning::Precondition) => return Ok(Updated::Changed),
                Some(Meaning::Gone) => return Ok(Updated::Gone),
                _ => failure,
            },
        };
        Err(self.doubted(id, source, &organisation, failed).await)
    }

    /// Adds `note` to the timeline of `lead`, unless it is there.
    pub async fn add_note(&self, lead: LeadId, note: &Note) -> Result<NoteAdded, DataverseError> {
        let path = format!("annotations({})", note.id);
        let body = wire::note(lead, note);
        let written = self
            .requests
            .write("add a note", &path, Precondition::Absent, &body)
            .await;
        match written {
            Ok(()) => Ok(NoteAdded::Now),
            Err(failure) if says_present(&failure) => Ok(NoteAdded::AlreadyThere),
            Err(source) => Err(DataverseError::Note {
                lead,
                note: note.id,
                source,
            }),
        }
    }

    /// The organisation's row for the currency with ISO 4217 code `code`; `None` if it has none. Kept for an hour, a missing
    /// one for a minute.
    pub async fn currency(&self, code: &str) -> Result<Option<Currency>, DataverseError> {
        let found = self.currencies.find(&self.requests, code).await;
        found.map_err(|source| DataverseError::Currency {
            code: code.to_owned(),
            source,
        })
    }

    /// The currency with row `id`; `None` if there is none. Kept for an hour.
    pub async fn currency_row(&self, id: CurrencyId) -> Result<Option<Currency>, DataverseError> {
        let found = self.currencies.row(&self.requests, id).await;
        found.map_err(|source| DataverseError::CurrencyRow { id, source })
    }

    /// Who we are to the environment: proves that it is there and that it knows us.
    pub async fn who_am_i(&self) -> Result<WhoAmI, DataverseError> {
        let failed = |source| DataverseError::WhoAmI { source };
        let reply = self.requests.read("ask who we are", "WhoAmI").await;
        let who: wire::WhoAmI = reply
            .map_err(failed)?
            .json()
            .map_err(|e| failed(e.into()))?;
        Ok(WhoAmI {
            user: who.user_id,
            organization: who.organization_id,
        })
    }

    /// Reads the id of any one lead: proves that we may read leads, and says whether there are any.
    pub async fn any_lead(&self) -> Result<bool, DataverseError> {
        let failed = |source| DataverseError::Probe { source };
        let reply = self
            .requests
            .read("list leads", "leads?$select=leadid&$top=1")
            .await;
        let rows: Rows<Row> = reply
            .map_err(failed)?
            .json()
            .map_err(|e| failed(e.into()))?;
        Ok(!rows.value.is_empty())
    }

    async fn row(&self, id: LeadId, organisation: &Organisation) -> Result<Lead, Failure> {
        let path = row_path(id, organisation);
        let row: Row = self.requests.read("read lead", &path).await?.json()?;
        Ok(organisation.lead(&row)?)
    }

    /// Writes lead `id` and gives it as it was stored; `None` if the answer does not say.
    async fn store(
        &self,
        operation: &'static str,
        id: LeadId,
        organisation: &Organisation,
        presumed: Precondition<'_>,
        body: &Body,
    ) -> Result<Option<Box<Lead>>, Failure> {
        let path = row_path(id, organisation);
        let reply = self.requests.store(operation, &path, presumed, body);
        let row: Option<Row> = reply.await?.json().ok();
        let lead = row.and_then(|row| organisation.lead(&row).ok());
        Ok(lead.filter(|lead| lead.id == id).map(Box::new))
    }

    /// The error for `source`, which may come from definitions that are no longer true.
    async fn doubted(
        &self,
        id: LeadId,
        source: Failure,
        used: &Arc<Organisation>,
        failed: impl FnOnce(Failure) -> DataverseError,
    ) -> DataverseError {
        let doubtful = source.meaning() == Some(Meaning::Shape);
        if doubtful && self.definer.moved(&self.requests, used).await {
            return DataverseError::SchemaMoved { id, source };
        }
        failed(source)
    }
}

/// The path of lead `id`, with everything of it that is read.
fn row_path(id: LeadId, organisation: &Organisation) -> String {
    let select = wire::select(&organisation.columns);
    format!("leads({id})?$select={select}")
}

/// Whether a write that presumed no row found one.
fn says_present(failure: &Failure) -> bool {
    matches!(
        failure.meaning(),
        Some(Meaning::AlreadyThere | Meaning::Precondition)
    )
}

fn new_lead(
    columns: &Columns,
    owner: Option<Owner>,
    created: Option<Timestamp>,
    organisation: &Organisation,
) -> Result<Body, Failure> {
    let has_amount = columns
        .values()
        .any(|value| matches!(value, Value::Amount(_)));
    if has_amount && !columns.contains_key(&TRANSACTION_CURRENCY) {
        return Err(Failure::NoCurrency);
    }
    let mut body = Body::default();
    for (column, value) in columns {
        // Dataverse takes the state of a lead in updates only, and says nothing when it comes with a creation.
        if *column != STATE && organisation.takes(column) {
            body.set(column, Some(value))?;
        }
    }
    if let Some(owner) = owner {
        body.owner(owner);
    }
    if let Some(at) = created {
        body.created(at);
    }
    Ok(body)
}

fn changed_lead(changes: &Changes, organisation: &Organisation) -> Result<Body, Failure> {
    let mut body = Body::default();
    for (column, value) in changes {
        if organisation.takes(column) {
            body.set(column, value.as_ref())?;
        }
    }
    Ok(body)
}
