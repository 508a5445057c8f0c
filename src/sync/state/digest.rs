//! Digests of values: enough to see whether a value is the same, too little to read it.

use openssl::sha::Sha256;

use super::{Digest, State};
use crate::lead::{Column, Decision, Lead, LeadState, Value};
use crate::mapping::columns::STATUS;

/// Keeps apart what could otherwise be taken for each other.
#[derive(Clone, Copy)]
enum Space {
    Lead,
    Referral,
    Report,
    Document,
}

impl State {
    /// Of what a lead column holds. Outer blanks and the form of line breaks make no difference, nor do trailing zeros.
    pub fn lead_digest(&self, column: &Column, value: &Value) -> Digest {
        let content = match value {
            Value::Text(text) => text.trim().lines().collect::<Vec<_>>().join("\n"),
            Value::Choice(number) => number.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::Amount(amount) => amount.normalize().to_string(),
            Value::Date(date) => date.to_string(),
            Value::Row(row) => row.to_string(),
            Value::Whole(number) => number.to_string(),
            Value::Moment(moment) => moment.to_string(),
        };
        self.digest(Space::Lead, column.as_str(), &content)
    }

    /// Of where a lead stands: state and status reason, and what was decided, if anything.
    pub fn lead_status_digest(&self, lead: &Lead) -> Digest {
        self.status_digest(lead.state, lead.status_reason, lead.decision)
    }

    /// As [`State::lead_status_digest`], of a lead that is about to stand there.
    pub(in crate::sync) fn status_digest(
        &self,
        state: LeadState,
        reason: Option<i32>,
        decision: Option<Decision>,
    ) -> Digest {
        let mut content = format!("{}/{}", state.number(), reason.unwrap_or(-1));
        if let Some(decision) = decision.and_then(|it| it.in_force(state)) {
            content = format!("{content}/{}", decision.word());
        }
        self.digest(Space::Lead, STATUS.as_str(), &content)
    }

    /// Of the referral members behind `column`, as [`crate::mapping::raw`] gives them.
    pub fn referral_digest(&self, column: &Column, raw: &str) -> Digest {
        self.digest(Space::Referral, column.as_str(), raw)
    }

    /// Of what a report is about.
    pub(in crate::sync) fn report_digest(&self, report: &str, about: &str) -> Digest {
        self.digest(Space::Report, report, about)
    }

    /// Of a whole referral, as the flow is given it; `content` is a digest of its own.
    pub(in crate::sync) fn document_digest(&self, content: &[u8; 32]) -> Digest {
        self.digest_of(Space::Document, "", content)
    }

    fn digest(&self, space: Space, name: &str, content: &str) -> Digest {
        self.digest_of(space, name, content.as_bytes())
    }

    /// SHA-256 over salt, space, name and content, none of which can run into the next, cut to half its length.
    fn digest_of(&self, space: Space, name: &str, content: &[u8]) -> Digest {
        let mut hash = Sha256::new();
        hash.update(self.salt.as_bytes());
        hash.update(&[space as u8]);
        hash.update(name.as_bytes());
        hash.update(&[0]);
        hash.update(content);
        let mut half = [0; 16];
        half.copy_from_slice(&hash.finish()[..16]);
        Digest(half)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Digest, State};
    use crate::lead::{Column, Decision, LeadState, Value};
    use crate::mapping::columns::{CITY, COMPANY, ESTIMATED_AMOUNT};
    use crate::mapping::fixtures;

    fn state(salt: u128) -> State {
        State::new(Uuid::from_u128(salt))
    }

    fn text(column: &Column, text: &str) -> Digest {
        state(1).lead_digest(column, &Value::Text(text.to_owned()))
    }

    #[test]
    fn salt_column_side_and_value_each_make_another_digest() {
        let value = Value::Text("Redmond".to_owned());
        let digests = [
            text(&CITY, "Redmond"),
            text(&COMPANY, "Redmond"),
            text(&CITY, "redmond"),
            state(2).lead_digest(&CITY, &value),
            state(1).referral_digest(&CITY, "Redmond"),
            state(1).report_digest(CITY.as_str(), "Redmond"),
        ];
        for (at, digest) in digests.iter().enumerate() {
            assert!(!digests[..at].contains(digest), "{at}");
        }
    }

    #[test]
    fn what_forms_and_columns_change_by_themselves_makes_no_difference() {
        assert_eq!(text(&CITY, " a\r\nb "), text(&CITY, "a\nb"));
        let amount = |text: &str| {
            let value = Value::Amount(text.parse().unwrap());
            state(1).lead_digest(&ESTIMATED_AMOUNT, &value)
        };
        assert_eq!(amount("10"), amount("10.00"));
        assert_ne!(amount("10"), amount("10.01"));
    }

    #[test]
    fn a_decision_changes_where_a_lead_stands_and_none_leaves_it_as_it_ever_was() {
        let mut lead = fixtures::lead(LeadState::Open, 1);
        let digests = [None, Some(Decision::Accept), Some(Decision::Decline)].map(|decision| {
            lead.decision = decision;
            state(1).lead_status_digest(&lead)
        });
        let undecided = u128::from_be_bytes(digests[0].0);
        assert_eq!(undecided, 0xa6af_dbe5_e64e_22d8_bf95_fc85_7767_09b2);
        assert!(!digests[1..].contains(&digests[0]));
        assert_ne!(digests[1], digests[2]);
    }

    #[test]
    fn the_digest_of_a_value_stays_what_it_was_in_every_version() {
        let digest = u128::from_be_bytes(text(&CITY, "Redmond").0);
        assert_eq!(digest, 0xcbb7_cf2a_238b_dad4_49e2_7c90_fc90_2a13);
    }
}
