use jiff::{SignedDuration, Timestamp};

use super::{Close, Inbound, Outbound, inbound, outbound};
use crate::lead::{LeadSchema, LeadState};
use crate::mapping::Mapping;
use crate::mapping::fixtures::{lead, options, schema};
use crate::referral::ReferralState::{
    self, Active, ClosedOtherwise, Declined, Expired, Lost, New, Unknown, Won,
};
use crate::sync::options::{Mode, QualifiedMeans, SyncOptions};

/// Long after the fixture lead was changed.
fn later() -> Timestamp {
    "2026-11-30T00:00:00Z".parse().unwrap()
}

#[test]
fn every_cell_of_the_inbound_table_is_as_documented() {
    use Inbound::{Contacted, Disqualify, Flag, Nothing};
    use LeadState::{Disqualified, Open, Qualified};
    // Columns: open and new, open and contacted, open for a reason of the organisation's own, qualified, disqualified.
    let leads = [
        (Open, 1),
        (Open, 2),
        (Open, 823_270_000),
        (Qualified, 3),
        (Disqualified, 4),
    ];
    let table = [
        (New, [Nothing, Nothing, Nothing, Nothing, Nothing]),
        (Active, [Contacted(2), Nothing, Nothing, Nothing, Nothing]),
        (Won, [Flag, Flag, Flag, Nothing, Flag]),
        (Lost, [Disqualify(4), Flag, Flag, Flag, Nothing]),
        (Declined, [Disqualify(7), Flag, Flag, Flag, Nothing]),
        (Expired, [Flag, Flag, Flag, Flag, Nothing]),
        (ClosedOtherwise, [Flag, Flag, Flag, Flag, Nothing]),
        (Unknown, [Nothing, Nothing, Nothing, Nothing, Nothing]),
    ];
    for (referral, row) in table {
        for ((state, reason), expected) in leads.into_iter().zip(row) {
            assert_eq!(
                inbound(
                    referral,
                    state,
                    Some(reason),
                    &schema(),
                    &Mapping::shipped().status
                ),
                expected,
                "{referral:?} {state:?} {reason}"
            );
        }
    }
}

#[test]
fn a_status_reason_the_organisation_lacks_is_never_written() {
    let mut schema = schema();
    for missing in [2, 4, 7] {
        schema.status_reasons.remove(&missing);
    }
    let new = |referral, schema: &LeadSchema| {
        inbound(
            referral,
            LeadState::Open,
            Some(1),
            schema,
            &Mapping::shipped().status,
        )
    };
    assert_eq!(new(Active, &schema), Inbound::Nothing);
    assert_eq!(new(Lost, &schema), Inbound::Disqualify(5));
    assert_eq!(new(Declined, &schema), Inbound::Disqualify(5));
    schema.status_reasons.clear();
    assert_eq!(new(Lost, &schema), Inbound::Flag);
}

#[test]
fn a_contacted_reason_that_closes_the_lead_is_not_contacted() {
    let mut schema = schema();
    schema.status_reasons.insert(2, LeadState::Disqualified);
    assert_eq!(
        inbound(
            Active,
            LeadState::Open,
            Some(1),
            &schema,
            &Mapping::shipped().status
        ),
        Inbound::Nothing
    );
}

const CLOSED_OR_UNKNOWN: [ReferralState; 6] =
    [Won, Lost, Declined, Expired, ClosedOtherwise, Unknown];

fn ask(referral: ReferralState, state: LeadState, reason: i32, options: &SyncOptions) -> Outbound {
    outbound(referral, &lead(state, reason), options, later())
}

fn closing(substatus: &'static str, reason: Option<&'static str>) -> Close {
    Close::Now { substatus, reason }
}

#[test]
fn every_cell_of_the_outbound_table_is_as_documented() {
    use LeadState::{Disqualified, Open, Qualified};
    let no = Close::No;
    let table = [
        (Open, 1, (false, no), (false, no)),
        (Open, 2, (true, no), (false, no)),
        (Open, 823_270_000, (false, no), (false, no)),
        (Qualified, 3, (true, no), (false, no)),
        (Qualified, 823_270_001, (false, no), (false, no)),
        (
            Disqualified,
            4,
            (false, closing("Declined", Some("Lost"))),
            (false, closing("Lost", Some("Lost"))),
        ),
        (
            Disqualified,
            5,
            (false, closing("Declined", Some("Cannot contact"))),
            (false, closing("Lost", Some("Cannot contact"))),
        ),
        (
            Disqualified,
            6,
            (false, closing("Declined", Some("No longer interested"))),
            (false, closing("Lost", Some("No longer interested"))),
        ),
        (
            Disqualified,
            7,
            (false, closing("Declined", Some("Canceled"))),
            (false, closing("Lost", Some("Canceled"))),
        ),
        (Disqualified, 804_240_004, (false, no), (false, no)),
    ];
    let options = options(Mode::TwoWay);
    for (state, reason, from_new, from_active) in table {
        for (referral, (accept, close)) in [(New, from_new), (Active, from_active)] {
            assert_eq!(
                ask(referral, state, reason, &options),
                Outbound { accept, close },
                "{state:?} {reason} {referral:?}"
            );
        }
        for referral in CLOSED_OR_UNKNOWN {
            assert_eq!(
                ask(referral, state, reason, &options),
                Outbound::NOTHING,
                "{referral:?}"
            );
        }
    }
}

#[test]
fn a_qualified_lead_wins_its_referral_only_where_that_is_what_it_means() {
    let mut options = options(Mode::TwoWay);
    options.qualified_means = QualifiedMeans::Won;
    let won = closing("Won", None);
    let ask = |referral| ask(referral, LeadState::Qualified, 3, &options);
    assert_eq!(
        ask(New),
        Outbound {
            accept: true,
            close: won
        }
    );
    assert_eq!(
        ask(Active),
        Outbound {
            accept: false,
            close: won
        }
    );
}

#[test]
fn nothing_is_closed_before_the_lead_has_rested() {
    let mut options = options(Mode::TwoWay);
    options.qualified_means = QualifiedMeans::Won;
    for (state, reason, hold) in [
        (LeadState::Disqualified, 4, SignedDuration::from_hours(24)),
        (LeadState::Qualified, 3, SignedDuration::from_hours(72)),
    ] {
        let lead = lead(state, reason);
        let due = lead.modified.unwrap() + hold;
        let early = outbound(Active, &lead, &options, due - SignedDuration::from_secs(1));
        assert_eq!(early.close, Close::Held { until: Some(due) });
        assert!(matches!(
            outbound(Active, &lead, &options, due).close,
            Close::Now { .. }
        ));
    }
}

#[test]
fn a_lead_that_does_not_say_when_it_changed_never_closes_its_referral() {
    let mut lead = lead(LeadState::Disqualified, 4);
    lead.modified = None;
    assert_eq!(
        outbound(Active, &lead, &options(Mode::TwoWay), later()).close,
        Close::Held { until: None }
    );
}
