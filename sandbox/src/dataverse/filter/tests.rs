use super::*;

struct Row(Vec<(&'static str, Option<Cell>)>);

impl Properties for Row {
    fn get(&self, property: &str) -> Outcome<Option<Cell>> {
        let found = self.0.iter().find(|(name, _)| *name == property);
        found
            .map(|(_, cell)| cell.clone())
            .ok_or_else(|| Refusal::query(format!("no property '{property}'")))
    }
}

fn row() -> Row {
    Row(vec![
        ("subject", Some(Cell::text("O'Hara and Sons"))),
        ("jobtitle", None),
        ("statecode", Some(Cell::Whole(1))),
        (
            "estimatedamount",
            Some(Cell::money("12.50".parse().unwrap())),
        ),
        ("donotphone", Some(Cell::Flag(true))),
        ("leadid", Some(Cell::Id(uuid::Uuid::from_u128(7)))),
        (
            "modifiedon",
            Some(Cell::Moment("2026-11-22T10:00:00Z".parse().unwrap())),
        ),
        (
            "estimatedclosedate",
            Some(Cell::Day("2026-12-31".parse().unwrap())),
        ),
    ])
}

fn holds(filter: &str) -> bool {
    Filter::parse(filter).unwrap().matches(&row()).unwrap()
}

#[test]
fn every_operator_compares() {
    for filter in [
        "statecode eq 1",
        "statecode ne 0",
        "statecode gt 0",
        "statecode ge 1",
        "statecode lt 2",
        "statecode le 1",
        "estimatedamount eq 12.5",
        "estimatedamount gt 12",
        "donotphone eq true",
        "leadid eq 00000000-0000-0000-0000-000000000007",
        "modifiedon ge 2026-11-22T10:00:00Z",
        "modifiedon gt 2026-11-22",
        "estimatedclosedate lt 2027-01-01",
    ] {
        assert!(holds(filter), "{filter}");
        assert!(!holds(&format!("not ({filter})")), "{filter}");
    }
}

#[test]
fn text_is_compared_without_regard_to_case_and_quotes_are_doubled() {
    assert!(holds("subject eq 'o''hara AND sons'"));
    assert!(holds("contains(subject,'HARA')"));
    assert!(holds(
        "startswith(subject, 'o''') and endswith(subject,'sons')"
    ));
    assert!(!holds("not contains(subject,'hara')"));
}

#[test]
fn null_equals_null_alone_and_orders_with_nothing() {
    assert!(holds("jobtitle eq null"));
    assert!(holds("jobtitle ne 'x'"));
    assert!(!holds("jobtitle gt 'a'"));
    assert!(holds("subject ne null"));
}

#[test]
fn and_binds_tighter_than_or() {
    assert!(holds("statecode eq 1 or statecode eq 1 and statecode eq 0"));
    assert!(!holds(
        "(statecode eq 1 or statecode eq 1) and statecode eq 0"
    ));
}

#[test]
fn a_mistake_is_refused_wherever_it_stands() {
    for filter in [
        "",
        "subject",
        "subject eq",
        "subject eq 'open",
        "subject is 'x'",
        "subject eq x",
        "(subject eq 'x'",
        "subject eq 'x' subject",
        "contains(subject,5)",
    ] {
        assert!(Filter::parse(filter).is_err(), "{filter}");
    }
    for filter in ["statecode eq 1 or nothing eq 1", "statecode eq 'one'"] {
        let parsed = Filter::parse(filter).unwrap();
        assert!(parsed.matches(&row()).is_err(), "{filter}");
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let filter = format!("{}subject eq 'x'{}", "(".repeat(500), ")".repeat(500));
    assert!(Filter::parse(&filter).is_err());
}
