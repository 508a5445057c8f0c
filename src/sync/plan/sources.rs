//! Another mapping is no edit: what was agreed of parts that a column was made of before is carried over to those that it is
//! made of now.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::Inputs;
use crate::lead::Column;
use crate::mapping::{self, Mapping};
use crate::sync::state::{Digest, Pair, Side, State};

/// What is remembered, as if each column had always been made of what it is made of now. A column whose parts were edited
/// since they were agreed still counts as edited.
pub(super) fn carried_over<'a>(inputs: &Inputs<'a>) -> Cow<'a, State> {
    let sources = inputs.options.mapping.sources();
    if inputs.state.sources == sources {
        return Cow::Borrowed(inputs.state);
    }
    let mut state = inputs.state.clone();
    let raw = inputs.options.mapping.raw(inputs.referral);
    let shipped = mapping::raw(inputs.referral);
    let columns: BTreeSet<&Column> = inputs.state.sources.keys().chain(sources.keys()).collect();
    for column in columns {
        let before = inputs.state.sources.get(column);
        if before == sources.get(column) {
            continue;
        }
        let digest = |raw: &String| inputs.state.referral_digest(column, raw);
        let before: Before = match before {
            None => Before::Said(shipped.get(column).map(digest)),
            Some(sources) => Mapping::raw_of(sources, inputs.referral)
                .map_or(Before::Unknown, |raw| {
                    Before::Said(raw.as_ref().map(digest))
                }),
        };
        let now = raw.get(column).map(digest);
        let carry = |pair: &mut Pair| {
            if before == Before::Unknown || before == Before::Said(pair.referral) {
                pair.referral = now;
            }
        };
        state.agreed.get_mut(column).map(carry);
        let intentions = state.intentions.iter_mut();
        let of_lead = intentions.filter(|intention| intention.side == Side::Lead);
        of_lead
            .filter_map(|intention| intention.values.get_mut(column))
            .for_each(carry);
    }
    state.sources = sources;
    Cow::Owned(state)
}

/// What a referral says in the parts that a column was made of before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Said(Option<Digest>),
    /// This program does not know those parts.
    Unknown,
}
