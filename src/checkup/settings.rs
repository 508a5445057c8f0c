//! The settings themselves.

use super::{Finding, Visit};
use crate::callback::RevocationMode;
use crate::config::{ConfigError, Grant};

const SETTINGS: &str = "settings";

pub(super) const CODES: &[&str] = &[SETTINGS];

#[expect(clippy::unused_async, reason = "every topic is asked in the same way")]
pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let config = &visit.app.config;
    let options = &config.sync.options;
    let writes = if options.may_write_referrals() {
        "referrals are written to"
    } else {
        "nothing is written to Partner Center"
    };
    let mode = options.mode.word();
    let mut findings = vec![Finding::ok(
        SETTINGS,
        format!("all readable; SYNC_MODE is {mode}, and {writes}"),
    )];
    if matches!(config.partner_center.grant, Grant::Password { .. }) {
        let warning = Finding::warning(
            SETTINGS,
            "signing in by password knows no second factor, and Microsoft is ending it",
            "consent once and set PARTNER_CENTER_GRANT to refresh_token",
        );
        findings.push(warning.about("PARTNER_CENTER_GRANT"));
    }
    if config.callback.revocation == RevocationMode::Off {
        let warning = Finding::warning(
            SETTINGS,
            "a signing certificate that was revoked would still be accepted",
            "set CALLBACK_REVOCATION to soft or hard",
        );
        findings.push(warning.about("CALLBACK_REVOCATION"));
    }
    findings
}

/// What is found when there is nothing to check up on, because these settings are wrong.
pub fn wrong(error: &ConfigError) -> Vec<Finding> {
    let advice = "put this setting right; docs/settings.md describes it";
    let problems = error.problems.iter();
    problems
        .map(|problem| Finding::failed(SETTINGS, problem, advice))
        .collect()
}
