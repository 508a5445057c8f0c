//! What the lead table of this organisation looks like, kept for an hour.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::error::Failure;
use super::request::Requests;
use super::wire::{self, BadRow, Definitions, Row, Unusable};
use super::{Dataverse, DataverseError};
use crate::failure::Chain;
use crate::lead::{Column, ColumnKind, Lead, LeadSchema, Own, Value};
use crate::mapping::columns::ESTIMATED_CLOSE_DATE;
use crate::provision::columns::decision;
use crate::upstream::Reply;

/// How long definitions are believed. Administrators change columns a few times a year.
const KEPT: Duration = Duration::from_hours(1);
/// How long after a read that failed, or that a refusal asked for, the definitions are left alone.
const REST: Duration = Duration::from_mins(1);
/// What is read of every column.
const NAME: &str = "LogicalName,AttributeType,IsValidForCreate,IsValidForUpdate";

/// The definitions as read at one moment.
#[derive(Debug)]
pub(super) struct Organisation {
    /// What its columns take.
    pub(super) schema: Arc<LeadSchema>,
    /// The columns that can be read here: mapped ones, and the connector's own.
    pub(super) columns: Vec<(Column, ColumnKind)>,
    /// The mapped columns that cannot.
    pub(super) unusable: BTreeMap<Column, Unusable>,
    /// The columns of the connector's own that cannot be used, most often because they are not there.
    pub(super) unusable_own: BTreeMap<Column, Unusable>,
}

impl Organisation {
    fn new(
        definitions: Definitions,
        mapped: &[(Column, ColumnKind)],
        own: &[(Own, Column)],
    ) -> Self {
        let why = |(column, kind): &(Column, ColumnKind)| {
            Some((column.clone(), definitions.unusable(column, *kind)?))
        };
        let unusable: BTreeMap<Column, Unusable> = mapped.iter().filter_map(why).collect();
        let why = |(own, column): &(Own, Column)| {
            Some((column.clone(), definitions.unusable_for(*own, column)?))
        };
        let unusable_own: BTreeMap<Column, Unusable> = own.iter().filter_map(why).collect();
        let own = own.iter().cloned();
        let own = own.filter(|(_, column)| !unusable_own.contains_key(column));
        let own: BTreeMap<Own, Column> = own.collect();
        let columns = mapped.iter().cloned();
        let columns = columns.filter(|(column, _)| !unusable.contains_key(column));
        let of_own = own.iter().map(|(own, column)| (column.clone(), own.kind()));
        let columns = columns.chain(of_own).collect();
        let mut schema = LeadSchema::from(definitions);
        // What is missing is as if there was no such column, which the schema says already.
        let there = unusable
            .iter()
            .filter(|(_, why)| **why != Unusable::Missing);
        schema.unusable = there.map(|(column, _)| column.clone()).collect();
        schema.own = own;
        Self {
            schema: Arc::new(schema),
            columns,
            unusable,
            unusable_own,
        }
    }

    /// A lead from its row.
    pub(super) fn lead(&self, row: &Row) -> Result<Lead, BadRow> {
        let mut lead = wire::lead(row, &self.columns)?;
        if let Some(column) = self.schema.own.get(&Own::Decision)
            && let Some(Value::Choice(number)) = lead.columns.remove(column)
        {
            lead.decision = decision(number);
        }
        Ok(lead)
    }

    /// Whether `column` can be written here.
    pub(super) fn takes(&self, column: &Column) -> bool {
        !self.unusable.contains_key(column) && !self.unusable_own.contains_key(column)
    }

    fn differs(&self, other: &Self) -> bool {
        self.schema != other.schema
            || self.unusable != other.unusable
            || self.unusable_own != other.unusable_own
    }
}

impl Dataverse {
    /// What the lead table takes here. Kept for an hour.
    pub async fn schema(&self) -> Result<Arc<LeadSchema>, DataverseError> {
        Ok(Arc::clone(&self.organisation().await?.schema))
    }

    /// The mapped columns that the lead table lacks here.
    pub async fn missing_columns(&self) -> Result<BTreeSet<Column>, DataverseError> {
        let unusable = self.unusable_columns().await?.into_iter();
        let missing = unusable.filter(|(_, why)| *why == Unusable::Missing);
        Ok(missing.map(|(column, _)| column).collect())
    }

    /// The mapped columns that cannot be used as mapped here, and why.
    pub async fn unusable_columns(&self) -> Result<BTreeMap<Column, Unusable>, DataverseError> {
        Ok(self.organisation().await?.unusable.clone())
    }

    /// The columns of the connector's own that cannot be used here, and why: most often they are not there.
    pub async fn unusable_own_columns(&self) -> Result<BTreeMap<Column, Unusable>, DataverseError> {
        Ok(self.organisation().await?.unusable_own.clone())
    }

    pub(super) async fn organisation(&self) -> Result<Arc<Organisation>, DataverseError> {
        let organisation = self.definer.get(&self.requests).await;
        organisation.map_err(|source| DataverseError::Schema { source })
    }
}

/// The definitions, read by one caller for all.
#[derive(Debug)]
pub(super) struct Definer {
    mapped: Vec<(Column, ColumnKind)>,
    own: Vec<(Own, Column)>,
    kept: Mutex<Option<Kept>>,
    reading: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Kept {
    organisation: Arc<Organisation>,
    /// When a refusal asked for this read, if one did.
    doubted: Option<Instant>,
    /// When to read again.
    due: Instant,
}

impl Definer {
    /// Looks after the `mapped` columns, and after the connector's `own`.
    pub(super) fn new(mapped: Vec<(Column, ColumnKind)>, own: Vec<(Own, Column)>) -> Self {
        Self {
            mapped,
            own,
            kept: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// The definitions. Only a caller who finds none at all waits for another one's read; when a later read fails, the old
    /// ones go on serving.
    pub(super) async fn get(&self, requests: &Requests) -> Result<Arc<Organisation>, Failure> {
        let Some(kept) = self.kept() else {
            let _reading = self.reading.lock().await;
            return match self.kept() {
                Some(kept) => Ok(kept.organisation),
                None => self.read(requests, None).await,
            };
        };
        let fresh = Instant::now() < kept.due;
        let reading = if fresh {
            None
        } else {
            self.reading.try_lock().ok()
        };
        if reading.is_none() {
            return Ok(kept.organisation);
        }
        match self.read(requests, None).await {
            Ok(organisation) => Ok(organisation),
            Err(error) => {
                warn!(error = %Chain(&error), "the columns of leads could not be read again; the old ones go on serving");
                self.keep(Kept {
                    due: Instant::now() + REST,
                    ..kept.clone()
                });
                Ok(kept.organisation)
            }
        }
    }

    /// Whether the organisation has other definitions than `used`, which a refusal casts doubt on.
    ///
    /// Reads them again, unless another refusal had them read a moment ago.
    pub(super) async fn moved(&self, requests: &Requests, used: &Arc<Organisation>) -> bool {
        let _reading = self.reading.lock().await;
        let current = match self.kept() {
            Some(kept) if kept.doubted.is_some_and(|it| it.elapsed() < REST) => kept.organisation,
            _ => match self.read(requests, Some(Instant::now())).await {
                Ok(organisation) => organisation,
                Err(error) => {
                    warn!(error = %Chain(&error), "the columns of leads could not be read again after a refusal");
                    return false;
                }
            },
        };
        current.differs(used)
    }

    async fn read(
        &self,
        requests: &Requests,
        doubted: Option<Instant>,
    ) -> Result<Arc<Organisation>, Failure> {
        // Boxed: six calls at once would make every read and write of a lead carry their room.
        let definitions = Box::pin(definitions(requests, &self.mapped, &self.own)).await?;
        let organisation = Organisation::new(definitions, &self.mapped, &self.own);
        let organisation = Arc::new(organisation);
        let before = self.kept().map(|kept| kept.organisation);
        let known = before.is_some_and(|before| before.unusable == organisation.unusable);
        if !known && !organisation.unusable.is_empty() {
            let columns: Vec<&str> = organisation.unusable.keys().map(Column::as_str).collect();
            warn!(
                columns = columns.join(","),
                "the lead table here lacks columns, or has them otherwise; they are left out"
            );
        }
        self.keep(Kept {
            organisation: Arc::clone(&organisation),
            doubted,
            due: Instant::now() + KEPT,
        });
        Ok(organisation)
    }

    fn kept(&self) -> Option<Kept> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn keep(&self, kept: Kept) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }
}

/// Reads all definitions at once.
async fn definitions(
    requests: &Requests,
    mapped: &[(Column, ColumnKind)],
    own: &[(Own, Column)],
) -> Result<Definitions, Failure> {
    let options = "&$expand=OptionSet($select=Options)";
    let shared = "&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)";
    let has = |kind| {
        mapped
            .iter()
            .any(|(column, it)| *it == kind && *column != ESTIMATED_CLOSE_DATE)
    };
    let of = async |kind, name, more| {
        if has(kind) {
            attributes(requests, of_type(name, more)).await.map(Some)
        } else {
            Ok(None)
        }
    };
    let (all, strings, memos, moneys, choices, statuses, dates, wholes) = tokio::try_join!(
        attributes(requests, format!("?$select={NAME}")),
        attributes(requests, of_type("String", ",MaxLength")),
        attributes(requests, of_type("Memo", ",MaxLength")),
        attributes(requests, of_type("Money", ",MinValue,MaxValue")),
        attributes(requests, of_type("Picklist", shared)),
        attributes(requests, of_type("Status", options)),
        of(ColumnKind::Date, "DateTime", ",DateTimeBehavior"),
        of(ColumnKind::Whole, "Integer", ",MinValue,MaxValue"),
    )?;
    let mut definitions = Definitions {
        all: all.json()?,
        strings: strings.json()?,
        memos: memos.json()?,
        moneys: moneys.json()?,
        choices: choices.json()?,
        statuses: statuses.json()?,
        dates: dates.map(|reply| reply.json()).transpose()?,
        wholes: wholes.map(|reply| reply.json()).transpose()?,
    };
    // Nobody who has none of our own columns pays for them.
    let is_time = |own: &Own| matches!(own.kind(), ColumnKind::Date | ColumnKind::Moment);
    let times = own.iter().filter(|(own, _)| is_time(own));
    if definitions.dates.is_none() && definitions.has_any(times.map(|(_, column)| column)) {
        let dates = attributes(requests, of_type("DateTime", ",DateTimeBehavior"));
        definitions.dates = Some(dates.await?.json()?);
    }
    Ok(definitions)
}

async fn attributes(requests: &Requests, part: String) -> Result<Reply, Failure> {
    let path = format!("EntityDefinitions(LogicalName='lead')/Attributes{part}");
    requests.read("read the columns of leads", &path).await
}

fn of_type(name: &str, more: &str) -> String {
    format!("/Microsoft.Dynamics.CRM.{name}AttributeMetadata?$select=LogicalName{more}")
}
