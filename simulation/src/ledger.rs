//! What people did, what the connector did, and what it did wrong.

use std::collections::{BTreeMap, BTreeSet};

use std::sync::Arc;

use jiff::Timestamp;
use referral_connector::ids::{ETag, LeadId, ReferralId};
use referral_connector::lead::{Column, Lead, Value};
use referral_connector::referral::Referral;
use referral_connector::sync::SyncReport;
use referral_connector::sync::options::Mode;

use crate::agenda::Run;
use crate::field::Field;
use crate::known::Search;

/// Whose record somebody edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Lead(LeadId),
    Referral(ReferralId),
}

/// One column that a person changed, in the lead's terms.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) at: Timestamp,
    pub(crate) record: Record,
    pub(crate) column: Column,
    pub(crate) before: Option<Value>,
    pub(crate) value: Option<Value>,
}

/// What a person can take back.
#[derive(Clone, Debug)]
pub(crate) struct Undo {
    pub(crate) record: Record,
    pub(crate) field: Field,
    pub(crate) before: Option<String>,
}

/// What one run saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The lead as last read, and how many writes the run has sent since.
    pub(crate) lead: Option<Lead>,
    pub(crate) writes_since: u32,
    /// Every lead it read: a request that comes late was asked for by an earlier one.
    pub(crate) leads: Vec<Lead>,
    /// The referral it is about: the one that it read first.
    pub(crate) first: Option<ReferralId>,
    /// What it found when it looked for leads like that referral, since it last read what is remembered.
    pub(crate) search: Option<Search>,
    /// The version of each referral it read last.
    pub(crate) referrals: BTreeMap<ReferralId, ETag>,
}

/// An event that was answered with success.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) referral: ReferralId,
    /// The version of the referral when the event was raised. Later ones are greater.
    pub(crate) version: ETag,
}

/// The book.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) numbers: u32,
    pub(crate) edits: Vec<Edit>,
    pub(crate) undos: Vec<Undo>,
    pub(crate) seen: BTreeMap<Run, Seen>,
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Every report any run gave, by referral.
    pub(crate) reports: BTreeMap<ReferralId, Vec<String>>,
    /// When a run that sends no values ended well last.
    pub(crate) one_way: BTreeMap<ReferralId, Timestamp>,
    /// Leads that the connector made, and how often.
    pub(crate) made: BTreeMap<LeadId, u32>,
    /// Leads that a run which ended well told of.
    pub(crate) known: BTreeSet<LeadId>,
    /// Leads that a seller deleted, with when.
    pub(crate) deleted: BTreeMap<LeadId, Timestamp>,
    /// Writes of the connector to either side.
    pub(crate) writes: u32,
    /// Changes that were not the connector's.
    pub(crate) changes: u32,
    /// Saves of a state.
    pub(crate) saves: u32,
    /// The modes there were, with when each began.
    pub(crate) modes: Vec<(Timestamp, Mode)>,
    /// The newest version of each referral that was read by a run which ended well.
    pub(crate) worked_off: BTreeMap<ReferralId, String>,
    /// The last report of each referral that was asked for in the end.
    pub(crate) last: BTreeMap<ReferralId, Arc<SyncReport>>,
    /// Leads that sellers had entered of the customer of a referral before it came.
    pub(crate) introduced: BTreeMap<ReferralId, Vec<LeadId>>,
    /// Of each look for leads like a referral, whether there were any.
    pub(crate) searched: BTreeMap<ReferralId, Vec<bool>>,
    /// Referrals whose state was lost.
    pub(crate) forgotten: BTreeSet<ReferralId>,
    pub(crate) violations: Vec<String>,
}

impl Ledger {
    /// A number nobody had.
    pub(crate) fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn violated(&mut self, what: String) {
        self.violations.push(what);
    }

    pub(crate) fn lead_read(&mut self, run: Run, lead: &Lead) {
        let seen = self.seen.entry(run).or_default();
        seen.lead = Some(lead.clone());
        seen.leads.push(lead.clone());
        seen.writes_since = 0;
    }

    pub(crate) fn referral_read(&mut self, run: Run, referral: &Referral) {
        let seen = self.seen.entry(run).or_default();
        seen.first.get_or_insert(referral.id);
        seen.referrals.insert(referral.id, referral.etag.clone());
    }

    /// Run `run` sent a write to either side.
    pub(crate) fn wrote(&mut self, run: Run) {
        self.writes += 1;
        self.seen.entry(run).or_default().writes_since += 1;
    }

    /// Run `run` ended well.
    pub(crate) fn ended(&mut self, run: Run, id: ReferralId) {
        let seen = self.seen.get(&run).and_then(|it| it.referrals.get(&id));
        if let Some(version) = seen {
            let newest = self.worked_off.entry(id).or_default();
            *newest = std::mem::take(newest).max(version.to_string());
        }
    }

    /// The referral that `run` is about, once it read it.
    pub(crate) fn referral_of(&self, run: Run) -> Option<ReferralId> {
        self.seen.get(&run)?.first
    }

    /// Run `run` reads blob `name`: what is remembered of its referral is the beginning of a round.
    pub(crate) fn loads(&mut self, run: Run, name: &str) {
        let seen = self.seen.entry(run).or_default();
        if seen
            .first
            .is_none_or(|id| name == format!("state/{id}.json"))
        {
            seen.search = None;
        }
    }

    pub(crate) fn saved(&mut self, name: &str) {
        if name.starts_with("state/") {
            self.saves += 1;
        }
    }
}
