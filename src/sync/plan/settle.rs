//! What became of writes whose end was not seen. A side whose version did not move was not written; else its value says.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::{Inputs, LeadFinding};
use crate::ids::LeadId;
use crate::lead::{Column, Lead, Value};
use crate::mapping::columns::ESTIMATED_AMOUNT;
use crate::mapping::{Projection, Unit};
use crate::sync::state::{Digest, Intention, Pair, Side, State};

/// How long after the end of its run a write may still arrive.
const LATE: SignedDuration = SignedDuration::from_secs(30);
/// When to read again what was read in an older version than before.
const LAG: SignedDuration = SignedDuration::from_secs(2);
/// How long a change may take to show everywhere.
const LONGEST_LAG: SignedDuration = SignedDuration::from_secs(60);

/// The state with everything settled that can be.
pub(super) struct Settled {
    pub(super) state: State,
    /// Units that somebody edited after a write that may or may not have happened.
    pub(super) edited: BTreeSet<Unit>,
    /// Units whose write did not happen or was undone.
    pub(super) again: BTreeSet<Unit>,
}

/// Until when to wait before anything is decided: a write of another run may still happen, or what was read is older than
/// what was seen before.
pub(super) fn busy_until(inputs: &Inputs<'_>) -> Option<Timestamp> {
    let others = inputs
        .state
        .intentions
        .iter()
        .filter(|it| it.run != inputs.run);
    let ends = others.map(|it| after(it.deadline, LATE));
    let open = ends.max().filter(|end| inputs.now < *end);
    open.or_else(|| is_outdated(inputs).then(|| after(inputs.now, LAG)))
}

/// Whether Partner Center shows an older referral than it has shown already. It is not believed for longer than a
/// minute: then what it shows is what it has.
fn is_outdated(inputs: &Inputs<'_>) -> bool {
    let (Some(seen), Some(updated)) = (inputs.state.referral_updated, inputs.referral.updated)
    else {
        return false;
    };
    updated < seen && inputs.now < after(seen, LONGEST_LAG)
}

fn after(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// Settles every intention there is: none is of a run that may still write, but for this one's own.
pub(super) fn settle(inputs: &Inputs<'_>, projection: &Projection) -> Settled {
    let lead = lead(inputs);
    let mut settling = Settling {
        inputs,
        projection,
        lead: lead.filter(|lead| belongs(inputs, lead)),
        settled: Settled {
            state: inputs.state.clone(),
            edited: BTreeSet::new(),
            again: BTreeSet::new(),
        },
    };
    let intentions = &inputs.state.intentions;
    let mut open = Vec::new();
    let mut moved = Vec::new();
    for intention in intentions {
        let now = match intention.side {
            Side::Lead => lead.map(|lead| &lead.etag),
            Side::Referral => Some(&inputs.referral.etag),
        };
        if now != intention.version.as_ref() {
            moved.push(intention);
        } else if intention.run == inputs.run {
            open.push(intention.clone());
        }
    }
    for side in [Side::Lead, Side::Referral] {
        settling.side(side, &moved);
    }
    settling.settled.state.intentions = open;
    settling.settled
}

fn lead<'a>(inputs: &Inputs<'a>) -> Option<&'a Lead> {
    match inputs.lead {
        LeadFinding::Found { lead, .. } => Some(lead),
        LeadFinding::Absent | LeadFinding::OfAnother { .. } => None,
    }
}

/// Whether `lead` is the one that intentions were about.
fn belongs(inputs: &Inputs<'_>, lead: &Lead) -> bool {
    let own = LeadId::of(inputs.referral.id);
    lead.id == inputs.state.lead.unwrap_or(own)
}

struct Settling<'a> {
    inputs: &'a Inputs<'a>,
    projection: &'a Projection,
    lead: Option<&'a Lead>,
    settled: Settled,
}

impl Settling<'_> {
    fn side(&mut self, side: Side, moved: &[&Intention]) {
        if side == Side::Lead && self.lead.is_none() {
            return;
        }
        let moved: Vec<&Intention> = moved.iter().copied().filter(|it| it.side == side).collect();
        let columns: BTreeSet<&Column> = moved.iter().flat_map(|it| it.values.keys()).collect();
        for column in columns {
            let intended = moved
                .iter()
                .filter_map(|it| Some((it.values.get(column)?, it.run == self.inputs.run)));
            self.column(side, column, &intended.collect::<Vec<_>>());
        }
    }

    /// Settles what was intended for one column, the latest last.
    fn column(&mut self, side: Side, column: &Column, intended: &[(&Pair, bool)]) {
        let now = self.now(side, column);
        let agreed = self.settled.state.agreed.get(column).copied();
        let happened = intended
            .iter()
            .rev()
            .find(|(pair, _)| of(pair, side) == now || self.is_stored(side, column, pair));
        if let Some((pair, _)) = happened {
            let pair = match side {
                Side::Lead => Pair {
                    lead: now,
                    ..**pair
                },
                Side::Referral => Pair {
                    referral: now,
                    ..**pair
                },
            };
            self.settled.state.agreed.insert(column.clone(), pair);
        } else if agreed.as_ref().and_then(|pair| of(pair, side)) == now {
            if intended.iter().any(|(_, own)| !own) {
                self.settled.again.insert(self.unit(column));
            }
        } else if let Some((pair, _)) = intended.last() {
            self.settled.state.agreed.insert(column.clone(), **pair);
            self.settled.edited.insert(self.unit(column));
        }
    }

    fn unit(&self, column: &Column) -> Unit {
        self.inputs.options.mapping.unit(column)
    }

    fn now(&self, side: Side, column: &Column) -> Option<Digest> {
        let state = self.inputs.state;
        match side {
            Side::Lead => state.held(column, self.lead?, self.inputs.referral.id),
            Side::Referral => {
                let raw = self.projection.raw.get(column)?;
                Some(state.referral_digest(column, raw))
            }
        }
    }

    /// Whether a side holds what `pair` intended for it as that side stores it: rounded, or as another moment of the same day.
    /// What was sent is known as long as it can be made again from the other side.
    fn is_stored(&self, side: Side, column: &Column, pair: &Pair) -> bool {
        let (Some(lead), Some(wanted)) = (self.lead, self.projection.columns.get(column)) else {
            return false;
        };
        let Some(held) = lead.columns.get(column) else {
            return false;
        };
        let (stored, sent) = match side {
            Side::Lead => (held, wanted),
            Side::Referral => (wanted, held),
        };
        if pair.lead != Some(self.inputs.state.lead_digest(column, sent)) {
            return false;
        }
        let raw = self.inputs.referral.details.deal_value;
        let raw = raw.filter(|_| *column == ESTIMATED_AMOUNT && side == Side::Referral);
        match (stored, sent) {
            (Value::Amount(stored), Value::Amount(sent)) => {
                is_rounded(raw.unwrap_or(*stored), *sent)
            }
            _ => stored == sent,
        }
    }
}

fn of(pair: &Pair, side: Side) -> Option<Digest> {
    match side {
        Side::Lead => pair.lead,
        Side::Referral => pair.referral,
    }
}

/// Whether `stored` is `sent` with fewer digits.
fn is_rounded(stored: Decimal, sent: Decimal) -> bool {
    let step = Decimal::new(1, stored.normalize().scale());
    let apart = stored.checked_sub(sent).map(|it| it.abs());
    apart.is_some_and(|apart| apart < step)
}
