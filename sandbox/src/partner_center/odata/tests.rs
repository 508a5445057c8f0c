use serde_json::{Map, Value, json};

use super::{Filter, Malformed};

fn referral() -> Map<String, Value> {
    let referral = json!({
        "status": "New",
        "qualification": "SalesQualified",
        "direction": "Incoming",
        "name": "O'Neill (north) and south",
        "isSpam": false,
        "createdDateTime": "2026-11-02T09:15:27.1234567Z",
        "updatedDateTime": "2026-11-02T09:15:27Z",
        "externalReferenceId": null,
        "customerProfile": { "address": { "country": "US" } },
        "details": { "dealValue": 50000.5 },
        "team": [
            { "email": "ada@woodgrove.example", "firstName": "Ada" },
            { "email": "ben@woodgrove.example", "firstName": "Ben" },
        ],
    });
    referral.as_object().unwrap().clone()
}

fn holds(filter: &str) -> bool {
    Filter::parse(filter).unwrap().holds(&referral())
}

#[test]
fn the_documented_filters_are_understood() {
    for filter in [
        "status eq 'New' and qualification eq 'SalesQualified'",
        "customerProfile/address/country eq 'US' and direction eq 'Incoming'",
        "(direction eq 'Incoming' and status eq 'New')",
        "team/any(t:t/email eq 'ben@woodgrove.example')",
        "team/any(t: t/email eq 'x' or t/firstName eq 'Ada')",
        "updatedDateTime ge 2026-11-02T09:15:27Z",
        "updatedDateTime le 2026-11-02T10:15:27+01:00",
        "createdDateTime gt 2026-11-02T09:15:27.1234566Z",
        "createdDateTime lt 2026-11-02T09:15:27.1234568Z",
        "details/dealValue gt 50000",
        "externalReferenceId eq null and statusReason eq null",
        "isSpam eq false",
        "name eq 'O''Neill (north) and south'",
    ] {
        assert!(holds(filter), "{filter}");
    }
}

#[test]
fn what_does_not_fit_is_left_out() {
    for filter in [
        "status eq 'new'",
        "status ne 'New'",
        "customerProfile/address/country eq 'DE' and direction eq 'Incoming'",
        "team/any(t:t/email eq 'ada@woodgrove.example' and t/firstName eq 'Ben')",
        "target/any(t:t/id eq 'msft')",
        "updatedDateTime gt 2026-11-02T09:15:27Z",
        "updatedDateTime lt 2026-11-02T09:15:27.0000000Z",
        "details/dealValue le 50000",
        "closedDateTime ge 2026-01-01T00:00:00Z",
        "statusReason gt 'a'",
        "externalReferenceId ne null",
    ] {
        assert!(!holds(filter), "{filter}");
    }
}

#[test]
fn and_binds_tighter_than_or_unless_parentheses_say_otherwise() {
    assert!(holds(
        "status eq 'New' or status eq 'x' and direction eq 'x'"
    ));
    assert!(!holds(
        "(status eq 'New' or status eq 'x') and direction eq 'x'"
    ));
}

#[test]
fn what_the_service_cannot_read_is_refused() {
    let deep = format!("{}status eq 'New'{}", "(".repeat(40), ")".repeat(40));
    for filter in [
        "",
        "status",
        "status eq",
        "status eq New",
        "status is 'New'",
        "status eq 'New",
        "status eq 'New' and",
        "(status eq 'New'",
        "status eq 'New')",
        "updatedDateTime ge '2026-11-02T09:15:27Z'",
        "status ge 2026-11-02T09:15:27Z",
        "updatedDateTime ge 2026-11-02",
        "state eq 'New'",
        "team/any(t:email eq 'x')",
        "team/any(t:t/email eq 'x'",
        "status eq 'New' & direction eq 'x'",
        &deep,
    ] {
        let outcome = Filter::parse(filter);
        assert!(
            matches!(outcome, Err(Malformed(_))),
            "{filter}: {outcome:?}"
        );
    }
}

/// Every formula over three facts, compared with what Rust makes of the same formula.
#[test]
fn every_small_formula_means_what_logic_says() {
    let facts = [
        ("status eq 'New'", true),
        ("direction eq 'x'", false),
        ("isSpam eq false", true),
    ];
    for (a, va) in facts {
        for (b, vb) in facts {
            for (c, vc) in facts {
                let cases = [
                    (format!("{a} and {b} or {c}"), va && vb || vc),
                    (format!("{a} or {b} and {c}"), va || vb && vc),
                    (format!("{a} and ({b} or {c})"), va && (vb || vc)),
                    (format!("({a} or {b}) and {c}"), (va || vb) && vc),
                    (format!("(({a})) or ({b} and ({c}))"), va || (vb && vc)),
                ];
                for (filter, expected) in cases {
                    assert_eq!(holds(&filter), expected, "{filter}");
                }
            }
        }
    }
}

/// Cutting a good filter anywhere gives another good one or a refusal, never a panic.
#[test]
fn no_beginning_of_a_filter_makes_the_parser_panic() {
    let filter = "team/any(t:t/email eq 'ä''b') or (updatedDateTime ge 2026-11-02T09:15:27Z and isSpam ne -1.5)";
    let cuts = filter.char_indices().map(|(place, _)| &filter[..place]);
    let readable = cuts.filter(|cut| Filter::parse(cut).is_ok()).count();
    assert!(Filter::parse(filter).is_ok());
    assert_eq!(
        readable, 2,
        "only what stands before 'or' is whole, with its blank or without"
    );
}
