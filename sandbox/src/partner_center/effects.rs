//! Partner Center's refusals, to be injected as faults.

use super::refused::{Refused, throttle_body};
use crate::faults::Effect;

/// The gateway's 429 with `Retry-After`, in the gateway's own envelope.
pub fn throttled(seconds: u64) -> Effect {
    Effect::Status {
        code: 429,
        headers: [("retry-after".to_owned(), seconds.to_string())].into(),
        body: throttle_body(seconds),
    }
}

/// 412 with inner code 99918, even when the eTag is the newest: it was seen in practice.
pub fn stale() -> Effect {
    Refused::stale().into()
}

/// 401 with inner code 900421: the token's user signed in without a second factor.
pub fn second_factor_required() -> Effect {
    Refused::without_second_factor().into()
}

/// 401: the token is not accepted any more.
pub fn unauthenticated() -> Effect {
    Refused::unauthenticated().into()
}

/// 403: the user lost the referral role.
pub fn denied() -> Effect {
    Refused::denied("Caller is not authorized to access the resource.").into()
}

/// 503 in the API's envelope.
pub fn unavailable() -> Effect {
    Refused::unavailable().into()
}
