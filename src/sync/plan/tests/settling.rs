//! Writes whose end was not seen, and runs of others.

use jiff::SignedDuration;

use super::world::{World, changed, is_quiet, reported, sent};
use crate::ids::ETag;
use crate::lead::{LeadState, Value};
use crate::mapping::columns::{COMPANY, DESCRIPTION, ESTIMATED_AMOUNT};
use crate::sync::options::Mode;
use crate::sync::plan::{LeadAction, Plan};
use crate::sync::state::{Side, State};

fn amount(text: &str) -> Value {
    Value::Amount(text.parse().unwrap())
}

fn set_amount(world: &mut World, text: &str) {
    let value = amount(text);
    world.lead().columns.insert(ESTIMATED_AMOUNT, value);
    world.lead_edited();
}

fn set_deal(world: &mut World, text: &str) {
    world.referral.details.deal_value = Some(text.parse().unwrap());
    world.referral_edited();
}

/// A run that is about to send the lead's amount, 7, and is never heard of again.
fn cut_off_before_the_patch() -> World {
    let mut world = World::in_step(Mode::TwoWay);
    set_amount(&mut world, "7");
    let plan = world.plan();
    assert_eq!(sent(&plan), ["Replace /details/dealValue=7"]);
    world.state = plan.state.clone();
    world.intend(&plan);
    world
}

/// As above, but Partner Center has it.
fn cut_off_after_the_patch() -> World {
    let mut world = cut_off_before_the_patch();
    set_deal(&mut world, "7");
    world
}

/// A run that is about to write the referral's new company, and is never heard of again.
fn cut_off_before_the_lead() -> World {
    let mut world = World::in_step(Mode::TwoWay);
    world.referral.customer.name = Some("Renamed".to_owned());
    world.referral_edited();
    let plan = world.plan();
    assert_eq!(changed(&plan), ["companyname"]);
    world.state = plan.state.clone();
    world.intend(&plan);
    world
}

fn amounts(world: &mut World) -> (String, String) {
    let Some(Value::Amount(held)) = world.lead().columns.get(&ESTIMATED_AMOUNT).cloned() else {
        panic!("no amount")
    };
    let deal = world.referral.details.deal_value.unwrap();
    (held.to_string(), deal.to_string())
}

fn everything(plans: &[Plan]) -> Vec<String> {
    plans.iter().flat_map(reported).collect()
}

#[test]
fn a_write_of_another_run_is_waited_for_until_half_a_minute_after_its_end() {
    for mut world in [cut_off_before_the_patch(), cut_off_after_the_patch()] {
        let end = world.state.intentions[0].deadline + SignedDuration::from_secs(30);
        world.later();
        world.now = end - SignedDuration::from_secs(1);
        let plan = world.plan();
        assert_eq!(plan.busy_until, Some(end));
        assert!(is_quiet(&plan) && plan.notes.is_empty() && plan.reports.is_empty());
        assert_eq!(plan.state, world.state);
        world.now = end;
        assert_eq!(world.plan().busy_until, None);
    }
}

#[test]
fn a_write_that_did_not_happen_is_made_again() {
    let mut world = cut_off_before_the_patch();
    world.later();
    let plan = world.plan();
    assert_eq!(plan.state.intentions, []);
    assert_eq!(sent(&plan), ["Replace /details/dealValue=7"]);
    assert_eq!(reported(&plan), Vec::<String>::new());
}

#[test]
fn a_write_that_happened_is_what_is_agreed() {
    let mut world = cut_off_after_the_patch();
    world.later();
    let plan = world.plan();
    assert!(is_quiet(&plan));
    world.apply(&plan);
    set_deal(&mut world, "9");
    let plan = world.plan();
    assert_eq!(changed(&plan), ["estimatedamount"]);
    assert_eq!(reported(&plan), Vec::<String>::new());
}

#[test]
fn an_edit_after_a_write_that_happened_is_no_conflict() {
    let mut world = cut_off_after_the_patch();
    set_deal(&mut world, "9");
    world.later();
    let plans = world.run();
    assert_eq!(amounts(&mut world), ("9".to_owned(), "9".to_owned()));
    assert_eq!(everything(&plans), ["edited_since:deal"]);
    let note = world
        .notes
        .values()
        .find(|it| it.text.contains("amount: 7"));
    assert!(note.is_some(), "the value that may be lost is noted");
}

#[test]
fn a_value_set_back_after_the_write_is_written_again_and_reported() {
    let mut world = cut_off_after_the_patch();
    set_deal(&mut world, "50000.125");
    world.later();
    let plans = world.run();
    assert_eq!(amounts(&mut world), ("7".to_owned(), "7".to_owned()));
    assert_eq!(everything(&plans), ["written_again:deal"]);
}

#[test]
fn a_write_to_the_lead_is_settled_the_same_way() {
    let company = |world: &mut World| world.lead().columns[&COMPANY].clone();
    let happened = |world: &mut World| {
        world.set(&COMPANY, "Renamed");
        world.lead_edited();
    };
    let text = |text: &str| Value::Text(text.to_owned());

    let mut world = cut_off_before_the_lead();
    world.later();
    world.run();
    assert_eq!(company(&mut world), text("Renamed"));

    let mut world = cut_off_before_the_lead();
    happened(&mut world);
    world.later();
    assert!(is_quiet(&world.plan()));

    let mut world = cut_off_before_the_lead();
    happened(&mut world);
    world.set(&COMPANY, "Edited");
    world.lead_edited();
    world.later();
    let plans = world.run();
    assert_eq!(company(&mut world), text("Edited"));
    assert_eq!(
        everything(&plans),
        ["edited_since:company", "differs:company"]
    );
}

#[test]
fn what_was_rounded_on_the_way_is_no_edit_even_if_the_answer_was_lost() {
    let mut world = cut_off_before_the_patch();
    set_amount(&mut world, "7.45");
    let plan = world.plan();
    world.intend(&plan);
    set_deal(&mut world, "7.5");
    world.later();
    let plans = world.run();
    assert_eq!(amounts(&mut world), ("7.45".to_owned(), "7.5".to_owned()));
    assert_eq!(everything(&plans), Vec::<String>::new());
}

#[test]
fn what_was_trimmed_and_rounded_by_an_answer_is_agreed() {
    let mut world = World::in_step(Mode::TwoWay);
    world.referral.details.notes = Some("New words".to_owned());
    set_deal(&mut world, "60000.6");
    let plan = world.plan();
    world.apply(&plan);
    let LeadAction::Update { values, .. } = &plan.lead else {
        panic!("{plan:?}")
    };
    world.set(&DESCRIPTION, "New wor");
    world
        .lead()
        .columns
        .insert(ESTIMATED_AMOUNT, amount("60001"));
    world.lead_edited();
    let stored = world.lead().clone();
    world
        .state
        .confirm_lead(world.run, world.referral.id, &stored, values);
    let plan = world.plan();
    assert!(is_quiet(&plan), "{plan:?}");
    assert_eq!(reported(&plan), Vec::<String>::new());
}

#[test]
fn a_runs_own_write_that_may_still_happen_stays_beside_new_ones() {
    let mut world = cut_off_before_the_patch();
    let plan = world.plan();
    assert_eq!(plan.busy_until, None);
    assert_eq!(plan.state.intentions, world.state.intentions);
    assert_eq!(sent(&plan), ["Replace /details/dealValue=7"]);
    world.intend(&plan);
    assert_eq!(world.state.intentions.len(), 1, "it is not written twice");
    set_amount(&mut world, "8");
    let plan = world.plan();
    world.intend(&plan);
    assert_eq!(world.state.intentions.len(), 2);
    set_deal(&mut world, "7");
    let plans = world.run();
    assert_eq!(amounts(&mut world), ("8".to_owned(), "8".to_owned()));
    assert_eq!(everything(&plans), Vec::<String>::new());
}

#[test]
fn an_intention_is_never_put_in_the_place_of_another() {
    let mut world = cut_off_before_the_patch();
    let values = world.state.intentions[0].values.clone();
    let version = ETag::new("\"another\"");
    let deadline = world.now;
    let again = world
        .state
        .intend(world.run, deadline, Side::Referral, Some(&version), &values);
    assert!(again);
    assert_eq!(world.state.intentions.len(), 2);
    world.state.strike(world.run, Side::Lead);
    assert_eq!(world.state.intentions.len(), 2);
    world.state.strike(world.run, Side::Referral);
    assert_eq!(world.state.intentions, []);
}

#[test]
fn a_creation_whose_answer_was_lost_is_known_by_the_lead_that_is_there() {
    let mut world = World::new(Mode::TwoWay);
    let plan = world.plan();
    world.intend(&plan);
    let before = world.state.clone();
    world.apply(&plan);
    world.state = State {
        agreed: before.agreed,
        lead: None,
        intentions: before.intentions,
        ..world.state
    };
    world.later();
    world.set(&COMPANY, "Edited by a seller");
    world.lead().status_reason = Some(2);
    world.lead_edited();
    let plans = world.run();
    assert_eq!(
        everything(&plans),
        [
            "edited_since:company",
            "edited_since:status",
            "differs:company"
        ]
    );
    assert_eq!(world.referral.status.status, "Active");
    assert_eq!(world.lead().state, LeadState::Open);
}

#[test]
fn a_referral_older_than_the_one_seen_before_is_not_believed_for_a_minute() {
    let mut world = World::in_step(Mode::TwoWay);
    let before = world.referral.clone();
    world.referral.updated = Some(world.now);
    world.referral.customer.name = Some("Renamed".to_owned());
    world.referral_edited();
    world.run();
    world.referral = before;
    let plan = world.plan();
    assert_eq!(
        plan.busy_until,
        Some(world.now + SignedDuration::from_secs(2))
    );
    assert!(is_quiet(&plan));
    world.now += SignedDuration::from_secs(60);
    assert_eq!(changed(&world.plan()), ["companyname"]);
}
