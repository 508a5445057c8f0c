//! The status table, both ways: what a referral's status says about its lead, and what a lead's says about its
//! referral. The further status wins; a closed referral has the last word.

use jiff::{SignedDuration, Timestamp};

use crate::lead::{Lead, LeadSchema, LeadState};
use crate::referral::ReferralState;
use crate::sync::options::{QualifiedMeans, SyncOptions};

/// Status reason of an open lead nobody works on.
pub const NEW: i32 = 1;
/// Status reason of an open lead somebody talked to.
pub const CONTACTED: i32 = 2;
/// Status reason of a qualified lead.
pub const QUALIFIED: i32 = 3;
/// Status reasons of a disqualified lead, with what they say about its referral. Partner Center gets these words,
/// whatever language the organisation speaks.
const DISQUALIFIED: [(i32, &str); 4] = [
    (LOST, "Lost"),
    (5, "Cannot contact"),
    (6, "No longer interested"),
    (CANCELED, "Canceled"),
];
const LOST: i32 = 4;
const CANCELED: i32 = 7;

/// What the referral's status asks of its lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inbound {
    /// Nothing.
    Nothing,
    /// Stay open, with this status reason.
    Contacted(i32),
    /// Become disqualified, with this status reason.
    Disqualify(i32),
    /// Nothing by itself: the referral was closed, and a seller has to decide.
    Flag,
}

/// What `referral` asks of a lead in `state` with status reason `reason`, where the table is `schema`.
pub fn inbound(
    referral: ReferralState,
    state: LeadState,
    reason: Option<i32>,
    schema: &LeadSchema,
) -> Inbound {
    use LeadState::{Disqualified, Open, Qualified};
    use ReferralState as R;
    let untouched = state == Open && reason == Some(NEW);
    match (referral, state) {
        (R::Active, Open) if untouched => contacted(schema),
        (R::Declined, Open) if untouched => disqualified(CANCELED, schema),
        (R::Lost, Open) if untouched => disqualified(LOST, schema),
        (R::New | R::Active | R::Unknown, _)
        | (R::Won, Qualified)
        | (R::Declined | R::Lost | R::Expired | R::ClosedOtherwise, Disqualified) => {
            Inbound::Nothing
        }
        (R::Declined | R::Lost | R::Expired | R::ClosedOtherwise, Open | Qualified)
        | (R::Won, Open | Disqualified) => Inbound::Flag,
    }
}

fn contacted(schema: &LeadSchema) -> Inbound {
    if schema.status_reasons.get(&CONTACTED) == Some(&LeadState::Open) {
        Inbound::Contacted(CONTACTED)
    } else {
        Inbound::Nothing
    }
}

/// The wanted reason if the organisation has it, else its first reason for a disqualified lead.
fn disqualified(wanted: i32, schema: &LeadSchema) -> Inbound {
    let reasons = &schema.status_reasons;
    let closes = |reason: &i32| reasons.get(reason) == Some(&LeadState::Disqualified);
    Some(wanted)
        .filter(closes)
        .or_else(|| reasons.keys().copied().find(closes))
        .map_or(Inbound::Flag, Inbound::Disqualify)
}

/// What the lead's status asks of its referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// Become `Active`/`Accepted`.
    pub accept: bool,
    /// Then become closed.
    pub close: Close,
}

/// Whether and how the referral is to be closed. Final at Microsoft, so the lead has to rest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// Not.
    No,
    /// Later: the lead has not rested long enough.
    Held {
        /// When it will have, unless somebody changes it; `None` if it does not say when it was changed last.
        until: Option<Timestamp>,
    },
    /// Now.
    Now {
        /// The closing `substatus`.
        substatus: &'static str,
        /// `statusReason`, where there is something to say.
        reason: Option<&'static str>,
    },
}

impl Outbound {
    const NOTHING: Self = Self {
        accept: false,
        close: Close::No,
    };
}

/// What `lead` asks of a referral in state `referral`. A status reason that is not Dynamics 365's own says nothing,
/// and neither does a new lead: accepting is a deliberate act.
pub fn outbound(
    referral: ReferralState,
    lead: &Lead,
    options: &SyncOptions,
    now: Timestamp,
) -> Outbound {
    if !matches!(referral, ReferralState::New | ReferralState::Active) {
        return Outbound::NOTHING;
    }
    let is_new = referral == ReferralState::New;
    match (lead.state, lead.status_reason) {
        (LeadState::Open, Some(CONTACTED)) => Outbound {
            accept: is_new,
            close: Close::No,
        },
        (LeadState::Qualified, Some(QUALIFIED)) => Outbound {
            accept: is_new,
            close: won(lead, options, now),
        },
        (LeadState::Disqualified, Some(reason)) => Outbound {
            accept: false,
            close: lost(is_new, reason, lead, options, now),
        },
        _ => Outbound::NOTHING,
    }
}

fn won(lead: &Lead, options: &SyncOptions, now: Timestamp) -> Close {
    match options.qualified_means {
        QualifiedMeans::Accepted => Close::No,
        QualifiedMeans::Won => {
            let won = Close::Now {
                substatus: "Won",
                reason: None,
            };
            held(lead, options.won_hold, now).unwrap_or(won)
        }
    }
}

/// A referral nobody accepted is declined; an accepted one is lost.
fn lost(is_new: bool, reason: i32, lead: &Lead, options: &SyncOptions, now: Timestamp) -> Close {
    let Some((_, words)) = DISQUALIFIED.iter().find(|(known, _)| *known == reason) else {
        return Close::No;
    };
    let lost = Close::Now {
        substatus: if is_new { "Declined" } else { "Lost" },
        reason: Some(words),
    };
    held(lead, options.close_hold, now).unwrap_or(lost)
}

/// What holds a close back until nobody changed `lead` for as long as `hold`. A lead that does not say when it was
/// changed has not rested.
fn held(lead: &Lead, hold: SignedDuration, now: Timestamp) -> Option<Close> {
    let until = lead
        .modified
        .map(|it| it.checked_add(hold).unwrap_or(Timestamp::MAX));
    let has_rested = until.is_some_and(|until| until <= now);
    (!has_rested).then_some(Close::Held { until })
}

#[cfg(test)]
mod tests;
