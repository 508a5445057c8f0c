//! Judges each write of the connector at the moment it takes effect.

use jiff::SignedDuration;
use referral_connector::ids::{LeadId, ReferralId};
use referral_connector::lead::{Changes, Column, Lead, Value};
use referral_connector::mapping::columns::{PARENT_ACCOUNT, PARENT_CONTACT, STATE, STATUS};
use referral_connector::mapping::status::{self, Close};
use referral_connector::mapping::{Mapping, Unit};
use referral_connector::referral::{PatchOperation, Referral};
use referral_connector::sync::options::Mode;

use crate::agenda::{Group, Run};
use crate::universe::Contents;

impl Contents {
    /// A lead is made under its referral's id, once.
    pub(crate) fn judge_creation(&mut self, id: LeadId, run: Run, group: Group) {
        self.ledger.wrote(run);
        let made = self.ledger.made.entry(id).or_default();
        *made += 1;
        let again = *made > 1;
        // Whoever deletes a lead before any run could tell of it gets another one.
        let was_known = self.ledger.known.contains(&id)
            && !self.ledger.forgotten.contains(&ReferralId::new(id.uuid()));
        if again && was_known {
            self.ledger.violated(format!("lead {id} was made again"));
        }
        if self.instances.mode(group) == Mode::Observe {
            let words = "a lead was made in observe mode";
            self.ledger.violated(words.to_owned());
        }
    }

    /// Whatever is written differs from what is there.
    pub(crate) fn judge_update(&mut self, lead: &Lead, changes: &Changes, run: Run, group: Group) {
        self.ledger.wrote(run);
        if self.instances.mode(group) == Mode::Observe {
            let words = "a lead was written in observe mode";
            self.ledger.violated(words.to_owned());
        }
        self.judge_own_columns(lead, changes);
        if [PARENT_ACCOUNT, PARENT_CONTACT]
            .iter()
            .any(|it| changes.contains_key(it))
        {
            let words = format!("lead {} was given away after it was made", lead.id);
            self.ledger.violated(words);
        }
        for (column, value) in changes {
            let is_same = match (column, value) {
                (column, Some(Value::Choice(number))) if *column == STATE => {
                    lead.state.number() == *number && !changes.contains_key(&STATUS)
                }
                (column, Some(Value::Choice(number))) if *column == STATUS => {
                    lead.status_reason == Some(*number)
                }
                (column, value) => lead.columns.get(column) == value.as_ref(),
            };
            if is_same {
                let words = format!(
                    "{column} of lead {} was written without a difference",
                    lead.id
                );
                self.ledger.violated(words);
            }
        }
    }

    /// A patch changes something, says what the mode allows, and closes only what may be closed.
    pub(crate) fn judge_patch(
        &mut self,
        before: &Referral,
        after: &Referral,
        operations: &[PatchOperation],
        run: Run,
        group: Group,
    ) {
        if before == after {
            let words = format!("{operations:?} was sent without a difference");
            self.ledger.violated(words);
        }
        let mode = self.instances.mode(group);
        let is_allowed = |path: &str| match mode {
            Mode::Observe | Mode::Inbound => false,
            Mode::Link => path == "/externalReferenceId",
            Mode::TwoWay => true,
        };
        if let Some(operation) = operations.iter().find(|it| !is_allowed(it.path)) {
            let words = format!("{} was written in mode {mode}", operation.path);
            self.ledger.violated(words);
        }
        self.judge_old_difference(before, after, group);
        self.judge_acceptance(before, after, run, group);
        if after.status.state.is_closed() {
            self.judge_close(before, after, operations, run, group);
        }
        self.ledger.wrote(run);
    }

    /// What differed before values went both ways is not sent: somebody has to have edited since.
    fn judge_old_difference(&mut self, before: &Referral, after: &Referral, group: Group) {
        let changed = [
            (
                Unit::Deal,
                before.details.deal_value != after.details.deal_value,
            ),
            (
                Unit::Closing,
                before.details.closing != after.details.closing,
            ),
        ];
        let was_filled = [
            (Unit::Deal, before.details.deal_value.is_some()),
            (Unit::Closing, before.details.closing.is_some()),
        ];
        let Some((one_way, since)) = self.instances.two_way_since(group) else {
            return;
        };
        // Where no run came by in between, nothing tells that values went one way for a while.
        let last = self.ledger.one_way.get(&before.id);
        if last.is_none_or(|last| *last < one_way) {
            return;
        }
        for ((unit, is_changed), (_, was_filled)) in changed.into_iter().zip(was_filled) {
            let is_of_unit = |column: &Column| {
                Mapping::shipped()
                    .rows()
                    .iter()
                    .any(|row| row.unit == unit && row.column == *column)
            };
            let edits = self.ledger.edits.iter();
            let mut later = edits.filter(|it| it.at >= since && is_of_unit(&it.column));
            if is_changed && was_filled && later.next().is_none() {
                let word = unit.word();
                let words = format!("an old {word} was sent after the switch to two-way");
                self.ledger.violated(words);
            }
        }
    }

    fn judge_close(
        &mut self,
        before: &Referral,
        after: &Referral,
        operations: &[PatchOperation],
        run: Run,
        group: Group,
    ) {
        self.count("connector: closed a referral");
        let is_alone = operations
            .iter()
            .all(|it| ["/status", "/substatus", "/statusReason"].contains(&it.path));
        let seen = self.ledger.seen.get(&run).cloned().unwrap_or_default();
        // Clocks differ a little, and `modifiedon` is to the second.
        let now = self.now() + SignedDuration::from_secs(5);
        let asked = seen.lead.as_ref().map(|lead| {
            let options = self.instances.options(group);
            status::outbound(before.status.state, lead, options, now).close
        });
        let is_asked = matches!(asked, Some(Close::Now { substatus, .. })
            if substatus == after.status.substatus);
        if !is_alone || !is_asked || seen.writes_since > 0 {
            let words = format!(
                "the referral was closed on a lead that does not say so: alone {is_alone}, asked {asked:?}, {} writes since the lead was read",
                seen.writes_since
            );
            self.ledger.violated(words);
        }
    }
}
