//! Which path is which function. HTTP functions live under `/api/`, where the host puts callers from outside;
//! triggers live at the root, which no caller from outside reaches.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use http::Method;

use super::code::Code;
use super::invocation::Invocation;
use super::readiness::Readiness;
use super::respond::{Answer, Done};
use super::{queue, timer, webhook};
use crate::trace;

/// Everything this program answers.
pub(super) fn router(readiness: Arc<Readiness>) -> Router {
    Router::new().fallback(dispatch).with_state(readiness)
}

async fn dispatch(State(readiness): State<Arc<Readiness>>, request: Request) -> Response {
    let invocation = Invocation::new(request.headers(), Instant::now());
    let path = normalised(request.uri().path());
    let answer = answer(Arc::clone(&readiness), invocation, &path, request);
    let mut response = trace::within(invocation.trace(), answer).await;
    let done = response.extensions_mut().remove::<Done>();
    if let (Some(function), Some(done)) = (function(&path), done) {
        readiness.trace(function, &invocation, done);
    }
    response
}

/// The function at `path`, as the host calls it.
fn function(path: &str) -> Option<&'static str> {
    Some(match path {
        "/api/referralwebhook" => "ReferralWebhook",
        "/tokenrenewal" => "TokenRenewal",
        "/referralreconcile" => "ReferralReconcile",
        "/referralretry" => "ReferralRetry",
        _ => return None,
    })
}

async fn answer(
    readiness: Arc<Readiness>,
    invocation: Invocation,
    path: &str,
    request: Request,
) -> Response {
    let method = request.method().clone();
    match (path, method) {
        // The host's question whether we are up: asked every 25 ms at start, and depends on nothing.
        ("/", Method::GET | Method::HEAD) => Answer::new(Code::Up).respond(&invocation),
        ("/api/referralwebhook", Method::POST) => {
            webhook::receive(readiness, invocation, request).await
        }
        ("/api/referralwebhook", _) => {
            Answer::new(Code::MethodNotAllowed).log_and_respond(&invocation)
        }
        ("/tokenrenewal", Method::POST) => {
            timer::renew_tokens(readiness, invocation, request).await
        }
        ("/referralreconcile", Method::POST) => {
            timer::reconcile(readiness, invocation, request).await
        }
        ("/referralretry", Method::POST) => queue::retry(readiness, invocation, request).await,
        _ => Answer::new(Code::NotFound).log_and_respond(&invocation),
    }
}

/// Tools print the function's address in lower case, people add a slash.
fn normalised(path: &str) -> String {
    let path = path.to_ascii_lowercase();
    match path.strip_suffix('/') {
        Some(trimmed) if !trimmed.is_empty() => trimmed.to_owned(),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn letter_case_and_a_trailing_slash_do_not_matter() {
        assert_eq!(normalised("/API/ReferralWebhook/"), "/api/referralwebhook");
        assert_eq!(normalised("/"), "/");
    }

    #[test]
    fn a_trigger_is_not_reached_through_the_outside_prefix() {
        for path in [
            "/api/TokenRenewal",
            "//tokenrenewal",
            "/api/../tokenrenewal",
            "/tokenrenewal//",
            "/api/ReferralReconcile",
            "/api/ReferralRetry",
        ] {
            let trigger = ["/tokenrenewal", "/referralreconcile", "/referralretry"];
            assert!(!trigger.contains(&&*normalised(path)), "{path}");
        }
    }
}
