use jiff::civil::date;

use super::world::{World, changed, reported, sent};
use crate::lead::Value;
use crate::mapping::LossReason;
use crate::mapping::columns::{
    COMPANY, COUNTRY, DESCRIPTION, DO_NOT_BULK_EMAIL, DO_NOT_EMAIL, EMAIL, ESTIMATED_AMOUNT,
    ESTIMATED_CLOSE_DATE, FIRST_NAME, JOB_TITLE, LAST_NAME, LEAD_SOURCE, LINE_2, SUBJECT,
    TELEPHONE, TRANSACTION_CURRENCY,
};
use crate::sync::options::Mode;
use crate::sync::plan::{Outcome, Plan, Report};

fn note(plan: &Plan, subject: &str) -> String {
    let note = plan.notes.iter().find(|note| note.subject == subject);
    note.unwrap_or_else(|| panic!("{:?}", plan.notes))
        .text
        .clone()
}

fn amount(text: &str) -> Value {
    Value::Amount(text.parse().unwrap())
}

#[test]
fn partner_center_overwrites_what_it_wins_where_both_sides_changed() {
    let mut world = World::in_step(Mode::Link);
    world.set(&SUBJECT, "Renamed by a seller");
    world.set(&COMPANY, "Fabrikam");
    world.set(&COUNTRY, "DE");
    assert_eq!(changed(&world.plan()), Vec::<&str>::new());
    world.referral.name = Some("Renamed in Partner Center".to_owned());
    world.referral.customer.name = Some("Fabrikam Ltd".to_owned());
    world.referral.customer.address.city = Some("Seattle".to_owned());
    let plan = world.plan();
    assert_eq!(
        changed(&plan),
        [
            "address1_city",
            "address1_country",
            "companyname",
            "subject"
        ]
    );
    assert_eq!(plan.outcome, Outcome::Updated);
    assert_eq!(
        reported(&plan),
        ["differs:topic", "differs:company", "differs:address"]
    );
    for lost in [
        "subject: Renamed by a seller",
        "companyname: Fabrikam",
        "address1_country: DE",
    ] {
        assert!(plan.notes[0].text.contains(lost), "{lost}");
    }
}

#[test]
fn an_empty_value_never_empties_a_column_that_was_never_agreed() {
    let mut world = World::unknown(Mode::TwoWay);
    let referral = &mut world.referral;
    referral.name = None;
    referral.customer = crate::referral::Customer::default();
    referral.details = crate::referral::Details::default();
    assert_eq!(changed(&world.plan()), Vec::<&str>::new());
}

#[test]
fn a_borrowed_topic_never_replaces_one() {
    let mut world = World::in_step(Mode::Link);
    world.referral.name = None;
    assert_eq!(changed(&world.plan()), Vec::<&str>::new());
    let id = world.referral.id.to_string();
    world.set(&SUBJECT, &id);
    assert_eq!(changed(&world.plan()), ["subject"]);
}

#[test]
fn what_the_organisation_defaults_is_set_at_creation_only() {
    let mut world = World::in_step(Mode::Link);
    let columns = &mut world.lead().columns;
    columns.insert(LEAD_SOURCE, Value::Choice(1));
    columns.remove(&crate::mapping::columns::LEAD_QUALITY);
    assert_eq!(changed(&world.plan()), Vec::<&str>::new());
}

#[test]
fn consent_is_withdrawn_on_the_lead_but_never_given_back() {
    let mut world = World::in_step(Mode::Link);
    world
        .lead()
        .columns
        .insert(DO_NOT_BULK_EMAIL, Value::Flag(false));
    world.lead().columns.insert(DO_NOT_EMAIL, Value::Flag(true));
    world.referral.consent.to_contact = Some(true);
    assert_eq!(changed(&world.plan()), ["donotbulkemail"]);
    world.referral.consent.to_contact = Some(false);
    assert_eq!(changed(&world.plan()), ["donotbulkemail", "donotphone"]);
}

#[test]
fn an_empty_deal_is_filled_even_beside_a_default_currency() {
    let mut world = World::unknown(Mode::Link);
    let euro = world.currencies[1].id.uuid();
    let columns = &mut world.lead().columns;
    columns.remove(&ESTIMATED_AMOUNT);
    columns.insert(TRANSACTION_CURRENCY, Value::Row(euro));
    assert_eq!(
        changed(&world.plan()),
        ["estimatedamount", "transactioncurrencyid"]
    );
}

#[test]
fn an_amount_already_there_is_kept_and_the_other_noted() {
    let mut world = World::unknown(Mode::Link);
    world.lead().columns.insert(ESTIMATED_AMOUNT, amount("10"));
    let plan = world.plan();
    assert_eq!(changed(&plan), Vec::<&str>::new());
    assert_eq!(sent(&plan), Vec::<String>::new());
    assert_eq!(reported(&plan), ["differs:deal"]);
    let note = note(&plan, "Partner Center: another deal");
    assert!(note.contains("estimatedamount: 50000.13"));
    assert!(note.contains("transactioncurrencyid: USD"));
}

#[test]
fn two_way_sends_the_crms_amount_with_its_currency() {
    let mut world = World::in_step(Mode::TwoWay);
    let euro = world.currencies[1].id.uuid();
    let columns = &mut world.lead().columns;
    columns.insert(ESTIMATED_AMOUNT, amount("10.50"));
    columns.insert(TRANSACTION_CURRENCY, Value::Row(euro));
    let plan = world.plan();
    assert_eq!(
        sent(&plan),
        ["Replace /details/dealValue=10.5, Replace /details/currency=EUR"]
    );
    assert_eq!(plan.outcome, Outcome::WrittenBack);
    assert_eq!(reported(&plan), Vec::<String>::new());
    world.referral.details.deal_value = Some("60000".parse().unwrap());
    let plan = world.plan();
    assert_eq!(
        sent(&plan),
        ["Replace /details/dealValue=10.5, Replace /details/currency=EUR"]
    );
    assert_eq!(reported(&plan), ["differs:deal"], "the loser is reported");
    let note = note(&plan, "Partner Center: another deal");
    assert!(note.contains("estimatedamount: 60000"));
}

#[test]
fn two_way_adds_what_the_referral_lacks_while_nothing_is_agreed() {
    let mut world = World::unknown(Mode::TwoWay);
    world.referral.details.deal_value = None;
    world.referral.details.closing = None;
    assert_eq!(
        sent(&world.plan()),
        ["Add /details/dealValue=50000.13, Add /details/closingDateTime=2027-03-01T00:00:00Z"]
    );
}

#[test]
fn an_amount_equal_after_rounding_is_not_sent() {
    let mut world = World::in_step(Mode::TwoWay);
    world.referral.details.deal_value = Some("50000.129".parse().unwrap());
    assert_eq!(sent(&world.plan()), Vec::<String>::new());
}

#[test]
fn an_amount_in_an_unknown_currency_is_not_sent() {
    let mut world = World::in_step(Mode::TwoWay);
    let columns = &mut world.lead().columns;
    columns.insert(ESTIMATED_AMOUNT, amount("10"));
    columns.insert(TRANSACTION_CURRENCY, Value::Row(uuid::Uuid::from_u128(1)));
    let plan = world.plan();
    assert_eq!(sent(&plan), Vec::<String>::new());
    assert!(plan.reports.contains(&Report::UnknownCurrency));
}

#[test]
fn an_amount_that_cannot_be_compared_is_left_on_both_sides() {
    let mut world = World::in_step(Mode::TwoWay);
    world.referral.details.currency = Some("XYZ".to_owned());
    let plan = world.plan();
    assert_eq!(sent(&plan), Vec::<String>::new());
    assert_eq!(
        plan.reports,
        [Report::Lost(ESTIMATED_AMOUNT, LossReason::NoCurrency)]
    );
    assert!(plan.notes[0].text.contains("50000.125 XYZ"));
}

#[test]
fn a_closing_date_goes_out_unless_it_has_passed() {
    let mut world = World::in_step(Mode::TwoWay);
    let mut with = |day| {
        world
            .lead()
            .columns
            .insert(ESTIMATED_CLOSE_DATE, Value::Date(day));
        world.plan()
    };
    let plan = with(date(2026, 11, 22));
    assert_eq!(
        sent(&plan),
        ["Replace /details/closingDateTime=2026-11-22T00:00:00Z"]
    );
    let plan = with(date(2026, 11, 21));
    assert_eq!(sent(&plan), Vec::<String>::new());
    assert_eq!(reported(&plan), ["past_closing_date", "differs:closing"]);
}

#[test]
fn a_closing_date_is_compared_where_the_organisation_is() {
    let mut world = World::in_step(Mode::TwoWay);
    world.options.time_zone = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
    world
        .lead()
        .columns
        .insert(ESTIMATED_CLOSE_DATE, Value::Date(date(2027, 3, 2)));
    assert_eq!(sent(&world.plan()), Vec::<String>::new());
    world
        .lead()
        .columns
        .insert(ESTIMATED_CLOSE_DATE, Value::Date(date(2027, 3, 3)));
    let plan = world.plan();
    assert_eq!(
        sent(&plan),
        ["Replace /details/closingDateTime=2027-03-02T15:00:00Z"]
    );
}

#[test]
fn an_empty_contact_is_filled_and_so_is_what_the_old_flow_left() {
    let mut world = World::unknown(Mode::Link);
    for column in [EMAIL, TELEPHONE, JOB_TITLE] {
        world.lead().columns.remove(&column);
    }
    world.set(&FIRST_NAME, "0");
    world.set(&LAST_NAME, "0");
    assert_eq!(
        changed(&world.plan()),
        [
            "emailaddress1",
            "firstname",
            "jobtitle",
            "lastname",
            "telephone1"
        ]
    );
}

#[test]
fn the_same_persons_missing_columns_are_filled_one_by_one() {
    for (first, last, email) in [
        ("Susan", "Smith-Jones", Some("SUE.Smith@fabrikam.example")),
        ("sue", "SMITH", None),
    ] {
        let mut world = World::unknown(Mode::Link);
        world.lead().columns.remove(&TELEPHONE);
        world.lead().columns.remove(&EMAIL);
        world.set(&FIRST_NAME, first);
        world.set(&LAST_NAME, last);
        if let Some(email) = email {
            world.set(&EMAIL, email);
        }
        let plan = world.plan();
        assert!(changed(&plan).contains(&"telephone1"));
        assert!(!changed(&plan).contains(&"lastname"));
    }
}

#[test]
fn another_person_is_kept_whole_and_the_other_noted() {
    let mut world = World::unknown(Mode::Link);
    world.set(&FIRST_NAME, "Joe");
    world.set(&EMAIL, "joe@fabrikam.example");
    world.lead().columns.remove(&TELEPHONE);
    let plan = world.plan();
    assert_eq!(changed(&plan), Vec::<&str>::new());
    assert_eq!(reported(&plan), ["differs:contact"]);
    let note = note(&plan, "Partner Center: another contact");
    assert!(note.contains("emailaddress1: sue.smith@fabrikam.example"));
}

#[test]
fn a_description_is_filled_once_and_then_the_timeline_has_it() {
    let mut world = World::unknown(Mode::Link);
    world.lead().columns.remove(&DESCRIPTION);
    let plan = world.plan();
    assert_eq!(changed(&plan), ["description"]);
    world.apply(&plan);
    assert_eq!(world.plan().notes, []);
    world.set(&DESCRIPTION, "A seller's own words");
    let plan = world.plan();
    assert_eq!(changed(&plan), Vec::<&str>::new());
    assert_eq!(
        plan.notes[0].subject,
        "Partner Center: description of the referral"
    );
    assert!(
        plan.notes[0]
            .text
            .starts_with("Wants a supply chain system.")
    );
}

#[test]
fn a_description_stored_with_other_line_breaks_is_the_same() {
    let mut world = World::in_step(Mode::Link);
    let Value::Text(text) = world.lead().columns[&DESCRIPTION].clone() else {
        panic!("no text")
    };
    world.set(&DESCRIPTION, &text.replace('\n', "\r\n"));
    assert_eq!(world.plan().notes, []);
}

#[test]
fn what_was_cut_is_on_the_timeline_whole() {
    let mut world = World::in_step(Mode::Link);
    let long = "x".repeat(101);
    world.referral.customer.address.line2 = Some(long.clone());
    world.referral.details.notes = Some("y".repeat(2001));
    let plan = world.plan();
    assert_eq!(changed(&plan), [LINE_2.as_str(), "description"]);
    assert_eq!(reported(&plan), ["cut:address1_line2", "cut:description"]);
    assert_eq!(plan.notes.len(), 2);
    assert!(plan.notes[0].text.contains(&"y".repeat(2001)));
    assert!(plan.notes[1].text.contains(&long));
}
