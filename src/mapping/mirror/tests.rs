use super::*;
use crate::lead::ColumnKind;
use crate::mapping::fixtures;
use crate::provision::columns::names;
use crate::sync::options::Mode;

fn schema(length: usize) -> LeadSchema {
    let mut schema = fixtures::schema();
    schema.own = names(&"pcref".parse().unwrap()).collect();
    for (own, column) in &schema.own {
        if own.kind() == ColumnKind::Text {
            schema.lengths.insert(column.clone(), length);
        }
    }
    schema
}

/// What shows for `own`.
fn shown(referral: &Referral, schema: &LeadSchema, own: Own) -> Option<String> {
    let mut options = fixtures::options(Mode::Link);
    options.time_zone = TimeZone::get("Europe/Berlin").unwrap();
    let value = mirror(referral, schema, &options).remove(&schema.own[&own])?;
    value.map(|value| match value {
        Value::Text(text) => text,
        other => format!("{other:?}"),
    })
}

#[test]
fn every_status_has_words_and_an_unknown_one_its_own() {
    use ReferralState as R;
    for (state, words) in [
        (R::New, "New"),
        (R::Active, "Accepted"),
        (R::Won, "Closed: Won"),
        (R::Lost, "Closed: Lost"),
        (R::Declined, "Closed: Declined"),
        (R::Expired, "Closed: Expired"),
        (R::ClosedOtherwise, "Closed: Mislaid"),
        (R::Unknown, "Paused: Paused"),
    ] {
        let mut referral = fixtures::referral();
        referral.status = fixtures::status(state);
        let shown = shown(&referral, &schema(100), Own::Status);
        assert_eq!(shown.as_deref(), Some(words));
    }
}

#[test]
fn the_last_day_is_one_where_the_organisation_is_and_only_as_long_as_there_is_something_to_answer()
{
    let mut referral = fixtures::referral();
    referral.status = fixtures::status(ReferralState::New);
    referral.expires = Some("2026-12-24T23:30:00Z".parse().unwrap());
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    assert_eq!(answer_by(&referral, &zone), Some(date(2026, 12, 25)));
    referral.expires = Some("1066-10-14T12:00:00Z".parse().unwrap());
    assert_eq!(
        answer_by(&referral, &zone),
        None,
        "Dataverse takes no such date"
    );
    referral.expires = Some("2026-12-24T23:30:00Z".parse().unwrap());
    referral.status = fixtures::status(ReferralState::Active);
    assert_eq!(shown(&referral, &schema(100), Own::AnswerBy), None);
}

#[test]
fn words_are_cut_and_what_is_useless_in_part_is_left_out() {
    let referral = fixtures::referral();
    let schema = schema(10);
    assert_eq!(shown(&referral, &schema, Own::ReferralId), None);
    assert_eq!(shown(&referral, &schema, Own::Link), None);
    let kind = shown(&referral, &schema, Own::Kind).unwrap();
    assert!(!kind.is_empty() && kind.len() <= 10, "{kind}");
}

#[test]
fn columns_that_are_not_there_are_not_spoken_of() {
    let referral = fixtures::referral();
    let options = fixtures::options(Mode::Link);
    assert_eq!(
        mirror(&referral, &fixtures::schema(), &options),
        Changes::new()
    );
    let all = mirror(&referral, &schema(100), &options);
    assert_eq!(
        all.len(),
        5,
        "the rest is not made of the referral alone: {all:?}"
    );
}
