//! What stands in for the leads where a flow takes the referrals.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::ids::{AccountId, ContactId, CurrencyId, ETag, LeadId};
use crate::lead::{Changes, Columns, Currency, LeadSchema, Note, Owner};
use crate::sync::world::Leads;
use crate::upstream::dataverse::{
    Created, CurrentLead, DataverseError, LeadPage, LeadQuery, NoteAdded, Updated,
};

/// The leads of a connector without a Dataverse environment. Whatever is asked of them says that there is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLeads;

#[async_trait]
impl Leads for NoLeads {
    async fn current(&self, _: LeadId) -> Result<Option<CurrentLead>, DataverseError> {
        Err(DataverseError::Unused)
    }

    async fn create(
        &self,
        _: LeadId,
        _: &Columns,
        _: Option<Owner>,
        _: Option<Timestamp>,
    ) -> Result<Created, DataverseError> {
        Err(DataverseError::Unused)
    }

    async fn update(&self, _: LeadId, _: &ETag, _: &Changes) -> Result<Updated, DataverseError> {
        Err(DataverseError::Unused)
    }

    async fn add_note(&self, _: LeadId, _: &Note) -> Result<NoteAdded, DataverseError> {
        Err(DataverseError::Unused)
    }

    async fn currency(&self, _: &str) -> Result<Option<Currency>, DataverseError> {
        Err(DataverseError::Unused)
    }

    async fn currency_row(&self, _: CurrencyId) -> Result<Option<Currency>, DataverseError> {
        Err(DataverseError::Unused)
    }

    async fn schema(&self) -> Result<Arc<LeadSchema>, DataverseError> {
        Err(DataverseError::Unused)
    }

    async fn changed(&self, _: &LeadQuery) -> Result<LeadPage, DataverseError> {
        Err(DataverseError::Unused)
    }

    async fn alike(&self, _: &str, _: &str, _: usize) -> Result<Vec<LeadId>, DataverseError> {
        Err(DataverseError::Unused)
    }

    async fn account(&self, _: &str) -> Result<Option<AccountId>, DataverseError> {
        Err(DataverseError::Unused)
    }

    async fn contact(&self, _: &str) -> Result<Option<ContactId>, DataverseError> {
        Err(DataverseError::Unused)
    }
}
