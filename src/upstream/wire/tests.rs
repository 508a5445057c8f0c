use http::HeaderValue;
use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn codes_are_found_in_every_envelope() {
    for (body, expected) in [
        (
            json!({"error":{"code":"preconditionFailed","target":"ETag","innerError":{"code":"99918","details":null}}}),
            vec!["preconditionFailed", "99918"],
        ),
        (
            json!({"error":{"code":"unAuthorized","innererror":{"innererror":{"code":"x"}}}}),
            vec!["unAuthorized", "x"],
        ),
        (
            json!({"code":900_421,"description":"d","data":[],"source":"s"}),
            vec!["900421"],
        ),
        (
            json!({"statusCode":429,"message":"Rate limit is exceeded."}),
            vec![],
        ),
        (
            json!({"error":"invalid_grant","error_codes":[700_082],"error_description":"…"}),
            vec!["invalid_grant", "700082"],
        ),
        (
            json!({"error":{"code":"0x80060892","message":"m"}}),
            vec!["0x80060892"],
        ),
        (json!({"error":{"code":"","message":"m"}}), vec![]),
        (json!({"error":{"code":"-2147088238"}}), vec!["-2147088238"]),
        (json!({"error":{"code":"a name: Sue Smith"}}), vec![]),
        (json!([1]), vec![]),
    ] {
        assert_eq!(codes(&body), expected, "{body}");
    }
}

#[test]
fn a_wait_is_read_from_header_or_sentence() {
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let wait = |name: &'static str, value: &'static str| {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )]);
        retry_after(&headers, now).map(|it| it.as_millis())
    };
    assert_eq!(wait("retry-after", "57"), Some(57_000));
    assert_eq!(wait("x-ms-retry-after-ms", "1500"), Some(1500));
    assert_eq!(
        wait("retry-after", "Sun, 22 Nov 2026 12:00:30 GMT"),
        Some(30_000)
    );
    assert_eq!(
        wait("retry-after", "Sun, 22 Nov 2026 11:00:00 GMT"),
        Some(0)
    );
    assert_eq!(wait("retry-after", "soon"), None);

    let message =
        json!({"statusCode":429,"message":"Rate limit is exceeded. Try again in 57 seconds."});
    assert_eq!(try_again_in(&message), Some(Duration::from_secs(57)));
    let minutes = json!({"message":"Try again in 5 minutes."});
    assert_eq!(try_again_in(&minutes), None);
}

#[test]
fn their_clock_counts_for_a_wait_until_a_date() {
    let headers = HeaderMap::from_iter([
        (
            http::header::DATE,
            HeaderValue::from_static("Sun, 22 Nov 2026 12:00:00 GMT"),
        ),
        (
            http::header::RETRY_AFTER,
            HeaderValue::from_static("Sun, 22 Nov 2026 12:00:05 GMT"),
        ),
    ]);
    let ours = "2026-11-22T15:00:00Z".parse().unwrap();
    assert_eq!(retry_after(&headers, ours), Some(Duration::from_secs(5)));
}

fn reply(body: &str) -> Reply {
    Reply {
        status: http::StatusCode::OK,
        headers: HeaderMap::new(),
        body: body.to_owned().into(),
        upstream: crate::upstream::Upstream::PartnerCenter,
        operation: "read referral",
    }
}

#[test]
fn an_unexpected_shape_is_named_by_its_path_and_not_its_data() {
    let error = reply(r#"{"value":[{"id":"Sue Smith"}]}"#)
        .json::<std::collections::HashMap<String, Vec<std::collections::HashMap<String, u8>>>>()
        .unwrap_err();
    assert_eq!(
        crate::failure::Chain(&error).to_string(),
        "Partner Center answered to read referral with an unexpected shape at value[0].id"
    );
}

#[test]
fn what_is_not_json_may_pass_by_itself() {
    use crate::failure::{Classify, Disposition};
    for body in ["<html>", "", "{} trailing", r#"{"a":"#] {
        let error = reply(body).json::<serde_json::Value>().unwrap_err();
        assert_eq!(error.disposition(), Disposition::RETRY, "{body}");
    }
}

proptest! {
    #[test]
    fn an_absurd_wait_is_cut(seconds in any::<u64>()) {
        let mut reply = reply("{}");
        reply.headers.insert(http::header::RETRY_AFTER, seconds.into());
        prop_assert!(reply.refusal().retry_after.unwrap() <= LONGEST_WAIT);
    }
}

fn answer(headers: HeaderMap, body: impl Into<bytes::Bytes>) -> Reply {
    Reply {
        status: http::StatusCode::TOO_MANY_REQUESTS,
        headers,
        body: body.into(),
        upstream: crate::upstream::Upstream::Dataverse,
        operation: "read a lead",
    }
}

#[test]
fn no_wait_is_longer_than_a_day() {
    for (name, value) in [
        ("retry-after", "18446744073709551615"),
        ("retry-after", "Wed, 29 Dec 9999 00:00:00 GMT"),
        ("x-ms-retry-after-ms", "18446744073709551615"),
    ] {
        let name = http::HeaderName::from_static(name);
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        let wait = answer(headers, "").refusal().retry_after;
        assert_eq!(wait, Some(LONGEST_WAIT), "{value}");
    }
    let sentence = r#"{"message":"Try again in 18446744073709551615 seconds."}"#;
    let wait = answer(HeaderMap::new(), sentence).refusal().retry_after;
    assert_eq!(wait, Some(LONGEST_WAIT));
}

#[test]
fn a_wait_that_makes_no_sense_is_none() {
    for value in [
        "",
        "-1",
        "1.5",
        "NaN",
        "18446744073709551616",
        "Sun, 31 Feb 2027 00:00:00 GMT",
        "Sun, 22 Nov 99999 00:00:00 GMT",
        "2026-11-22T12:00:00Z",
    ] {
        let headers =
            HeaderMap::from_iter([(http::header::RETRY_AFTER, HeaderValue::from_static(value))]);
        assert_eq!(answer(headers, "").refusal().retry_after, None, "{value}");
    }
}

#[test]
fn an_error_answer_of_megabytes_or_any_depth_says_nothing() {
    let nested = |count: usize| {
        let open = r#"{"innererror":"#.repeat(count);
        format!(r#"{{"error":{open}{{"code":"x"}}{}}}"#, "}".repeat(count))
    };
    assert_eq!(answer(HeaderMap::new(), nested(100)).refusal().codes, ["x"]);
    for body in [
        nested(100_000),
        "[".repeat(100_000),
        format!(r#"{{"code":"x","a":"{}"}}"#, "a".repeat(300_000)),
        r#"{"code":1e999999999}"#.to_owned(),
    ] {
        let refusal = answer(HeaderMap::new(), body).refusal();
        assert!(refusal.codes.is_empty());
        assert!(!refusal.is_document);
    }
}

#[test]
fn an_answer_of_any_depth_or_with_any_number_is_read_or_refused() {
    for body in [
        "[".repeat(8_000_000),
        r#"{"a":"#.repeat(1_000_000),
        "1e999999999".to_owned(),
        "\u{feff}{}".to_owned(),
        "NaN".to_owned(),
    ] {
        let error = answer(HeaderMap::new(), body).json::<Value>().unwrap_err();
        assert!(matches!(error, CallError::NotJson { .. }));
    }
}
