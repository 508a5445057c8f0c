use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::world::{World, found, is_quiet};
use crate::lead::{Column, Lead, LeadState, Value};
use crate::mapping::columns::{
    COMPANY, DESCRIPTION, DO_NOT_EMAIL, EMAIL, ESTIMATED_AMOUNT, ESTIMATED_CLOSE_DATE, FIRST_NAME,
    LAST_NAME, SUBJECT, TELEPHONE, TRANSACTION_CURRENCY,
};
use crate::mapping::fixtures::{lead, status};
use crate::mapping::{Mapping, Rule};
use crate::referral::{Direction, Referral, ReferralState};
use crate::sync::options::{Mode, QualifiedMeans};
use crate::sync::plan::{LeadAction, LeadFinding, Report};
use crate::text;

fn word() -> impl Strategy<Value = Option<String>> {
    let words = [
        "",
        "0",
        "Default Value",
        "Ann",
        "ann",
        "Lee ",
        "a@b.example",
        "x &amp; y",
        "<b>z</b>",
    ];
    option::of(prop_oneof![
        select(words.map(str::to_owned).to_vec()),
        Just("w".repeat(120)),
        Just("4111fffc-f9ee-4d53-bba6-569135228642".to_owned()),
        any::<String>(),
    ])
}

fn referrals() -> impl Strategy<Value = Referral> {
    use ReferralState as R;
    let states = vec![
        R::New,
        R::Active,
        R::Won,
        R::Lost,
        R::Declined,
        R::Expired,
        R::ClosedOtherwise,
        R::Unknown,
    ];
    let references = vec![
        None,
        Some(""),
        Some("SF-1"),
        Some("4111fffc-f9ee-4d53-bba6-569135228642"),
        Some("aaaaaaaa-0000-4000-8000-000000000001"),
        Some("aaaaaaaa-0000-4000-8000-000000000002"),
    ];
    let amounts = vec![None, Some("0"), Some("10"), Some("10.005"), Some("-1")];
    let currencies = vec![None, Some("USD"), Some("EUR"), Some("XYZ")];
    let closings = vec![
        None,
        Some("2026-01-01T00:00:00Z"),
        Some("2027-01-01T23:00:00Z"),
    ];
    (
        (
            select(states),
            select(references),
            any::<bool>(),
            any::<bool>(),
        ),
        (word(), word(), word(), word(), word(), word()),
        (
            select(amounts),
            select(currencies),
            select(closings),
            option::of(any::<bool>()),
        ),
    )
        .prop_map(
            |((state, reference, outgoing, team), words, (amount, currency, closing, consent))| {
                let mut referral = crate::mapping::fixtures::referral();
                referral.status = status(state);
                referral.external_reference = reference.map(str::to_owned);
                referral.direction = if outgoing && team {
                    Direction::Outgoing
                } else {
                    Direction::Incoming
                };
                let (name, company, first, last, email, notes) = words;
                referral.name = name;
                referral.customer.name = company;
                let member = &mut referral.customer.team[0];
                (member.first_name, member.last_name, member.email) = (first, last, email);
                if !team {
                    referral.customer.team.clear();
                }
                referral.details.notes = notes;
                referral.details.deal_value = amount.map(|it| it.parse().unwrap());
                referral.details.currency = currency.map(str::to_owned);
                referral.details.closing = closing.map(|it| it.parse().unwrap());
                referral.consent.to_contact = consent;
                referral
            },
        )
}

fn leads() -> impl Strategy<Value = Lead> {
    use LeadState::{Disqualified, Open, Qualified};
    let statuses = vec![
        (Open, 1),
        (Open, 2),
        (Open, 900),
        (Qualified, 3),
        (Disqualified, 4),
        (Disqualified, 901),
    ];
    let ids = vec![
        "4111fffc-f9ee-4d53-bba6-569135228642",
        "aaaaaaaa-0000-4000-8000-000000000001",
    ];
    let texts = [
        SUBJECT,
        COMPANY,
        FIRST_NAME,
        LAST_NAME,
        EMAIL,
        TELEPHONE,
        DESCRIPTION,
    ];
    let texts = texts.map(|column| word().prop_map(move |text| (column.clone(), text)));
    let days = vec![
        None,
        Some("2026-01-01"),
        Some("2027-01-01"),
        Some("2027-01-02"),
    ];
    (
        (select(statuses), select(ids), Vec::from(texts)),
        (
            select(vec![None, Some("10"), Some("10.01"), Some("3.14159")]),
            select(vec![None, Some(0xd0), Some(0xe0), Some(1)]),
        ),
        (
            select(days),
            option::of(any::<bool>()),
            select(vec!["2026-11-01T00:00:00Z", "2026-11-22T11:00:00Z"]),
        ),
    )
        .prop_map(
            |(((state, reason), id, texts), (amount, currency), (day, flag, modified))| {
                let mut lead = lead(state, reason);
                lead.id = id.parse().unwrap();
                lead.modified = Some(modified.parse().unwrap());
                let mut set = |column: Column, value: Option<Value>| {
                    value.map(|value| lead.columns.insert(column, value));
                };
                for (column, text) in texts {
                    set(column, text.filter(|it| !it.is_empty()).map(Value::Text));
                }
                set(
                    ESTIMATED_AMOUNT,
                    amount.map(|it| Value::Amount(it.parse().unwrap())),
                );
                set(
                    TRANSACTION_CURRENCY,
                    currency.map(|it| Value::Row(uuid::Uuid::from_u128(it))),
                );
                set(
                    ESTIMATED_CLOSE_DATE,
                    day.map(|it| Value::Date(it.parse().unwrap())),
                );
                set(DO_NOT_EMAIL, flag.map(Value::Flag));
                lead
            },
        )
}

prop_compose! {
    pub(super) fn worlds()(
        referral in referrals(),
        lead in option::weighted(0.8, leads()),
        merged in any::<bool>(),
        mode in select(vec![Mode::Observe, Mode::Inbound, Mode::Link, Mode::TwoWay, Mode::TwoWay]),
        production in prop::bool::weighted(0.8),
        won in any::<bool>(),
    ) -> World {
        let mut world = World::new(mode);
        world.referral = referral;
        world.lead = match lead {
            None => LeadFinding::Absent,
            Some(lead) if merged => LeadFinding::Found {
                lead,
                merged_from: Some("aaaaaaaa-0000-4000-8000-000000000002".parse().unwrap()),
            },
            Some(lead) => found(lead),
        };
        world.options.production = production;
        world.options.qualified_means = if won { QualifiedMeans::Won } else { QualifiedMeans::Accepted };
        world
    }
}

fn is_empty(world: &World, lead: &Lead, column: &Column) -> bool {
    match lead.columns.get(column) {
        None => true,
        Some(Value::Text(value)) => text::is_empty(value, world.referral.id),
        Some(_) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_same_inputs_give_the_same_plan(world in worlds()) {
        prop_assert_eq!(world.plan(), world.plan());
    }

    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do(mut world in worlds()) {
        world.run();
        let state = world.state.clone();
        let last = world.plan();
        prop_assert!(is_quiet(&last), "{:?}", last);
        if world.options.mode != Mode::Observe {
            prop_assert_eq!(last.notes, []);
            prop_assert_eq!(&last.state, &state);
            prop_assert!(last.reports.iter().all(|it| *it == Report::CloseHeld), "{:?}", last.reports);
        }
    }

    #[test]
    fn whatever_both_sides_edit_they_come_to_rest_and_stay(
        mut world in worlds(), referral in referrals(), lead in leads(), edits in (any::<bool>(), any::<bool>()),
        crash in any::<bool>(),
    ) {
        world.run();
        if edits.0 {
            let etag = world.referral.etag.clone();
            world.referral = Referral { etag, ..referral };
            world.referral_edited();
        }
        if edits.1 && let LeadFinding::Found { .. } = world.lead {
            let (state, reason) = (lead.state, lead.status_reason);
            let held = world.lead();
            (held.state, held.status_reason, held.columns) = (state, reason, lead.columns);
            world.lead_edited();
        }
        if crash {
            // What a run was about to write, and never did.
            let plan = world.plan();
            world.state.clone_from(&plan.state);
            world.intend(&plan);
            world.later();
        }
        world.run();
        let last = world.plan();
        prop_assert!(is_quiet(&last), "{:?}", last);
        if world.options.mode != Mode::Observe {
            prop_assert_eq!(&last.state, &world.state);
            prop_assert_eq!(&last.state.intentions, &Vec::new());
        }
    }

    #[test]
    fn a_closed_referral_is_never_written(mut world in worlds(), state in select(vec![
        ReferralState::Won, ReferralState::Lost, ReferralState::Declined, ReferralState::Expired, ReferralState::ClosedOtherwise,
    ])) {
        world.run();
        world.referral.status = status(state);
        world.referral_edited();
        prop_assert!(world.run().iter().all(|plan| plan.patches.is_empty()));
    }

    #[test]
    fn what_was_never_agreed_is_never_overwritten(world in worlds()) {
        let plan = world.plan();
        if let (LeadAction::Update { changes, .. }, LeadFinding::Found { lead, .. }) = (&plan.lead, &world.lead) {
            for row in Mapping::shipped().rows().iter().filter(|row| row.rule != Rule::Stricter && changes.contains_key(&row.column)) {
                let is_without_amount = row.column == TRANSACTION_CURRENCY && is_empty(&world, lead, &ESTIMATED_AMOUNT);
                // What stood in for a family name gives way to one.
                let is_makeshift = row.column == LAST_NAME && !lead.columns.contains_key(&FIRST_NAME);
                let may = is_empty(&world, lead, &row.column) || is_without_amount || is_makeshift;
                prop_assert!(may, "{}", row.column);
            }
        }
        let before = &world.referral.details;
        for operation in plan.patches.iter().flat_map(|patch| &patch.operations) {
            match operation.path {
                "/details/dealValue" => prop_assert!(before.deal_value.is_none()),
                "/details/closingDateTime" => prop_assert!(before.closing.is_none()),
                "/status" => prop_assert!(false, "an old status is not pushed"),
                _ => {}
            }
        }
    }

    #[test]
    fn no_column_is_ever_emptied_and_none_written_as_it_is(world in worlds()) {
        let plan = world.plan();
        if let (LeadAction::Update { changes, .. }, LeadFinding::Found { lead, .. }) = (&plan.lead, &world.lead) {
            prop_assert!(!changes.is_empty());
            for (column, value) in changes {
                prop_assert!(value.is_some());
                prop_assert_ne!(value.as_ref(), lead.columns.get(column));
            }
        }
    }

    #[test]
    fn observing_writes_nothing(mut world in worlds()) {
        world.options.mode = Mode::Observe;
        let plan = world.plan();
        prop_assert_eq!(plan.lead, LeadAction::None);
        prop_assert_eq!(plan.notes, []);
        prop_assert_eq!(plan.patches, Vec::new());
    }

    #[test]
    fn only_production_in_link_or_two_way_mode_writes_to_partner_center(world in worlds()) {
        let may = world.options.production && matches!(world.options.mode, Mode::Link | Mode::TwoWay);
        let plan = world.plan();
        prop_assert!(may || plan.patches.is_empty());
        let only_link = plan.patches.iter().flat_map(|it| &it.operations).all(|it| it.path == "/externalReferenceId");
        prop_assert!(world.options.mode == Mode::TwoWay || only_link);
    }
}
