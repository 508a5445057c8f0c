//! What a seller is told in the lead. Only what stands is said: two looks at the same sides say the same, whatever is written in
//! between. So it names no moment at which something happens next, and nothing that a plan is about to do at once.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::lead::{Column, Decision, Lead, LeadSchema, LeadState, Own};
use crate::mapping::status::{self, Close};
use crate::mapping::{self, Unit};
use crate::referral::{Referral, ReferralState};
use crate::sync::options::SyncOptions;

/// What is known besides the referral.
pub(super) struct Facts {
    /// Where the lead will stand.
    pub(super) lead: LeadState,
    /// What the seller decided.
    pub(super) decision: Option<Decision>,
    /// Whether values and status go to the referral at all.
    pub(super) writes_back: bool,
    /// How the referral is to be closed, if it is.
    pub(super) closing: Option<Closing>,
    /// What the lead's status or the decision asks for is not sent.
    pub(super) is_unsent: bool,
    /// The referral was closed under a lead that says otherwise.
    pub(super) is_flagged: bool,
    /// The columns whose values did not arrive whole.
    pub(super) lost: BTreeSet<Column>,
    /// What differs and stays so.
    pub(super) differing: BTreeSet<Unit>,
}

/// How a referral is to be closed.
pub(super) struct Closing {
    substatus: &'static str,
    hold: SignedDuration,
}

/// How `lead` wants its referral to be closed once it has rested; `None` if not, or if it need not rest.
pub(super) fn closing(referral: &Referral, lead: &Lead, options: &SyncOptions) -> Option<Closing> {
    let rested = status::outbound(referral.status.state, lead, options, Timestamp::MAX);
    let Close::Now { substatus, .. } = rested.close else {
        return None;
    };
    let hold = if substatus == "Won" {
        options.won_hold
    } else {
        options.close_hold
    };
    hold.is_positive().then_some(Closing { substatus, hold })
}

/// All there is to say, a line each; most often nothing.
pub(super) fn message(
    referral: &Referral,
    schema: &LeadSchema,
    options: &SyncOptions,
    facts: &Facts,
) -> String {
    let decided = decided(referral.status.state, facts);
    // Where the decision is explained, so is the status.
    let is_unsaid = facts.is_unsent && decided.is_none();
    let lines = [
        answer(referral, schema, options, facts),
        facts.closing.as_ref().map(|it| to_be_closed(it, facts)),
        decided,
        facts.is_flagged.then(|| flagged(referral, facts)),
        not_in_full(facts),
        different(facts, is_unsaid),
    ];
    let lines: Vec<String> = lines.into_iter().flatten().collect();
    lines.join("\n")
}

fn answer(
    referral: &Referral,
    schema: &LeadSchema,
    options: &SyncOptions,
    facts: &Facts,
) -> Option<String> {
    if referral.status.state != ReferralState::New || facts.closing.is_some() {
        return None;
    }
    let how = if !facts.writes_back {
        "in Partner Center"
    } else if schema.own.contains_key(&Own::Decision) {
        "with the referral decision of this lead"
    } else {
        "by contacting or disqualifying this lead"
    };
    let day = mapping::answer_by(referral, &options.time_zone);
    let by = day.map(|day| format!(" by {day}")).unwrap_or_default();
    Some(format!("Accept or decline this referral{by}, {how}."))
}

fn to_be_closed(closing: &Closing, facts: &Facts) -> String {
    let (substatus, hours) = (closing.substatus, closing.hold.as_hours());
    let back = if facts.lead == LeadState::Open {
        "Decide to wait to take that back."
    } else {
        "Reopen the lead to take that back."
    };
    format!(
        "The referral will be closed as {substatus} once this lead has rested for {hours} hours. {back}"
    )
}

/// Why the seller's decision is not followed, if it is not.
fn decided(referral: ReferralState, facts: &Facts) -> Option<String> {
    use ReferralState::{Active, ClosedOtherwise, Declined, Expired, Lost, New, Won};
    let decision = facts.decision?;
    let why = match (decision, referral) {
        (_, New) if decision.in_force(facts.lead).is_none() => {
            format!("this lead is {}", word(facts.lead))
        }
        (_, New) if !facts.writes_back => "answer the referral in Partner Center".to_owned(),
        (_, New) if facts.is_unsent => {
            "it was made before both sides were compared; decide to wait, save, and decide again"
                .to_owned()
        }
        (Decision::Decline, Active) if facts.writes_back => {
            "the referral was accepted; disqualify this lead to have it closed as Lost".to_owned()
        }
        (Decision::Decline, Active) => {
            "the referral was accepted; close it in Partner Center".to_owned()
        }
        (Decision::Accept, Declined | Expired | ClosedOtherwise)
        | (Decision::Decline, Won | Lost | Expired | ClosedOtherwise) => {
            "the referral is closed".to_owned()
        }
        _ => return None,
    };
    let word = decision.word();
    Some(format!("The decision to {word} cannot be followed: {why}."))
}

fn flagged(referral: &Referral, facts: &Facts) -> String {
    format!(
        "The referral is closed in Partner Center ({}) while this lead is {}: decide what that means for it.",
        mapping::status_words(&referral.status),
        word(facts.lead)
    )
}

fn not_in_full(facts: &Facts) -> Option<String> {
    let columns: Vec<&str> = facts.lost.iter().map(Column::as_str).collect();
    let columns = columns.join(", ");
    (!columns.is_empty()).then(|| {
        format!("Not carried over in full: {columns}. The timeline has what Partner Center holds.")
    })
}

fn different(facts: &Facts, status: bool) -> Option<String> {
    let mut units: Vec<&str> = facts.differing.iter().map(|unit| unit.word()).collect();
    if status {
        units.push(Unit::Status.word());
    }
    let units = units.join(", ");
    (!units.is_empty())
        .then(|| format!("Different in Partner Center, and left so on both sides: {units}."))
}

const fn word(lead: LeadState) -> &'static str {
    match lead {
        LeadState::Open => "open",
        LeadState::Qualified => "qualified",
        LeadState::Disqualified => "disqualified",
    }
}
