//! The lists of a town. Their tokens count rows, as offsets do.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Record, Registry, Town, lead, referral};
use crate::ids::{AccountId, ContactId, CurrencyId, ETag, LeadId, ReferralId};
use crate::lead::{Changes, Columns, Currency, LeadSchema, Note, Owner};
use crate::mapping::fixtures;
use crate::referral::{Direction, PatchOperation, Referral, ReferralState};
use crate::sync::world::{Leads, Referrals};
use crate::upstream::dataverse::{
    Created, CurrentLead, DataverseError, LeadPage, LeadQuery, ListedLead, NoteAdded, Updated,
    Which,
};
use crate::upstream::partner_center::{
    ListQuery, ListedReferral, Page, PartnerCenterError, Patched,
};
use crate::upstream::{CallError, Upstream};

/// Some rows, and the token of the next.
type Some<T> = (Vec<T>, Option<String>);

impl Registry {
    /// The page of `rows` behind `token`. Then somebody edits something.
    fn page<T>(&mut self, mut rows: Vec<T>, size: usize, token: Option<&str>) -> Some<T> {
        let skipped: usize = token.map_or(0, |token| token.parse().unwrap());
        let rest = rows.split_off(skipped.min(rows.len()));
        let more = self.links && rest.len() > size;
        let page = rest.into_iter().take(size).collect();
        self.lists += 1;
        if let Some(number) = self.edited.pop_front() {
            self.touch(number);
        }
        (page, more.then(|| (skipped + size).to_string()))
    }

    fn told_at(&self) -> Option<Timestamp> {
        self.tells_time.then_some(self.now)
    }

    /// The records whose time is `since` or later, by `time`.
    fn since(
        &self,
        since: Option<Timestamp>,
        time: impl Fn(&Record) -> Option<Timestamp>,
    ) -> Vec<(u128, Record)> {
        let records = self.records.iter();
        let records = records.filter(|(_, it)| since.is_none() || since <= time(it));
        let mut records: Vec<_> = records.map(|(number, it)| (*number, *it)).collect();
        records.sort_by_key(|(_, it)| time(it));
        records
    }
}

fn refused() -> CallError {
    CallError::NotJson {
        upstream: Upstream::Dataverse,
        operation: "list",
    }
}

#[async_trait]
impl Referrals for Town {
    async fn read(&self, id: ReferralId) -> Result<Referral, PartnerCenterError> {
        let registry = self.open();
        let record = registry.records.get(&id.uuid().as_u128());
        match record.filter(|record| record.listed) {
            Some(_) => Ok(Referral {
                id,
                ..fixtures::referral()
            }),
            None => Err(PartnerCenterError::NotFound { id }),
        }
    }

    async fn patch(
        &self,
        _: ReferralId,
        _: &ETag,
        _: &[PatchOperation],
    ) -> Result<Patched, PartnerCenterError> {
        unreachable!("a pass writes to nobody")
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, PartnerCenterError> {
        let mut registry = self.open();
        if registry.lists_fail.contains("referrals") {
            return Err(PartnerCenterError::List { source: refused() });
        }
        let rows = registry.since(query.lower_bound(), |it| it.referral);
        let rows = rows.into_iter().filter(|(_, it)| it.listed);
        let rows: Vec<_> = rows
            .map(|(number, it)| ListedReferral {
                id: referral(number),
                created: it.referral,
                updated: it.referral,
                expires: None,
                status: fixtures::status(if it.closed {
                    ReferralState::Won
                } else {
                    ReferralState::New
                }),
                direction: Direction::Incoming,
            })
            .collect();
        let told_at = registry.told_at();
        let size = registry.page_size;
        let (rows, next) = registry.page(rows, size, query.token());
        Ok(Page {
            rows,
            unreadable: 0,
            next: next.map(|token| query.clone().from_token(token)),
            told_at,
        })
    }

    async fn probe(&self) -> Result<(), PartnerCenterError> {
        unreachable!("a pass probes nothing")
    }
}

#[async_trait]
impl Leads for Town {
    async fn changed(&self, query: &LeadQuery) -> Result<LeadPage, DataverseError> {
        let mut registry = self.open();
        if registry.lists_fail.contains("leads") {
            let source = refused().into();
            return Err(DataverseError::List { source });
        }
        let rows = registry.since(query.lower_bound(), |it| it.lead);
        let asked = |number: u128| match query.which() {
            Which::Ours(_) => true,
            Which::Among(leads) => leads.contains(&lead(number)),
        };
        let rows: Vec<_> = rows
            .into_iter()
            .filter(|(number, it)| it.lead.is_some() && asked(*number))
            .map(|(number, it)| ListedLead {
                id: lead(number),
                version: ETag::new(it.version.to_string()),
                modified: it.lead,
            })
            .collect();
        let told_at = registry.told_at();
        let (rows, next) = registry.page(rows, query.page_size() as usize, query.token());
        Ok(LeadPage {
            rows,
            next: next.map(|token| query.clone().from_token(token)),
            told_at,
            user: Some(Uuid::from_u128(7)),
        })
    }

    async fn current(&self, _: LeadId) -> Result<Option<CurrentLead>, DataverseError> {
        unreachable!("a pass reads no lead")
    }

    async fn create(
        &self,
        _: LeadId,
        _: &Columns,
        _: Option<Owner>,
        _: Option<Timestamp>,
    ) -> Result<Created, DataverseError> {
        unreachable!("a pass writes to nobody")
    }

    async fn update(&self, _: LeadId, _: &ETag, _: &Changes) -> Result<Updated, DataverseError> {
        unreachable!("a pass writes to nobody")
    }

    async fn add_note(&self, _: LeadId, _: &Note) -> Result<NoteAdded, DataverseError> {
        unreachable!("a pass writes to nobody")
    }

    async fn currency(&self, _: &str) -> Result<Option<Currency>, DataverseError> {
        unreachable!("a pass converts nothing")
    }

    async fn currency_row(&self, _: CurrencyId) -> Result<Option<Currency>, DataverseError> {
        unreachable!("a pass converts nothing")
    }

    async fn schema(&self) -> Result<Arc<LeadSchema>, DataverseError> {
        unreachable!("a pass maps nothing")
    }

    async fn alike(&self, _: &str, _: &str, _: usize) -> Result<Vec<LeadId>, DataverseError> {
        unreachable!("a pass looks for no customer")
    }

    async fn account(&self, _: &str) -> Result<Option<AccountId>, DataverseError> {
        unreachable!("a pass looks for no customer")
    }

    async fn contact(&self, _: &str) -> Result<Option<ContactId>, DataverseError> {
        unreachable!("a pass looks for no customer")
    }
}
