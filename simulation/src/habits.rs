//! What people do, and how often: each seed's people have habits of their own.

use fastrand::Rng;
use referral_connector::lead::Decision;

use crate::decisions;

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    EditLead,
    ClearLead,
    EditReferral,
    ClearReferral,
    UndoLead,
    UndoReferral,
    TouchLead,
    TouchReferral,
    Contact,
    Uncontact,
    Qualify,
    Disqualify,
    Reopen,
    Accept,
    Close,
    Refuse,
    Merge,
    Delete,
    Candidate,
    Reference,
    Consent,
    AllowEmail,
    Decide(Option<Decision>),
    Scribble,
    Postpone,
}

const ACTS: [(Act, u32, &str); 22] = [
    (Act::EditLead, 12, "seller: edits"),
    (Act::ClearLead, 2, "seller: clears"),
    (Act::EditReferral, 12, "partner center: edits"),
    (Act::ClearReferral, 2, "partner center: clears"),
    (Act::UndoLead, 5, "seller: takes back"),
    (Act::UndoReferral, 5, "partner center: takes back"),
    (Act::TouchLead, 2, "seller: edits another column"),
    (
        Act::TouchReferral,
        2,
        "partner center: edits another member",
    ),
    (Act::Contact, 3, "seller: contacted"),
    (Act::Uncontact, 2, "seller: new again"),
    (Act::Qualify, 2, "seller: qualifies"),
    (Act::Disqualify, 2, "seller: disqualifies"),
    (Act::Reopen, 2, "seller: reopens"),
    (Act::Accept, 2, "partner center: accepts"),
    (Act::Close, 1, "partner center: closes"),
    (
        Act::Refuse,
        1,
        "partner center: refuses reads, or no longer",
    ),
    (Act::Merge, 1, "seller: merges"),
    (Act::Delete, 1, "seller: deletes"),
    (Act::Candidate, 1, "partner: another flow's lead"),
    (Act::Reference, 1, "partner: another system's reference"),
    (Act::Consent, 1, "partner center: consent"),
    (Act::AllowEmail, 1, "seller: consent"),
];

/// The acts that people of one seed do: not all of them, so that the rest meet more often.
pub(crate) struct Habits(Vec<(Act, u32, &'static str)>);

impl Habits {
    pub(crate) fn new(chance: &mut Rng, has_own_columns: bool) -> Self {
        let share = chance.u8(1..=4);
        let own = decisions::ACTS.iter().filter(|_| has_own_columns);
        let acts = ACTS.iter().chain(own).copied();
        Self(acts.filter(|_| chance.u8(..4) < share).collect())
    }

    pub(crate) fn choose(&self, chance: &mut Rng) -> Option<(Act, &'static str)> {
        let total: u32 = self.0.iter().map(|(_, weight, _)| weight).sum();
        let mut drawn = if total == 0 { 0 } else { chance.u32(..total) };
        for (act, weight, name) in &self.0 {
            if drawn < *weight {
                return Some((*act, name));
            }
            drawn -= weight;
        }
        None
    }
}
