//! Somebody's webhook, as a Teams workflow has one: takes any JSON that is posted, and says 202 without a body. What was
//! posted is in the request log.

use axum::{
    Router,
    body::Bytes,
    http::{Method, StatusCode},
};
use serde_json::Value;

/// The service's routes.
pub fn router() -> Router {
    Router::new().fallback(take)
}

async fn take(method: Method, body: Bytes) -> StatusCode {
    if method != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    match serde_json::from_slice::<Value>(&body) {
        Ok(_) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}
