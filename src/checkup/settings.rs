//! The settings themselves.

use super::{Finding, Visit};
use crate::config::ConfigError;

const SETTINGS: &str = "settings";

pub(super) const CODES: &[&str] = &[SETTINGS];

#[expect(clippy::unused_async, reason = "every topic is asked in the same way")]
pub(super) async fn findings(_: &Visit<'_>) -> Vec<Finding> {
    vec![Finding::ok(SETTINGS, "all readable")]
}

/// What is found when there is nothing to check up on, because these settings are wrong.
pub fn wrong(error: &ConfigError) -> Vec<Finding> {
    let advice = "put this setting right; docs/settings.md describes it";
    let problems = error.problems.iter();
    problems
        .map(|problem| Finding::failed(SETTINGS, problem, advice))
        .collect()
}
