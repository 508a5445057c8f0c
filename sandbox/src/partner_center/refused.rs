//! The shapes in which Partner Center refuses: the referral API's, the gateway's, and the older host's.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::faults::Effect;

/// A refusal of the referral API: `{"error":{…}}` (Partner Center, "Error codes").
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    target: Option<&'static str>,
    inner: Option<Value>,
    challenge: bool,
}

impl Refused {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            target: None,
            inner: None,
            challenge: false,
        }
    }

    pub(super) fn invalid(target: &'static str, message: impl Into<String>) -> Self {
        Self {
            target: Some(target),
            ..Self::new(StatusCode::BAD_REQUEST, "invalidRequest", message)
        }
    }

    pub(super) fn not_found() -> Self {
        let message = "The requested resource was not found.";
        Self::new(StatusCode::NOT_FOUND, "itemNotFound", message)
    }

    pub(super) fn denied(message: &str) -> Self {
        Self {
            target: Some("referral"),
            ..Self::new(StatusCode::FORBIDDEN, "accessDenied", message)
        }
    }

    /// The body seen in practice when `If-Match` does not fit, inner code 99918.
    pub(super) fn stale() -> Self {
        let message = "A precondition provided in the request (such as an if-match header) does not match the resource's current state.";
        Self {
            target: Some("ETag"),
            inner: Some(json!({
                "code": "99918",
                "message": "One of the specified pre-condition is not met. Etag value did not Match",
                "details": null,
            })),
            ..Self::new(
                StatusCode::PRECONDITION_FAILED,
                "preconditionFailed",
                message,
            )
        }
    }

    pub(super) fn unauthenticated() -> Self {
        let message = "Caller is not authenticated.";
        Self {
            challenge: true,
            ..Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", message)
        }
    }

    /// A user's token without `mfa` in `amr`.
    pub(super) fn without_second_factor() -> Self {
        Self {
            inner: Some(json!({ "code": "900421", "message": MFA_REQUIRED })),
            ..Self::unauthenticated()
        }
    }

    pub(super) fn unavailable() -> Self {
        let message = "The service is not available. Try the request again after a delay.";
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "serviceNotAvailable",
            message,
        )
    }

    pub(super) fn method() -> Self {
        let message = "The method is not allowed for this resource.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalidRequest", message)
    }

    pub(super) fn media_type() -> Self {
        let message = "The content type is not supported.";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "invalidRequest",
            message,
        )
    }
}

impl Refused {
    fn body(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(target) = self.target {
            error["target"] = target.into();
        }
        if let Some(inner) = &self.inner {
            error["innerError"] = inner.clone();
        }
        json!({ "error": error })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = json_response(self.status, &self.body());
        if self.challenge {
            challenge(&mut response);
        }
        response
    }
}

const CHALLENGE: &str = "Bearer error=\"invalid_token\"";
const MFA_REQUIRED: &str = "MFA required.";

/// A refusal of the older host: `{"code","description","data","source"}`. Of the codes only 900421 is
/// documented; the others repeat the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OldRefused {
    status: StatusCode,
    code: u32,
    description: String,
}

impl OldRefused {
    pub(super) fn new(status: StatusCode, description: impl Into<String>) -> Self {
        Self {
            status,
            code: status.as_u16().into(),
            description: description.into(),
        }
    }

    pub(super) fn without_second_factor() -> Self {
        Self {
            code: 900_421,
            ..Self::new(StatusCode::UNAUTHORIZED, MFA_REQUIRED)
        }
    }
}

impl IntoResponse for OldRefused {
    fn into_response(self) -> Response {
        let body = json!({
            "code": self.code,
            "description": self.description,
            "data": [],
            "source": "PartnerFD",
        });
        let mut response = json_response(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            challenge(&mut response);
        }
        response
    }
}

impl From<Refused> for Effect {
    fn from(refused: Refused) -> Self {
        let challenge = ("www-authenticate".to_owned(), CHALLENGE.to_owned());
        Self::Status {
            code: refused.status.as_u16(),
            headers: refused.challenge.then_some(challenge).into_iter().collect(),
            body: refused.body(),
        }
    }
}

/// The body of the gateway's own 429 (Partner Center, "API throttling guidance").
pub(super) fn throttle_body(seconds: u64) -> Value {
    let message = format!("Rate limit is exceeded. Try again in {seconds} seconds.");
    json!({ "statusCode": 429, "message": message })
}

/// The gateway's own 429.
pub(super) fn throttled(seconds: u64) -> Response {
    let body = throttle_body(seconds);
    let mut response = json_response(StatusCode::TOO_MANY_REQUESTS, &body);
    set(&mut response, header::RETRY_AFTER, &seconds.to_string());
    response
}

pub(super) fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    set(
        &mut response,
        header::CONTENT_TYPE,
        "application/json; charset=utf-8",
    );
    response
}

/// Sets a header whose value was made here or read from a valid one.
pub(super) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn challenge(response: &mut Response) {
    set(response, header::WWW_AUTHENTICATE, CHALLENGE);
}
