//! What is remembered: what was told, which lead it is, which direction values took.

use std::collections::BTreeSet;

use super::world::{World, changed, found, is_quiet, reported, sent};
use crate::ids::LeadId;
use crate::lead::{LeadState, Value};
use crate::mapping::Unit;
use crate::mapping::columns::{
    CITY, COMPANY, EMAIL, ESTIMATED_AMOUNT, FIRST_NAME, LAST_NAME, POSTAL_CODE, SUBJECT,
};
use crate::mapping::fixtures::{dollar, status};
use crate::referral::ReferralState;
use crate::sync::options::Mode;
use crate::sync::plan::{LeadFinding, Outcome, Report};

const OTHER: &str = "aaaaaaaa-0000-4000-8000-000000000001";

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_difference_is_reported_once_and_again_when_the_referral_says_something_else() {
    let mut world = World::unknown(Mode::Link);
    world.set(&COMPANY, "Another");
    world.run();
    let plan = world.plan();
    assert_eq!(reported(&plan), Vec::<String>::new());
    assert_eq!(plan.state, world.state, "nothing new, nothing to save");
    world.set(&CITY, "Seattle");
    assert_eq!(reported(&world.plan()), ["differs:address"]);
    world.run();
    world.referral.customer.address.city = Some("Tacoma".to_owned());
    assert_eq!(reported(&world.plan()), ["differs:address"]);
    world.run();
    assert_eq!(reported(&world.plan()), Vec::<String>::new());
}

#[test]
fn what_holds_no_more_would_be_news_again() {
    let mut world = World::in_step(Mode::Link);
    world.set(&COMPANY, "Another");
    world.run();
    world.set(&COMPANY, "Fabrikam OIL & GAS");
    world.run();
    world.set(&COMPANY, "Another");
    assert_eq!(reported(&world.plan()), ["differs:company"]);
}

#[test]
fn a_difference_that_was_told_is_remembered_when_the_closed_referral_empties_a_part_of_it() {
    let mut world = World::unknown(Mode::TwoWay);
    world.set(&LAST_NAME, "Another");
    world.set(&EMAIL, "another@fabrikam.example");
    world.run();
    let known = |world: &World| {
        world
            .state
            .told_of(Unit::Contact)
            .cloned()
            .collect::<Vec<_>>()
    };
    let told = known(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    world.referral.status = status(ReferralState::Declined);
    world.referral.customer.team[0].email = None;
    world.run();
    assert_eq!(known(&world), told);
}

#[test]
fn what_was_not_handed_on_is_reported_again() {
    let mut world = World::in_step(Mode::Link);
    world.set(&COMPANY, "Another");
    let plan = world.plan();
    world.state = plan.state;
    assert_eq!(reported(&world.plan()), ["differs:company"]);
}

#[test]
fn a_lead_that_takes_no_change_is_left_until_it_is_another_version() {
    let mut world = World::in_step(Mode::TwoWay);
    world.referral.customer.name = Some("Renamed".to_owned());
    let etag = world.lead().etag.clone();
    assert!(world.state.tell(&Report::LeadReadOnly, &etag));
    assert!(!world.state.tell(&Report::LeadReadOnly, &etag));
    let plan = world.plan();
    assert!(is_quiet(&plan));
    world.state = plan.state;
    world.state.told(&BTreeSet::new());
    assert!(is_quiet(&world.plan()));
    world.lead_edited();
    let plan = world.plan();
    assert_eq!(changed(&plan), ["companyname"]);
    let told = plan.state.was_told(&Report::LeadReadOnly, &etag);
    assert!(!told, "it is forgotten");
}

#[test]
fn a_switch_to_two_way_pushes_nothing_old() {
    let mut world = World::in_step(Mode::Link);
    let columns = &mut world.lead().columns;
    columns.insert(ESTIMATED_AMOUNT, Value::Amount("7".parse().unwrap()));
    world.lead().status_reason = Some(2);
    world.lead_edited();
    world.run();
    world.options.mode = Mode::TwoWay;
    let plan = world.plan();
    assert_eq!(sent(&plan), Vec::<String>::new());
    world.run();
    assert!(world.state.two_way);
    let columns = &mut world.lead().columns;
    columns.insert(ESTIMATED_AMOUNT, Value::Amount("8".parse().unwrap()));
    world.lead_edited();
    assert_eq!(sent(&world.plan()), ["Replace /details/dealValue=8"]);
    world.options.mode = Mode::Link;
    world.run();
    assert!(!world.state.two_way);
}

#[test]
fn another_environment_than_production_is_no_switch_to_two_way() {
    let mut world = World::in_step(Mode::Link);
    world.options.mode = Mode::TwoWay;
    world.options.production = false;
    world.run();
    assert!(!world.state.two_way);
}

#[test]
fn a_remembered_lead_that_is_gone_stays_deleted_and_is_reported_once() {
    for reference in [None, Some(OTHER)] {
        let mut world = World::in_step(Mode::TwoWay);
        world.lead = LeadFinding::Absent;
        world.referral.external_reference = reference.map(str::to_owned);
        let plan = world.plan();
        assert_eq!(plan.outcome, Outcome::LeadDeleted);
        assert!(is_quiet(&plan));
        assert_eq!(reported(&plan), ["lead_deleted"]);
        world.run();
        assert_eq!(reported(&world.plan()), Vec::<String>::new());
        assert_eq!(world.plan().outcome, Outcome::LeadDeleted);
    }
}

#[test]
fn a_master_starts_from_nothing_agreed() {
    let mut world = World::in_step(Mode::Link);
    let own = world.lead().id;
    let mut master = world.lead().clone();
    master.id = LeadId::new(uuid::Uuid::from_u128(99));
    master.columns.insert(COMPANY, text("The master's"));
    world.lead = LeadFinding::Found {
        lead: master,
        merged_from: Some(own),
    };
    world.referral.customer.name = Some("Renamed".to_owned());
    let plan = world.plan();
    assert_eq!(changed(&plan), Vec::<&str>::new());
    assert_eq!(reported(&plan), ["lead_merged", "differs:company"]);
    assert_eq!(
        plan.state.lead,
        Some(LeadId::new(uuid::Uuid::from_u128(99)))
    );
    world.apply(&plan);
    assert_eq!(
        world.referral.external_reference,
        Some(uuid::Uuid::from_u128(99).to_string())
    );
}

#[test]
fn a_reference_that_named_the_remembered_lead_follows_it() {
    let mut world = World::in_step(Mode::Link);
    let old: LeadId = OTHER.parse().unwrap();
    world.state.lead = Some(old);
    world.referral.external_reference = Some(OTHER.to_owned());
    let own = LeadId::of(world.referral.id);
    assert_eq!(
        sent(&world.plan()),
        [format!("Replace /externalReferenceId={own}")]
    );
}

#[test]
fn a_changed_organisation_is_no_edit() {
    let mut world = World::in_step(Mode::TwoWay);
    world.schema.lengths.insert(COMPANY, 5);
    world.schema.lengths.insert(POSTAL_CODE, 2);
    world.schema.lengths.remove(&SUBJECT);
    world.currencies[0].precision = 0;
    world.options.time_zone = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
    assert!(world.run().iter().all(is_quiet));
    world.currencies.clear();
    assert!(world.run().iter().all(is_quiet));
    world.schema = crate::mapping::fixtures::schema();
    world.currencies.push(dollar());
    assert!(world.run().iter().all(is_quiet));
}

#[test]
fn a_value_its_column_cannot_take_leaves_the_whole_unit_and_empties_nothing() {
    let mut world = World::in_step(Mode::TwoWay);
    let address = &mut world.referral.customer.address;
    address.city = Some("Tacoma".to_owned());
    address.postal_code = Some("9".repeat(21));
    let plan = world.plan();
    assert!(is_quiet(&plan));
    assert_eq!(reported(&plan), ["too_long:address1_postalcode"]);
    world.run();
    world.referral.customer.address.postal_code = Some("98402".to_owned());
    assert_eq!(
        changed(&world.plan()),
        ["address1_city", "address1_postalcode"]
    );
}

#[test]
fn a_closed_referral_empties_nothing() {
    let mut world = World::in_step(Mode::Link);
    world.referral.status = status(ReferralState::Won);
    world.referral.customer.team.clear();
    world.referral.details.deal_value = None;
    world.referral.customer.name = None;
    assert_eq!(changed(&world.plan()), Vec::<&str>::new());
}

#[test]
fn a_family_name_that_is_taken_away_is_kept_for_the_same_person_only() {
    let mut world = World::in_step(Mode::Link);
    world.referral.customer.team[0].last_name = None;
    world.run();
    assert_eq!(world.lead().columns[&FIRST_NAME], text("Sue"));
    assert_eq!(world.lead().columns[&LAST_NAME], text("Smith"));
    let member = &mut world.referral.customer.team[0];
    member.first_name = Some("Ann".to_owned());
    member.email = Some("ann@fabrikam.example".to_owned());
    world.run();
    assert_eq!(world.lead().columns.get(&FIRST_NAME), None);
    assert_eq!(world.lead().columns[&LAST_NAME], text("Ann"));
    assert_eq!(world.lead().columns[&EMAIL], text("ann@fabrikam.example"));
    world.referral.customer.team[0].last_name = Some("Lee".to_owned());
    world.run();
    assert_eq!(world.lead().columns[&FIRST_NAME], text("Ann"));
    assert_eq!(world.lead().columns[&LAST_NAME], text("Lee"));
}

#[test]
fn versions_are_seen_once_nothing_is_left_to_write() {
    let mut world = World::in_step(Mode::Link);
    assert_eq!(
        world.state.referral_version,
        Some(world.referral.etag.clone())
    );
    let lead = Some(world.lead().etag.clone());
    assert_eq!(world.state.lead_version, lead);
    world.referral.customer.name = Some("Renamed".to_owned());
    world.referral_edited();
    let plan = world.plan();
    assert_eq!(plan.state.referral_version, world.state.referral_version);
    world.run();
    assert_eq!(
        world.state.referral_version,
        Some(world.referral.etag.clone())
    );
    assert_eq!(world.state.referral_updated, world.referral.updated);
}

#[test]
fn a_lead_that_was_found_is_the_one_from_then_on() {
    let mut world = World::new(Mode::Inbound);
    let mut lead = crate::mapping::fixtures::lead(LeadState::Open, 1);
    lead.id = OTHER.parse().unwrap();
    world.lead = found(lead);
    world.referral.external_reference = Some(OTHER.to_owned());
    world.run();
    assert_eq!(world.state.lead, Some(OTHER.parse().unwrap()));
}
