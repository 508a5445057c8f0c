//! Puts a plan together: from both sides' values, their status, the link between them, and what is remembered.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::cells::cells;
use super::findings::Findings;
use super::merge::{self, Merged, Merger};
use super::settle::Settled;
use super::{Inputs, Known, LeadAction, LeadFinding, Outcome, Patch, Plan, Report};
use super::{known, mirror, notes, patches, standing};
use crate::ids::{ETag, LeadId};
use crate::lead::{Changes, Columns, Lead, LeadState, Note, Value};
use crate::mapping::columns::STATUS;
use crate::mapping::status::{self, Inbound};
use crate::mapping::{Projection, Rule, Unit};
use crate::sync::state::{Pair, State, Values};

/// How early a later look may come: the clocks of a queue and of an instance differ.
const EARLY: SignedDuration = SignedDuration::from_mins(10);
/// How far ahead a look is asked for. A message can hide for a week, and one that comes early asks again.
const FARTHEST: SignedDuration = SignedDuration::from_hours(6 * 24);

/// A plan in the making.
pub(super) struct Draft<'a> {
    inputs: &'a Inputs<'a>,
    projection: &'a Projection,
    state: State,
    edited: BTreeSet<Unit>,
    findings: Findings,
    lead: LeadAction,
    notes: Vec<Note>,
    patches: Vec<Patch>,
    look_again: Option<Timestamp>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        inputs: &'a Inputs<'a>,
        projection: &'a Projection,
        settled: Settled,
    ) -> Self {
        let mut draft = Self {
            inputs,
            projection,
            state: settled.state,
            edited: settled.edited,
            findings: Findings::default(),
            lead: LeadAction::None,
            notes: Vec::new(),
            patches: Vec::new(),
            look_again: None,
        };
        for unit in &draft.edited {
            draft.findings.add(Report::EditedSince(*unit), "");
        }
        for unit in &settled.again {
            draft.findings.add(Report::WrittenAgain(*unit), "");
        }
        draft
    }

    pub(super) fn tell(&mut self, report: Report, about: &str) {
        self.findings.add(report, about);
    }

    /// The referral gets its lead.
    pub(super) fn create(&mut self) -> Outcome {
        let (referral, schema) = (self.inputs.referral, self.inputs.schema);
        let options = self.inputs.options;
        self.state.agreed.clear();
        self.state.two_way = patches::writes_back(self.inputs);
        self.lose();
        self.know();
        let mut columns = self.projection.columns.clone();
        columns.extend(self.inputs.known.map(Known::parents).unwrap_or_default());
        let mut reason = status::NEW;
        let inbound = status::inbound(
            referral.status.state,
            LeadState::Open,
            Some(status::NEW),
            schema,
            &self.inputs.options.mapping.status,
        );
        if let Inbound::Contacted(contacted) = inbound {
            reason = contacted;
            columns.insert(STATUS, Value::Choice(reason));
        }
        self.link(LeadId::of(referral.id), None);
        self.note(&Columns::new(), &columns, &Merged::default(), false);
        columns.extend(mirror::of_new(self.inputs, self.projection));
        self.lead = LeadAction::Create {
            values: self.created(reason),
            columns,
            owner: options.mapping.owner(referral).or(options.owner),
            created: referral.created.filter(|it| *it < self.inputs.now),
        };
        Outcome::Created
    }

    /// What both sides hold once the lead is there, but for what it could not take.
    fn created(&self, reason: i32) -> Values {
        let mut values = Values::new();
        let rows = self.inputs.options.mapping.rows().iter();
        for row in rows.filter(|row| row.rule != Rule::Creation) {
            let column = &row.column;
            let wanted = self.projection.columns.get(column);
            let raw = self.projection.raw.get(column);
            if raw.is_some() && wanted.is_none() {
                continue;
            }
            let pair = Pair {
                lead: wanted.map(|it| self.state.lead_digest(column, it)),
                referral: raw.map(|it| self.state.referral_digest(column, it)),
                alike: true,
            };
            values.insert(column.clone(), pair);
        }
        let raw = self.projection.raw.get(&STATUS);
        let pair = Pair {
            lead: Some(
                self.state
                    .status_digest(LeadState::Open, Some(reason), None),
            ),
            referral: raw.map(|it| self.state.referral_digest(&STATUS, it)),
            alike: true,
        };
        values.insert(STATUS, pair);
        values
    }

    /// The referral and its lead are compared.
    pub(super) fn existing(&mut self, lead: &Lead, merged_from: Option<LeadId>) -> Outcome {
        self.adopt(lead, merged_from);
        self.lose();
        self.know();
        let mut merged = Merger {
            inputs: self.inputs,
            cells: cells(
                &self.inputs.options.mapping,
                self.inputs.referral,
                self.projection,
                lead,
                &self.state,
            ),
            edited: &self.edited,
            findings: &mut self.findings,
            merged: Merged::default(),
        }
        .merge();
        let standing = standing::compare(
            self.inputs,
            self.projection,
            lead,
            &self.state,
            &mut self.findings,
        );
        merged.changes.extend(standing.changes.clone());
        merged.values.extend(standing.values.clone());
        self.state.agreed.append(&mut merged.agreed);
        if let Some(pair) = standing.agreed {
            self.state.agreed.insert(STATUS, pair);
        }
        if standing.is_flagged {
            let raw = self.projection.raw.get(&STATUS).map(String::as_str);
            self.tell(Report::Flagged, raw.unwrap_or_default());
        }
        // Dataverse takes no change to this version of the lead.
        let is_read_only = self.state.was_told(&Report::LeadReadOnly, &lead.etag);
        if is_read_only {
            merged.changes.clear();
        }
        let columns = merge::after(&lead.columns, &merged.changes);
        self.note(&lead.columns, &columns, &merged, standing.is_flagged);
        self.link(lead.id, merged_from);
        let is_linked = !self.patches.is_empty();
        self.send(lead, &merged);
        if !is_read_only {
            let own = self.own(lead, &merged, &standing);
            merged.changes.extend(own);
        }
        self.answer(lead, merged.changes.is_empty(), &standing);
        let is_sent = usize::from(is_linked) < self.patches.len();
        let outcome = match (merged.changes.is_empty(), is_sent, is_linked) {
            (false, ..) => Outcome::Updated,
            (true, true, _) => Outcome::WrittenBack,
            (true, false, true) => Outcome::Linked,
            (true, false, false) => Outcome::Unchanged,
        };
        self.update(lead, merged.changes, merged.values);
        outcome
    }

    /// Agreed values belong to one lead, and to one direction: another lead, and a switch to two-way, start from nothing.
    fn adopt(&mut self, lead: &Lead, merged_from: Option<LeadId>) {
        if let Some(from) = merged_from {
            self.tell(Report::LeadMerged, &format!("{from} {}", lead.id));
        }
        let two_way = patches::writes_back(self.inputs);
        let is_another = self.state.lead.is_some_and(|it| it != lead.id);
        if is_another || merged_from.is_some() {
            self.state.duplicates.clear();
        }
        if is_another || merged_from.is_some() || two_way && !self.state.two_way {
            self.state.agreed.clear();
        }
        if self.inputs.known.is_some() {
            self.tell(Report::Adopted(lead.id), "");
        }
        self.state.lead = Some(lead.id);
        self.state.two_way = two_way;
    }

    /// Remembers which leads may be the same, and tells of them.
    fn know(&mut self) {
        if let Some(similar) = self.inputs.known.and_then(|it| it.similar.as_ref()) {
            self.state.duplicates.clone_from(similar);
        }
        for report in known::reports(&self.state) {
            self.findings.add(report, "");
        }
    }

    fn lose(&mut self) {
        for loss in &self.projection.losses {
            let report = Report::Lost(loss.column.clone(), loss.reason);
            self.findings.add(report, &loss.value);
        }
    }

    fn link(&mut self, lead: LeadId, merged_from: Option<LeadId>) {
        let link = patches::link(self.inputs, lead, merged_from, &mut self.findings);
        self.patches.extend(link);
    }

    /// The values that go to the referral.
    fn send(&mut self, lead: &Lead, merged: &Merged) {
        let data = patches::data(
            self.inputs,
            self.projection,
            lead,
            &merged.sends,
            &mut self.findings,
        );
        self.patches.extend(data);
    }

    /// What changes of the connector's own columns.
    fn own(&mut self, lead: &Lead, merged: &Merged, standing: &standing::Standing) -> Changes {
        let sides = mirror::Sides {
            lead,
            state: &self.state,
            projection: self.projection,
            merged,
            standing,
            patches: &self.patches,
        };
        mirror::changes(self.inputs, &sides, &mut self.findings)
    }

    /// Then the status, a close last. `rests` is whether the lead is left as it is.
    fn answer(&mut self, lead: &Lead, rests: bool, standing: &standing::Standing) {
        let (status, until) = standing.patches(self.inputs, lead, rests, &mut self.findings);
        self.patches.extend(status);
        self.look_again = until.and_then(|until| self.look(until));
    }

    /// When to look again so that `until` is not missed, unless such a look is to come.
    fn look(&self, until: Timestamp) -> Option<Timestamp> {
        let now = self.inputs.now;
        let after = |span| now.checked_add(span).unwrap_or(Timestamp::MAX);
        let is_to_come = |look: Timestamp| after(EARLY) < look && look <= until;
        let asked = self.state.look_again.is_some_and(is_to_come);
        (!asked).then(|| until.min(after(FARTHEST)))
    }

    fn note(&mut self, before: &Columns, columns: &Columns, merged: &Merged, flagged: bool) {
        self.notes = notes::notes(&notes::Occasion {
            mapping: &self.inputs.options.mapping,
            referral: self.inputs.referral,
            projection: self.projection,
            before,
            columns,
            lost_by_referral: &merged.lost_by_referral,
            lost_by_lead: &merged.lost_by_lead,
            currency: patches::currency_code(self.inputs, before),
            duplicates: &self.state.duplicates,
            crm: self.inputs.options.crm.as_ref(),
            flagged,
        });
    }

    fn update(&mut self, lead: &Lead, changes: Changes, values: Values) {
        if !changes.is_empty() {
            self.lead = LeadAction::Update {
                etag: lead.etag.clone(),
                changes,
                values,
            };
        }
    }

    pub(super) fn finish(self, outcome: Outcome) -> Plan {
        let mut state = self.state;
        let referral = self.inputs.referral;
        let lead = self.inputs.lead.version();
        state.closed = if referral.status.state.is_closed() {
            state.closed.or(Some(self.inputs.now))
        } else {
            None
        };
        // As long as something is to be written, neither version is done with.
        if self.lead == LeadAction::None && self.patches.is_empty() {
            state.referral_version = Some(referral.etag.clone());
            state.referral_updated = referral.updated;
            state.lead_version = lead.cloned();
        }
        let versions: Vec<&ETag> = lead.into_iter().chain([&referral.etag]).collect();
        state.keep(self.notes.iter().map(|note| note.id), &versions);
        let (reports, holding) = self.findings.split(&state);
        let mut notes = self.notes;
        notes.retain(|note| !state.is_noted(note.id));
        Plan {
            lead: self.lead,
            notes,
            patches: self.patches,
            state,
            busy_until: None,
            look_again: self.look_again,
            reports,
            holding,
            outcome,
        }
    }
}

impl LeadFinding {
    fn version(&self) -> Option<&ETag> {
        match self {
            Self::Found { lead, .. } => Some(&lead.etag),
            Self::Absent | Self::OfAnother { .. } => None,
        }
    }
}
