//! The status table, both ways: what a referral's status says about its lead, and what a lead's says about its
//! referral. The further status wins; a closed referral has the last word.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::lead::{Decision, Lead, LeadSchema, LeadState};
use crate::referral::ReferralState;
use crate::sync::options::{QualifiedMeans, SyncOptions};

/// Status reason of an open lead nobody works on.
pub const NEW: i32 = 1;

/// What the status of one side says about the other's. The numbers are status reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusTable {
    /// Of an untouched lead whose referral was accepted.
    pub active: i32,
    /// Of an untouched lead whose referral was declined.
    pub declined: i32,
    /// Of an untouched lead whose referral was lost.
    pub lost: i32,
    /// What reasons say about the referral. Any other says nothing.
    pub reasons: BTreeMap<i32, Meaning>,
}

/// What a lead's status reason says about its referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Of an open lead: it was accepted.
    Accepted,
    /// Of a qualified lead: it was accepted, or won, as the settings say.
    Qualified,
    /// Of a disqualified lead: it was lost, or declined by us. Partner Center gets these words, whatever language the
    /// organisation speaks.
    Lost(&'static str),
}

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
    table: &StatusTable,
) -> Inbound {
    use LeadState::{Disqualified, Open, Qualified};
    use ReferralState as R;
    let untouched = state == Open && reason == Some(NEW);
    match (referral, state) {
        (R::Active, Open) if untouched => contacted(table.active, schema),
        (R::Declined, Open) if untouched => disqualified(table.declined, schema),
        (R::Lost, Open) if untouched => disqualified(table.lost, schema),
        (R::New | R::Active | R::Unknown, _)
        | (R::Won, Qualified)
        | (R::Declined | R::Lost | R::Expired | R::ClosedOtherwise, Disqualified) => {
            Inbound::Nothing
        }
        (R::Declined | R::Lost | R::Expired | R::ClosedOtherwise, Open | Qualified)
        | (R::Won, Open | Disqualified) => Inbound::Flag,
    }
}

fn contacted(reason: i32, schema: &LeadSchema) -> Inbound {
    if schema.status_reasons.get(&reason) == Some(&LeadState::Open) {
        Inbound::Contacted(reason)
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
    /// As it is.
    pub const NOTHING: Self = Self {
        accept: false,
        close: Close::No,
    };
}

/// What `lead` asks of a referral in state `referral`. A status reason that the table does not name says nothing,
/// and neither does a new lead: accepting is a deliberate act. On an open lead the seller's decision comes first, on a closed
/// one the status.
pub fn outbound(
    referral: ReferralState,
    lead: &Lead,
    options: &SyncOptions,
    now: Timestamp,
) -> Outbound {
    let by_status = asked_by_status(referral, lead, options, now);
    let by_decision = decided(referral, lead, options, now);
    let (first, second) = if lead.state == LeadState::Open {
        (by_decision, by_status)
    } else {
        (by_status, by_decision)
    };
    if first == Outbound::NOTHING {
        second
    } else {
        first
    }
}

/// What the seller's decision asks of a referral that nobody has answered.
pub fn decided(
    referral: ReferralState,
    lead: &Lead,
    options: &SyncOptions,
    now: Timestamp,
) -> Outbound {
    let decision = lead.decision.and_then(|it| it.in_force(lead.state));
    match decision.filter(|_| referral == ReferralState::New) {
        None => Outbound::NOTHING,
        Some(Decision::Accept) => Outbound {
            accept: true,
            close: Close::No,
        },
        Some(Decision::Decline) => {
            let declined = Close::Now {
                substatus: "Declined",
                reason: None,
            };
            Outbound {
                accept: false,
                close: held(lead, options.close_hold, now).unwrap_or(declined),
            }
        }
    }
}

fn asked_by_status(
    referral: ReferralState,
    lead: &Lead,
    options: &SyncOptions,
    now: Timestamp,
) -> Outbound {
    if !matches!(referral, ReferralState::New | ReferralState::Active) {
        return Outbound::NOTHING;
    }
    let is_new = referral == ReferralState::New;
    let reasons = &options.mapping.status.reasons;
    let meaning = lead.status_reason.and_then(|reason| reasons.get(&reason));
    match (lead.state, meaning) {
        (LeadState::Open, Some(Meaning::Accepted)) => Outbound {
            accept: is_new,
            close: Close::No,
        },
        (LeadState::Qualified, Some(Meaning::Qualified)) => Outbound {
            accept: is_new,
            close: won(lead, options, now),
        },
        (LeadState::Disqualified, Some(Meaning::Lost(words))) => Outbound {
            accept: false,
            close: lost(is_new, words, lead, options, now),
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
fn lost(
    is_new: bool,
    words: &'static str,
    lead: &Lead,
    options: &SyncOptions,
    now: Timestamp,
) -> Close {
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
