//! Where what is remembered rests: one small blob for each referral, and one for each lead that was not made for its referral.

use std::sync::Arc;

use bytes::Bytes;

use super::State;
use super::wire::{self, Unread};
use crate::ids::{ETag, LeadId, ReferralId};
use crate::upstream::storage::{Blob, Blobs, Presumed, Put, StorageCause, StorageError};

/// Where the states lie, each under its referral's id.
pub const STATES: &str = "state/";
/// Where it says whose a lead is that was not made for its referral, each under the lead's id.
pub const OWNERS: &str = "by-lead/";
/// How often the owner of a lead is read anew because it changes while it is read.
const CLAIMS: usize = 3;

/// Loads and saves what is remembered. Clones share the blobs.
#[derive(Clone)]
pub struct States {
    blobs: Arc<dyn Blobs>,
}

/// What was loaded, and what the next save presumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// What is remembered; `None` if nothing is.
    pub state: Option<State>,
    /// The blob's version; `None` if there is no blob.
    version: Option<ETag>,
    /// What could not be read. It is set aside before it is overwritten.
    unreadable: Option<Bytes>,
}

/// What became of a save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is saved.
    Done,
    /// Somebody else saved since it was loaded. Nothing was written.
    Changed,
}

/// Whose a lead is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The referral's that asked.
    Ours,
    /// This one's.
    Of(ReferralId),
}

impl Stored {
    /// Whether there is a blob that could not be read.
    pub fn is_unreadable(&self) -> bool {
        self.unreadable.is_some()
    }
}

impl States {
    /// Those among `blobs`.
    pub fn new(blobs: Arc<dyn Blobs>) -> Self {
        Self { blobs }
    }

    /// What is remembered of `referral`. A blob that cannot be read counts as none; one that a newer program wrote is an
    /// error, as is anything the storage says but "there is none".
    pub async fn load(&self, referral: ReferralId) -> Result<Stored, StorageError> {
        let name = name(referral);
        let Some(Blob { content, version }) = self.blobs.get(&name).await? else {
            return Ok(Stored::default());
        };
        match wire::read(&content) {
            Ok(state) => Ok(Stored {
                state: Some(state),
                version: Some(version),
                unreadable: None,
            }),
            Err(Unread::Newer(format)) => Err(newer(name, format)),
            Err(Unread::Broken) => {
                tracing::warn!(
                    code = "state_unreadable",
                    referral.id = %referral,
                    "what was remembered of a referral cannot be read; nothing counts as agreed"
                );
                Ok(Stored {
                    state: None,
                    version: Some(version),
                    unreadable: Some(content),
                })
            }
        }
    }

    /// Saves `state` if the blob is still what was `stored`, and notes it there.
    pub async fn save(
        &self,
        referral: ReferralId,
        state: &State,
        stored: &mut Stored,
    ) -> Result<Saved, StorageError> {
        let name = name(referral);
        let content = wire::write(state).map_err(|bytes| StorageError {
            operation: "save",
            name: name.clone(),
            cause: StorageCause::TooLarge { bytes },
        })?;
        if let Some(unreadable) = &stored.unreadable {
            let copy = format!("state-unreadable/{referral}.json");
            let unreadable = unreadable.clone();
            self.blobs.put(&copy, unreadable, Presumed::Nothing).await?;
        }
        let presumed = match &stored.version {
            Some(version) => Presumed::Version(version),
            None => Presumed::Absent,
        };
        match self.blobs.put(&name, content, presumed).await? {
            Put::Done(version) => {
                *stored = Stored {
                    state: Some(state.clone()),
                    version: Some(version),
                    unreadable: None,
                };
                Ok(Saved::Done)
            }
            Put::Changed => Ok(Saved::Changed),
        }
    }

    /// Forgets `referral`, and whose its lead is, if the blob is still what was `stored`. `false` if it is not.
    pub async fn forget(
        &self,
        referral: ReferralId,
        stored: &Stored,
    ) -> Result<bool, StorageError> {
        let version = stored.version.as_ref();
        if !self.blobs.delete(&name(referral), version).await? {
            return Ok(false);
        }
        let lead = stored.state.as_ref().and_then(|state| state.lead);
        if let Some(lead) = lead.filter(|lead| *lead != LeadId::of(referral)) {
            let name = owner_name(lead);
            if matches!(self.owner(&name).await?, Some(Ok(owner)) if owner == referral) {
                self.blobs.delete(&name, None).await?;
            }
        }
        Ok(true)
    }

    /// Makes `lead` the lead of `referral`, unless it is another's. Only for leads that were not made for their referral.
    pub async fn claim(&self, lead: LeadId, referral: ReferralId) -> Result<Claim, StorageError> {
        let name = owner_name(lead);
        let content = wire::write_owner(referral);
        let mut unreadable = None;
        for _ in 0..CLAIMS {
            let presumed = match &unreadable {
                Some(version) => Presumed::Version(version),
                None => Presumed::Absent,
            };
            if let Put::Done(_) = self.blobs.put(&name, content.clone(), presumed).await? {
                return Ok(Claim::Ours);
            }
            unreadable = match self.owner(&name).await? {
                Some(Ok(owner)) if owner == referral => return Ok(Claim::Ours),
                Some(Ok(owner)) => return Ok(Claim::Of(owner)),
                Some(Err(version)) => Some(version),
                None => None,
            };
        }
        Err(StorageError {
            operation: "write",
            name,
            cause: StorageCause::Unsettled,
        })
    }

    /// The referral that claimed `lead`, if one did.
    pub async fn owner_of(&self, lead: LeadId) -> Result<Option<ReferralId>, StorageError> {
        let owner = self.owner(&owner_name(lead)).await?;
        Ok(owner.and_then(Result::ok))
    }

    /// Who is written in blob `name`; its version if that cannot be read.
    async fn owner(&self, name: &str) -> Result<Option<Result<ReferralId, ETag>>, StorageError> {
        let Some(blob) = self.blobs.get(name).await? else {
            return Ok(None);
        };
        match wire::read_owner(&blob.content) {
            Ok(owner) => Ok(Some(Ok(owner))),
            Err(Unread::Newer(format)) => Err(newer(name.to_owned(), format)),
            Err(Unread::Broken) => Ok(Some(Err(blob.version))),
        }
    }
}

/// The blob of `referral`.
fn name(referral: ReferralId) -> String {
    format!("{STATES}{referral}.json")
}

/// The blob that says whose `lead` is.
fn owner_name(lead: LeadId) -> String {
    format!("{OWNERS}{lead}.json")
}

fn newer(name: String, format: u32) -> StorageError {
    StorageError {
        operation: "read",
        name,
        cause: StorageCause::Newer { format },
    }
}

#[cfg(test)]
mod tests;
