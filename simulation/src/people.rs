//! Sellers, the people at Partner Center, and administrators.

use std::collections::BTreeSet;

use referral_connector::ids::{LeadId, ReferralId};
use referral_connector::lead::{Columns, Lead, LeadState, Value};
use referral_connector::mapping::columns::DO_NOT_EMAIL;
use referral_connector::mapping::{self, Mapping, Projection};
use referral_connector::referral::{Referral, ReferralState};
use uuid::Uuid;

use crate::field::{FIELDS, Field};
use crate::habits::{Act, Habits};
use crate::ledger::{Edit, Record, Undo};
use crate::partner_center::status;
use crate::universe::Contents;

/// What the ids of another flow's leads begin with.
const FLOW: u128 = 0xcafe_0000;

impl Contents {
    /// Somebody does something, if there is something to be done.
    pub(crate) fn act(&mut self, habits: &Habits) {
        let Some((act, name)) = habits.choose(&mut self.chance) else {
            return;
        };
        let ids: Vec<ReferralId> = self.partner_center.referrals.keys().copied().collect();
        let id = ids[self.chance.usize(..ids.len())];
        if self.perform(act, id).is_some() {
            self.ledger.changes += 1;
            self.count(name);
        }
    }

    fn perform(&mut self, act: Act, id: ReferralId) -> Option<()> {
        match act {
            Act::EditReferral
            | Act::ClearReferral
            | Act::UndoReferral
            | Act::TouchReferral
            | Act::Accept
            | Act::Close
            | Act::Refuse
            | Act::Reference
            | Act::Consent
            | Act::Postpone => self.perform_at_partner_center(act, id),
            Act::Candidate => self.candidate(id),
            _ => self.perform_on_lead(act, id),
        }
    }

    fn perform_at_partner_center(&mut self, act: Act, id: ReferralId) -> Option<()> {
        let state = self.referral(id).status.state;
        if act == Act::Refuse {
            let record = self.partner_center.referrals.get_mut(&id)?;
            record.is_refused = !record.is_refused;
            self.announce(id);
            return Some(());
        }
        if state.is_closed() {
            return None;
        }
        match act {
            Act::EditReferral | Act::ClearReferral => {
                let (field, value) = self.something(act == Act::ClearReferral);
                let before = field.of_referral(self.referral(id));
                let record = Record::Referral(id);
                self.ledger.undos.push(Undo {
                    record,
                    field,
                    before,
                });
                self.edit_referral(id, |it| field.into_referral(it, value));
            }
            Act::UndoReferral => {
                let undo = self.last_undo(Record::Referral(id))?;
                self.edit_referral(id, |it| undo.field.into_referral(it, undo.before));
            }
            Act::Postpone => self.let_expire(id),
            Act::TouchReferral => self.edit_referral(id, |it| it.quality = None),
            Act::Accept => {
                (state == ReferralState::New).then_some(())?;
                self.edit_referral(id, |it| it.status = status(ReferralState::Active));
            }
            Act::Close => {
                use ReferralState::{Active, Declined, Expired, Lost, Won};
                let ways = if state == Active {
                    [Won, Lost]
                } else {
                    [Declined, Expired]
                };
                let way = ways[self.chance.usize(..2)];
                self.edit_referral(id, |it| it.status = status(way));
            }
            Act::Reference => {
                let number = self.ledger.number();
                let text = format!("CRM-{number}");
                self.edit_referral(id, |it| it.external_reference = Some(text));
            }
            _ => {
                let consents = self.chance.bool();
                self.edit_referral(id, |it| it.consent.to_contact = Some(consents));
            }
        }
        Some(())
    }

    /// A lead that another flow made, which the referral names.
    fn candidate(&mut self, id: ReferralId) -> Option<()> {
        if self.referral(id).status.state.is_closed() {
            return None;
        }
        let others = self.dataverse.leads.keys().copied();
        let others: Vec<LeadId> = others.filter(|it| *it != LeadId::of(id)).collect();
        if !others.is_empty() && self.chance.u8(..3) == 0 {
            let lead = others[self.chance.usize(..others.len())];
            self.edit_referral(id, |it| it.external_reference = Some(lead.to_string()));
            return Some(());
        }
        let lead = self.another_flows_lead();
        self.edit_referral(id, |it| it.external_reference = Some(lead.to_string()));
        Some(())
    }

    /// A lead that another flow made, one for all now and then.
    pub(crate) fn another_flows_lead(&mut self) -> LeadId {
        let known = self.dataverse.leads.keys().copied();
        let mut known = known.filter(|it| it.uuid().as_u128() >> 16 == FLOW >> 16);
        let known: Option<LeadId> = known.next_back();
        if let Some(known) = known.filter(|_| self.chance.bool()) {
            return known;
        }
        let number = self.ledger.number();
        let lead = LeadId::new(Uuid::from_u128(FLOW + u128::from(number)));
        let mut columns = Columns::new();
        for field in [Field::Company, Field::City] {
            if self.chance.bool() {
                let number = self.ledger.number();
                let value = field.fresh(number, false);
                columns.insert(field.column(), Value::Text(value));
            }
        }
        self.put_lead(lead, columns);
        lead
    }

    fn perform_on_lead(&mut self, act: Act, id: ReferralId) -> Option<()> {
        let lead = self.a_lead_of(id)?;
        let state = self.dataverse.leads[&lead].state;
        let reason = self.dataverse.leads[&lead].status_reason;
        let is_open = state == LeadState::Open;
        match act {
            Act::Merge => self.merge(lead),
            Act::Delete => {
                self.tell(|| format!("seller deletes lead {lead}"));
                let now = self.now();
                self.ledger.deleted.insert(lead, now);
                self.dataverse.leads.remove(&lead);
            }
            // A closed lead is read-only in the seller's form.
            Act::EditLead | Act::ClearLead if is_open => {
                let (field, value) = self.something(act == Act::ClearLead);
                let before = field.of_lead(&self.dataverse.leads[&lead].columns);
                let record = Record::Lead(lead);
                self.ledger.undos.push(Undo {
                    record,
                    field,
                    before,
                });
                self.edit_lead(lead, |it, lead| it.fill_lead(lead, field, value));
            }
            Act::UndoLead if is_open => {
                let undo = self.last_undo(Record::Lead(lead))?;
                self.edit_lead(lead, |it, lead| it.fill_lead(lead, undo.field, undo.before));
            }
            Act::TouchLead => self.edit_lead(lead, |_, _| {}),
            Act::Decide(decision) if is_open => {
                self.edit_lead(lead, |_, lead| lead.decision = decision);
            }
            Act::Scribble if is_open => self.scribble(lead),
            Act::AllowEmail if is_open => {
                let forbids = Value::Flag(self.chance.bool());
                self.edit_lead(lead, |it, lead| it.store(lead, DO_NOT_EMAIL, Some(forbids)));
            }
            Act::Contact if is_open && reason == Some(1) => {
                self.set_status(lead, LeadState::Open, 2);
            }
            Act::Uncontact if is_open && reason == Some(2) => {
                self.set_status(lead, LeadState::Open, 1);
            }
            Act::Qualify if is_open => self.set_status(lead, LeadState::Qualified, 3),
            Act::Disqualify if is_open => {
                let reason = self.chance.i32(4..=7);
                self.set_status(lead, LeadState::Disqualified, reason);
            }
            Act::Reopen if !is_open => self.set_status(lead, LeadState::Open, 1),
            _ => return None,
        }
        Some(())
    }

    fn set_status(&mut self, id: LeadId, state: LeadState, reason: i32) {
        self.edit_lead(id, |_, lead| {
            lead.state = state;
            lead.status_reason = Some(reason);
        });
    }

    /// A lead of referral `id` that a seller may have open.
    fn a_lead_of(&mut self, id: ReferralId) -> Option<LeadId> {
        let own = LeadId::of(id);
        let named = self.referral(id).external_reference.as_deref();
        let named = named.and_then(|it| it.parse().ok());
        let entered = self.ledger.introduced.get(&id).into_iter().flatten();
        let leads = [Some(own), named]
            .into_iter()
            .flatten()
            .chain(entered.copied());
        let leads: BTreeSet<LeadId> = leads
            .filter_map(|it| self.dataverse.current(it).map(|lead| lead.id))
            .collect();
        let leads: Vec<LeadId> = leads.into_iter().collect();
        (!leads.is_empty()).then(|| leads[self.chance.usize(..leads.len())])
    }

    /// The seller merges `lead` into another one: of this referral, of another referral, or of nobody.
    fn merge(&mut self, lead: LeadId) {
        let others = self.dataverse.leads.values();
        let others: Vec<LeadId> = others
            .filter(|it| it.id != lead && it.merged_into.is_none())
            .map(|it| it.id)
            .collect();
        let master = if others.is_empty() || self.chance.bool() {
            let number = self.ledger.number();
            let id = LeadId::new(Uuid::from_u128(0xbeef_0000 + u128::from(number)));
            let company = Value::Text(Field::Company.fresh(number, false));
            self.put_lead(id, [(Field::Company.column(), company)].into());
            id
        } else {
            others[self.chance.usize(..others.len())]
        };
        self.tell(|| format!("seller merges lead {lead} into {master}"));
        self.change_lead(lead, |it| {
            it.merged_into = Some(master);
            it.state = LeadState::Disqualified;
            it.status_reason = Some(7);
        });
    }

    fn something(&mut self, is_cleared: bool) -> (Field, Option<String>) {
        let number = self.ledger.number();
        // A few fields again and again: edits have to meet.
        let field = if self.chance.u8(..4) == 0 {
            FIELDS[self.chance.usize(..FIELDS.len())]
        } else {
            let few = [Field::Amount, Field::Company, Field::City, Field::LastName];
            few[self.chance.usize(..few.len())]
        };
        let has_passed = self.chance.u8(..6) == 0;
        let value = (!is_cleared).then(|| field.fresh(number, has_passed));
        (field, value)
    }

    fn last_undo(&mut self, record: Record) -> Option<Undo> {
        let at = self
            .ledger
            .undos
            .iter()
            .rposition(|it| it.record == record)?;
        Some(self.ledger.undos.remove(at))
    }

    /// The lead that `referral` asks for.
    pub(crate) fn projected(&self, referral: &Referral) -> Projection {
        let code = referral.details.currency.as_deref();
        let currency = code.and_then(|code| self.dataverse.currency(code));
        let schema = &self.dataverse.schema;
        mapping::project(referral, schema, currency, &self.instances.settings)
    }

    pub(crate) fn edit_referral(&mut self, id: ReferralId, change: impl FnOnce(&mut Referral)) {
        let before = self.projected(self.referral(id));
        self.change_referral(id, change);
        let after = self.projected(self.referral(id));
        let version = self.referral(id).clone();
        self.tell(|| {
            let brief = crate::partner_center::brief(&version);
            format!("partner center: {brief}")
        });
        self.book(Record::Referral(id), &before.columns, &after.columns);
    }

    pub(crate) fn edit_lead(&mut self, id: LeadId, change: impl FnOnce(&Self, &mut Lead)) {
        let mut lead = self.dataverse.leads[&id].clone();
        let before = lead.columns.clone();
        change(self, &mut lead);
        let after = lead.columns.clone();
        self.change_lead(id, |it| *it = lead);
        let lead = self.dataverse.leads[&id].clone();
        self.tell(|| format!("seller: {}", crate::dataverse::brief(&lead)));
        self.book(Record::Lead(id), &before, &after);
    }

    pub(crate) fn book(&mut self, record: Record, before: &Columns, after: &Columns) {
        let at = self.now();
        for row in Mapping::shipped().rows() {
            let (before, value) = (before.get(&row.column), after.get(&row.column));
            if before != value {
                self.ledger.edits.push(Edit {
                    at,
                    record,
                    column: row.column.clone(),
                    before: before.cloned(),
                    value: value.cloned(),
                });
            }
        }
    }
}
