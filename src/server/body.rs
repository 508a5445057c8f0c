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

/// How much of a body that is too large is read and thrown away: the host, which is still sending it, would take an
/// answer with a closed connection for a crash.
const SPILL: usize = 1024 * 1024;

/// The whole body of `request`, or why it was not taken. More than `limit` bytes are never held.
pub(super) async fn read(request: Request, limit: usize) -> Result<Bytes, Code> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    let mut body = request.into_body();
    let taken = if announced.is_some_and(|length| limit < length) {
        Err(Code::TooLarge)
    } else {
        let collected = collect(Limited::new(&mut body, limit));
        let bounded = tokio::time::timeout(DEADLINE, collected).await;
        bounded.unwrap_or(Err(Code::TooSlow))
    };
    if taken == Err(Code::TooLarge) {
        // However far it came: the answer is the same.
        let _ = tokio::time::timeout(DEADLINE, spill(body)).await;
    }
    taken
}

async fn spill(mut body: Body) {
    let mut left = SPILL;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(length) else {
            return;
        };
        left = rest;
    }
}

async fn collect(body: Limited<&mut Body>) -> Result<Bytes, Code> {
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
