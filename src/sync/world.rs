//! What a sync touches, as interfaces: the clients of the real systems, or a simulation of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::ids::{AccountId, ContactId, CurrencyId, ETag, LeadId, ReferralId};
use crate::lead::{Changes, Columns, Currency, LeadSchema, Note, Owner};
use crate::referral::{PatchOperation, Referral};
use crate::upstream::dataverse::{
    Created, CurrentLead, Dataverse, DataverseError, LeadPage, LeadQuery, NoteAdded, Updated,
};
use crate::upstream::partner_center::{
    ListQuery, Page, PartnerCenter, PartnerCenterError, Patched,
};
use crate::upstream::storage::{Blobs, Queue};

/// Everything a sync reads and writes.
#[derive(Clone)]
pub struct World {
    /// Partner Center's side.
    pub referrals: Arc<dyn Referrals>,
    /// The CRM's side.
    pub leads: Arc<dyn Leads>,
    /// What is remembered of each referral.
    pub blobs: Arc<dyn Blobs>,
    /// The referrals to look at later: the queue `referral-retry`.
    pub later: Arc<dyn Queue>,
    /// The present.
    pub clock: Arc<dyn Clock>,
}

/// The referrals of one partner.
#[async_trait]
pub trait Referrals: Send + Sync {
    /// The referral as it is now.
    async fn read(&self, id: ReferralId) -> Result<Referral, PartnerCenterError>;

    /// Applies `operations`, all or none, if the referral is still the version `etag`.
    async fn patch(
        &self,
        id: ReferralId,
        etag: &ETag,
        operations: &[PatchOperation],
    ) -> Result<Patched, PartnerCenterError>;

    /// One page of referrals.
    async fn list(&self, query: &ListQuery) -> Result<Page, PartnerCenterError>;

    /// Whether we may list referrals at all.
    async fn probe(&self) -> Result<(), PartnerCenterError>;
}

/// The leads of one organisation.
#[async_trait]
pub trait Leads: Send + Sync {
    /// The lead that stands for `id` now: itself, or the one it was merged into.
    async fn current(&self, id: LeadId) -> Result<Option<CurrentLead>, DataverseError>;

    /// Creates lead `id` with `columns`, unless there is one.
    async fn create(
        &self,
        id: LeadId,
        columns: &Columns,
        owner: Option<Owner>,
        created: Option<Timestamp>,
    ) -> Result<Created, DataverseError>;

    /// Writes `changes` to lead `id` if it still has version `etag`.
    async fn update(
        &self,
        id: LeadId,
        etag: &ETag,
        changes: &Changes,
    ) -> Result<Updated, DataverseError>;

    /// Adds `note` to the timeline of `lead`, unless it is there.
    async fn add_note(&self, lead: LeadId, note: &Note) -> Result<NoteAdded, DataverseError>;

    /// The organisation's row for the currency `code`.
    async fn currency(&self, code: &str) -> Result<Option<Currency>, DataverseError>;

    /// The currency of the row `id`.
    async fn currency_row(&self, id: CurrencyId) -> Result<Option<Currency>, DataverseError>;

    /// What the lead table takes here.
    async fn schema(&self) -> Result<Arc<LeadSchema>, DataverseError>;

    /// One page of leads that changed, those that rested longest first.
    async fn changed(&self, query: &LeadQuery) -> Result<LeadPage, DataverseError>;

    /// The open leads with this e-mail address and company, `most` at most.
    async fn alike(
        &self,
        email: &str,
        company: &str,
        most: usize,
    ) -> Result<Vec<LeadId>, DataverseError>;

    /// The active account with this name, if there is exactly one.
    async fn account(&self, name: &str) -> Result<Option<AccountId>, DataverseError>;

    /// The active contact with this e-mail address, if there is exactly one.
    async fn contact(&self, email: &str) -> Result<Option<ContactId>, DataverseError>;
}

/// The present.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[async_trait]
impl Referrals for PartnerCenter {
    async fn read(&self, id: ReferralId) -> Result<Referral, PartnerCenterError> {
        self.referral(id).await
    }

    async fn patch(
        &self,
        id: ReferralId,
        etag: &ETag,
        operations: &[PatchOperation],
    ) -> Result<Patched, PartnerCenterError> {
        Self::patch(self, id, etag, operations).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, PartnerCenterError> {
        Self::list(self, query).await
    }

    async fn probe(&self) -> Result<(), PartnerCenterError> {
        Self::probe(self).await
    }
}

#[async_trait]
impl Leads for Dataverse {
    async fn current(&self, id: LeadId) -> Result<Option<CurrentLead>, DataverseError> {
        self.current_lead(id).await
    }

    async fn create(
        &self,
        id: LeadId,
        columns: &Columns,
        owner: Option<Owner>,
        created: Option<Timestamp>,
    ) -> Result<Created, DataverseError> {
        self.create_lead(id, columns, owner, created).await
    }

    async fn update(
        &self,
        id: LeadId,
        etag: &ETag,
        changes: &Changes,
    ) -> Result<Updated, DataverseError> {
        self.update_lead(id, etag, changes).await
    }

    async fn add_note(&self, lead: LeadId, note: &Note) -> Result<NoteAdded, DataverseError> {
        Self::add_note(self, lead, note).await
    }

    async fn currency(&self, code: &str) -> Result<Option<Currency>, DataverseError> {
        Self::currency(self, code).await
    }

    async fn currency_row(&self, id: CurrencyId) -> Result<Option<Currency>, DataverseError> {
        Self::currency_row(self, id).await
    }

    async fn schema(&self) -> Result<Arc<LeadSchema>, DataverseError> {
        Self::schema(self).await
    }

    async fn changed(&self, query: &LeadQuery) -> Result<LeadPage, DataverseError> {
        Self::changed(self, query).await
    }

    async fn alike(
        &self,
        email: &str,
        company: &str,
        most: usize,
    ) -> Result<Vec<LeadId>, DataverseError> {
        Self::alike(self, email, company, most).await
    }

    async fn account(&self, name: &str) -> Result<Option<AccountId>, DataverseError> {
        Self::account(self, name).await
    }

    async fn contact(&self, email: &str) -> Result<Option<ContactId>, DataverseError> {
        Self::contact(self, email).await
    }
}
