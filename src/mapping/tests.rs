use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::columns::{
    CITY, COMPANY, COUNTRY, DESCRIPTION, DO_NOT_BULK_EMAIL, DO_NOT_EMAIL, DO_NOT_PHONE, EMAIL,
    ESTIMATED_AMOUNT, ESTIMATED_CLOSE_DATE, FIRST_NAME, JOB_TITLE, LAST_NAME, LEAD_QUALITY,
    LEAD_SOURCE, LINE_1, LINE_2, POSTAL_CODE, STATE_OR_PROVINCE, SUBJECT, TELEPHONE,
    TRANSACTION_CURRENCY,
};
use super::fixtures::{dollar, member, options, referral, schema, some};
use super::*;
use crate::lead::{Column, Value};
use crate::referral::{Invitation, Member, Referral};
use crate::sync::options::{Filter, Kind, Mode};

fn projected(referral: &Referral) -> Projection {
    project(referral, &schema(), Some(&dollar()), &options(Mode::Link))
}

fn text(referral: &Referral, column: &Column) -> Option<String> {
    match projected(referral).columns.remove(column)? {
        Value::Text(text) => Some(text),
        other => panic!("{column} is {other:?}"),
    }
}

fn losses(projection: &Projection) -> Vec<(&str, LossReason, &str)> {
    let losses = projection.losses.iter();
    losses
        .map(|loss| (loss.column.as_str(), loss.reason, loss.value.as_str()))
        .collect()
}

#[test]
fn the_table_in_the_documentation_is_the_table_in_the_code() {
    let head = "| Lead column | Value from the referral | Unit | Winner | Written |\n|---|---|---|---|---|\n";
    let rows = Mapping::shipped().rows().iter().map(|row| {
        let (column, source, unit, rule) = (&row.column, &row.about, row.unit.word(), row.rule);
        let (winner, written) = (rule.winner(), rule.written());
        format!("| `{column}` | {source} | {unit} | {winner} | {written} |\n")
    });
    let table = format!("{head}{}", rows.collect::<String>());
    let documented = include_str!("../../docs/mapping.md");
    assert!(
        documented.contains(&table),
        "docs/mapping.md should hold:\n{table}"
    );
}

#[test]
fn no_column_has_two_rows() {
    let columns = Mapping::shipped().columns();
    let names: std::collections::BTreeSet<_> = columns.map(|(column, _)| column).collect();
    assert_eq!(names.len(), 22);
}

#[test]
fn every_part_of_a_full_referral_reaches_its_column() {
    let mut full = referral();
    full.consent.to_contact = Some(false);
    let projection = projected(&full);
    let of = |text: &str| Value::Text(text.to_owned());
    let expected = [
        (SUBJECT, of("Supply chain renewal")),
        (COMPANY, of("Fabrikam OIL & GAS")),
        (FIRST_NAME, of("Sue")),
        (LAST_NAME, of("Smith")),
        (EMAIL, of("sue.smith@fabrikam.example")),
        (TELEPHONE, of("+1 (425) 555-0100")),
        (JOB_TITLE, of("Buyer")),
        (LINE_1, of("1 Harbour Road")),
        (LINE_2, of("Floor 3")),
        (CITY, of("Redmond")),
        (STATE_OR_PROVINCE, of("WA")),
        (POSTAL_CODE, of("98052")),
        (COUNTRY, of("US")),
        (ESTIMATED_AMOUNT, Value::Amount("50000.13".parse().unwrap())),
        (TRANSACTION_CURRENCY, Value::Row(dollar().id.uuid())),
        (
            ESTIMATED_CLOSE_DATE,
            Value::Date(jiff::civil::date(2027, 3, 1)),
        ),
        (
            DESCRIPTION,
            of(
                "Wants a supply chain system.\n\nAsked for: Dynamics 365 for Field Service\nCompany size: 51 to 250 employees",
            ),
        ),
        (LEAD_SOURCE, Value::Choice(4)),
        (LEAD_QUALITY, Value::Choice(1)),
        (DO_NOT_EMAIL, Value::Flag(true)),
        (DO_NOT_PHONE, Value::Flag(true)),
        (DO_NOT_BULK_EMAIL, Value::Flag(true)),
    ];
    assert_eq!(projection.columns, expected.into());
    assert_eq!(projection.losses, []);
}

#[test]
fn a_referral_without_a_name_is_named_after_its_company() {
    let mut referral = referral();
    for name in [
        None,
        some(" "),
        some("0"),
        some("Default Value"),
        some(&referral.id.to_string()),
    ] {
        referral.name = name;
        assert_eq!(
            text(&referral, &SUBJECT).as_deref(),
            Some("Fabrikam OIL & GAS")
        );
        assert!(projected(&referral).stand_ins.contains(&SUBJECT));
    }
}

#[test]
fn the_first_usable_member_of_several_is_the_contact() {
    let mut referral = referral();
    let nobody = Member {
        title: some("Clerk"),
        email: some("none"),
        ..Member::default()
    };
    referral.customer.team = vec![
        Member::default(),
        nobody,
        member("Ann", "Lee"),
        member("Joe", "Hansen"),
    ];
    assert_eq!(text(&referral, &FIRST_NAME).as_deref(), Some("Ann"));
    assert_eq!(text(&referral, &LAST_NAME).as_deref(), Some("Lee"));
}

#[test]
fn a_missing_last_name_is_stood_in_for() {
    let mut referral = referral();
    let phone = some("555-0100");
    let cases = [
        (some("Sue"), some("x@y.example"), Some("Sue")),
        (some("0"), some("x@y.example"), Some("x")),
        (None, some("@y.example"), Some("Fabrikam OIL & GAS")),
        (None, None, Some("Fabrikam OIL & GAS")),
    ];
    for (first_name, email, expected) in cases {
        let phone = phone.clone();
        referral.customer.team = vec![Member {
            first_name,
            phone,
            email,
            ..Member::default()
        }];
        assert_eq!(text(&referral, &LAST_NAME).as_deref(), expected);
        assert_eq!(text(&referral, &FIRST_NAME), None);
        assert!(projected(&referral).stand_ins.contains(&LAST_NAME));
    }
    referral.customer.name = None;
    assert_eq!(text(&referral, &LAST_NAME), None);
}

#[test]
fn nobody_is_made_up_where_the_customers_team_is_empty() {
    let mut referral = referral();
    referral.customer.team.clear();
    assert_eq!(text(&referral, &LAST_NAME), None);
}

#[test]
fn a_text_too_long_is_cut_and_kept_whole_as_a_loss() {
    let mut referral = referral();
    let name = "ü".repeat(101);
    referral.customer.name = Some(name.clone());
    let projection = projected(&referral);
    assert_eq!(projection.columns[&COMPANY], Value::Text("ü".repeat(100)));
    assert_eq!(
        losses(&projection),
        [("companyname", LossReason::Cut, name.as_str())]
    );
}

#[test]
fn half_an_address_for_mail_is_not_written() {
    let mut referral = referral();
    let email = format!("{}@fabrikam.example", "x".repeat(100));
    referral.customer.team[0].email = Some(email.clone());
    let projection = projected(&referral);
    assert_eq!(projection.columns.get(&EMAIL), None);
    assert_eq!(
        losses(&projection),
        [("emailaddress1", LossReason::TooLong, email.as_str())]
    );
}

#[test]
fn a_column_or_choice_the_organisation_lacks_is_a_loss() {
    let mut schema = schema();
    schema.lengths.remove(&JOB_TITLE);
    schema.choices.remove(&LEAD_SOURCE);
    let projection = project(&referral(), &schema, Some(&dollar()), &options(Mode::Link));
    assert_eq!(
        losses(&projection),
        [
            ("jobtitle", LossReason::NoColumn, "Buyer"),
            ("leadsourcecode", LossReason::NoChoice, "4")
        ]
    );
}

#[test]
fn an_amount_without_its_currency_row_is_not_written() {
    let projection = project(&referral(), &schema(), None, &options(Mode::Link));
    assert_eq!(projection.columns.get(&ESTIMATED_AMOUNT), None);
    assert_eq!(projection.columns.get(&TRANSACTION_CURRENCY), None);
    assert_eq!(
        losses(&projection),
        [("estimatedamount", LossReason::NoCurrency, "50000.125 USD")]
    );
}

#[test]
fn an_amount_out_of_range_is_a_loss_not_another_amount() {
    let mut referral = referral();
    for value in ["-1", "1000000000000.01"] {
        referral.details.deal_value = Some(value.parse().unwrap());
        let projection = projected(&referral);
        assert_eq!(projection.columns.get(&ESTIMATED_AMOUNT), None);
        assert_eq!(projection.losses[0].reason, LossReason::OutOfRange);
    }
}

#[test]
fn amounts_are_exact_and_rounded_to_the_currency() {
    let mut referral = referral();
    for (value, precision, expected) in [
        ("0.1", 2, "0.1"),
        ("9007199254740.9931", 4, "9007199254740.9931"),
        ("2.5", 0, "3"),
        ("1000", 2, "1000"),
    ] {
        referral.details.deal_value = Some(value.parse().unwrap());
        let mut currency = dollar();
        currency.precision = precision;
        let mut schema = schema();
        schema.amounts.clear();
        let projection = project(&referral, &schema, Some(&currency), &options(Mode::Link));
        assert_eq!(
            projection.columns[&ESTIMATED_AMOUNT],
            Value::Amount(expected.parse().unwrap())
        );
    }
}

#[test]
fn the_closing_date_is_a_date_where_the_organisation_is() {
    let mut options = options(Mode::Link);
    options.time_zone = TimeZone::get("Asia/Tokyo").unwrap();
    let projection = project(&referral(), &schema(), None, &options);
    assert_eq!(
        projection.columns[&ESTIMATED_CLOSE_DATE],
        Value::Date(jiff::civil::date(2027, 3, 2))
    );
}

#[test]
fn a_date_before_dataverse_begins_is_a_loss() {
    let mut referral = referral();
    referral.details.closing = Some("0001-01-01T00:00:00Z".parse().unwrap());
    let projection = projected(&referral);
    assert_eq!(
        losses(&projection),
        [("estimatedclosedate", LossReason::OutOfRange, "0001-01-01")]
    );
}

#[test]
fn consent_is_only_ever_withheld() {
    let mut referral = referral();
    for (given, withheld) in [(None, false), (Some(true), false), (Some(false), true)] {
        referral.consent.to_contact = given;
        let columns = projected(&referral).columns;
        for column in [DO_NOT_EMAIL, DO_NOT_PHONE] {
            assert_eq!(columns.get(&column), withheld.then_some(&Value::Flag(true)));
        }
        assert_eq!(columns[&DO_NOT_BULK_EMAIL], Value::Flag(true));
    }
}

#[test]
fn the_size_of_a_company_is_words_in_the_description() {
    let mut referral = referral();
    referral.details.notes = None;
    referral.details.requirements.clear();
    referral.customer.size = some("Morethan500employees");
    assert_eq!(
        text(&referral, &DESCRIPTION).as_deref(),
        Some("Company size: More than 500 employees")
    );
    let mut columns = Mapping::shipped().columns();
    assert!(columns.all(|(column, _)| column.as_str() != "numberofemployees"));
}

fn kind(kind: &str, qualification: &str, inviter: Option<&str>) -> Kind {
    let mut referral = referral();
    referral.kind = some(kind);
    referral.qualification = some(qualification);
    referral.invitation = Some(Invitation {
        organization_id: inviter.map(str::to_owned),
        ..Invitation::default()
    });
    classify(&referral)
}

#[test]
fn type_qualification_and_inviter_decide_the_kind() {
    use Kind::{CoSellOpportunity, MarketplaceLead, QualifiedLead};
    assert_eq!(kind("Independent", "Direct", Some("msft")), MarketplaceLead);
    assert_eq!(kind("Independent", "Direct", None), MarketplaceLead);
    assert_eq!(
        kind("Independent", "SalesQualified", Some("MSFT")),
        QualifiedLead
    );
    assert_eq!(
        kind("Independent", "MarketingQualified", Some("msft")),
        QualifiedLead
    );
    assert_eq!(
        kind("Independent", "SalesQualified", Some("other")),
        CoSellOpportunity
    );
    assert_eq!(kind("Independent", "None", Some("msft")), CoSellOpportunity);
    assert_eq!(
        kind("Shared", "SalesQualified", Some("msft")),
        CoSellOpportunity
    );
}

#[test]
fn a_marketplace_lead_comes_from_the_web_and_any_other_from_a_partner() {
    let mut referral = referral();
    assert_eq!(projected(&referral).columns[&LEAD_SOURCE], Value::Choice(4));
    referral.qualification = some("Direct");
    let columns = projected(&referral).columns;
    assert_eq!(columns[&LEAD_SOURCE], Value::Choice(8));
    assert_eq!(columns.get(&LEAD_QUALITY), None);
}

#[test]
fn every_list_of_the_filter_must_name_the_referral() {
    let referral = referral();
    let matching = Filter {
        kinds: vec![Kind::QualifiedLead],
        countries: vec!["de".to_owned(), "us".to_owned()],
        locations: vec!["01E2ABCD-52b0-4af3-a3ae-1fd1530b3563".to_owned()],
        partner_ids: vec!["1234567".to_owned()],
    };
    assert!(passes(&Filter::default(), &referral));
    assert!(passes(&matching, &referral));
    let other = || vec!["other".to_owned()];
    for filter in [
        Filter {
            kinds: vec![Kind::MarketplaceLead],
            ..matching.clone()
        },
        Filter {
            countries: other(),
            ..matching.clone()
        },
        Filter {
            locations: other(),
            ..matching.clone()
        },
        Filter {
            partner_ids: other(),
            ..matching.clone()
        },
    ] {
        assert!(!passes(&filter, &referral), "{filter:?}");
    }
}

proptest! {
    #[test]
    fn no_text_is_ever_longer_than_its_column(name in any::<String>(), notes in any::<String>(), limit in 1_usize..50) {
        let mut referral = referral();
        referral.customer.name = Some(name.clone());
        referral.customer.team[0].email = Some(name);
        referral.details.notes = Some(notes);
        let mut schema = schema();
        for length in schema.lengths.values_mut() {
            *length = limit;
        }
        for value in project(&referral, &schema, None, &options(Mode::Link)).columns.into_values() {
            if let Value::Text(text) = value {
                prop_assert!(!text.is_empty());
                prop_assert!(text.encode_utf16().count() <= limit);
            }
        }
    }
}
