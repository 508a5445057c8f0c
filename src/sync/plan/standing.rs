//! Where both stand. Each side acts only on what changed on the other; a close is final, and waits.

use jiff::Timestamp;

use super::findings::Findings;
use super::{Inputs, Patch, Report, patches};
use crate::ids::LeadId;
use crate::lead::{Changes, Decision, Lead, LeadState, Value};
use crate::mapping::columns::{STATE, STATUS};
use crate::mapping::status::{self, Close, Inbound, Outbound};
use crate::mapping::{self, Projection, Unit};
use crate::referral::ReferralState;
use crate::sync::state::{Pair, State, Values};

/// What the status of both comes to.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The lead's columns that change.
    pub(super) changes: Changes,
    /// What both sides will hold once they have.
    pub(super) values: Values,
    /// What is remembered of both at once.
    pub(super) agreed: Option<Pair>,
    /// The referral was closed, and the lead says otherwise: a seller has to decide.
    pub(super) is_flagged: bool,
    /// The lead asks for something that is not sent.
    pub(super) is_unsent: bool,
    /// What the lead asks of its referral, and what was agreed before.
    asked: Option<(Outbound, Pair)>,
}

/// Compares the status of both.
pub(super) fn compare(
    inputs: &Inputs<'_>,
    projection: &Projection,
    lead: &Lead,
    state: &State,
    findings: &mut Findings,
) -> Standing {
    let referral = inputs.referral.status.state;
    let raw = projection.raw.get(&STATUS);
    let now = Pair {
        lead: Some(state.lead_status_digest(lead)),
        referral: raw.map(|it| state.referral_digest(&STATUS, it)),
        alike: true,
    };
    let agreed = state.agreed.get(&STATUS).copied();
    // A lead whose decision was sent is yet to follow.
    let is_awaited = agreed.is_some_and(|it| {
        it == Pair {
            alike: false,
            ..now
        }
    }) && follows(referral, lead);
    let referral_changed = is_awaited || agreed.is_none_or(|it| it.referral != now.referral);
    let inbound = status::inbound(
        referral,
        lead.state,
        lead.status_reason,
        inputs.schema,
        &inputs.options.mapping.status,
    );
    let mut standing = Standing::default();
    match inbound {
        Inbound::Contacted(reason) if referral_changed => {
            standing.write(state, now, lead, (lead.state, reason));
            return standing;
        }
        Inbound::Disqualify(reason) if referral_changed => {
            standing.write(state, now, lead, (LeadState::Disqualified, reason));
            return standing;
        }
        // A seller set the lead back to new after its referral was closed.
        Inbound::Flag | Inbound::Disqualify(_) => standing.is_flagged = true,
        Inbound::Contacted(_) | Inbound::Nothing => {}
    }
    let asked = status::outbound(referral, lead, inputs.options, inputs.now);
    if asked == Outbound::NOTHING {
        standing.agreed = Some(now);
    } else if !patches::writes_back(inputs) {
        // Kept, and not sent.
        let unlike = Pair {
            alike: false,
            ..now
        };
        standing.agreed = agreed.is_none().then_some(unlike);
        standing.is_unsent = true;
    } else if let Some(accept) = accepts(inputs, lead).filter(|_| agreed.is_none()) {
        standing.asked = Some((accept, now));
    } else {
        standing.ask(asked, agreed, now, findings);
    }
    standing
}

/// Whether the referral stands where the decision on `lead` wanted it to.
fn follows(referral: ReferralState, lead: &Lead) -> bool {
    matches!(
        (lead.decision, referral),
        (Some(Decision::Accept), ReferralState::Active)
            | (Some(Decision::Decline), ReferralState::Declined)
    )
}

/// The seller's acceptance of a new referral on the lead that was made for it: that can mean nothing else, whenever it was
/// done. On another lead the decision may have been about another referral, and to decline is final: both count once they
/// change.
fn accepts(inputs: &Inputs<'_>, lead: &Lead) -> Option<Outbound> {
    let referral = inputs.referral;
    let decided = status::decided(referral.status.state, lead, inputs.options, inputs.now);
    let is_own = lead.id == LeadId::of(referral.id);
    Some(decided).filter(|decided| decided.accept && is_own)
}

impl Standing {
    fn write(&mut self, state: &State, now: Pair, lead: &Lead, (to, reason): (LeadState, i32)) {
        if to != lead.state {
            self.changes.insert(STATE, Some(Value::Choice(to.number())));
        }
        self.changes.insert(STATUS, Some(Value::Choice(reason)));
        let lead = Some(state.status_digest(to, Some(reason), lead.decision));
        let alike = true;
        self.values.insert(STATUS, Pair { lead, alike, ..now });
    }

    /// Whether a close is sent now unless the lead is written: it must not wait because of what only shows on the lead.
    pub(super) fn is_due(&self) -> bool {
        let close = self.asked.map(|(asked, _)| asked.close);
        matches!(close, Some(Close::Now { .. }))
    }

    /// Whether the referral is to be closed, now or later.
    pub(super) fn closes(&self) -> bool {
        self.asked
            .is_some_and(|(asked, _)| asked.close != Close::No)
    }

    /// The lead's status is sent if it changed since both were alike. An old difference is only reported; after that the
    /// first change of either side counts.
    fn ask(&mut self, asked: Outbound, agreed: Option<Pair>, now: Pair, findings: &mut Findings) {
        let unlike = Pair {
            alike: false,
            ..now
        };
        let changed = agreed.filter(|agreed| {
            let lead_changed = agreed.lead != now.lead;
            let referral_changed = agreed.referral != now.referral;
            lead_changed || referral_changed && !agreed.alike
        });
        if let Some(agreed) = changed {
            self.asked = Some((asked, agreed));
        } else {
            self.agreed = Some(unlike);
            self.is_unsent = true;
            findings.add(Report::Differs(Unit::Status), "");
        }
    }

    /// The requests that the lead's status asks for, and when to look again at a close that has to wait. It is sent only for a
    /// lead that this plan leaves alone (`rests`).
    pub(super) fn patches(
        &self,
        inputs: &Inputs<'_>,
        lead: &Lead,
        rests: bool,
        findings: &mut Findings,
    ) -> (Vec<Patch>, Option<Timestamp>) {
        let Some((asked, agreed)) = self.asked else {
            return (Vec::new(), None);
        };
        let state = inputs.state;
        let lead_says_so = lead.state != LeadState::Open || lead.decision.is_none();
        let held = Some(state.lead_status_digest(lead));
        let pair = |lead, to| Pair {
            lead,
            referral: mapping::standing(to).map(|it| state.referral_digest(&STATUS, it)),
            // What an open lead was decided about, its status does not say yet.
            alike: lead_says_so,
        };
        let mut patches = Vec::new();
        if asked.accept {
            // As long as it is to be closed as well, the lead's side is not done with.
            let lead = if asked.close == Close::No {
                held
            } else {
                agreed.lead
            };
            let agreed = pair(lead, ReferralState::Active);
            patches.push(patches::to(inputs, "Active", "Accepted", None, agreed));
        }
        match asked.close {
            Close::No => {}
            Close::Now { substatus, reason } if rests => {
                let agreed = pair(held, closed_as(substatus));
                patches.push(patches::to(inputs, "Closed", substatus, reason, agreed));
            }
            Close::Held { until } if rests => {
                findings.add(Report::CloseHeld, "");
                return (patches, until);
            }
            Close::Held { .. } | Close::Now { .. } => findings.add(Report::CloseHeld, ""),
        }
        (patches, None)
    }
}

fn closed_as(substatus: &str) -> ReferralState {
    match substatus {
        "Won" => ReferralState::Won,
        "Declined" => ReferralState::Declined,
        _ => ReferralState::Lost,
    }
}
