//! Partner Center's own word on whether a sign-in had the second factor that it demands: asked for with one header, told in another.

use http::{HeaderName, HeaderValue};

use super::{Call, CallError, Reply};

const VALIDATE: HeaderName = HeaderName::from_static("validatemfa");
const COMPLIANT: HeaderName = HeaderName::from_static("ismfacompliant");
/// The code of a call that is refused for the want of it.
const REQUIRED: &str = "900421";

/// `call`, which asks for that word too.
pub(super) fn validated(call: Call) -> Call {
    call.header(VALIDATE, HeaderValue::from_static("true"))
}

/// What the answer says about it, if it says anything.
pub(super) fn compliant(reply: &Reply) -> Option<bool> {
    let told = reply.headers.get(COMPLIANT)?.to_str().ok()?;
    told.trim().to_ascii_lowercase().parse().ok()
}

/// Whether the user's token was refused for the way it was signed in for.
pub(super) fn is_missing(error: &CallError) -> bool {
    error
        .refusal()
        .is_some_and(|refusal| refusal.has_code(REQUIRED))
}
