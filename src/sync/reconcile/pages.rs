//! Walks a list by value: each request asks for what is not older than the last row before it. A row that moves while the
//! list is read moves to its end, and pushes no other out of sight, as it would between pages that count rows.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::cursor::Mark;
use crate::failure::{Classify, Disposition};
use crate::sync::world::World;
use crate::upstream::dataverse::{DataverseError, LeadQuery, Which};
use crate::upstream::partner_center::{ListQuery, Order, PartnerCenterError};

/// Partner Center gives a hundred rows a page.
const FULL_PAGE: usize = 100;
/// How many pages are read of rows that share one timestamp.
const TIED_PAGES: usize = 500;
/// How often rows that share one timestamp are walked through until nothing new is found: only tokens lead from one page of
/// them to the next, and tokens may count rows.
const TIED_WALKS: usize = 5;

/// What is listed.
#[derive(Clone, Debug)]
pub(super) enum List {
    /// Every referral, by `updatedDateTime`.
    Referrals,
    /// Leads, by `modifiedon`.
    Leads(Which),
}

/// A row of a list: a hint where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Of the referral or the lead.
    pub(super) id: Uuid,
    /// Which version it is.
    pub(super) mark: Mark,
    /// Whether it is a referral that was closed.
    pub(super) closed: bool,
}

/// A list could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The referrals.
    #[error(transparent)]
    Referrals(#[from] PartnerCenterError),
    /// The leads.
    #[error(transparent)]
    Leads(#[from] DataverseError),
    /// More rows share a timestamp than can be read, or a full page of them says that there are no more.
    #[error("the rows of {what} that were changed at {at} cannot be told to their end")]
    Tied {
        /// `referrals` or `leads`.
        what: &'static str,
        /// Their timestamp; the beginning of time if they have none.
        at: Timestamp,
    },
}

impl Classify for ListError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Referrals(error) => error.disposition(),
            Self::Leads(error) => error.disposition(),
            Self::Tied { .. } => Disposition::RETRY,
        }
    }
}

/// One way through a list, from a timestamp to its end.
#[derive(Debug)]
pub(super) struct Walk {
    list: List,
    /// Every row that is older was given out.
    pub(super) position: Option<Timestamp>,
    /// What was given out at `position` or later.
    seen: BTreeMap<Uuid, Mark>,
    /// The server's clock when the walk began, if it told. What changes later is for the next walk.
    pub(super) began: Option<Timestamp>,
    /// The user that the leads were listed as.
    pub(super) user: Option<Uuid>,
    /// Rows nobody could read.
    pub(super) unreadable: usize,
    /// Whether every row was given out.
    pub(super) ended: bool,
}

/// One page.
struct Listing {
    rows: Vec<Row>,
    next: Option<Next>,
    /// As many rows as a page can have.
    full: bool,
}

enum Next {
    Referrals(ListQuery),
    Leads(LeadQuery),
}

impl Walk {
    /// Through `list`, from the rows changed at `from` on.
    pub(super) fn new(list: List, from: Option<Timestamp>) -> Self {
        Self {
            list,
            position: from,
            seen: BTreeMap::new(),
            began: None,
            user: None,
            unreadable: 0,
            ended: false,
        }
    }

    /// The next rows that were not given out yet: none of them is older than one of a batch before.
    pub(super) async fn batch(&mut self, world: &World) -> Result<Vec<Row>, ListError> {
        let first = self.first();
        let page = self.page(world, first).await?;
        let last = page.rows.last().and_then(|row| row.mark.stamp);
        let rows = match page.next {
            _ if self.position < last => {
                self.position = last;
                page.rows
            }
            Some(next) => self.tied_rows(world, page.rows, next).await?,
            None if page.full => return Err(self.tied()),
            None => {
                // The request that brings nothing new is the proof of the end: a link to a next page may be missing.
                self.ended = page.rows.iter().all(|row| self.has_given(row));
                page.rows
            }
        };
        let mut fresh: Vec<Row> = rows
            .into_iter()
            .filter(|row| !self.has_given(row))
            .collect();
        fresh.sort_by(|one, other| (&one.mark, one.id).cmp(&(&other.mark, other.id)));
        self.ended |= self.began.is_some() && self.began <= self.position;
        self.seen
            .extend(fresh.iter().map(|row| (row.id, row.mark.clone())));
        let position = self.position;
        self.seen.retain(|_, mark| position <= mark.stamp);
        Ok(fresh)
    }

    fn has_given(&self, row: &Row) -> bool {
        self.seen.get(&row.id) == Some(&row.mark)
    }

    /// Every row that shares the timestamp of `position`, those of the first page among them. Goes on behind it.
    async fn tied_rows(
        &mut self,
        world: &World,
        first: Vec<Row>,
        next: Next,
    ) -> Result<Vec<Row>, ListError> {
        let mut found = BTreeMap::new();
        let mut page = Listing {
            rows: first,
            next: Some(next),
            full: true,
        };
        for _ in 0..TIED_WALKS {
            let before = found.len();
            self.tied_walk(world, page, &mut found).await?;
            if found.len() == before {
                break;
            }
            let first = self.first();
            page = self.page(world, first).await?;
        }
        // What is younger is asked for by value: between these pages it may have been pushed out of sight.
        found.retain(|_, row| row.mark.stamp <= self.position);
        self.position = Some(self.successor());
        Ok(found.into_values().collect())
    }

    /// The first moment after `position` that a row can have.
    fn successor(&self) -> Timestamp {
        let Some(position) = self.position else {
            return Timestamp::UNIX_EPOCH;
        };
        let grain = match self.list {
            List::Referrals => SignedDuration::from_nanos(100),
            List::Leads(_) => SignedDuration::from_secs(1),
        };
        position.checked_add(grain).unwrap_or(Timestamp::MAX)
    }

    async fn tied_walk(
        &mut self,
        world: &World,
        first: Listing,
        found: &mut BTreeMap<Uuid, Row>,
    ) -> Result<(), ListError> {
        let mut page = first;
        for _ in 0..TIED_PAGES {
            let beyond = page.rows.last().map(|row| row.mark.stamp) > Some(self.position);
            found.extend(page.rows.into_iter().map(|row| (row.id, row)));
            match page.next {
                Some(next) if !beyond => page = self.page(world, next).await?,
                _ => return Ok(()),
            }
        }
        Err(self.tied())
    }

    fn tied(&self) -> ListError {
        ListError::Tied {
            what: match self.list {
                List::Referrals => "referrals",
                List::Leads(_) => "leads",
            },
            at: self.position.unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// What asks for the rows from `position` on.
    fn first(&self) -> Next {
        match &self.list {
            List::Referrals => {
                let query = ListQuery::default().order(Order::Updated);
                Next::Referrals(match self.position {
                    Some(position) => query.since(position),
                    None => query,
                })
            }
            List::Leads(which) => {
                let query = LeadQuery::new(which.clone());
                Next::Leads(match self.position {
                    Some(position) => query.since(position),
                    None => query,
                })
            }
        }
    }

    async fn page(&mut self, world: &World, query: Next) -> Result<Listing, ListError> {
        let (listing, told_at) = match query {
            Next::Referrals(query) => {
                let page = world.referrals.list(&query).await?;
                self.unreadable += page.unreadable;
                let rows = page.rows.into_iter().map(|row| Row {
                    id: row.id.uuid(),
                    mark: Mark::of_referral(row.updated),
                    closed: row.status.state.is_closed(),
                });
                let rows: Vec<_> = rows.collect();
                let listing = Listing {
                    full: rows.len() + page.unreadable >= FULL_PAGE,
                    rows,
                    next: page.next.map(Next::Referrals),
                };
                (listing, page.told_at)
            }
            Next::Leads(query) => {
                let page = world.leads.changed(&query).await?;
                self.user = self.user.or(page.user);
                let rows = page.rows.into_iter().map(|row| Row {
                    id: row.id.uuid(),
                    mark: Mark::of_lead(row.modified, &row.version),
                    closed: false,
                });
                let rows: Vec<_> = rows.collect();
                let listing = Listing {
                    full: rows.len() >= query.page_size() as usize,
                    rows,
                    next: page.next.map(Next::Leads),
                };
                (listing, page.told_at)
            }
        };
        self.began = self.began.or(told_at);
        Ok(listing)
    }
}

#[cfg(test)]
mod tests;
