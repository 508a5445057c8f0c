//! What the code and `host.json` have to agree on.

use std::path::Path;
use std::time::Duration;

use referral_connector::server::{RENEWAL_BUDGET, WEBHOOK_BUDGET};
use serde_json::Value;

use crate::rig::APP_ROOT;

fn host_json() -> Value {
    let text = std::fs::read_to_string(Path::new(APP_ROOT).join("host.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// `hh:mm:ss`.
fn span(text: &str) -> Duration {
    let parts: Vec<u64> = text.split(':').map(|part| part.parse().unwrap()).collect();
    Duration::from_secs(parts[0] * 3600 + parts[1] * 60 + parts[2])
}

#[test]
fn every_budget_ends_well_before_the_host_would_kill_the_program() {
    let timeout = span(host_json()["functionTimeout"].as_str().unwrap());
    for budget in [WEBHOOK_BUDGET, RENEWAL_BUDGET] {
        assert!(
            budget + Duration::from_secs(30) < timeout,
            "{budget:?} of {timeout:?}"
        );
    }
}

#[test]
fn both_ways_of_passing_http_on_are_asked_for() {
    let handler = &host_json()["customHandler"];
    assert_eq!(handler["enableProxyingHttpRequest"], true);
    assert_eq!(handler["enableForwardingHttpRequest"], true);
    assert_eq!(
        handler["description"]["defaultExecutablePath"],
        "referral-connector"
    );
    assert_eq!(
        handler["description"]["arguments"],
        serde_json::json!(["serve"])
    );
}
