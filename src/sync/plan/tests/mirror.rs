//! The connector's own columns: what is written there, when, and when not.

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::properties::worlds;
use super::world::{World, changed, is_quiet, reported, sent};
use crate::lead::{Column, ColumnKind, Decision, LeadState, Own, Value};
use crate::mapping::columns::COMPANY;
use crate::mapping::fixtures::status;
use crate::mapping::mirror;
use crate::provision::columns::names;
use crate::referral::ReferralState;
use crate::sync::options::{Mode, QualifiedMeans};
use crate::sync::plan::{LeadAction, LeadFinding, Plan};
use crate::sync::state::State;

/// `world` in an organisation that has all the columns.
fn with_columns(mut world: World) -> World {
    world.schema.own = names(&"pcref".parse().unwrap()).collect();
    for (own, column) in &world.schema.own {
        if own.kind() == ColumnKind::Text {
            world.schema.lengths.insert(column.clone(), 300);
        }
    }
    world
}

/// Both sides are in step and the columns show it.
fn shown(mode: Mode) -> World {
    let mut world = with_columns(World::in_step(mode));
    world.run();
    world
}

fn decide(world: &mut World, decision: Decision) {
    world.lead().decision = Some(decision);
    world.lead_edited();
}

fn held(world: &mut World, own: Own) -> Option<Value> {
    let column = world.schema.own[&own].clone();
    world.lead().columns.get(&column).cloned()
}

fn own_changes(plan: &Plan) -> Vec<&str> {
    let mut changed = changed(plan);
    changed.retain(|column| column.starts_with("pcref_"));
    changed
}

fn rest(world: &mut World, hours: i64) {
    world.now += SignedDuration::from_hours(hours);
}

#[test]
fn columns_that_come_to_a_lead_in_step_are_filled_in_one_write_and_nothing_else_happens() {
    for mode in [Mode::Inbound, Mode::Link, Mode::TwoWay] {
        let mut world = with_columns(World::in_step(mode));
        let before = world.state.agreed.clone();
        let plan = world.plan();
        assert_eq!(changed(&plan), own_changes(&plan));
        assert_eq!(
            (plan.patches.len(), plan.notes.len(), reported(&plan).len()),
            (0, 0, 0)
        );
        let LeadAction::Update { values, .. } = &plan.lead else {
            panic!("{plan:?}");
        };
        assert!(values.is_empty(), "nothing of it is remembered");
        assert_eq!(world.run().len(), 2);
        assert_eq!(world.state.agreed, before);
    }
}

#[test]
fn what_the_organisation_makes_of_a_column_is_told_once_and_left() {
    let mut world = shown(Mode::Link);
    let column = world.schema.own[&Own::Kind].clone();
    rest(&mut world, 1);
    let rewritten = Value::Text("rewritten".to_owned());
    world.lead().columns.insert(column.clone(), rewritten);
    let plan = world.plan();
    assert_eq!(
        own_changes(&plan),
        ["pcref_lastsynced", "pcref_referralkind"]
    );

    // The answer to the write says that it holds the same as before.
    let LeadAction::Update { changes, .. } = plan.lead else {
        panic!("{plan:?}");
    };
    world.shown = changes;
    let plan = world.plan();
    assert_eq!(
        (changed(&plan).len(), reported(&plan)),
        (0, vec!["rewritten:pcref_referralkind".to_owned()])
    );
    world.state.told(&plan.holding);
    world.shown.clear();
    let plan = world.plan();
    assert!(is_quiet(&plan) && plan.reports.is_empty(), "{plan:?}");

    world.lead().columns.remove(&column);
    assert_eq!(
        own_changes(&world.plan()),
        ["pcref_lastsynced", "pcref_referralkind"]
    );
}

#[test]
fn blanks_and_line_breaks_of_a_form_are_no_difference() {
    let mut world = shown(Mode::Link);
    let column = world.schema.own[&Own::Message].clone();
    let Some(Value::Text(text)) = world.lead().columns.get(&column).cloned() else {
        panic!("there is something to say about a new referral");
    };
    let stored = Value::Text(format!("{}\r\n", text.replace('\n', "\r\n")));
    world.lead().columns.insert(column, stored);
    assert!(is_quiet(&world.plan()));
}

#[test]
fn a_close_that_is_due_does_not_wait_for_a_column() {
    let mut world = shown(Mode::TwoWay);
    decide(&mut world, Decision::Decline);
    rest(&mut world, 25);
    let plan = world.plan();
    assert_eq!(
        changed(&plan).len(),
        0,
        "although the message is another now"
    );
    assert!(sent(&plan)[0].contains("Declined"), "{plan:?}");
    // Data that differs begins the hold anew, and then it is shown.
    world.referral.customer.name = Some("Another name".to_owned());
    world.referral_edited();
    let plan = world.plan();
    assert_eq!(
        changed(&plan),
        [COMPANY.as_str(), "pcref_lastsynced", "pcref_sellermessage"]
    );
    assert_eq!(
        (sent(&plan).len(), reported(&plan)),
        (0, vec!["close_held".to_owned()])
    );
}

#[test]
fn the_message_of_a_held_close_stays_until_the_close() {
    let mut world = shown(Mode::TwoWay);
    decide(&mut world, Decision::Decline);
    world.run();
    let before = held(&mut world, Own::Message);
    assert!(
        format!("{before:?}").contains("closed as Declined"),
        "{before:?}"
    );
    for _ in 0..23 {
        rest(&mut world, 1);
        assert!(is_quiet(&world.plan()), "{:?}", world.plan());
    }
    rest(&mut world, 2);
    let plans = world.run();
    assert_eq!(sent(&plans[0]).len(), 1);
    assert_eq!(
        world.lead().state,
        LeadState::Disqualified,
        "nobody worked on it"
    );
    assert_eq!(held(&mut world, Own::Message), None);
    let closed = Value::Text("Closed: Declined".to_owned());
    assert_eq!(held(&mut world, Own::Status), Some(closed));
}

#[test]
fn a_decision_speaks_for_an_open_lead_and_no_closed_lead_is_contradicted() {
    use Decision::{Accept, Decline};
    use LeadState::{Disqualified, Open, Qualified};
    for (decision, state, reason, wanted) in [
        (Accept, Open, 1, Some("Accepted")),
        (Accept, Open, 900, Some("Accepted")),
        (Decline, Open, 2, Some("Declined")),
        (Accept, Qualified, 901, Some("Accepted")),
        (Decline, Qualified, 3, Some("Accepted")),
        (Decline, Qualified, 901, None),
        (Accept, Disqualified, 5, Some("Declined")),
        (Accept, Disqualified, 902, None),
        (Decline, Disqualified, 902, Some("Declined")),
    ] {
        let mut world = shown(Mode::TwoWay);
        let lead = world.lead();
        (lead.state, lead.status_reason) = (state, Some(reason));
        decide(&mut world, decision);
        rest(&mut world, 100);
        let mut sent: Vec<String> = world.run().iter().flat_map(sent).collect();
        // A plan that writes the lead first says what it is going to send as well.
        sent.dedup();
        let what = format!("{decision:?} {state:?}/{reason}: {sent:?}");
        assert_eq!(sent.len(), usize::from(wanted.is_some()), "{what}");
        assert!(wanted.is_none_or(|it| sent[0].contains(it)), "{what}");
    }
}

#[test]
fn an_old_status_is_not_sent_because_of_a_decision_that_it_contradicts() {
    let mut world = with_columns(World::unknown(Mode::TwoWay));
    let lead = world.lead();
    (lead.state, lead.status_reason) = (LeadState::Disqualified, Some(5));
    world.run();
    decide(&mut world, Decision::Accept);
    rest(&mut world, 100);
    assert!(world.run().iter().all(|plan| plan.patches.is_empty()));
}

#[test]
fn an_acceptance_that_was_followed_hides_no_old_difference_once_the_state_is_lost() {
    let mut world = shown(Mode::TwoWay);
    world.options.qualified_means = QualifiedMeans::Won;
    decide(&mut world, Decision::Accept);
    world.run();
    let lead = world.lead();
    (lead.state, lead.status_reason) = (LeadState::Qualified, Some(3));
    world.lead_edited();
    assert!(reported(world.run().last().unwrap()).contains(&"close_held".to_owned()));
    world.state = State::new(Uuid::from_u128(8));
    let plans = world.run();
    assert!(
        reported(&plans[0]).contains(&"differs:status".to_owned()),
        "{plans:?}"
    );
    let told = format!("{:?}", held(&mut world, Own::Message));
    assert!(told.contains("left so on both sides: status"), "{told}");
}

#[test]
fn a_refused_write_to_a_closed_lead_is_not_tried_again() {
    let mut world = shown(Mode::Link);
    world.referral.status = status(ReferralState::Active);
    world.referral_edited();
    let lead = world.lead();
    lead.state = LeadState::Qualified;
    let etag = lead.etag.clone();
    assert!(!is_quiet(&world.plan()));
    world
        .state
        .tell(&crate::sync::plan::Report::LeadReadOnly, &etag);
    assert!(is_quiet(&world.plan()));
}

prop_compose! {
    fn decided_worlds()(
        world in worlds(),
        decision in select(vec![None, Some(Decision::Accept), Some(Decision::Decline)]),
        expires in select(vec![None, Some("2026-12-24T23:59:00Z"), Some("-009999-01-02T01:59:59Z")]),
        length in select(vec![1, 20, 300]),
    ) -> World {
        let mut world = with_columns(world);
        world.referral.expires = expires.map(|it| it.parse().unwrap());
        for column in world.schema.own.values() {
            world.schema.lengths.entry(column.clone()).and_modify(|it| *it = length);
        }
        if let LeadFinding::Found { lead, .. } = &mut world.lead {
            lead.decision = decision;
        }
        world
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_shown_follows_and_then_rests(mut world in decided_worlds(), hours in 0_i64..100) {
        for _ in 0..2 {
            world.run();
            prop_assert!(is_quiet(&world.plan()));
            if let LeadFinding::Found { lead, .. } = &world.lead && world.options.mode != Mode::Observe
                && crate::sync::plan::ignored(&world.referral, &world.options.filter).is_none()
            {
                for (column, wanted) in mirror(&world.referral, &world.schema, &world.options) {
                    prop_assert_eq!(lead.columns.get(&column), wanted.as_ref(), "{}", column);
                }
            }
            rest(&mut world, hours);
        }
    }

    #[test]
    fn a_write_to_the_lead_changes_nothing_that_is_shown(mut world in decided_worlds()) {
        let plans = world.run();
        for pair in plans.windows(2) {
            if pair[0].lead != LeadAction::None {
                prop_assert_eq!(own_changes(&pair[1]), Vec::<&str>::new(), "{:?}", pair);
            }
        }
    }

    #[test]
    fn the_decision_is_never_written_nor_the_moment_alone(mut world in decided_worlds()) {
        let decision = Column::named("pcref_decision");
        for plan in world.run() {
            let own = own_changes(&plan);
            prop_assert!(!own.contains(&decision.as_str()));
            prop_assert!(changed(&plan) != ["pcref_lastsynced"]);
            if let LeadAction::Create { columns, .. } = &plan.lead {
                prop_assert!(!columns.contains_key(&decision));
            }
        }
    }
}
