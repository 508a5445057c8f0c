//! Where both stand: who follows whom, and when nobody does.

use jiff::{SignedDuration, Timestamp};

use super::world::{World, changed, is_quiet, reported, sent};
use crate::lead::{LeadState, Value};
use crate::mapping::columns::{ESTIMATED_AMOUNT, STATUS};
use crate::mapping::fixtures::status;
use crate::referral::ReferralState::{
    self, Active, ClosedOtherwise, Declined, Expired, Lost, New, Unknown, Won,
};
use crate::sync::options::{Mode, QualifiedMeans};

fn amount(text: &str) -> Value {
    Value::Amount(text.parse().unwrap())
}

fn lead_is(world: &mut World, state: LeadState, reason: i32) {
    let lead = world.lead();
    (lead.state, lead.status_reason) = (state, Some(reason));
    world.lead_edited();
}

fn referral_is(world: &mut World, state: ReferralState) {
    world.referral.status = status(state);
    world.referral_edited();
}

/// Both sides agreed that the referral is `state` and the lead what follows from it.
fn agreed(mode: Mode, state: ReferralState) -> World {
    let mut world = World::in_step(mode);
    referral_is(&mut world, state);
    world.run();
    world
}

/// Long after every hold.
fn rested(world: &mut World) {
    world.now += SignedDuration::from_hours(100);
}

const LEADS: [(LeadState, i32); 10] = [
    (LeadState::Open, 1),
    (LeadState::Open, 2),
    (LeadState::Open, 900),
    (LeadState::Qualified, 3),
    (LeadState::Qualified, 901),
    (LeadState::Disqualified, 4),
    (LeadState::Disqualified, 5),
    (LeadState::Disqualified, 6),
    (LeadState::Disqualified, 7),
    (LeadState::Disqualified, 902),
];

const REFERRALS: [ReferralState; 8] = [
    New,
    Active,
    Won,
    Lost,
    Declined,
    Expired,
    ClosedOtherwise,
    Unknown,
];

#[test]
fn every_change_of_a_lead_asks_of_a_new_or_active_referral_what_the_table_says() {
    let accept = "Replace /status=Active, Replace /substatus=Accepted";
    let closed = |how: &str, why: &str| {
        format!("Replace /status=Closed, Replace /substatus={how}, Add /statusReason={why}")
    };
    let both = |why: &str| [closed("Declined", why), closed("Lost", why)];
    let none = || [String::new(), String::new()];
    let table = [
        none(),
        [accept.to_owned(), String::new()],
        none(),
        [accept.to_owned(), String::new()],
        none(),
        both("Lost"),
        both("Cannot contact"),
        both("No longer interested"),
        both("Canceled"),
        none(),
    ];
    for ((state, reason), expected) in LEADS.into_iter().zip(table) {
        for (referral, expected) in [New, Active].into_iter().zip(expected) {
            let mut world = agreed(Mode::TwoWay, referral);
            if referral == New && (state, reason) == LEADS[0] {
                continue;
            }
            lead_is(&mut world, state, reason);
            rested(&mut world);
            let plan = world.plan();
            assert_eq!(
                sent(&plan).join("; "),
                expected,
                "{referral:?} {state:?} {reason}"
            );
            assert_eq!(changed(&plan), Vec::<&str>::new(), "nothing is undone");
            world.run();
            assert!(is_quiet(&world.plan()));
        }
    }
}

#[test]
fn every_change_of_a_referral_asks_of_its_lead_what_the_table_says() {
    // For open and new, open and contacted, any other open, qualified, disqualified leads.
    let table = [
        (Active, ["2", "", "", "", ""]),
        (Won, ["flag", "flag", "flag", "", "flag"]),
        (Lost, ["4", "flag", "flag", "flag", ""]),
        (Declined, ["7", "flag", "flag", "flag", ""]),
        (Expired, ["flag", "flag", "flag", "flag", ""]),
        (ClosedOtherwise, ["flag", "flag", "flag", "flag", ""]),
        (Unknown, ["", "", "", "", ""]),
    ];
    for (referral, row) in table {
        for (at, (state, reason)) in LEADS.into_iter().enumerate() {
            let mut world = World::in_step(Mode::Link);
            lead_is(&mut world, state, reason);
            referral_is(&mut world, referral);
            let plan = world.plan();
            let expected = row[[0, 1, 2, 3, 3, 4, 4, 4, 4, 4][at]];
            let flagged = reported(&plan) == ["flagged"];
            let case = format!("{referral:?} {state:?} {reason}");
            assert_eq!(flagged, expected == "flag", "{case}");
            let written = match &plan.lead {
                crate::sync::plan::LeadAction::Update { changes, .. } => changes[&STATUS].clone(),
                _ => None,
            };
            let wanted = expected.parse().ok().map(Value::Choice);
            assert_eq!(written, wanted, "{case}");
            world.run();
            assert!(is_quiet(&world.plan()));
        }
    }
}

#[test]
fn nothing_old_is_pushed_but_a_closed_or_accepted_referral_still_moves_a_new_lead() {
    for referral in REFERRALS {
        for (state, reason) in LEADS {
            let mut world = World::unknown(Mode::TwoWay);
            lead_is(&mut world, state, reason);
            referral_is(&mut world, referral);
            rested(&mut world);
            let asks = matches!(referral, New | Active)
                && (state == LeadState::Disqualified && reason != 902
                    || referral == New && matches!(reason, 2 | 3));
            let plan = world.plan();
            assert_eq!(sent(&plan), Vec::<String>::new());
            let is_reported = reported(&plan).contains(&"differs:status".to_owned());
            assert_eq!(is_reported, asks, "{referral:?} {state:?} {reason}");
            world.run();
            assert_eq!(reported(&world.plan()), Vec::<String>::new(), "once");
        }
    }
}

#[test]
fn the_first_change_after_an_old_difference_counts() {
    let mut world = World::unknown(Mode::TwoWay);
    lead_is(&mut world, LeadState::Disqualified, 4);
    world.run();
    referral_is(&mut world, Active);
    rested(&mut world);
    world.run();
    assert_eq!(world.referral.status.state, Lost);

    let mut world = World::unknown(Mode::TwoWay);
    lead_is(&mut world, LeadState::Open, 2);
    world.run();
    lead_is(&mut world, LeadState::Qualified, 3);
    world.run();
    assert_eq!(world.referral.status.state, Active);
}

#[test]
fn an_undone_contacted_is_not_written_again() {
    for mode in [Mode::Inbound, Mode::Link, Mode::TwoWay] {
        let mut world = agreed(mode, Active);
        assert_eq!(world.lead().status_reason, Some(2));
        lead_is(&mut world, LeadState::Open, 1);
        let plans = world.run();
        assert!(plans.iter().all(is_quiet), "{mode}");
        world.referral.name = Some("Another topic".to_owned());
        world.referral_edited();
        world.run();
        assert_eq!(world.lead().status_reason, Some(1), "{mode}");
    }
}

#[test]
fn a_lead_reopened_under_a_closed_referral_is_flagged_and_left() {
    let mut world = agreed(Mode::TwoWay, Lost);
    assert_eq!(world.lead().state, LeadState::Disqualified);
    lead_is(&mut world, LeadState::Open, 1);
    let plans = world.run();
    assert!(plans.iter().all(is_quiet));
    assert_eq!(reported(&plans[0]), ["flagged"]);
    assert_eq!(world.plan().reports, [], "once");
}

#[test]
fn a_status_is_sent_in_two_way_mode_only() {
    for mode in [Mode::Inbound, Mode::Link, Mode::TwoWay] {
        let mut world = World::in_step(mode);
        lead_is(&mut world, LeadState::Open, 2);
        let expected: &[&str] = if mode == Mode::TwoWay {
            &["Replace /status=Active, Replace /substatus=Accepted"]
        } else {
            &[]
        };
        assert_eq!(sent(&world.plan()), expected);
    }
}

#[test]
fn a_new_lead_accepts_nothing() {
    let mut world = World::new(Mode::TwoWay);
    world.run();
    assert_eq!(world.referral.status.state, New);
}

#[test]
fn closing_is_a_request_of_its_own_after_the_data() {
    let mut world = World::in_step(Mode::TwoWay);
    lead_is(&mut world, LeadState::Qualified, 3);
    world.lead().columns.insert(ESTIMATED_AMOUNT, amount("7"));
    world.options.qualified_means = QualifiedMeans::Won;
    rested(&mut world);
    world.referral.external_reference = None;
    let plan = world.plan();
    assert_eq!(
        sent(&plan),
        [
            "Add /externalReferenceId=4111fffc-f9ee-4d53-bba6-569135228642",
            "Replace /details/dealValue=7",
            "Replace /status=Active, Replace /substatus=Accepted",
            "Replace /status=Closed, Replace /substatus=Won",
        ]
    );
    let closes: Vec<bool> = plan.patches.iter().map(|patch| patch.closes).collect();
    assert_eq!(closes, [false, false, false, true]);
    world.run();
    assert_eq!(world.referral.status.state, Won);
    assert_eq!(world.state.intentions, []);
}

#[test]
fn a_deal_is_accepted_at_once_and_won_after_its_hold() {
    let mut world = World::in_step(Mode::TwoWay);
    world.options.qualified_means = QualifiedMeans::Won;
    lead_is(&mut world, LeadState::Qualified, 3);
    let end = world.now + world.options.won_hold;
    let plans = world.run();
    assert_eq!(world.referral.status.state, Active);
    assert_eq!(reported(plans.last().unwrap()), ["close_held"]);
    assert_eq!(world.state.look_again, Some(end));
    world.now = end - SignedDuration::from_secs(1);
    world.run();
    assert_eq!(world.referral.status.state, Active);
    world.now = end;
    world.run();
    assert_eq!(world.referral.status.state, Won);
}

#[test]
fn a_close_waits_for_a_lead_that_rests() {
    let mut world = World::in_step(Mode::TwoWay);
    lead_is(&mut world, LeadState::Disqualified, 5);
    let end = world.now + world.options.close_hold;
    world.now = end - SignedDuration::from_secs(1);
    assert_eq!(reported(&world.plan()), ["close_held"]);
    world.now = end;
    assert_eq!(
        sent(&world.plan()),
        ["Replace /status=Closed, Replace /substatus=Declined, Add /statusReason=Cannot contact"]
    );
    world.referral.customer.name = Some("changes in this sync".to_owned());
    let plan = world.plan();
    assert_eq!(sent(&plan), Vec::<String>::new());
    assert_eq!(reported(&plan), ["close_held"]);
    assert_eq!(plan.look_again, None, "the write begins the hold anew");
}

#[test]
fn a_close_that_was_taken_back_within_its_hold_is_not_sent() {
    let mut world = World::in_step(Mode::TwoWay);
    lead_is(&mut world, LeadState::Disqualified, 5);
    world.run();
    lead_is(&mut world, LeadState::Open, 1);
    rested(&mut world);
    assert!(world.run().iter().all(is_quiet));
    assert_eq!(world.referral.status.state, New);
}

#[test]
fn a_held_close_is_looked_at_again_once_without_an_event() {
    let mut world = World::in_step(Mode::TwoWay);
    lead_is(&mut world, LeadState::Disqualified, 5);
    let end = world.now + world.options.close_hold;
    let looks = |world: &mut World, now: Timestamp| {
        world.now = now;
        let plan = world.plan();
        world.apply(&plan);
        plan.look_again
    };
    let start = world.now;
    assert_eq!(looks(&mut world, start), Some(end));
    assert_eq!(looks(&mut world, start), None, "a look is to come");
    let just_before = end - SignedDuration::from_secs(5);
    assert_eq!(
        looks(&mut world, just_before),
        Some(end),
        "the one to come may have come early"
    );
}

#[test]
fn a_hold_longer_than_a_message_can_hide_is_reached_in_steps() {
    let mut world = World::in_step(Mode::TwoWay);
    world.options.close_hold = SignedDuration::from_hours(30 * 24);
    lead_is(&mut world, LeadState::Disqualified, 5);
    let end = world.now + world.options.close_hold;
    for _ in 0..5 {
        world.run();
        assert_eq!(world.referral.status.state, New);
        let look = world.state.look_again.unwrap();
        assert!(look.duration_since(world.now) <= SignedDuration::from_hours(7 * 24));
        world.now = look;
    }
    assert_eq!(world.now, end);
    world.run();
    assert_eq!(world.referral.status.state, Declined);
}

#[test]
fn a_pending_write_back_to_a_closed_referral_is_dropped_and_reported_once() {
    let mut world = World::in_step(Mode::TwoWay);
    referral_is(&mut world, Won);
    lead_is(&mut world, LeadState::Qualified, 3);
    world.lead().columns.insert(ESTIMATED_AMOUNT, amount("7"));
    let plan = world.plan();
    assert_eq!(sent(&plan), Vec::<String>::new());
    assert_eq!(reported(&plan), ["write_back_dropped:deal", "differs:deal"]);
    world.run();
    assert_eq!(world.plan().reports, []);
}

#[test]
fn a_closed_referral_is_remembered_as_closed_since_it_was_first_seen_so() {
    let mut world = agreed(Mode::Link, Lost);
    let since = world.now;
    assert_eq!(world.state.closed, Some(since));
    world.now += SignedDuration::from_hours(1);
    world.run();
    assert_eq!(world.state.closed, Some(since));
}
