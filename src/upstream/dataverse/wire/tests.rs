use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Body, Definitions, Rows, Unusable, lead, note, select};
use crate::ids::NoteId;
use crate::lead::{Column, ColumnKind, LeadSchema, LeadState, Note, Own, Owner, Value};

const COLUMNS: [(Column, ColumnKind); 6] = [
    (Column::named("subject"), ColumnKind::Text),
    (Column::named("leadqualitycode"), ColumnKind::Choice),
    (Column::named("donotemail"), ColumnKind::Flag),
    (Column::named("estimatedamount"), ColumnKind::Amount),
    (Column::named("estimatedclosedate"), ColumnKind::Date),
    (Column::named("transactioncurrencyid"), ColumnKind::Row),
];

const ROW: &str = r#"{
    "@odata.context": "https://contoso.crm.dynamics.com/api/data/v9.2/$metadata#leads(subject)/$entity",
    "@odata.etag": "W/\"2264386\"",
    "leadid": "7a1f0b0e-6d3c-4e57-9a46-0c5c3f1d2b11",
    "statecode": 2, "statuscode": 7, "modifiedon": "2026-06-12T14:13:28Z",
    "_masterid_value": "0b0e7a1f-6d3c-4e57-9a46-0c5c3f1d2b22",
    "subject": "Fabrikam \"move\" \u00fc",
    "leadqualitycode": 2, "donotemail": false,
    "estimatedamount": 1234.5600000000,
    "estimatedclosedate": "2026-04-10",
    "_transactioncurrencyid_value": "3d2766c7-c41f-ef11-840b-000d3abf969a"
}"#;

fn row(json: &str) -> super::read::Row {
    serde_json::from_str(json).unwrap()
}

fn object(body: &Body) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_slice(&body.bytes()).unwrap()
}

fn set(body: &mut Body, column: &'static str, value: &Value) {
    body.set(&Column::named(column), Some(value)).unwrap();
}

#[test]
fn a_lead_is_read_exactly_as_it_is() {
    let lead = lead(&row(ROW), &COLUMNS).unwrap();
    assert_eq!(lead.etag.as_str(), "W/\"2264386\"");
    assert_eq!(lead.state, LeadState::Disqualified);
    assert_eq!(lead.status_reason, Some(7));
    assert_eq!(
        lead.merged_into.unwrap().to_string(),
        "0b0e7a1f-6d3c-4e57-9a46-0c5c3f1d2b22"
    );
    assert_eq!(lead.modified.unwrap().to_string(), "2026-06-12T14:13:28Z");
    let values: Vec<&Value> = lead.columns.values().collect();
    assert_eq!(
        values,
        [
            &Value::Flag(false),
            &Value::Amount(Decimal::new(123_456, 2)),
            &Value::Date(Date::constant(2026, 4, 10)),
            &Value::Choice(2),
            &Value::Text("Fabrikam \"move\" ü".to_owned()),
            &Value::Row("3d2766c7-c41f-ef11-840b-000d3abf969a".parse().unwrap()),
        ]
    );
}

#[test]
fn null_and_empty_columns_are_absent() {
    let lead = lead(
        &row(r#"{"@odata.etag": "W/\"1\"", "leadid": "7a1f0b0e-6d3c-4e57-9a46-0c5c3f1d2b11", "statecode": 0,
            "statuscode": null, "_masterid_value": null, "subject": "", "leadqualitycode": null, "donotemail": null,
            "estimatedamount": null, "estimatedclosedate": null, "_transactioncurrencyid_value": null}"#),
        &COLUMNS,
    )
    .unwrap();
    assert_eq!(lead.columns, BTreeMap::new());
    assert_eq!(
        (lead.status_reason, lead.merged_into, lead.modified),
        (None, None, None)
    );
}

#[test]
fn a_value_of_another_kind_is_named_but_not_quoted() {
    for (good, wrong, member) in [
        (
            "\"2026-04-10\"",
            "\"10 April, secret\"",
            "estimatedclosedate",
        ),
        ("1234.5600000000", "\"secret\"", "estimatedamount"),
        ("\"W/\\\"2264386\\\"\"", "null", "@odata.etag"),
        ("\"statecode\": 2", "\"statecode\": 9", "statecode"),
    ] {
        assert!(ROW.contains(good), "{good}");
        let error = lead(&row(&ROW.replacen(good, wrong, 1)), &COLUMNS).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(member) && !text.contains("secret"), "{text}");
    }
}

#[test]
fn only_mapped_columns_are_asked_for_and_lookups_by_their_value() {
    assert_eq!(
        select(&COLUMNS),
        "leadid,statecode,statuscode,_masterid_value,modifiedon,subject,leadqualitycode,donotemail,\
         estimatedamount,estimatedclosedate,_transactioncurrencyid_value"
    );
}

#[test]
fn lookups_are_bound_to_their_rows_and_emptied_through_the_same_member() {
    let currency = Column::named("transactioncurrencyid");
    let mut body = Body::default();
    body.set(&currency, Some(&Value::Row(Uuid::from_u128(7))))
        .unwrap();
    body.owner(Owner::Team(Uuid::from_u128(8)));
    assert_eq!(
        body.bytes(),
        r#"{"ownerid@odata.bind":"/teams(00000000-0000-0000-0000-000000000008)","transactioncurrencyid@odata.bind":"/transactioncurrencies(00000000-0000-0000-0000-000000000007)"}"#
    );
    let mut body = Body::default();
    body.set(&currency, None).unwrap();
    body.set(&Column::named("subject"), None).unwrap();
    assert_eq!(
        body.bytes(),
        r#"{"subject":null,"transactioncurrencyid@odata.bind":null}"#
    );
}

#[test]
fn a_lookup_nobody_described_is_not_written() {
    let error = Body::default()
        .set(
            &Column::named("campaignid"),
            Some(&Value::Row(Uuid::from_u128(7))),
        )
        .unwrap_err();
    assert!(error.to_string().contains("campaignid"));
}

#[test]
fn the_original_creation_time_is_sent_to_the_second() {
    let mut body = Body::default();
    body.created("2025-01-31T10:00:00.1234567Z".parse().unwrap());
    assert_eq!(
        body.bytes(),
        r#"{"overriddencreatedon":"2025-01-31T10:00:00Z"}"#
    );
}

#[test]
fn a_note_hangs_on_its_lead() {
    let body = note(
        "7a1f0b0e-6d3c-4e57-9a46-0c5c3f1d2b11".parse().unwrap(),
        &Note {
            id: NoteId::new(Uuid::from_u128(1)),
            subject: "Cut".to_owned(),
            text: "two\nlines".to_owned(),
        },
    );
    assert_eq!(
        body.bytes(),
        r#"{"notetext":"two\nlines","objectid_lead@odata.bind":"/leads(7a1f0b0e-6d3c-4e57-9a46-0c5c3f1d2b11)","subject":"Cut"}"#
    );
}

fn rows<T: serde::de::DeserializeOwned>(json: &str) -> Rows<T> {
    serde_json::from_str(&format!(r#"{{"value": {json}}}"#)).unwrap()
}

#[test]
fn a_column_of_the_connectors_own_is_used_only_if_it_holds_what_belongs_there() {
    use Unusable::{Missing, OfAnotherType, ReadOnly};
    let definitions = Definitions {
        all: rows(
            r#"[{"LogicalName": "text", "AttributeType": "Memo"}, {"LogicalName": "day", "AttributeType": "DateTime"},
                {"LogicalName": "moment", "AttributeType": "DateTime"}, {"LogicalName": "ours", "AttributeType": "Picklist",
                 "IsValidForUpdate": false}, {"LogicalName": "theirs", "AttributeType": "Picklist"},
                {"LogicalName": "fixed", "AttributeType": "String", "IsValidForUpdate": false}]"#,
        ),
        strings: rows("[]"),
        memos: rows("[]"),
        moneys: rows("[]"),
        choices: rows(
            r#"[{"LogicalName": "ours", "OptionSet": {"Options": [{"Value": 418700000}, {"Value": 418700001},
                 {"Value": 418700002}]}}, {"LogicalName": "theirs", "OptionSet": {"Options": [{"Value": 1}, {"Value": 2}]}}]"#,
        ),
        statuses: rows("[]"),
        dates: Some(rows(
            r#"[{"LogicalName": "day", "DateTimeBehavior": {"Value": "DateOnly"}},
                {"LogicalName": "moment", "DateTimeBehavior": {"Value": "UserLocal"}}]"#,
        )),
        wholes: None,
    };
    for (own, name, why) in [
        (Own::Status, "text", None),
        (Own::Status, "day", Some(OfAnotherType)),
        (Own::Status, "fixed", Some(ReadOnly)),
        (Own::Status, "none", Some(Missing)),
        (Own::AnswerBy, "day", None),
        (Own::AnswerBy, "moment", Some(OfAnotherType)),
        (Own::LastSynced, "moment", None),
        (Own::LastSynced, "day", Some(OfAnotherType)),
        (Own::Decision, "ours", None),
        (Own::Decision, "theirs", Some(OfAnotherType)),
        (Own::Decision, "text", Some(OfAnotherType)),
    ] {
        let found = definitions.unusable_for(own, &Column::named(name));
        assert_eq!(found, why, "{own:?} in {name}");
    }
}

#[test]
fn definitions_without_limits_or_options_say_nothing_about_them() {
    let definitions = Definitions {
        all: rows(r#"[{"LogicalName": "subject", "MetadataId": "x"}, {"LogicalName": "leadid"}]"#),
        strings: rows(
            r#"[{"LogicalName": "subject", "MaxLength": 50}, {"LogicalName": "odd", "MaxLength": null}]"#,
        ),
        memos: rows(r#"[{"LogicalName": "description", "MaxLength": 2000}]"#),
        moneys: rows(
            r#"[{"LogicalName": "revenue", "MinValue": 0.0, "MaxValue": 1E+14},
                {"LogicalName": "free", "MinValue": null, "MaxValue": null}]"#,
        ),
        choices: rows(
            r#"[{"LogicalName": "leadqualitycode", "OptionSet": {"Options": [{"Value": 1}, {"Value": 2}]}},
                {"LogicalName": "none", "OptionSet": null},
                {"LogicalName": "shared", "OptionSet": null, "GlobalOptionSet": {"Options": [
                    {"Value": 7, "Label": {"LocalizedLabels": [{"Label": "Small "}, {"Label": "Klein"}]}},
                    {"Value": 8, "Label": {"LocalizedLabels": [{"Label": "klein"}, {"Label": null}]}},
                    {"Value": 9, "Label": null}]}}]"#,
        ),
        statuses: rows(
            r#"[{"LogicalName": "statuscode", "OptionSet": {"Options": [
                {"Value": 1, "State": 0}, {"Value": 804240004, "State": 2}, {"Value": 9, "State": null}]}}]"#,
        ),
        dates: None,
        wholes: Some(rows(
            r#"[{"LogicalName": "numberofemployees", "MinValue": 0, "MaxValue": 1000000}, {"LogicalName": "odd"}]"#,
        )),
    };
    let why = |name| definitions.unusable(&Column::named(name), ColumnKind::Text);
    assert_eq!(
        (why("subject"), why("topic")),
        (None, Some(Unusable::Missing))
    );
    let named = Column::named;
    assert_eq!(
        LeadSchema::from(definitions),
        LeadSchema {
            lengths: [(named("subject"), 50), (named("description"), 2000)].into(),
            choices: [
                (named("leadqualitycode"), vec![1, 2]),
                (named("none"), vec![]),
                (named("shared"), vec![7, 8, 9])
            ]
            .into(),
            status_reasons: [(1, LeadState::Open), (804_240_004, LeadState::Disqualified)].into(),
            amounts: [(named("revenue"), (0.into(), 100_000_000_000_000_i64.into()))].into(),
            wholes: [(named("numberofemployees"), (0, 1_000_000))].into(),
            labels: [
                (named("leadqualitycode"), BTreeMap::new()),
                (named("none"), BTreeMap::new()),
                // Two choices are called "klein".
                (named("shared"), [("small".to_owned(), 7)].into()),
            ]
            .into(),
            unusable: BTreeSet::new(),
            own: BTreeMap::new(),
        }
    );
}

proptest! {
    #[test]
    fn every_text_and_number_survives_the_wire(
        text in "\\PC{1,40}",
        number in any::<i32>(),
        flag in any::<bool>(),
        digits in -999_999_999_999_999_999_999_999_i128..1_000_000_000_000_000_000_000_000,
        scale in 0_u32..=10,
        currency in any::<u128>(),
    ) {
        let amount = Decimal::from_i128_with_scale(digits, scale);
        let mut body = Body::default();
        set(&mut body, "subject", &Value::Text(text.clone()));
        set(&mut body, "leadqualitycode", &Value::Choice(number));
        set(&mut body, "donotemail", &Value::Flag(flag));
        set(&mut body, "estimatedamount", &Value::Amount(amount));
        set(&mut body, "estimatedclosedate", &Value::Date(Date::constant(2026, 4, 10)));
        let mut sent = object(&body);
        prop_assert_eq!(sent["estimatedamount"].get(), amount.to_string());
        for (member, json) in [
            ("@odata.etag", "\"W/\\\"1\\\"\"".to_owned()),
            ("leadid", "\"7a1f0b0e-6d3c-4e57-9a46-0c5c3f1d2b11\"".to_owned()),
            ("statecode", "0".to_owned()),
            ("_transactioncurrencyid_value", format!("\"{}\"", Uuid::from_u128(currency))),
        ] {
            sent.insert(member.to_owned(), RawValue::from_string(json).unwrap());
        }
        let read = lead(&row(&serde_json::to_string(&sent).unwrap()), &COLUMNS).unwrap().columns;
        prop_assert_eq!(&read[&Column::named("subject")], &Value::Text(text));
        prop_assert_eq!(&read[&Column::named("leadqualitycode")], &Value::Choice(number));
        prop_assert_eq!(&read[&Column::named("donotemail")], &Value::Flag(flag));
        prop_assert_eq!(&read[&Column::named("transactioncurrencyid")], &Value::Row(Uuid::from_u128(currency)));
        let Value::Amount(back) = read[&Column::named("estimatedamount")] else { panic!("no amount") };
        prop_assert_eq!((back, back.scale()), (amount, amount.scale()));
    }
}

#[test]
fn wild_values_are_refused_member_by_member_and_cost_nothing() {
    let begun = std::time::Instant::now();
    let long = format!("1{}", "0".repeat(1_000_000));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for wild in [
        "1e999999999",
        "1e-999999999",
        "1e99999999999999999999",
        "\"NaN\"",
        &long,
        &deep,
    ] {
        let json = ROW.replace("1234.5600000000", wild);
        let error = lead(&row(&json), &COLUMNS).unwrap_err();
        assert_eq!(
            error.to_string(),
            "member estimatedamount is not an exact decimal",
            "{wild:.20}"
        );
        let elsewhere = ROW.replace(
            "\"statecode\"",
            &format!("\"other\": {wild}, \"statecode\""),
        );
        assert!(lead(&row(&elsewhere), &COLUMNS).is_ok(), "{wild:.20}");
    }
    let surrogate = ROW.replace("Fabrikam", r"\ud800");
    assert!(lead(&row(&surrogate), &COLUMNS).is_err());
    assert!(begun.elapsed() < std::time::Duration::from_secs(30));
}

#[test]
fn a_member_that_came_twice_is_the_last_one() {
    let json = ROW.replace("\"statecode\": 2", "\"statecode\": 0, \"statecode\": 2");
    let lead = lead(&row(&json), &COLUMNS).unwrap();
    assert_eq!(lead.state, LeadState::Disqualified);
}
