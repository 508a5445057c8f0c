//! What is learnt about an organisation: its columns, its currencies, our place in it.

use std::time::Duration;

use referral_connector::failure::{Classify, Disposition};
use referral_connector::lead::{Changes, ColumnKind, LeadState, Value};
use referral_connector::mapping;
use referral_connector::upstream::dataverse::{DataverseError, Unusable, Updated};
use sandbox::dataverse::{APPLICATION_USER_ID, LeadProfile, ORGANIZATION_ID, currency_id};
use sandbox::{Effect, Fault, Service};
use serde_json::json;

use super::{Organisation, column, fresh, pass, text};

#[tokio::test]
async fn lengths_choices_and_amounts_are_those_of_the_organisation() {
    let installed = Organisation::start().await;
    let customised = Organisation::start().await;
    customised.with(|state| state.set_lead_profile(LeadProfile::Customised));
    let installed = installed.dataverse.schema().await.unwrap();
    let customised = customised.dataverse.schema().await.unwrap();

    let length = |name| {
        (
            installed.length(&column(name)),
            customised.length(&column(name)),
        )
    };
    assert_eq!(length("subject"), (Some(300), Some(50)));
    assert_eq!(length("description"), (Some(2000), Some(4151)));
    assert_eq!(length("nosuchcolumn"), (None, None));
    let source = column("leadsourcecode");
    assert!(installed.takes_choice(&source, 4) && customised.takes_choice(&source, 4));
    assert!(!installed.takes_choice(&source, 192_350_000));
    assert!(customised.takes_choice(&source, 192_350_000));
    assert_eq!(
        installed.amounts[&column("estimatedamount")],
        (0.into(), 1_000_000_000_000_i64.into())
    );
    for (reason, state) in [
        (1, LeadState::Open),
        (3, LeadState::Qualified),
        (4, LeadState::Disqualified),
    ] {
        assert_eq!(installed.status_reasons[&reason], state);
    }
}

#[tokio::test]
async fn definitions_are_read_once_for_all_callers() {
    let org = Organisation::start().await;
    let reads = (0..20).map(|_| org.dataverse.schema());
    for schema in futures_util::future::join_all(reads).await {
        schema.unwrap();
    }
    let lines = org.sandbox.world().requests.lines(Service::Dataverse);
    assert_eq!(lines.len(), 6, "{lines:#?}");
}

#[tokio::test]
async fn a_column_the_organisation_lacks_is_left_out_and_told() {
    let lacking = column("new_partnerscore");
    let columns = mapping::Mapping::shipped()
        .columns()
        .chain([(lacking.clone(), ColumnKind::Text)]);
    let org = Organisation::mapping(columns).await;
    let id = fresh();
    let values = [
        (column("subject"), text("Topic")),
        (lacking.clone(), text("x")),
    ];
    org.dataverse
        .create_lead(id, &values.into(), None, None)
        .await
        .unwrap();
    let lead = org.read(id).await;
    assert_eq!(lead.columns[&column("subject")], text("Topic"));

    let changes = Changes::from([(lacking.clone(), Some(text("y")))]);
    let updated = org.dataverse.update_lead(id, &lead.etag, &changes).await;
    assert_eq!(updated.unwrap(), Updated::Done(None));
    assert_eq!(org.sent("PATCH").len(), 1);
    let unusable = org.dataverse.unusable_columns().await.unwrap();
    assert_eq!(unusable, [(lacking, Unusable::Missing)].into());
}

#[tokio::test]
async fn a_column_that_holds_something_else_or_is_read_only_is_neither_read_nor_written() {
    let own = [
        (
            "decisionmaker",
            ColumnKind::Text,
            Some(Unusable::OfAnotherType),
        ),
        (
            "industrycode",
            ColumnKind::Whole,
            Some(Unusable::OfAnotherType),
        ),
        ("createdon", ColumnKind::Date, Some(Unusable::OfAnotherType)),
        ("fullname", ColumnKind::Text, Some(Unusable::ReadOnly)),
        (
            "importsequencenumber",
            ColumnKind::Whole,
            Some(Unusable::ReadOnly),
        ),
        ("numberofemployees", ColumnKind::Whole, None),
        ("industrycode", ColumnKind::Choice, None),
        ("decisionmaker", ColumnKind::Flag, None),
    ];
    for (name, kind, why) in own {
        let org =
            Organisation::mapping([(column("subject"), ColumnKind::Text), (column(name), kind)])
                .await;
        let unusable = org.dataverse.unusable_columns().await.unwrap();
        assert_eq!(unusable.get(&column(name)).copied(), why, "{name}");
        let schema = org.dataverse.schema().await.unwrap();
        assert_eq!(
            schema.unusable.contains(&column(name)),
            why.is_some(),
            "{name}"
        );
        let id = fresh();
        let values = [
            (column("subject"), text("Topic")),
            (column(name), Value::Flag(true)),
        ];
        if why.is_some() {
            org.dataverse
                .create_lead(id, &values.into(), None, None)
                .await
                .unwrap();
            assert_eq!(org.read(id).await.columns.len(), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn whole_numbers_go_there_and_back_and_have_their_limits() {
    let employees = column("numberofemployees");
    let org = Organisation::mapping([(employees.clone(), ColumnKind::Whole)]).await;
    let schema = org.dataverse.schema().await.unwrap();
    assert_eq!(schema.wholes[&employees], (0, 1_000_000));
    assert_eq!(
        schema.labelled(&column("leadsourcecode"), " partner "),
        Some(4)
    );
    let id = fresh();
    let values = [(employees.clone(), Value::Whole(51))];
    org.dataverse
        .create_lead(id, &values.into(), None, None)
        .await
        .unwrap();
    assert_eq!(org.read(id).await.columns[&employees], Value::Whole(51));
}

#[tokio::test]
async fn a_currency_is_found_by_its_code_and_remembered() {
    let org = Organisation::start().await;
    for _ in 0..2 {
        let currency = org.dataverse.currency("kwd").await.unwrap().unwrap();
        assert_eq!(currency.id.uuid(), currency_id("KWD"));
        assert_eq!((currency.code.as_str(), currency.precision), ("KWD", 3));
        assert_eq!(org.dataverse.currency("CHF").await.unwrap(), None);
    }
    assert_eq!(org.requests().len(), 2);
}

#[tokio::test]
async fn text_that_is_no_currency_code_reaches_no_address() {
    let org = Organisation::start().await;
    for code in ["", "EURO", "E'U", "€", "U D", "12A"] {
        assert_eq!(org.dataverse.currency(code).await.unwrap(), None, "{code}");
    }
    assert_eq!(org.requests().len(), 0);
}

#[tokio::test]
async fn the_environment_says_who_we_are_and_whether_there_are_leads() {
    let org = Organisation::start().await;
    let who = org.dataverse.who_am_i().await.unwrap();
    assert_eq!(
        (who.user, who.organization),
        (APPLICATION_USER_ID, ORGANIZATION_ID)
    );
    assert!(!org.dataverse.any_lead().await.unwrap());
    org.seed(&json!({"subject": "First"}));
    assert!(org.dataverse.any_lead().await.unwrap());
}

#[tokio::test]
async fn a_shrunk_column_is_noticed_when_it_refuses_a_value() {
    let org = Organisation::start().await;
    let long = [(column("subject"), text(&"x".repeat(300)))].into();
    let create = || org.dataverse.create_lead(fresh(), &long, None, None);
    assert_eq!(
        org.dataverse.schema().await.unwrap().lengths[&column("subject")],
        300
    );
    org.with(|state| state.set_lead_profile(LeadProfile::Customised));
    pass(Duration::from_mins(2)).await;

    let error = create().await.unwrap_err();
    assert!(
        matches!(error, DataverseError::SchemaMoved { .. }),
        "{error}"
    );
    assert_eq!(error.disposition(), Disposition::RETRY);
    assert_eq!(
        org.dataverse.schema().await.unwrap().lengths[&column("subject")],
        50
    );

    let reads = org.sent("GET").len();
    let error = create().await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Permanent);
    assert_eq!(
        org.sent("GET").len(),
        reads,
        "definitions just read are believed"
    );
}

#[tokio::test]
async fn old_definitions_serve_while_new_ones_cannot_be_read() {
    let org = Organisation::start().await;
    let schema = org.dataverse.schema().await.unwrap();
    org.with(|state| state.set_lead_profile(LeadProfile::Customised));
    assert_eq!(org.dataverse.schema().await.unwrap(), schema);

    let fault = Fault::new(Service::Dataverse, Effect::status(400)).path("EntityDefinitions");
    org.sandbox.world().faults.add(fault);
    pass(Duration::from_mins(61)).await;
    assert_eq!(org.dataverse.schema().await.unwrap(), schema);
    let reads = org.requests().len();
    assert_eq!(org.dataverse.schema().await.unwrap(), schema);
    assert_eq!(
        org.requests().len(),
        reads,
        "a failed read is not repeated at once"
    );

    org.sandbox.world().faults.clear();
    pass(Duration::from_mins(2)).await;
    assert_eq!(
        org.dataverse.schema().await.unwrap().lengths[&column("subject")],
        50
    );
}

#[tokio::test]
async fn a_currency_that_is_added_is_found_after_a_minute() {
    let org = Organisation::start().await;
    assert_eq!(org.dataverse.currency("CHF").await.unwrap(), None);
    let now = org.sandbox.world().clock.now();
    org.with(|state| state.set_currency("CHF", 2, 1.into(), now))
        .unwrap();
    pass(Duration::from_secs(61)).await;
    assert!(org.dataverse.currency("CHF").await.unwrap().is_some());
}

#[tokio::test]
async fn definitions_that_cannot_be_read_fail_what_needs_them_and_are_tried_again() {
    let org = Organisation::start().await;
    let fault = Fault::new(Service::Dataverse, Effect::status(403)).path("MemoAttribute");
    org.sandbox.world().faults.add(fault.times(1));
    let error = org.dataverse.lead(fresh()).await.unwrap_err();
    assert_eq!(error.to_string(), "reading what columns leads have");
    assert_eq!(org.dataverse.lead(fresh()).await.unwrap(), None);
}

#[tokio::test]
async fn choices_and_flags_are_written_as_numbers_and_truths() {
    let org = Organisation::start().await;
    let id = org.seed(&json!({"subject": "Old"}));
    let lead = org.read(id).await;
    let changes = Changes::from([
        (column("donotphone"), Some(Value::Flag(true))),
        (column("leadsourcecode"), Some(Value::Choice(4))),
        (column("statecode"), Some(Value::Choice(2))),
        (column("statuscode"), Some(Value::Choice(4))),
    ]);
    let updated = org.dataverse.update_lead(id, &lead.etag, &changes).await;
    let lead = org.read(id).await;
    assert_eq!(
        updated.unwrap(),
        Updated::Done(Some(Box::new(lead.clone())))
    );
    assert_eq!(lead.state, LeadState::Disqualified);
    assert_eq!(lead.status_reason, Some(4));
    assert_eq!(lead.columns[&column("donotphone")], Value::Flag(true));
    assert_eq!(lead.columns[&column("leadsourcecode")], Value::Choice(4));
}
