//! Reads a request's body, with a limit and a deadline.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::code::Code;

/// How long a body may take to arrive. The host has it already, so this only ends what is broken.
const DEADLINE: Duration = Duration::from_secs(5);

/// The whole body of `request`, or why it was not taken. More than `limit` bytes are never held.
pub(super) async fn read(request: Request, limit: usize) -> Result<Bytes, Code> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| limit < length) {
        return Err(Code::TooLarge);
    }
    let body = Limited::new(request.into_body(), limit);
    match tokio::time::timeout(DEADLINE, collect(body)).await {
        Err(_) => Err(Code::TooSlow),
        Ok(result) => result,
    }
}

async fn collect(body: Limited<Body>) -> Result<Bytes, Code> {
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Code::TooLarge),
        Err(_) => Err(Code::TooSlow),
    }
}

/// Whether `request` says that its body is compressed, or otherwise not the bytes that were signed.
pub(super) fn is_encoded(request: &Request) -> bool {
    request
        .headers()
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}
