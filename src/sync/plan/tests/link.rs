use std::collections::BTreeSet;

use super::world::{World, changed, found, reported, sent};
use crate::ids::LeadId;
use crate::lead::{LeadState, Owner, Value};
use crate::mapping::columns::{COMPANY, STATUS};
use crate::mapping::fixtures::{lead, status};
use crate::referral::{Direction, ReferralState};
use crate::sync::options::{Kind, Mode};
use crate::sync::plan::{Ignored, LeadAction, LeadFinding, Outcome};

const OWN: &str = "4111fffc-f9ee-4d53-bba6-569135228642";
const OTHER: &str = "aaaaaaaa-0000-4000-8000-000000000001";

#[test]
fn a_new_referral_gets_a_lead_a_note_and_a_link() {
    let mut world = World::new(Mode::Link);
    world.options.owner = Some(Owner::Team(uuid::Uuid::from_u128(7)));
    let plan = world.plan();
    let LeadAction::Create {
        columns,
        owner,
        created,
        ..
    } = &plan.lead
    else {
        panic!("{:?}", plan.lead)
    };
    assert_eq!(
        columns[&COMPANY],
        Value::Text("Fabrikam OIL & GAS".to_owned())
    );
    assert_eq!(*owner, world.options.owner);
    assert_eq!(*created, world.referral.created);
    assert_eq!(plan.notes.len(), 1);
    assert_eq!(
        plan.notes[0].subject,
        "Partner Center: invitation from Microsoft"
    );
    assert_eq!(sent(&plan), [format!("Add /externalReferenceId={OWN}")]);
    assert_eq!(plan.outcome, Outcome::Created);
}

#[test]
fn a_referral_from_the_future_is_not_back_dated() {
    let mut world = World::new(Mode::Link);
    world.referral.created = Some("2030-01-01T00:00:00Z".parse().unwrap());
    let LeadAction::Create { created, .. } = world.plan().lead else {
        panic!("not created")
    };
    assert_eq!(created, None);
}

#[test]
fn an_accepted_referral_makes_a_contacted_lead() {
    let mut world = World::new(Mode::Link);
    world.referral.status = status(ReferralState::Active);
    let LeadAction::Create { columns, .. } = world.plan().lead else {
        panic!("not created")
    };
    assert_eq!(columns[&STATUS], Value::Choice(2));
}

#[test]
fn inbound_mode_and_other_environments_send_nothing() {
    for (mode, production) in [
        (Mode::Inbound, true),
        (Mode::TwoWay, false),
        (Mode::Link, false),
    ] {
        let mut world = World::new(mode);
        world.options.production = production;
        let plan = world.plan();
        assert!(matches!(plan.lead, LeadAction::Create { .. }));
        assert_eq!(plan.patches, Vec::new());
    }
}

#[test]
fn an_empty_reference_is_replaced_not_added() {
    let mut world = World::in_step(Mode::Link);
    world.referral.external_reference = Some(" ".to_owned());
    let plan = world.plan();
    assert_eq!(sent(&plan), [format!("Replace /externalReferenceId={OWN}")]);
    assert_eq!(plan.outcome, Outcome::Linked);
}

#[test]
fn a_note_is_written_until_it_is_known_to_be_there() {
    let mut world = World::in_step(Mode::Inbound);
    assert_eq!(world.plan().notes, []);
    world.state.told(&BTreeSet::new());
    assert_eq!(world.plan().notes, [], "notes are no reports");
    world.state.reported.clear();
    assert_eq!(
        world.plan().notes.len(),
        1,
        "a crash between lead and note must not lose the note"
    );
}

#[test]
fn a_linked_lead_in_step_needs_nothing() {
    for mode in [Mode::Inbound, Mode::Link, Mode::TwoWay, Mode::Observe] {
        let plan = World::in_step(mode).plan();
        assert_eq!(plan.lead, LeadAction::None);
        assert_eq!(plan.notes, []);
        assert_eq!(sent(&plan), Vec::<String>::new());
        assert_eq!(reported(&plan), Vec::<String>::new());
        assert_eq!(plan.outcome, Outcome::Unchanged);
    }
}

#[test]
fn the_lead_an_old_link_names_is_adopted_however_the_id_is_written() {
    let mut world = World::in_step(Mode::Link);
    world.lead().id = OTHER.parse().unwrap();
    world.referral.external_reference = Some(format!("{{{}}}", OTHER.to_uppercase()));
    assert_eq!(world.plan().outcome, Outcome::Unchanged);
}

#[test]
fn another_systems_reference_is_left_and_reported() {
    for foreign in ["SF-0012", OTHER] {
        let mut world = World::new(Mode::Link);
        world.referral.external_reference = Some(foreign.to_owned());
        let plan = world.plan();
        assert!(matches!(plan.lead, LeadAction::Create { .. }));
        assert_eq!(sent(&plan), Vec::<String>::new());
        assert_eq!(reported(&plan), ["foreign_reference"]);
    }
}

#[test]
fn a_merged_leads_master_is_followed_and_named() {
    for named in [OWN, OTHER] {
        let mut world = World::in_step(Mode::Link);
        let mut master = world.lead().clone();
        master.id = LeadId::new(uuid::Uuid::from_u128(99));
        world.lead = LeadFinding::Found {
            lead: master,
            merged_from: Some(named.parse().unwrap()),
        };
        world.referral.external_reference = Some(named.to_owned());
        let plan = world.plan();
        let master = uuid::Uuid::from_u128(99);
        assert_eq!(
            sent(&plan),
            [format!("Replace /externalReferenceId={master}")]
        );
        assert_eq!(reported(&plan), ["lead_merged"]);
        world.apply(&plan);
        assert_eq!(world.plan().outcome, Outcome::Unchanged);
    }
}

#[test]
fn a_lead_merged_into_another_referrals_is_that_ones() {
    let mut world = World::in_step(Mode::TwoWay);
    world.lead = LeadFinding::OfAnother {
        lead: OTHER.parse().unwrap(),
    };
    world.referral.name = Some("Another topic".to_owned());
    let plan = world.plan();
    assert_eq!(plan.outcome, Outcome::LeadOfAnother);
    assert_eq!(plan.lead, LeadAction::None);
    assert!(plan.notes.is_empty() && plan.patches.is_empty());
    assert_eq!(reported(&plan), ["lead_of_another"]);
}

#[test]
fn a_lead_deleted_in_the_crm_stays_deleted() {
    let mut world = World::new(Mode::TwoWay);
    world.referral.external_reference = Some(OWN.to_uppercase());
    let plan = world.plan();
    assert_eq!(plan.lead, LeadAction::None);
    assert_eq!(sent(&plan), Vec::<String>::new());
    assert_eq!(reported(&plan), ["lead_deleted"]);
    assert_eq!(plan.outcome, Outcome::LeadDeleted);
}

#[test]
fn what_is_not_for_us_is_left_alone_and_says_so() {
    let ignored = |change: &dyn Fn(&mut World)| {
        let mut world = World::new(Mode::TwoWay);
        change(&mut world);
        let plan = world.plan();
        assert_eq!(plan.lead, LeadAction::None);
        assert_eq!((plan.notes.len(), plan.patches.len()), (0, 0));
        plan.outcome
    };
    assert_eq!(
        ignored(&|world| world.referral.direction = Direction::Outgoing),
        Outcome::Ignored(Ignored::Outgoing)
    );
    assert_eq!(
        ignored(&|world| world.referral.is_spam = true),
        Outcome::Ignored(Ignored::Spam)
    );
    assert_eq!(
        ignored(&|world| world.options.filter.kinds = vec![Kind::MarketplaceLead]),
        Outcome::Ignored(Ignored::Filtered)
    );
    for state in [
        ReferralState::Won,
        ReferralState::Lost,
        ReferralState::Declined,
        ReferralState::Expired,
        ReferralState::ClosedOtherwise,
    ] {
        assert_eq!(
            ignored(&|world| world.referral.status = status(state)),
            Outcome::Ignored(Ignored::Closed)
        );
    }
}

#[test]
fn a_closed_referral_is_not_linked_any_more() {
    let mut world = World::in_step(Mode::Link);
    world.referral.external_reference = None;
    world.referral.status = status(ReferralState::Lost);
    let plan = world.plan();
    assert_eq!(changed(&plan), ["statecode", "statuscode"]);
    assert_eq!(sent(&plan), Vec::<String>::new());
    assert_eq!(reported(&plan), ["not_linked"]);
}

#[test]
fn observing_reports_what_link_mode_would_do_and_does_nothing() {
    let plan = World::new(Mode::Observe).plan();
    assert_eq!(plan.lead, LeadAction::None);
    assert_eq!((plan.notes.len(), plan.patches.len()), (0, 0));
    assert_eq!(
        reported(&plan),
        [
            "would_create",
            "would_note",
            "would_send:/externalReferenceId"
        ]
    );
    assert_eq!(plan.outcome, Outcome::Observed);

    let mut world = World::in_step(Mode::Observe);
    world.referral.customer.name = Some("New name".to_owned());
    assert_eq!(reported(&world.plan()), ["would_write:companyname"]);
}

#[test]
fn a_lead_in_work_is_flagged_once_the_referral_closes() {
    let mut world = World::in_step(Mode::Link);
    world.lead = found(lead(LeadState::Open, 2));
    world.lead().columns = match World::in_step(Mode::Link).lead {
        LeadFinding::Found { lead, .. } => lead.columns,
        LeadFinding::Absent | LeadFinding::OfAnother { .. } => unreachable!("in step"),
    };
    world.referral.status = status(ReferralState::Declined);
    world.referral.status_reason = Some("No budget".to_owned());
    let plan = world.plan();
    assert_eq!(plan.lead, LeadAction::None);
    assert_eq!(reported(&plan), ["flagged"]);
    assert_eq!(plan.notes.len(), 1);
    assert!(plan.notes[0].text.contains("Closed/Declined"));
    assert!(plan.notes[0].text.contains("No budget"));
    assert_eq!(
        plan.notes,
        world.plan().notes,
        "the same note has the same id"
    );
}
