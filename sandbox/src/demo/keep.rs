//! Leaves everything running, with lines to paste into another terminal.

use anyhow::{Context, Result};

use super::stage::Stage;
use crate::screen::{Screen, Tone, line};

/// Prints the lines and waits for Ctrl-C.
pub(super) async fn keep(screen: Screen, stage: &Stage, referral: &str) -> Result<()> {
    line("")?;
    line(&screen.paint(
        Tone::Strong,
        "Everything keeps running until Ctrl-C. In another terminal:",
    ))?;
    for (purpose, command) in lines(stage, referral) {
        line("")?;
        line(&screen.paint(Tone::Faint, &format!("# {purpose}")))?;
        line(&command)?;
    }
    line("")?;
    let mut shown = stage.host.logs().len();
    let stopped = tokio::signal::ctrl_c();
    tokio::pin!(stopped);
    loop {
        let next = stage.host.logs_after(shown);
        tokio::select! {
            lines = next => {
                shown += lines.len();
                lines.iter().try_for_each(|line| screen.text(Tone::Faint, &line.text))?;
            }
            signal = &mut stopped => return signal.context("wait for Ctrl-C"),
        }
    }
}

/// What each line is for, and the line.
fn lines(stage: &Stage, referral: &str) -> Vec<(&'static str, String)> {
    let control = stage.sandbox.control_url();
    let host = stage.host.url();
    let json = "-H 'content-type: application/json'";
    let edit = r#"{"customerProfile":{"address":{"city":"Rostock"}}}"#;
    let sell = r#"{"jobtitle":"Head of plants"}"#;
    let fault = r#"{"service":"dataverse","times":2,"when":"before","effect":{"status":{"code":503,"headers":{},"body":null}}}"#;
    vec![
        (
            "the lead as it is now",
            format!("curl -s {control}leads/{referral}"),
        ),
        (
            "the referral as it is now",
            format!("curl -s {control}referrals/{referral}"),
        ),
        (
            "edit the referral; Partner Center sends a signed referral-updated",
            format!("curl -s -X PATCH {control}referrals/{referral} {json} -d '{edit}'"),
        ),
        (
            "a seller edits the lead",
            format!("curl -s -X PATCH {control}leads/{referral} {json} -d '{sell}'"),
        ),
        (
            "another referral",
            format!("curl -s -X POST {control}referrals {json} -d '{{}}'"),
        ),
        (
            "let Dynamics fail twice",
            format!("curl -s -X POST {control}faults {json} -d '{fault}'"),
        ),
        (
            "every call the connector has made",
            format!("curl -s {control}requests"),
        ),
        (
            "an unsigned event, straight to the webhook",
            format!("curl -si -X POST '{}' {json} -d '{{}}'", stage.webhook),
        ),
        (
            "run the timer that renews the Partner Center token",
            format!(
                "curl -si -X POST {host}admin/functions/TokenRenewal -H 'x-functions-key: {}' {json} -d '{{}}'",
                stage.host.master_key()
            ),
        ),
    ]
}
