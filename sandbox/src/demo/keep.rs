//! Leaves everything running, with lines to paste into another terminal.

use anyhow::{Context, Result};

use super::stage::Stage;
use crate::screen::{Screen, Tone, line, uncoloured};

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
                lines.iter().try_for_each(|line| screen.wrapped(Tone::Faint, &uncoloured(&line.text)))?;
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
    let send = |method: &str, path: &str, body: &str| {
        format!("curl -s -X {method} {control}{path} {json} -d '{body}'")
    };
    let (lead, its) = (format!("leads/{referral}"), format!("referrals/{referral}"));
    let event = |kind: &str| {
        format!(r#"{{"kind":"{kind}","event":"referral-updated","referral":"{referral}"}}"#)
    };
    vec![
        ("the lead as it is now", format!("curl -s {control}{lead}")),
        (
            "the referral as it is now",
            format!("curl -s {control}{its}"),
        ),
        (
            "edit the referral; Partner Center sends a signed referral-updated",
            send(
                "PATCH",
                &its,
                r#"{"customerProfile":{"address":{"city":"Rostock"}}}"#,
            ),
        ),
        (
            "a seller edits the lead",
            send("PATCH", &lead, r#"{"jobtitle":"Head of plants"}"#),
        ),
        ("another referral arrives", send("POST", "referrals", "{}")),
        ("a signed event", send("POST", "events", &event("signed"))),
        (
            "an event changed after it was signed",
            send("POST", "events", &event("tampered")),
        ),
        (
            "let Dynamics fail twice",
            send(
                "POST",
                "faults",
                r#"{"service":"dataverse","times":2,"effect":{"status":{"code":503}}}"#,
            ),
        ),
        (
            "every call the connector has made",
            format!("curl -s {control}requests"),
        ),
        (
            "every event, attempt by attempt",
            format!("curl -s {control}events"),
        ),
        (
            "run the timer that renews the Partner Center sign-in",
            format!(
                "curl -si -X POST {host}admin/functions/TokenRenewal -H 'x-functions-key: {}' {json} -d '{{}}'",
                stage.host.master_key()
            ),
        ),
    ]
}
