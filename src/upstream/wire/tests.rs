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
