//! A customer who is known already.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::world::World;
use crate::ids::{AccountId, ContactId, LeadId};
use crate::lead::{LeadState, Note, Value};
use crate::mapping::columns::{COMPANY, EMAIL, PARENT_ACCOUNT, PARENT_CONTACT};
use crate::mapping::fixtures::{self, some};
use crate::referral::ReferralState;
use crate::sync::options::{Duplicates, Mode, Parents};
use crate::sync::plan::{Inputs, Known, LeadAction, LeadFinding, Plan, Report, Search, plan};
use crate::sync::state::Side;

const OTHER: LeadId = LeadId::new(Uuid::from_u128(0xfeed));

fn inputs(world: &World) -> Inputs<'_> {
    Inputs {
        referral: &world.referral,
        lead: &world.lead,
        state: &world.state,
        run: world.run,
        schema: &world.schema,
        currency: None,
        lead_currency: None,
        known: None,
        options: &world.options,
        shown: &world.shown,
        now: world.now,
    }
}

fn search(world: &World) -> Option<Search> {
    crate::sync::plan::search(&inputs(world))
}

fn similar(leads: &[LeadId]) -> Known {
    Known {
        similar: Some(leads.iter().copied().collect()),
        ..Known::default()
    }
}

fn told(plan: &Plan) -> Vec<&Note> {
    let notes = plan.notes.iter();
    notes
        .filter(|note| note.subject == "Partner Center: possible duplicate")
        .collect()
}

#[test]
fn a_new_lead_is_looked_for_by_what_it_will_hold() {
    let mut world = World::new(Mode::Link);
    let all = search(&world).unwrap();
    let (email, company) = ("sue.smith@fabrikam.example", "Fabrikam OIL & GAS");
    assert!(all.lead == Some((email.to_owned(), company.to_owned())));
    assert!(all.account.as_deref() == Some(company) && all.contact.as_deref() == Some(email));
    world.referral.customer.team[0].email = None;
    let named = search(&world).unwrap();
    assert!(named.lead.is_none() && named.contact.is_none() && named.account.is_some());
    world.referral.customer.name = some(" &nbsp; ");
    assert!(search(&world).is_none(), "there is nothing to look for");
    world.referral.customer.team[0].email = some("sue.smith@fabrikam.example");
    let addressed = search(&world).unwrap();
    assert!(addressed.lead.is_none() && addressed.account.is_none());
    assert!(addressed.contact.is_some());
}

#[test]
fn accounts_are_looked_for_by_the_whole_name_of_the_company() {
    let mut world = World::new(Mode::Link);
    let long = "Fabrikam ".repeat(20);
    world.referral.customer.name = some(&long);
    let search = search(&world).unwrap();
    assert!(search.account.as_deref() == Some(long.trim()));
    assert!(search.lead.is_some_and(|(_, company)| company.len() <= 100));
}

#[test]
fn the_settings_say_what_is_looked_for() {
    let mut world = World::new(Mode::Inbound);
    world.options.parents = Parents::Off;
    let leads = search(&world).unwrap();
    assert!(leads.lead.is_some() && leads.account.is_none() && leads.contact.is_none());
    world.options.duplicates = Duplicates::Create;
    assert!(search(&world).is_none());
    world.options.parents = Parents::Match;
    let parents = search(&world).unwrap();
    assert!(parents.lead.is_none() && parents.account.is_some() && parents.contact.is_some());
}

#[test]
fn nothing_is_looked_for_unless_a_lead_is_about_to_be_created() {
    assert!(search(&World::in_step(Mode::TwoWay)).is_none());
    let mut deleted = World::in_step(Mode::TwoWay);
    deleted.lead = LeadFinding::Absent;
    assert!(search(&deleted).is_none());
    let mut closed = World::new(Mode::TwoWay);
    closed.referral.status = fixtures::status(ReferralState::Won);
    assert!(search(&closed).is_none());
    let mut spam = World::new(Mode::TwoWay);
    spam.referral.is_spam = true;
    assert!(search(&spam).is_none());
}

#[test]
fn what_was_not_looked_for_is_looked_for_before_anything_is_created() {
    let world = World::new(Mode::Link);
    let plan = plan(&inputs(&world));
    assert_eq!(plan.lead, LeadAction::None);
    assert_eq!(plan.busy_until, Some(world.now));
}

#[test]
fn a_creation_that_was_begun_goes_on_with_what_it_had_found() {
    let mut world = World::new(Mode::Link);
    world.known = similar(&[OTHER]);
    let begun = world.plan();
    world.state = begun.state.clone();
    world.intend(&begun);
    world.run = Uuid::from_u128(2);
    world.now += jiff::SignedDuration::from_mins(10);
    let search = search(&world).unwrap();
    assert!(search.lead.is_none(), "leads are not looked for again");
    world.known = Known::default();
    let plan = world.plan();
    assert!(matches!(plan.lead, LeadAction::Create { .. }));
    assert_eq!(told(&plan).len(), 1);
}

#[test]
fn the_seller_is_told_once_whatever_becomes_of_the_other_lead() {
    let mut world = World::new(Mode::Link);
    world.options.crm = Some("https://contoso.crm.dynamics.com/".parse().unwrap());
    world.known = similar(&[OTHER]);
    let plans = world.run();
    assert_eq!(plans[0].reports, [Report::PossibleDuplicate(OTHER)]);
    let notes: Vec<_> = plans.iter().flat_map(told).collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    let place = format!("main.aspx?pagetype=entityrecord&etn=lead&id={OTHER}");
    assert!(notes[0].text.contains(&place), "{}", notes[0].text);
    let id = notes[0].id;
    world.set(&EMAIL, "another@fabrikam.example");
    world.options.crm = Some("https://fabrikam.crm.dynamics.com/".parse().unwrap());
    for plan in world.run() {
        assert_eq!(told(&plan), Vec::<&Note>::new());
        let is_again = |it: &Report| matches!(it, Report::PossibleDuplicate(_));
        assert!(!plan.reports.iter().any(is_again), "{:?}", plan.reports);
    }
    assert!(world.state.is_noted(id));
}

#[test]
fn a_run_that_was_killed_before_the_note_leaves_it_to_the_next() {
    let mut world = World::new(Mode::Link);
    world.known = similar(&[OTHER]);
    let first = world.plan();
    world.apply(&first);
    world.notes.clear();
    world.state.told(&BTreeSet::default());
    world.state.reported.clear();
    let plan = world.plan();
    assert_eq!(told(&plan).len(), 1);
    assert!(plan.reports.contains(&Report::PossibleDuplicate(OTHER)));
}

#[test]
fn a_lead_that_was_merged_away_takes_its_duplicates_with_it() {
    let mut world = World::new(Mode::Link);
    world.known = similar(&[OTHER]);
    world.run();
    let mut master = world.lead().clone();
    master.id = OTHER;
    world.lead = LeadFinding::Found {
        lead: master,
        merged_from: Some(LeadId::of(world.referral.id)),
    };
    for plan in world.run() {
        assert_eq!(told(&plan), Vec::<&Note>::new());
    }
    assert!(world.state.duplicates.is_empty());
}

/// A referral whose one match, with an own closing date and nothing else, is taken.
fn adopted(known: &Known) -> (World, Plan) {
    let mut world = World::new(Mode::Link);
    let mut lead = fixtures::lead(LeadState::Open, 1);
    lead.id = OTHER;
    lead.columns = [
        (EMAIL, Value::Text("SUE.smith@fabrikam.example".to_owned())),
        (COMPANY, Value::Text("Fabrikam Oil & Gas".to_owned())),
    ]
    .into();
    world.lead = LeadFinding::Found {
        lead,
        merged_from: None,
    };
    let plan = plan(&Inputs {
        known: Some(known),
        ..inputs(&world)
    });
    (world, plan)
}

#[test]
fn a_lead_that_is_taken_is_filled_and_nothing_in_it_overwritten() {
    let parents = Known {
        account: Some(AccountId::new(Uuid::from_u128(1))),
        ..similar(&[])
    };
    let (_, plan) = adopted(&parents);
    let LeadAction::Update { changes, .. } = &plan.lead else {
        panic!("{:?}", plan.lead);
    };
    let kept = [EMAIL, COMPANY, PARENT_ACCOUNT, PARENT_CONTACT];
    assert!(
        kept.iter().all(|column| !changes.contains_key(column)),
        "{changes:?}"
    );
    assert!(plan.reports.contains(&Report::Adopted(OTHER)));
    assert_eq!(plan.state.lead, Some(OTHER));
    assert_eq!(plan.patches[0].operations[0].value, OTHER.to_string());
}

#[test]
fn a_lead_that_is_taken_is_told_of_those_that_are_not() {
    let another = LeadId::new(Uuid::from_u128(0xbeef));
    let (_, plan) = adopted(&similar(&[another]));
    assert_eq!(told(&plan).len(), 1);
    assert!(plan.reports.contains(&Report::PossibleDuplicate(another)));
}

#[test]
fn a_new_lead_belongs_to_the_account_and_the_contact_and_is_never_given_away() {
    let mut world = World::new(Mode::TwoWay);
    let (account, contact) = (Uuid::from_u128(0xacc), Uuid::from_u128(0xc0));
    world.known = Known {
        account: Some(AccountId::new(account)),
        contact: Some(ContactId::new(contact)),
        ..similar(&[])
    };
    let plans = world.run();
    let LeadAction::Create {
        columns, values, ..
    } = &plans[0].lead
    else {
        panic!("{:?}", plans[0].lead);
    };
    assert_eq!(columns[&PARENT_ACCOUNT], Value::Row(account));
    assert_eq!(columns[&PARENT_CONTACT], Value::Row(contact));
    assert!(!values.contains_key(&PARENT_ACCOUNT) && !values.contains_key(&PARENT_CONTACT));
    world.lead().columns.remove(&PARENT_ACCOUNT);
    assert_eq!(world.plan().lead, LeadAction::None);
}

#[test]
fn observing_says_which_lead_would_be_taken_and_what_a_new_one_would_be_given() {
    let mut world = World::new(Mode::Observe);
    world.known = Known {
        contact: Some(ContactId::new(Uuid::from_u128(1))),
        ..similar(&[OTHER])
    };
    let plan = world.plan();
    for report in [
        Report::PossibleDuplicate(OTHER),
        Report::WouldCreate,
        Report::WouldWrite(PARENT_CONTACT),
    ] {
        assert!(plan.reports.contains(&report), "{:?}", plan.reports);
    }
    let (mut world, _) = adopted(&similar(&[]));
    world.options.mode = Mode::Observe;
    let known = similar(&[]);
    let plan = super::super::plan(&Inputs {
        known: Some(&known),
        ..inputs(&world)
    });
    assert!(
        plan.reports.contains(&Report::WouldAdopt(OTHER)),
        "{:?}",
        plan.reports
    );
    assert!(plan.state.duplicates.is_empty() && plan.state.lead.is_none());
}

#[test]
fn what_was_found_for_a_lead_that_was_not_created_is_forgotten() {
    let mut world = World::new(Mode::Link);
    world.known = similar(&[OTHER]);
    let plan = world.plan();
    world.state = plan.state.clone();
    world.intend(&plan);
    assert_eq!(world.state.duplicates, [OTHER].into());
    world.state.strike(world.run, Side::Lead);
    assert!(world.state.duplicates.is_empty());
}
