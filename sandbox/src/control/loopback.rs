//! Keeps web pages away from the control API: they reach loopback ports through names of their own,
//! and across sites.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use url::{Host, Url};

pub(super) async fn only(request: Request, next: Next) -> Response {
    match foreign(request.headers()) {
        None => next.run(request).await,
        Some(name) => {
            let text = format!("the {name} header does not name a loopback address");
            (StatusCode::FORBIDDEN, text).into_response()
        }
    }
}

/// The header that shows the request to come from elsewhere.
fn foreign(headers: &HeaderMap) -> Option<&'static str> {
    let text = |name| headers.get(name).map(|it| it.to_str().unwrap_or_default());
    let host = text(header::HOST).unwrap_or_default();
    if !is_loopback(&format!("http://{host}")) {
        return Some("Host");
    }
    text(header::ORIGIN)
        .is_some_and(|it| !is_loopback(it))
        .then_some("Origin")
}

fn is_loopback(origin: &str) -> bool {
    match Url::parse(origin).as_ref().map(Url::host) {
        Ok(Some(Host::Domain(name))) => name == "localhost",
        Ok(Some(Host::Ipv4(address))) => address.is_loopback(),
        Ok(Some(Host::Ipv6(address))) => address.is_loopback(),
        Ok(None) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_pass() {
        for origin in [
            "http://127.0.0.1:80",
            "http://localhost:1",
            "http://[::1]",
            "http://127.1.2.3",
        ] {
            assert!(is_loopback(origin), "{origin}");
        }
        for origin in [
            "http://",
            "null",
            "http://evil.invalid",
            "http://localhost.evil.invalid",
            "http://127.0.0.1.evil.invalid",
            "http://192.0.2.1",
            "http://0.0.0.0",
        ] {
            assert!(!is_loopback(origin), "{origin}");
        }
    }
}
