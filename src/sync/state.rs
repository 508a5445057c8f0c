//! What is remembered of one referral between syncs: which lead it has, what both sides agreed on, and what was about to
//! be written. Merging needs equality only, so no value is kept: only salted digests of them.

pub mod store;

mod digest;
mod steps;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use crate::ids::{ETag, LeadId, RecordId};
use crate::lead::Column;

/// What is remembered of one referral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Salt of every digest in here.
    pub salt: Uuid,
    /// The lead that belongs to the referral, once there is one. Agreed values belong to this lead.
    pub lead: Option<LeadId>,
    /// What both sides held when they were last found or made alike, by lead column. [`crate::mapping::columns::STATUS`]
    /// stands for the status of both.
    pub agreed: Values,
    /// The parts of a referral that columns are made of, where these are not the ones of the default rules.
    pub sources: BTreeMap<Column, String>,
    /// Writes that were about to be sent and whose end was not seen.
    pub intentions: Vec<Intention>,
    /// The referral's version when it was last looked at.
    pub referral_version: Option<ETag>,
    /// Its `updatedDateTime` then.
    pub referral_updated: Option<Timestamp>,
    /// The lead's version when it was last looked at.
    pub lead_version: Option<ETag>,
    /// Whether values went both ways when the agreed values were saved. A switch to two-way starts from fresh ones.
    pub two_way: bool,
    /// What has been reported and still holds.
    pub reported: BTreeSet<String>,
    /// Open leads with the same contact and company that were there when this one was made or taken.
    pub duplicates: BTreeSet<LeadId>,
    /// For when a later look has been queued.
    pub look_again: Option<Timestamp>,
    /// Whether a dead letter tells of this referral.
    pub dead_letter: bool,
    /// Since when the referral was seen closed.
    pub closed: Option<Timestamp>,
    /// What a flow was given of the referral, where one takes them.
    pub handed: Option<Handed>,
}

impl State {
    /// Of a referral nothing is known of.
    pub fn new(salt: Uuid) -> Self {
        Self {
            salt,
            lead: None,
            agreed: BTreeMap::new(),
            sources: BTreeMap::new(),
            intentions: Vec::new(),
            referral_version: None,
            referral_updated: None,
            lead_version: None,
            two_way: false,
            reported: BTreeSet::new(),
            duplicates: BTreeSet::new(),
            look_again: None,
            dead_letter: false,
            closed: None,
            handed: None,
        }
    }
}

/// What a flow was given of a referral, and what it answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handed {
    /// What it was given last.
    pub content: Option<Digest>,
    /// `updatedDateTime` of the version that was looked at last and needed nothing more.
    pub updated: Option<Timestamp>,
    /// Which record it wrote.
    pub record: Option<RecordId>,
    /// The record that the referral named last, if we told it so.
    pub linked: Option<RecordId>,
    /// A hand-over that was about to be made and whose end was not seen.
    pub under_way: Option<UnderWay>,
}

/// A hand-over that was about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnderWay {
    /// The run.
    pub run: Uuid,
    /// The run waits for no answer after this.
    pub until: Timestamp,
}

/// What both sides hold, by column.
pub type Values = BTreeMap<Column, Pair>;

/// What a column holds on either side: `None` is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// In the lead, as Dataverse stored it.
    pub lead: Option<Digest>,
    /// In the referral, before it is mapped: a changed limit or rule is no edit.
    pub referral: Option<Digest>,
    /// Whether the two mean the same. If not, they were found different with nothing agreed: the first later change is a
    /// conflict.
    pub alike: bool,
}

/// A digest of a value, salted with [`State::salt`] and the column's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 16]);

/// A write that a run is about to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intention {
    /// The run.
    pub run: Uuid,
    /// The run sends nothing after this.
    pub deadline: Timestamp,
    /// Which side is written.
    pub side: Side,
    /// That side's version before the write; `None` if it is to be created.
    pub version: Option<ETag>,
    /// What both sides will hold, by column.
    pub values: Values,
}

/// One of the two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The CRM's.
    Lead,
    /// Partner Center's.
    Referral,
}
