//! How the state of a referral follows a run: what it is about to write, what was stored, what did not happen, what was told.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Digest, Intention, Pair, Side, State, Values};
use crate::ids::{ETag, NoteId, ReferralId};
use crate::lead::{Column, Lead};
use crate::mapping;
use crate::mapping::columns::STATUS;
use crate::referral::Referral;

/// What the keys of written notes begin with, among [`State::reported`].
const NOTE: &str = "note:";

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
        self.reported.retain(|key| key.starts_with(NOTE));
        self.reported.extend(holding.iter().cloned());
    }

    /// Forgets which notes were written, but for `needed`.
    pub(in crate::sync) fn keep_notes(&mut self, needed: impl Iterator<Item = NoteId>) {
        let needed: BTreeSet<String> = needed.map(note_key).collect();
        self.reported
            .retain(|key| !key.starts_with(NOTE) || needed.contains(key));
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

fn note_key(note: NoteId) -> String {
    format!("{NOTE}{note}")
}
