//! Whether the customer of a new referral is known already: an open lead, an account, a contact.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::View;
use crate::failure::{Chain, Classify, Disposition};
use crate::ids::{LeadId, ReferralId};
use crate::lead::{Changes, LeadState};
use crate::sync::Syncer;
use crate::sync::error::SyncCause;
use crate::sync::options::Duplicates;
use crate::sync::plan::{self, Known, LeadFinding, Search};
use crate::sync::state::State;
use crate::upstream::dataverse::DataverseError;

/// How many leads are looked at that may be the same. More than that are too many for anybody to choose from.
const ALIKE: usize = 5;
/// How often it is looked anew because a lead that was to be taken, or the referral, changed meanwhile.
const LOOKS: u32 = 3;

impl Syncer {
    /// `view` with what is known of the customer, if the lead is new; or with the lead that is taken instead of a new one.
    pub(super) async fn recognise(&self, mut view: View, state: &State) -> Result<View, SyncCause> {
        let id = view.referral.id;
        for _ in 0..LOOKS {
            let shown = Changes::new();
            let inputs = view.inputs(self, state, &shown, Uuid::nil());
            let Some(search) = plan::search(&inputs) else {
                return Ok(view);
            };
            let mut known = self.known(&search).await?;
            let own = LeadId::of(id);
            let lead = if known.similar.iter().flatten().any(|it| *it == own) {
                // Another run made it a moment ago.
                own
            } else if let Some(lead) = self.to_take(&known, id).await? {
                lead
            } else {
                view.known = Some(known);
                return Ok(view);
            };
            // The lead, then the referral, as ever.
            let found = self.find(lead).await?;
            let referral = self.world.referrals.read(id).await?;
            let is_same = referral.etag == view.referral.etag;
            if lead == own {
                view = self.weigh(found, referral).await?;
            } else if is_same && is_open(&found, lead) {
                view = self.weigh(found, referral).await?;
                known.similar.iter_mut().for_each(|it| {
                    it.remove(&lead);
                });
                view.known = Some(known);
                return Ok(view);
            } else {
                view = self.weigh(LeadFinding::Absent, referral).await?;
            }
        }
        Err(SyncCause::Unsettled { rounds: LOOKS })
    }

    /// Asks for all of it at once. What Dataverse will not say is not known: that keeps no referral from becoming a lead.
    async fn known(&self, search: &Search) -> Result<Known, SyncCause> {
        let leads = &self.world.leads;
        let similar = async {
            let Some((email, company)) = &search.lead else {
                return Ok(None);
            };
            let found = leads.alike(email, company, ALIKE).await;
            // Whoever may read leads may look for them.
            let found = unless(found, |it| *it == Disposition::Permanent)?;
            Ok(Some(BTreeSet::from_iter(found)))
        };
        let account = async {
            let Some(name) = &search.account else {
                return Ok(None);
            };
            unless(leads.account(name).await, is_final)
        };
        let contact = async {
            let Some(email) = &search.contact else {
                return Ok(None);
            };
            unless(leads.contact(email).await, is_final)
        };
        let (similar, account, contact) = tokio::try_join!(similar, account, contact)?;
        Ok(Known {
            similar,
            account,
            contact,
        })
    }

    /// The one lead among those found that the referral may have, where that is wanted.
    async fn to_take(
        &self,
        known: &Known,
        referral: ReferralId,
    ) -> Result<Option<LeadId>, SyncCause> {
        let Some(found) = &known.similar else {
            return Ok(None);
        };
        // Of so many nobody knows whether these are all.
        let is_all = found.len() < ALIKE;
        if self.options.duplicates != Duplicates::Link || !is_all {
            return Ok(None);
        }
        let mut free = Vec::new();
        for lead in found {
            if !self.is_of_another(*lead, referral).await? {
                free.push(*lead);
            }
        }
        Ok(match free[..] {
            [lead] => Some(lead),
            _ => None,
        })
    }

    /// Whether `lead` belongs to another referral than this one, or was made for one.
    async fn is_of_another(&self, lead: LeadId, referral: ReferralId) -> Result<bool, SyncCause> {
        match self.states.owner_of(lead).await? {
            Some(owner) => Ok(owner != referral),
            None => self.was_made_for_another(lead, true).await,
        }
    }
}

/// Whether `found` is this very lead, and open.
fn is_open(found: &LeadFinding, id: LeadId) -> bool {
    matches!(found, LeadFinding::Found { lead, .. } if lead.id == id && lead.state == LeadState::Open)
}

/// Whether asking again brings nothing.
fn is_final(disposition: &Disposition) -> bool {
    !matches!(disposition, Disposition::Retry { .. })
}

/// What was found; nothing where it failed in a way that does not matter.
fn unless<T: Default>(
    found: Result<T, DataverseError>,
    is_nothing: impl Fn(&Disposition) -> bool,
) -> Result<T, DataverseError> {
    match found {
        Err(error) if is_nothing(&error.disposition()) => {
            tracing::debug!(error = %Chain(&error), "what is known of a customer was not told");
            Ok(T::default())
        }
        other => other,
    }
}
