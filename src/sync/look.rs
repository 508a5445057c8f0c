//! Reads both sides: the lead, then the referral, and what is needed to compare them.

mod known;

use std::sync::Arc;

use uuid::Uuid;

use super::Syncer;
use super::error::SyncCause;
use super::options::Mode;
use super::plan::{self, Inputs, Known, LeadFinding};
use super::state::State;
use crate::ids::{CurrencyId, LeadId, ReferralId};
use crate::lead::{Changes, Currency, LeadSchema, Value};
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
    /// What is known of the customer already, where the lead is new.
    pub(super) known: Option<Known>,
}

impl View {
    /// The lead that is worked with, if there is one.
    pub(super) fn lead_id(&self) -> Option<LeadId> {
        match &self.lead {
            LeadFinding::Found { lead, .. } => Some(lead.id),
            LeadFinding::Absent | LeadFinding::OfAnother { .. } => None,
        }
    }

    /// What is decided from it.
    pub(super) fn inputs<'a>(
        &'a self,
        syncer: &'a Syncer,
        state: &'a State,
        shown: &'a Changes,
        run: Uuid,
    ) -> Inputs<'a> {
        Inputs {
            referral: &self.referral,
            lead: &self.lead,
            state,
            run,
            schema: &self.schema,
            currency: self.currency.as_ref(),
            lead_currency: self.lead_currency.as_ref(),
            known: self.known.as_ref(),
            options: &syncer.options,
            shown,
            now: syncer.world.clock.now(),
        }
    }
}

impl Syncer {
    /// Reads the lead, then the referral, so that an edit of the referral is never older than the lead it is compared with.
    ///
    /// The lead is the one that `state` names. While it names none: the one that was made for the referral, else the one its
    /// `externalReferenceId` names, else one that matches, where that is wanted.
    pub(super) async fn look(&self, id: ReferralId, state: &State) -> Result<View, SyncCause> {
        let own = LeadId::of(id);
        let known = state.lead.unwrap_or(own);
        let mut lead = self.find(known).await?;
        let mut referral = self.world.referrals.read(id).await?;
        if state.lead.is_none() && lead == LeadFinding::Absent {
            (lead, referral) = self.follow(own, referral).await?;
        }
        lead = self.unless_of_another(lead, &referral, state).await?;
        let view = self.weigh(lead, referral).await?;
        Box::pin(self.recognise(view, state)).await
    }

    /// What is needed to compare the two.
    pub(super) async fn weigh(
        &self,
        lead: LeadFinding,
        referral: Referral,
    ) -> Result<View, SyncCause> {
        let schema = self.world.leads.schema().await?;
        let currency = match &referral.details.currency {
            Some(code) => self.world.leads.currency(code.trim()).await?,
            None => None,
        };
        let lead_currency = self.lead_currency(&lead, currency.as_ref()).await?;
        Ok(View {
            lead,
            referral,
            schema,
            currency,
            lead_currency,
            known: None,
        })
    }

    async fn find(&self, id: LeadId) -> Result<LeadFinding, SyncCause> {
        let current = self.world.leads.current(id).await?;
        Ok(
            current.map_or(LeadFinding::Absent, |it| LeadFinding::Found {
                lead: it.lead,
                merged_from: it.merged_from,
            }),
        )
    }

    /// Reads the lead that `referral` names, and then the referral again: it may name another one by then.
    async fn follow(
        &self,
        own: LeadId,
        mut referral: Referral,
    ) -> Result<(LeadFinding, Referral), SyncCause> {
        let mut lead = LeadFinding::Absent;
        let mut read = own;
        for _ in 0..LINKS_FOLLOWED {
            let named = referral.external_reference.as_deref();
            let named: Option<LeadId> = named.and_then(|text| text.trim().parse().ok());
            let Some(named) = named.filter(|it| *it != own && *it != read) else {
                break;
            };
            lead = self.find(named).await?;
            referral = self.world.referrals.read(referral.id).await?;
            read = named;
        }
        Ok((lead, referral))
    }

    /// `found`, unless it belongs to another referral: both would overwrite each other in it. Asked only of a lead that is not
    /// yet known to be this one's.
    async fn unless_of_another(
        &self,
        found: LeadFinding,
        referral: &Referral,
        state: &State,
    ) -> Result<LeadFinding, SyncCause> {
        let LeadFinding::Found { lead, merged_from } = &found else {
            return Ok(found);
        };
        let id = lead.id;
        if state.lead == Some(id) {
            return Ok(found);
        }
        let owner = self.states.owner_of(id).await?;
        if owner.is_some_and(|owner| owner != referral.id) {
            return Ok(LeadFinding::OfAnother { lead: id });
        }
        if id == LeadId::of(referral.id) {
            return Ok(found);
        }
        let names_it = plan::names(referral, id);
        if self
            .was_made_for_another(id, merged_from.is_some() && !names_it)
            .await?
        {
            return Ok(LeadFinding::OfAnother { lead: id });
        }
        Ok(found)
    }

    /// Whether lead `id` was made for the referral with that id: something is remembered of it, or it `is_doubtful` and Partner
    /// Center has it.
    async fn was_made_for_another(&self, id: LeadId, is_doubtful: bool) -> Result<bool, SyncCause> {
        let other = ReferralId::new(id.uuid());
        let remembered = self.states.load(other).await?.state;
        if remembered.is_some_and(|state| state.lead == Some(id)) {
            return Ok(true);
        }
        if !is_doubtful {
            return Ok(false);
        }
        match self.world.referrals.read(other).await {
            Ok(_) => Ok(true),
            // Refused is as good as not there: no lead was made for a referral that cannot be read.
            Err(PartnerCenterError::NotFound { .. } | PartnerCenterError::Forbidden { .. }) => {
                Ok(false)
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
        Ok(self.world.leads.currency_row(row).await?)
    }
}
