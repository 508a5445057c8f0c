//! Worlds in which one promise that the connector builds on, or makes, is broken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use referral_connector::ids::{AccountId, ContactId, CurrencyId, ETag, LeadId, ReferralId};
use referral_connector::lead::{
    Changes, Column, Columns, Currency, Decision, Lead, LeadSchema, Note, Owner,
};
use referral_connector::referral::{PatchOperation, Referral};
use referral_connector::sync::world::{Leads, Referrals, World};
use referral_connector::upstream::dataverse::{
    Created, CurrentLead, DataverseError, LeadPage, LeadQuery, NoteAdded, Updated,
};
use referral_connector::upstream::partner_center::{ListQuery, Page, PartnerCenterError, Patched};
use referral_connector::upstream::storage::{
    Blob, Blobs, Listing, Presumed, Put, Queue, StorageError, Taken,
};
use serde_json::{Value, json};

/// One thread runs a seed.
const UNPOISONED: &str = "nobody panics with the lock";

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A state is saved whatever was saved since it was read.
    BlobsWithoutPreconditions,
    /// The state has no member of this name.
    Forgets(&'static str),
    /// Only the newest intention is kept.
    OneIntention,
    /// Intentions look older than they are.
    HastyIntentions,
    /// Agreed values say that both sides mean the same.
    AllAlike,
    /// What cannot be read is taken for what is not there.
    FailingIsAbsent,
    /// A lead may be claimed by several referrals.
    ClaimsAlwaysHold,
    /// A lead is updated whatever it is now.
    LeadsWithoutIfMatch,
    /// A lead is created over the one that is there.
    LeadsWithoutIfNoneMatch,
    /// A referral is patched whatever it is now.
    ReferralsWithoutIfMatch,
    /// The referral is read when the lead is, and not after.
    ReferralFirst,
    /// A write is said to have stored what was sent.
    TakesWhatWasSent,
    /// Leads say that they rested for a long time.
    AllLeadsRested,
    /// A lead is read once and remembered.
    RemembersLeads,
    /// Nobody has an open lead already.
    NobodyIsKnown,
    /// Whose a lead is that was there before its referral is not read.
    NobodyOwnsLeads,
    /// Notes are not written.
    NoNotes,
    /// What is to be looked at later is not.
    NothingLater,
    /// The connector's own columns are left as they were made.
    ShowsNothingNew,
    /// What the connector's own columns hold is never seen.
    OverlooksItsColumns,
    /// That the organisation rewrites a column is told and not remembered.
    ForgetsWhatIsRewritten,
    /// Some leads say that their referral is accepted, and nobody did.
    AcceptsByItself,
    /// A decision of the seller is never seen.
    OverlooksDecisions,
}

/// The world `inner` with a flaw.
pub(crate) struct Faulty {
    inner: World,
    flaw: Flaw,
    referrals: Mutex<BTreeMap<LeadId, Referral>>,
    leads: Mutex<BTreeMap<LeadId, CurrentLead>>,
}

/// `world` with `flaw`.
pub(crate) fn with(world: World, flaw: Flaw) -> World {
    let clock = Arc::clone(&world.clock);
    let faulty = Arc::new(Faulty {
        inner: world,
        flaw,
        referrals: Mutex::default(),
        leads: Mutex::default(),
    });
    World {
        referrals: Arc::<Faulty>::clone(&faulty),
        leads: Arc::<Faulty>::clone(&faulty),
        blobs: Arc::<Faulty>::clone(&faulty),
        later: faulty,
        clock,
    }
}

/// Whether `column` is one of the connector's own.
fn is_own(column: &Column) -> bool {
    column.as_str().starts_with("pcref_")
}

impl Faulty {
    /// What is made of a lead that was read.
    fn misread(&self, lead: &mut Lead) {
        match self.flaw {
            Flaw::AllLeadsRested => lead.modified = "2020-01-01T00:00:00Z".parse().ok(),
            Flaw::OverlooksItsColumns => lead.columns.retain(|column, _| !is_own(column)),
            Flaw::AcceptsByItself => lead.decision = Some(Decision::Accept),
            Flaw::OverlooksDecisions => lead.decision = None,
            _ => {}
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    /// The document that is saved instead of `content`.
    fn spoilt(&self, name: &str, content: &Bytes) -> Bytes {
        let parsed: Option<Value> = serde_json::from_slice(content).ok();
        let Some(mut document) = parsed.filter(|_| name.starts_with("state/")) else {
            return content.clone();
        };
        match self.flaw {
            Flaw::Forgets("two_way") => document["two_way"] = json!(true),
            Flaw::Forgets(member) => {
                document.as_object_mut().map(|it| it.remove(member));
            }
            Flaw::OneIntention => {
                if let Some(all) = document["intentions"].as_array_mut() {
                    let others = all.len().saturating_sub(1);
                    all.drain(..others);
                }
            }
            Flaw::HastyIntentions => {
                let all = document["intentions"].as_array_mut();
                for intention in all.into_iter().flatten() {
                    intention["deadline"] = json!("2026-01-01T00:00:00Z");
                }
            }
            Flaw::AllAlike => {
                let all = document["agreed"].as_object_mut();
                for (_, pair) in all.into_iter().flatten() {
                    pair["alike"] = json!(true);
                }
            }
            Flaw::ForgetsWhatIsRewritten => {
                let is_kept =
                    |key: &Value| !key.as_str().is_some_and(|it| it.starts_with("rewritten"));
                if let Some(all) = document["reported"].as_array_mut() {
                    all.retain(is_kept);
                }
            }
            _ => return content.clone(),
        }
        document.to_string().into()
    }
}

#[async_trait]
impl Blobs for Faulty {
    async fn get(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        if name.starts_with("by-lead/") && self.has(Flaw::NobodyOwnsLeads) {
            return Ok(None);
        }
        let found = self.inner.blobs.get(name).await;
        if self.has(Flaw::FailingIsAbsent) {
            return Ok(found.unwrap_or_default());
        }
        found
    }

    async fn put(
        &self,
        name: &str,
        content: Bytes,
        presumed: Presumed<'_>,
    ) -> Result<Put, StorageError> {
        let is_claim = name.starts_with("by-lead/") && self.has(Flaw::ClaimsAlwaysHold);
        let is_loose = matches!(
            self.flaw,
            Flaw::BlobsWithoutPreconditions | Flaw::FailingIsAbsent
        );
        let presumed = if is_claim || is_loose {
            Presumed::Nothing
        } else {
            presumed
        };
        let content = self.spoilt(name, &content);
        self.inner.blobs.put(name, content, presumed).await
    }

    async fn delete(&self, name: &str, version: Option<&ETag>) -> Result<bool, StorageError> {
        self.inner.blobs.delete(name, version).await
    }

    async fn list(&self, prefix: &str, marker: Option<&str>) -> Result<Listing, StorageError> {
        self.inner.blobs.list(prefix, marker).await
    }
}

#[async_trait]
impl Queue for Faulty {
    async fn send(&self, text: &str, delay: Duration) -> Result<(), StorageError> {
        if self.has(Flaw::NothingLater) {
            return Ok(());
        }
        self.inner.later.send(text, delay).await
    }

    async fn take(&self, most: u8, hidden: Duration) -> Result<Vec<Taken>, StorageError> {
        self.inner.later.take(most, hidden).await
    }

    async fn remove(&self, taken: &Taken) -> Result<(), StorageError> {
        self.inner.later.remove(taken).await
    }
}

#[async_trait]
impl Referrals for Faulty {
    async fn read(&self, id: ReferralId) -> Result<Referral, PartnerCenterError> {
        let before = self
            .referrals
            .lock()
            .expect(UNPOISONED)
            .remove(&LeadId::of(id));
        match before {
            Some(before) => Ok(before),
            None => self.inner.referrals.read(id).await,
        }
    }

    async fn patch(
        &self,
        id: ReferralId,
        etag: &ETag,
        operations: &[PatchOperation],
    ) -> Result<Patched, PartnerCenterError> {
        if self.has(Flaw::ReferralsWithoutIfMatch) {
            let now = self.inner.referrals.read(id).await?;
            return self.inner.referrals.patch(id, &now.etag, operations).await;
        }
        self.inner.referrals.patch(id, etag, operations).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, PartnerCenterError> {
        self.inner.referrals.list(query).await
    }

    async fn probe(&self) -> Result<(), PartnerCenterError> {
        self.inner.referrals.probe().await
    }
}

#[async_trait]
impl Leads for Faulty {
    async fn current(&self, id: LeadId) -> Result<Option<CurrentLead>, DataverseError> {
        if self.has(Flaw::ReferralFirst) {
            let referral = self.inner.referrals.read(ReferralId::new(id.uuid())).await;
            if let Ok(referral) = referral {
                self.referrals
                    .lock()
                    .expect(UNPOISONED)
                    .insert(id, referral);
            }
        }
        let known = self.leads.lock().expect(UNPOISONED).get(&id).cloned();
        if let Some(known) = known.filter(|_| self.has(Flaw::RemembersLeads)) {
            return Ok(Some(known));
        }
        let mut found = self.inner.leads.current(id).await?;
        if let Some(found) = &mut found {
            self.misread(&mut found.lead);
            self.leads
                .lock()
                .expect(UNPOISONED)
                .insert(id, found.clone());
        }
        Ok(found)
    }

    async fn create(
        &self,
        id: LeadId,
        columns: &Columns,
        owner: Option<Owner>,
        created: Option<Timestamp>,
    ) -> Result<Created, DataverseError> {
        let made = self.inner.leads.create(id, columns, owner, created).await?;
        if made == Created::AlreadyThere && self.has(Flaw::LeadsWithoutIfNoneMatch) {
            let columns = columns.iter();
            let changes: Changes = columns
                .map(|(column, value)| (column.clone(), Some(value.clone())))
                .collect();
            if let Some(there) = self.inner.leads.current(id).await? {
                self.inner
                    .leads
                    .update(id, &there.lead.etag, &changes)
                    .await?;
            }
            return Ok(Created::Now(None));
        }
        Ok(made)
    }

    async fn update(
        &self,
        id: LeadId,
        etag: &ETag,
        changes: &Changes,
    ) -> Result<Updated, DataverseError> {
        self.leads.lock().expect(UNPOISONED).clear();
        if self.has(Flaw::LeadsWithoutIfMatch) {
            let Some(there) = self.inner.leads.current(id).await? else {
                return Ok(Updated::Gone);
            };
            return self.inner.leads.update(id, &there.lead.etag, changes).await;
        }
        let mut changes = changes.clone();
        if self.has(Flaw::ShowsNothingNew) {
            changes.retain(|column, _| !is_own(column));
        }
        let changes = &changes;
        let updated = self.inner.leads.update(id, etag, changes).await?;
        Ok(match updated {
            Updated::Done(Some(stored)) if self.has(Flaw::TakesWhatWasSent) => {
                Updated::Done(Some(Box::new(as_sent(*stored, changes))))
            }
            updated => updated,
        })
    }

    async fn add_note(&self, lead: LeadId, note: &Note) -> Result<NoteAdded, DataverseError> {
        if self.has(Flaw::NoNotes) {
            return Ok(NoteAdded::Now);
        }
        self.inner.leads.add_note(lead, note).await
    }

    async fn currency(&self, code: &str) -> Result<Option<Currency>, DataverseError> {
        self.inner.leads.currency(code).await
    }

    async fn currency_row(&self, id: CurrencyId) -> Result<Option<Currency>, DataverseError> {
        self.inner.leads.currency_row(id).await
    }

    async fn schema(&self) -> Result<Arc<LeadSchema>, DataverseError> {
        self.inner.leads.schema().await
    }

    async fn changed(&self, query: &LeadQuery) -> Result<LeadPage, DataverseError> {
        self.inner.leads.changed(query).await
    }

    async fn alike(
        &self,
        email: &str,
        company: &str,
        most: usize,
    ) -> Result<Vec<LeadId>, DataverseError> {
        let found = self.inner.leads.alike(email, company, most).await?;
        if self.has(Flaw::NobodyIsKnown) {
            return Ok(Vec::new());
        }
        Ok(found)
    }

    async fn account(&self, name: &str) -> Result<Option<AccountId>, DataverseError> {
        self.inner.leads.account(name).await
    }

    async fn contact(&self, email: &str) -> Result<Option<ContactId>, DataverseError> {
        self.inner.leads.contact(email).await
    }
}

/// `stored` as it would be if the organisation had taken `changes` as they were sent.
fn as_sent(mut stored: Lead, changes: &Changes) -> Lead {
    for (column, value) in changes {
        if let Some(value) = value
            && stored.columns.contains_key(column)
        {
            stored.columns.insert(column.clone(), value.clone());
        }
    }
    stored
}
