//! Which function a path belongs to, as the host's router sees it.

use http::Method;

use super::app::App;
use super::function::{Function, Trigger};

/// The HTTP function that answers this method and decoded path: letter case and a trailing slash do not matter.
pub(super) fn find<'a>(app: &'a App, method: &Method, path: &str) -> Option<&'a Function> {
    app.functions
        .iter()
        .find(|function| match &function.trigger {
            Trigger::Http { route, methods, .. } => {
                (methods.is_empty() || methods.contains(method))
                    && matches(&app.config.route_prefix, route, path)
            }
            Trigger::Timer { .. } | Trigger::Queue { .. } => false,
        })
}

fn matches(prefix: &str, route: &str, path: &str) -> bool {
    let template = [prefix, route]
        .into_iter()
        .flat_map(|part| part.split('/'))
        .filter(|part| !part.is_empty());
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut sent = path.split('/');
    for expected in template {
        if expected.starts_with("{*") {
            return true;
        }
        let is_parameter = expected.starts_with('{');
        match sent.next() {
            Some(segment) if is_parameter && !segment.is_empty() => {}
            Some(segment) if segment.eq_ignore_ascii_case(expected) => {}
            _ => return false,
        }
    }
    sent.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_matches_in_any_letter_case_and_with_a_trailing_slash() {
        for path in [
            "/api/ReferralWebhook",
            "/API/referralwebhook",
            "/api/ReferralWebhook/",
        ] {
            assert!(matches("api", "ReferralWebhook", path), "{path}");
        }
        for path in [
            "/",
            "/api",
            "/ReferralWebhook",
            "/api/ReferralWebhook/x",
            "/api//ReferralWebhook",
        ] {
            assert!(!matches("api", "ReferralWebhook", path), "{path}");
        }
    }

    #[test]
    fn a_catch_all_below_an_empty_prefix_takes_every_path() {
        assert!(matches("", "{*rest}", "/TokenRenewal"));
        assert!(!matches("api", "{*rest}", "/TokenRenewal"));
        assert!(matches("api", "things/{id}", "/api/things/1"));
    }
}
