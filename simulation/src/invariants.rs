//! What must hold when nothing happens any more.

use referral_connector::ids::{LeadId, ReferralId};
use referral_connector::lead::{Column, Lead, LeadState, Value};
use referral_connector::mapping::columns::{
    DO_NOT_EMAIL, ESTIMATED_AMOUNT, STATUS, TRANSACTION_CURRENCY,
};
use referral_connector::mapping::status::{self, Close, Inbound};
use referral_connector::mapping::{Mapping, Projection, Row, Unit};
use referral_connector::referral::Referral;
use referral_connector::sync::SyncReport;
use referral_connector::sync::options::Mode;
use referral_connector::sync::plan::{Outcome, Report};

use crate::dataverse::brief;
use crate::ledger::{Edit, Record};
use crate::universe::Contents;

/// What is known of one referral at the end.
struct Ending<'a> {
    contents: &'a Contents,
    id: ReferralId,
    referral: &'a Referral,
    lead: &'a Lead,
    /// The lead that the referral asks for.
    projection: Projection,
    /// What still holds of what was reported.
    reported: Vec<String>,
}

impl Contents {
    /// Everything that is wrong with referral `id` once both sides are at rest and the last run gave `report`.
    pub(crate) fn wrong_with(&self, id: ReferralId, report: &SyncReport) -> Vec<String> {
        let referral = self.referral(id);
        let lead = report.lead.and_then(|it| self.dataverse.current(it));
        let is_in_step = matches!(
            report.outcome,
            Outcome::Unchanged
                | Outcome::Linked
                | Outcome::Updated
                | Outcome::Created
                | Outcome::WrittenBack
        );
        if self.instances.settings.mode == Mode::Observe {
            return Vec::new();
        }
        let (Some(lead), true) = (lead, is_in_step) else {
            return self.wrong_without_lead(referral, report);
        };
        let ending = Ending {
            contents: self,
            id,
            referral,
            lead,
            projection: self.projected(referral),
            reported: self.remembered(id),
        };
        let mut wrong = ending.differences();
        wrong.extend(ending.disobedience());
        wrong.extend(ending.repeated(report));
        wrong.extend(ending.lost_edits());
        wrong.extend(ending.status());
        wrong.extend(self.wrong_columns(referral, lead, &ending.reported));
        wrong
    }

    /// The keys of what was reported of referral `id` and still holds.
    fn remembered(&self, id: ReferralId) -> Vec<String> {
        let blob = self.storage.blobs.get(&format!("state/{id}.json"));
        let state = blob.and_then(|(blob, _)| serde_json::from_slice(&blob.content).ok());
        let state: serde_json::Value = state.unwrap_or_default();
        let reported = state["reported"].as_array().into_iter().flatten();
        reported
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect()
    }

    /// A referral may be without a lead for a few reasons only.
    fn wrong_without_lead(&self, referral: &Referral, report: &SyncReport) -> Vec<String> {
        let id = referral.id;
        let own = self.dataverse.current(LeadId::of(id));
        let is_right = match report.outcome {
            Outcome::Ignored(_) => referral.status.state.is_closed() && own.is_none(),
            Outcome::LeadDeleted => own.is_none() || report.lead.is_none(),
            Outcome::LeadOfAnother => true,
            _ => false,
        };
        if is_right {
            return Vec::new();
        }
        let (outcome, lead) = (report.outcome, own.map(brief));
        vec![format!(
            "referral {id} has no lead, and the last run says {outcome:?}; its own lead is {lead:?}"
        )]
    }
}

/// The unit of a column.
fn unit(column: &Column) -> Option<Unit> {
    let row = Mapping::shipped()
        .rows()
        .iter()
        .find(|row| row.column == *column)?;
    Some(row.unit)
}

impl Ending<'_> {
    fn mode(&self) -> Mode {
        self.contents.instances.settings.mode
    }

    fn canonical(&self, column: &Column, value: Option<&Value>) -> Option<Value> {
        self.contents.normalized(column, value?.clone())
    }

    fn held(&self, column: &Column) -> Option<Value> {
        self.canonical(column, self.lead.columns.get(column))
    }

    fn asked(&self, column: &Column) -> Option<Value> {
        self.canonical(column, self.projection.columns.get(column))
    }

    fn is_reported(&self, row: &Row) -> bool {
        let about = [row.unit.word(), row.column.as_str()];
        let closed = self.referral.status.state.is_closed();
        self.reported.iter().any(|key| {
            let names = about.iter().any(|word| key.contains(word));
            names || closed && key.starts_with("flagged") || key.starts_with("lead_read_only")
        })
    }

    /// Both sides agree, or the difference is reported.
    fn differences(&self) -> Vec<String> {
        let rows = Mapping::shipped()
            .rows()
            .iter()
            .filter(|row| self.differs(row));
        rows.filter(|row| !self.is_reported(row))
            .map(|row| {
                format!(
                    "{}: {} of the lead is {:?}, of the referral {:?}; reported is {:?}",
                    self.id,
                    row.column,
                    self.held(&row.column),
                    self.asked(&row.column),
                    self.reported
                )
            })
            .collect()
    }

    fn differs(&self, row: &Row) -> bool {
        let (held, asked) = (self.held(&row.column), self.asked(&row.column));
        if self.is_half_a_deal(row) || self.stands_in(row) {
            return false;
        }
        match row.unit {
            Unit::Origin => false,
            Unit::Consent => {
                row.column == DO_NOT_EMAIL && asked == Some(Value::Flag(true)) && held != asked
            }
            Unit::Description => held != asked && asked.is_some_and(|it| !self.is_noted(&it)),
            _ if held == asked => false,
            // The referral says nothing: what a seller wrote stays; what came from the referral must not.
            _ if asked.is_none() => {
                !self.was_void()
                    && !self.referral.status.state.is_closed()
                    && held.is_some_and(|it| self.came_from_referral(&row.column, &it))
            }
            _ => true,
        }
    }

    /// Where no two edits met, no report excuses a difference: what one side says has to be on the other.
    fn disobedience(&self) -> Vec<String> {
        let ledger = &self.contents.ledger;
        let own = self.lead.id == LeadId::of(self.id) && ledger.made.contains_key(&self.lead.id);
        let is_absorbing = self
            .contents
            .dataverse
            .leads
            .values()
            .any(|it| it.merged_into == Some(self.lead.id));
        let is_read_only =
            self.lead.state != LeadState::Open && self.contents.weather.closed_leads_refuse;
        let is_simple = own
            && !is_absorbing
            && !is_read_only
            && !ledger.forgotten.contains(&self.id)
            && ledger.modes.len() == 1;
        if !is_simple {
            return Vec::new();
        }
        let rows = Mapping::shipped()
            .rows()
            .iter()
            .filter(|row| self.must_agree(row));
        rows.filter(|row| self.held(&row.column) != self.asked(&row.column))
            .map(|row| {
                format!(
                    "{}: {} must agree: the lead has {:?}, the referral {:?}",
                    self.id,
                    row.column,
                    self.held(&row.column),
                    self.asked(&row.column),
                )
            })
            .collect()
    }

    /// A currency without an amount is no deal: Dataverse gives every lead one.
    fn is_half_a_deal(&self, row: &Row) -> bool {
        let amount = &ESTIMATED_AMOUNT;
        row.column == TRANSACTION_CURRENCY
            && (self.held(amount).is_none() || self.asked(amount).is_none())
    }

    /// What stands in for a name that the referral does not have fills, and makes no difference.
    fn stands_in(&self, row: &Row) -> bool {
        self.projection.stand_ins.contains(&row.column)
    }

    fn must_agree(&self, row: &Row) -> bool {
        let is_edited = self.edits().any(|edit| {
            matches!(edit.record, Record::Lead(_)) && unit(&edit.column) == Some(row.unit)
        });
        let is_lost = self
            .projection
            .losses
            .iter()
            .any(|it| unit(&it.column) == Some(row.unit));
        let (held, asked) = (self.held(&row.column), self.asked(&row.column));
        let is_closed = self.referral.status.state.is_closed();
        // Where the answer to a write is lost, what the organisation made of a value looks like an edit.
        let is_rewritten = matches!(row.unit, Unit::Contact | Unit::Address | Unit::Deal);
        match row.unit {
            Unit::Origin | Unit::Consent | Unit::Description => false,
            _ if is_rewritten && self.contents.weather.normalizes => false,
            _ if is_lost || self.stands_in(row) || self.is_half_a_deal(row) => false,
            _ if !is_edited => asked.is_some() || !is_closed && row.unit != Unit::Contact,
            Unit::Deal | Unit::Closing => {
                let is_told = ["past_closing_date", "unknown_currency"];
                let is_told = |key: &String| is_told.iter().any(|word| key.starts_with(word));
                self.mode() == Mode::TwoWay
                    && !is_closed
                    && held.is_some()
                    && asked.is_some()
                    && !self.reported.iter().any(is_told)
            }
            _ => false,
        }
    }

    /// What was reported is not reported again.
    fn repeated(&self, report: &SyncReport) -> Vec<String> {
        let again = report.reports.iter();
        again
            .filter(|it| !matches!(it, Report::CloseHeld))
            .map(|it| format!("{}: {it} is reported again and again", self.id))
            .collect()
    }

    /// Whether what was agreed was void at some time: then nobody knows where a value came from.
    fn was_void(&self) -> bool {
        let ledger = &self.contents.ledger;
        let switches = ledger.modes.iter().skip(1);
        ledger.forgotten.contains(&self.id)
            || self.lead.id != LeadId::of(self.id)
            || switches.into_iter().any(|(_, mode)| *mode == Mode::TwoWay)
    }

    fn came_from_referral(&self, column: &Column, value: &Value) -> bool {
        let edits = self.edits().filter(|it| it.column == *column);
        let wrote = |it: &&Edit| self.canonical(column, it.value.as_ref()).as_ref() == Some(value);
        let last = edits.filter(wrote).last();
        last.is_some_and(|it| matches!(it.record, Record::Referral(_)))
    }

    /// The edits of this referral and of its lead.
    fn edits(&self) -> impl Iterator<Item = &Edit> {
        let edits = self.contents.ledger.edits.iter();
        edits.filter(|it| {
            it.record == Record::Referral(self.id) || it.record == Record::Lead(self.lead.id)
        })
    }

    /// What stood in a lead that was deleted went with it.
    fn is_deleted(&self, edit: &Edit) -> bool {
        let Record::Lead(lead) = edit.record else {
            return false;
        };
        let deleted = self.contents.ledger.deleted.get(&lead);
        deleted.is_some_and(|moment| edit.at <= *moment)
    }

    fn is_noted(&self, value: &Value) -> bool {
        let text = match value {
            Value::Text(text) => text.clone(),
            Value::Amount(amount) => amount.normalize().to_string(),
            Value::Date(date) => date.to_string(),
            Value::Whole(number) => number.to_string(),
            Value::Choice(_) | Value::Flag(_) | Value::Row(_) | Value::Moment(_) => return true,
        };
        let mut notes = self.contents.dataverse.notes.values();
        notes.any(|(_, note)| note.text.contains(&text))
    }

    /// No edit is lost: it is there, somebody wrote over it who saw it, or a note tells of it.
    fn lost_edits(&self) -> Vec<String> {
        let mut lost = Vec::new();
        for edit in self.edits().filter(|edit| !self.is_deleted(edit)) {
            let column = &edit.column;
            let value = self.canonical(column, edit.value.as_ref());
            // Rows, flags and choices are the same for everybody: nobody could tell whose they are.
            let Some(value @ (Value::Text(_) | Value::Amount(_) | Value::Date(_))) = value else {
                continue;
            };
            let is_there = [self.held(column), self.asked(column)].contains(&Some(value.clone()));
            // A note tells of a value as it was sent.
            let is_noted = edit.value.as_ref().is_some_and(|it| self.is_noted(it));
            if !is_there && !is_noted && !self.is_noted(&value) && !self.is_superseded(edit, &value)
            {
                lost.push(format!(
                    "{}: {column} = {value:?}, written at {} into {:?}, is lost",
                    self.id, edit.at, edit.record
                ));
            }
        }
        lost
    }

    /// Whether somebody wrote over `value`. On the same side that came later; on the other side, whoever did may have come
    /// first: what a person takes back there is what was agreed.
    fn is_superseded(&self, edit: &Edit, value: &Value) -> bool {
        self.contents.ledger.edits.iter().any(|by| {
            by.column == edit.column
                && (by.at > edit.at || by.record != edit.record)
                && self.canonical(&edit.column, by.before.as_ref()).as_ref() == Some(value)
        })
    }

    fn status(&self) -> Vec<String> {
        let schema = &self.contents.dataverse.schema;
        let (state, lead) = (self.referral.status.state, self.lead);
        let inbound = status::inbound(
            state,
            lead.state,
            lead.status_reason,
            schema,
            &Mapping::shipped().status,
        );
        let is_told = |word: &str| self.reported.iter().any(|key| key.starts_with(word));
        let mut wrong = Vec::new();
        if inbound == Inbound::Flag && !is_told("flagged") && !is_told("lead_read_only") {
            wrong.push(format!(
                "{}: the referral is {state:?}, the lead {:?}, and no seller was asked",
                self.id, lead.state
            ));
        }
        if self.mode() == Mode::TwoWay && lead.state != LeadState::Open {
            let options = &self.contents.instances.settings;
            let asked = status::outbound(state, lead, options, self.contents.now());
            // A held close is nobody's business any more once the queue is empty.
            let is_due = asked.close != Close::No;
            if is_due && !is_told(STATUS.as_str()) && !is_told("differs:status") {
                wrong.push(format!(
                    "{}: the lead is {:?}/{:?}, and the referral still {state:?}; reported is {:?}",
                    self.id, lead.state, lead.status_reason, self.reported
                ));
            }
        }
        wrong
    }
}
