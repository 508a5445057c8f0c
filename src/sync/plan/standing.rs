//! Where both stand. Each side acts only on what changed on the other; a close is final, and waits.

use jiff::Timestamp;

use super::findings::Findings;
use super::{Inputs, Patch, Report, patches};
use crate::lead::{Changes, Lead, LeadState, Value};
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
    /// What the lead asks of its referral.
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
    let referral_changed = agreed.is_none_or(|it| it.referral != now.referral);
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
            standing.write(state, now, lead.state, reason, false);
            return standing;
        }
        Inbound::Disqualify(reason) if referral_changed => {
            standing.write(state, now, LeadState::Disqualified, reason, true);
            return standing;
        }
        // A seller set the lead back to new after its referral was closed.
        Inbound::Flag | Inbound::Disqualify(_) => standing.is_flagged = true,
        Inbound::Contacted(_) | Inbound::Nothing => {}
    }
    let asked = status::outbound(referral, lead, inputs.options, inputs.now);
    if !asked.accept && asked.close == Close::No {
        standing.agreed = Some(now);
    } else if !patches::writes_back(inputs) {
        // Kept, and not sent.
        let unlike = Pair {
            alike: false,
            ..now
        };
        standing.agreed = agreed.is_none().then_some(unlike);
    } else {
        standing.ask(asked, agreed, now, findings);
    }
    standing
}

impl Standing {
    fn write(&mut self, state: &State, now: Pair, to: LeadState, reason: i32, closes: bool) {
        if closes {
            self.changes.insert(STATE, Some(Value::Choice(to.number())));
        }
        self.changes.insert(STATUS, Some(Value::Choice(reason)));
        let lead = Some(state.status_digest(to.number(), Some(reason)));
        self.values.insert(STATUS, Pair { lead, ..now });
    }

    /// The lead's status is sent if it changed since both were alike. An old difference is only reported; after that the
    /// first change of either side counts.
    fn ask(&mut self, asked: Outbound, agreed: Option<Pair>, now: Pair, findings: &mut Findings) {
        let unlike = Pair {
            alike: false,
            ..now
        };
        let Some(agreed) = agreed else {
            self.agreed = Some(unlike);
            findings.add(Report::Differs(Unit::Status), "");
            return;
        };
        let lead_changed = agreed.lead != now.lead;
        let referral_changed = agreed.referral != now.referral;
        if lead_changed || referral_changed && !agreed.alike {
            self.asked = Some((asked, agreed));
        } else {
            self.agreed = Some(unlike);
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
        let held = Some(state.lead_status_digest(lead));
        let pair = |lead, to| Pair {
            lead,
            referral: mapping::standing(to).map(|it| state.referral_digest(&STATUS, it)),
            alike: true,
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
