//! How the state of a referral follows a run: what it is about to write, what was stored, what did not happen, what was told.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Digest, Intention, Pair, Side, State, Values};
use crate::ids::{ETag, NoteId, ReferralId};
use crate::lead::{Column, Lead};
use crate::mapping::columns::STATUS;
use crate::mapping::{self, Unit};
use crate::referral::Referral;
use crate::sync::plan::Report;

/// What the keys of written notes begin with, among [`State::reported`].
const NOTE: &str = "note:";
/// The reports that a run makes of the answers it gets, not a plan of what is found.
const OF_RUNS: [Report; 2] = [Report::LeadReadOnly, Report::PreconditionRefused];

impl State {
    /// Remembers that `run` is about to write `values` to a side that has `version` (`None`: it is to be created). To be
    /// saved before the write is sent. `false` if that was remembered already. Never takes the place of another intention.
    pub fn intend(
        &mut self,
        run: Uuid,
        deadline: Timestamp,
        side: Side,
        version: Option<&ETag>,
        values: &Values,
    ) -> bool {
        let intention = Intention {
            run,
            deadline,
            side,
            version: version.cloned(),
            values: values.clone(),
        };
        if values.is_empty() || self.intentions.contains(&intention) {
            return false;
        }
        self.intentions.push(intention);
        true
    }

    /// The lead was written with `values` and is now `stored`, by the answer to that write: that is what is agreed. Text that
    /// was trimmed and amounts that were rounded on the way are no edits.
    pub fn confirm_lead(
        &mut self,
        run: Uuid,
        referral: ReferralId,
        stored: &Lead,
        values: &Values,
    ) {
        for (column, pair) in values {
            let lead = self.held(column, stored, referral);
            self.agreed.insert(column.clone(), Pair { lead, ..*pair });
        }
        self.lead = Some(stored.id);
        self.strike(run, Side::Lead);
    }

    /// The referral was written with `values` and is now `stored`, by the answer to that write. What else `run` intends to write
    /// to it presumes the version it has now.
    pub fn confirm_referral(&mut self, run: Uuid, stored: &Referral, values: &Values) {
        let raw = mapping::raw(stored);
        for (column, pair) in values {
            let referral = raw.get(column).map(|it| self.referral_digest(column, it));
            self.agreed
                .insert(column.clone(), Pair { referral, ..*pair });
        }
        self.intentions.retain_mut(|intention| {
            if intention.run == run && intention.side == Side::Referral {
                let is_open = |column: &Column, pair: &mut Pair| values.get(column) != Some(&*pair);
                intention.values.retain(is_open);
                intention.version = Some(stored.etag.clone());
            }
            !intention.values.is_empty()
        });
    }

    /// What `run` intended to write to `side` did not happen, or its end is known.
    pub fn strike(&mut self, run: Uuid, side: Side) {
        self.intentions
            .retain(|intention| intention.run != run || intention.side != side);
        if self.lead.is_none() && !self.is_begun() {
            // They were those of a lead that was not created.
            self.duplicates.clear();
        }
    }

    /// Whether a run was about to create the lead, and may have.
    pub(in crate::sync) fn is_begun(&self) -> bool {
        let mut intentions = self.intentions.iter();
        intentions.any(|it| it.side == Side::Lead && it.version.is_none())
    }

    /// Remembers that `note` is on the lead's timeline.
    pub fn noted(&mut self, note: NoteId) {
        self.reported.insert(note_key(note));
    }

    /// Whether `note` is known to be on the lead's timeline.
    pub fn is_noted(&self, note: NoteId) -> bool {
        self.reported.contains(&note_key(note))
    }

    /// Remembers that whatever holds was handed on. What holds no more would be news again.
    pub fn told(&mut self, holding: &BTreeSet<String>) {
        self.reported.retain(|key| is_of_a_run(key));
        self.reported.extend(holding.iter().cloned());
    }

    /// Remembers what a run has to tell of version `about` of a side: [`Report::LeadReadOnly`] or
    /// [`Report::PreconditionRefused`]. `false` if it was told before.
    pub fn tell(&mut self, report: &Report, about: &ETag) -> bool {
        let key = self.key(report, about.as_str());
        self.reported.insert(key)
    }

    /// Whether `report` was told of version `about` of a side.
    pub(in crate::sync) fn was_told(&self, report: &Report, about: &ETag) -> bool {
        self.reported.contains(&self.key(report, about.as_str()))
    }

    /// What `report` is remembered by, and what it is `about` where that can change.
    pub(in crate::sync) fn key(&self, report: &Report, about: &str) -> String {
        let report = report.to_string();
        if about.is_empty() {
            return report;
        }
        let digest = u128::from_be_bytes(self.report_digest(&report, about).0);
        format!("{report}#{:016x}", digest >> 64)
    }

    /// The keys of what was told of `unit`.
    pub(in crate::sync) fn told_of(&self, unit: Unit) -> impl Iterator<Item = &String> {
        let is_of_unit = move |key: &&String| {
            let report = key
                .split_once('#')
                .map_or(key.as_str(), |(report, _)| report);
            report
                .split_once(':')
                .is_some_and(|(_, about)| about == unit.word())
        };
        self.reported.iter().filter(is_of_unit)
    }

    /// Forgets of what runs have told all but the notes that are `needed` and what is still so of these versions.
    pub(in crate::sync) fn keep(
        &mut self,
        needed: impl Iterator<Item = NoteId>,
        versions: &[&ETag],
    ) {
        let notes = needed.map(note_key);
        let told = versions
            .iter()
            .flat_map(|version| OF_RUNS.map(|report| self.key(&report, version.as_str())));
        let kept: BTreeSet<String> = notes.chain(told).collect();
        self.reported
            .retain(|key| !is_of_a_run(key) || kept.contains(key));
    }

    /// Digest of what `lead` holds in `column`; `None` if that says nothing.
    pub(in crate::sync) fn held(
        &self,
        column: &Column,
        lead: &Lead,
        referral: ReferralId,
    ) -> Option<Digest> {
        if *column == STATUS {
            return Some(self.lead_status_digest(lead));
        }
        let value = mapping::said(column, &lead.columns, referral)?;
        Some(self.lead_digest(column, value))
    }
}

fn is_of_a_run(key: &str) -> bool {
    key.starts_with(NOTE) || OF_RUNS.iter().any(|report| key.starts_with(report.word()))
}

fn note_key(note: NoteId) -> String {
    format!("{NOTE}{note}")
}
