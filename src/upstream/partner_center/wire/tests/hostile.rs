//! Replies that nobody in their senses sends.

use super::*;

/// A referral as long as a reply may be, made of `piece` between `before` and `after`.
fn huge(before: &str, piece: &str, after: &str) -> String {
    let filling = piece.repeat(8_000_000 / piece.len());
    format!(r#"{{"id":"{ID}","eTag":"1",{before}{filling}{after}}}"#)
}

#[test]
fn a_reply_of_megabytes_is_read_in_linear_time_and_little_room() {
    let begun = std::time::Instant::now();
    for (before, piece, after, malformed) in [
        (r#""x":"#, "[", "", None),
        (r#""x":"#, r#"{"a":"#, "", None),
        (r#""details":["#, "[],", "0]", Some("details")),
        (r#""target":["#, "0,", "0]", Some("target")),
        (r#""target":["#, r#"{"id":1},"#, "0]", Some("target")),
        (
            r#""details":{"dealValue":1"#,
            "0",
            "}",
            Some("details.dealValue"),
        ),
        (
            r#""details":{"dealValue":0."#,
            "0",
            "1}",
            Some("details.dealValue"),
        ),
        (
            r#""details":{"dealValue":1e"#,
            "9",
            "}",
            Some("details.dealValue"),
        ),
        (
            r#""createdDateTime":""#,
            "2",
            r#"""#,
            Some("createdDateTime"),
        ),
        (r#""isSpam":""#, "\\u0000", r#"""#, Some("isSpam")),
    ] {
        let body = huge(before, piece, after);
        let parsed = referral(body.as_bytes());
        match malformed {
            None => assert_eq!(parsed.unwrap_err(), Fault::NotJson, "{piece}"),
            Some(path) => assert_eq!(parsed.unwrap().malformed, [path], "{piece}"),
        }
    }
    let texts = huge(r#""customerProfile":{"name":""#, "<!--&amp;", r#""}"#);
    let read = referral(texts.as_bytes()).unwrap().value.customer.name;
    assert!(read.is_some_and(|name| 7_000_000 < name.len()));
    // Quadratic time would be hours; a busy machine needs seconds.
    assert!(begun.elapsed() < std::time::Duration::from_mins(1));
}

#[test]
fn what_cannot_be_read_is_named_only_fifty_times() {
    let team = vec!["0"; 10_000].join(",");
    let parsed = parsed(&format!(r#""customerProfile":{{"team":[{team}]}}"#));
    assert_eq!(parsed.malformed.len(), 50);
}

#[test]
fn wild_numbers_are_no_amounts_and_cost_nothing() {
    for number in [
        "1e999999999",
        "-1e999999999",
        "1e-999999999",
        "1e99999999999999999999",
        "1e29",
        "9e28",
        "79228162514264337593543950336",
        "\"NaN\"",
        "\"Infinity\"",
        "\"1e\"",
        "\"1_000\"",
    ] {
        let parsed = parsed(&format!(r#""details":{{"dealValue":{number}}}"#));
        assert_eq!(parsed.value.details.deal_value, None, "{number}");
        assert_eq!(parsed.malformed, ["details.dealValue"], "{number}");
    }
}

#[test]
fn invalid_unicode_is_no_referral_or_no_text() {
    for body in [
        format!("\u{feff}{{\"id\":\"{ID}\",\"eTag\":\"1\"}}").into_bytes(),
        format!(r#"{{"id":"{ID}","eTag":"1","name":""#)
            .into_bytes()
            .into_iter()
            .chain(*b"\xff\"}")
            .collect(),
    ] {
        assert_eq!(referral(&body).unwrap_err(), Fault::NotJson);
    }
    let parsed = parsed(r#""name":"\ud800","status":"New""#);
    assert_eq!(parsed.value.name, None);
    assert_eq!(parsed.value.status.state, ReferralState::New);
    assert_eq!(parsed.malformed, ["name"]);
}

#[test]
fn a_page_has_at_most_ten_thousand_rows() {
    let page = |rows: usize| {
        let rows = vec!["{}"; rows].join(",");
        serde_json::from_str::<Page>(&format!(r#"{{"value":[{rows}]}}"#))
    };
    assert_eq!(page(10_000).unwrap().value.0.len(), 10_000);
    assert!(page(10_001).is_err());
}
