//! What people do with the connector's own columns of a lead, and what has to hold of them.

use std::time::Duration;

use referral_connector::ids::{LeadId, ReferralId};
use referral_connector::lead::{Changes, Column, Decision, Lead, Own, Value};
use referral_connector::mapping;
use referral_connector::mapping::status::{self, Outbound};
use referral_connector::referral::{Referral, ReferralState};
use referral_connector::sync::options::Mode;

use crate::agenda::{Group, Run, after};
use crate::habits::Act;
use crate::partner_center::status as words;
use crate::universe::Contents;

/// What people do with the columns, beside all the rest.
pub(crate) const ACTS: [(Act, u32, &str); 5] = [
    (Act::Decide(Some(Decision::Accept)), 3, "seller: accepts"),
    (Act::Decide(Some(Decision::Decline)), 4, "seller: declines"),
    (Act::Decide(None), 3, "seller: decides to wait"),
    (Act::Scribble, 3, "seller: edits the connector's own column"),
    (Act::Postpone, 1, "partner center: another last day"),
];

impl Contents {
    pub(crate) fn has_own_columns(&self) -> bool {
        !self.dataverse.schema.own.is_empty()
    }

    /// A seller writes over what the connector shows.
    pub(crate) fn scribble(&mut self, lead: LeadId) {
        let own = &self.dataverse.schema.own;
        let texts = [Own::Status, Own::Message, Own::Kind, Own::ReferralId];
        let column = own[&texts[self.chance.usize(..texts.len())]].clone();
        let number = self.ledger.number();
        let text = Value::Text(format!("scribble {number}"));
        let value = Some(text).filter(|_| self.chance.bool());
        self.edit_lead(lead, |it, lead| it.store(lead, column, value));
    }

    /// Partner Center closes a referral that nobody answers in time.
    pub(crate) fn let_expire(&mut self, id: ReferralId) {
        let days = Duration::from_secs(self.chance.u64(3_600..900_000));
        let moment = after(self.now(), days);
        self.edit_referral(id, |it| it.expires = Some(moment));
        self.after(days, move |it| it.expire(id));
    }

    fn expire(&mut self, id: ReferralId) {
        let referral = self.referral(id);
        let is_over = referral.expires.is_some_and(|end| end <= self.now());
        if is_over && referral.status.state == ReferralState::New {
            self.count("partner center: a referral expires");
            self.ledger.changes += 1;
            self.edit_referral(id, |it| it.status = words(ReferralState::Expired));
        }
    }

    /// The decision is the seller's, and what shows is written with what differs.
    pub(crate) fn judge_own_columns(&mut self, lead: &Lead, changes: &Changes) {
        let own = &self.dataverse.schema.own;
        if own
            .get(&Own::Decision)
            .is_some_and(|it| changes.contains_key(it))
        {
            let words = format!("the decision on lead {} was written", lead.id);
            self.ledger.violated(words);
        }
        let synced = self.dataverse.schema.own.get(&Own::LastSynced);
        if synced.is_some_and(|it| changes.contains_key(it)) && changes.len() == 1 {
            let words = format!("lead {} was written to say that it was written", lead.id);
            self.ledger.violated(words);
        }
    }

    /// A referral is accepted because somebody said so on the lead.
    pub(crate) fn judge_acceptance(
        &mut self,
        before: &Referral,
        after: &Referral,
        run: Run,
        group: Group,
    ) {
        let states = (before.status.state, after.status.state);
        if states != (ReferralState::New, ReferralState::Active) {
            return;
        }
        self.count("connector: accepted a referral");
        let options = self.instances.options(group);
        let asks =
            |lead: &Lead| status::outbound(before.status.state, lead, options, self.now()).accept;
        let seen = self.ledger.seen.get(&run);
        if !seen.is_some_and(|seen| seen.leads.iter().any(asks)) {
            let words = format!(
                "referral {} was accepted, and nobody asked for it",
                before.id
            );
            self.ledger.violated(words);
        }
    }

    /// What is wrong with the columns of `lead` once all is at rest; `reported` still holds.
    pub(crate) fn wrong_columns(
        &self,
        referral: &Referral,
        lead: &Lead,
        reported: &[String],
    ) -> Vec<String> {
        let is_told = |word: &str| reported.iter().any(|key| key.starts_with(word));
        if !self.has_own_columns() || is_told("lead_read_only") {
            return Vec::new();
        }
        // Where answers do not say what was stored, what somebody wrote in between looks like the organisation's doing.
        let is_left = |column: &Column| {
            self.weather.unrepresented > 0 && is_told(&format!("rewritten:{column}"))
        };
        let (schema, options) = (&self.dataverse.schema, &self.instances.settings);
        let stored = |column: &Column, value: Option<&Value>| {
            value.and_then(|value| self.normalized(column, value.clone()))
        };
        let shown = mapping::mirror(referral, schema, options).into_iter();
        let mut wrong: Vec<String> = shown
            .filter(|(column, wanted)| {
                let held = lead.columns.get(column);
                stored(column, held) != stored(column, wanted.as_ref()) && !is_left(column)
            })
            .map(|(column, wanted)| {
                let held = lead.columns.get(&column);
                format!(
                    "{}: {column} shows {held:?}, and not {wanted:?}",
                    referral.id
                )
            })
            .collect();
        let column = &schema.own[&Own::Message];
        let wrong_message = self.wrong_message(referral, lead.columns.get(column));
        wrong.extend(wrong_message.filter(|_| !is_left(column)));
        let asked = status::decided(referral.status.state, lead, options, self.now());
        let is_followed = asked == Outbound::NOTHING || is_told("differs:status");
        if options.mode == Mode::TwoWay && !is_followed {
            wrong.push(format!(
                "{}: {:?} was decided, and the referral is {:?}; reported is {reported:?}",
                referral.id, lead.decision, referral.status.state
            ));
        }
        wrong
    }

    /// A new referral asks to be answered, and no other does.
    fn wrong_message(&self, referral: &Referral, message: Option<&Value>) -> Option<String> {
        let message = match message {
            Some(Value::Text(text)) => text.as_str(),
            _ => "",
        };
        let day = mapping::answer_by(referral, &self.instances.settings.time_zone);
        let asks = message.contains("Accept or decline this referral");
        let closes = message.contains("will be closed as");
        let names_day = day.is_none_or(|day| !asks || message.contains(&day.to_string()));
        let is_right = if referral.status.state == ReferralState::New {
            (asks || closes) && names_day
        } else {
            !(asks || closes && referral.status.state.is_closed())
        };
        (!is_right).then(|| {
            let state = referral.status.state;
            format!(
                "{}: the referral is {state:?}, and the message {message:?}",
                referral.id
            )
        })
    }
}
