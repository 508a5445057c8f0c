//! Reads both sides: the lead, then the referral, and what is needed to compare them.

use std::sync::Arc;

use super::Syncer;
use super::error::SyncCause;
use super::options::Mode;
use super::plan::{self, LeadFinding};
use crate::ids::{CurrencyId, LeadId, ReferralId};
use crate::lead::{Currency, LeadSchema, Value};
use crate::mapping::columns::TRANSACTION_CURRENCY;
use crate::referral::Referral;
use crate::upstream::partner_center::PartnerCenterError;

/// How often a run follows a changing `externalReferenceId` within one look.
const LINKS_FOLLOWED: usize = 3;

/// Both sides at one moment, and what is needed to compare them.
pub(super) struct View {
    pub(super) lead: LeadFinding,
    pub(super) referral: Referral,
    pub(super) schema: Arc<LeadSchema>,
    pub(super) currency: Option<Currency>,
    pub(super) lead_currency: Option<Currency>,
}

impl Syncer {
    /// Reads the lead, then the referral, so that an edit of the referral is never older than the lead it is compared with.
    pub(super) async fn look(&self, id: ReferralId) -> Result<View, SyncCause> {
        let own = LeadId::of(id);
        let mut lead = self.find(own).await?;
        let mut referral = self.partner_center.referral(id).await?;
        let mut read = own;
        for _ in 0..LINKS_FOLLOWED {
            let named = referral.external_reference.as_deref();
            let named: Option<LeadId> = named.and_then(|text| text.trim().parse().ok());
            let Some(named) = named.filter(|it| *it != own && *it != read) else {
                break;
            };
            if read == own && lead != LeadFinding::Absent {
                break;
            }
            lead = self.find(named).await?;
            referral = self.partner_center.referral(id).await?;
            read = named;
        }
        lead = self.unless_of_another(lead, &referral).await?;
        let schema = self.dataverse.schema().await?;
        let currency = match &referral.details.currency {
            Some(code) => self.dataverse.currency(code.trim()).await?,
            None => None,
        };
        let lead_currency = self.lead_currency(&lead, currency.as_ref()).await?;
        Ok(View {
            lead,
            referral,
            schema,
            currency,
            lead_currency,
        })
    }

    async fn find(&self, id: LeadId) -> Result<LeadFinding, SyncCause> {
        let current = self.dataverse.current_lead(id).await?;
        Ok(
            current.map_or(LeadFinding::Absent, |it| LeadFinding::Found {
                lead: it.lead,
                merged_from: it.merged_from,
            }),
        )
    }

    /// `found`, unless it was merged into the lead of another referral: both would overwrite each other in it. A lead has the
    /// id of the referral it was made for, so that referral can be asked for. What the referral names is its own.
    async fn unless_of_another(
        &self,
        found: LeadFinding,
        referral: &Referral,
    ) -> Result<LeadFinding, SyncCause> {
        let LeadFinding::Found {
            lead,
            merged_from: Some(_),
        } = &found
        else {
            return Ok(found);
        };
        let id = lead.id;
        if id == LeadId::of(referral.id) || plan::names(referral, id) {
            return Ok(found);
        }
        match self
            .partner_center
            .referral(ReferralId::new(id.uuid()))
            .await
        {
            Ok(_) => Ok(LeadFinding::OfAnother { lead: id }),
            // Refused is as good as not there: no lead was made for a referral that cannot be read.
            Err(PartnerCenterError::NotFound { .. } | PartnerCenterError::Forbidden { .. }) => {
                Ok(found)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The currency of the lead's amount, where it may have to be sent and is not the referral's.
    async fn lead_currency(
        &self,
        lead: &LeadFinding,
        currency: Option<&Currency>,
    ) -> Result<Option<Currency>, SyncCause> {
        let LeadFinding::Found { lead, .. } = lead else {
            return Ok(None);
        };
        let Some(Value::Row(row)) = lead.columns.get(&TRANSACTION_CURRENCY) else {
            return Ok(None);
        };
        let row = CurrencyId::new(*row);
        if self.options.mode != Mode::TwoWay || currency.is_some_and(|it| it.id == row) {
            return Ok(None);
        }
        Ok(self.dataverse.currency_row(row).await?)
    }
}
