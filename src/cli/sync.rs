//! `sync`: syncs one referral now.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::output::{Tone, complain, complain_about, say, say_json, toned, watched};
use super::{Exit, config};
use crate::app::App;
use crate::failure::{Chain, Classify};
use crate::ids::ReferralId;
use crate::sync::dead_letters::Subject;
use crate::sync::{SyncError, SyncReport};
use crate::upstream::calls::CallRecord;

/// How long one referral may take when a person waits for it.
const BUDGET: Duration = Duration::from_mins(1);

/// Sync one referral now, as its webhook event would.
///
/// Reads the referral and its lead, and writes what differs, within what `SYNC_MODE` allows. Once they are in step a dead
/// letter about the referral is removed.
/// Exit codes: 0 in step, 1 it cannot be synced as it is, 64 unusable arguments or settings,
/// 75 try again later, 78 a person has to put a credential or permission right.
#[derive(Debug, clap::Args)]
pub(super) struct SyncArgs {
    /// The referral's id, a GUID.
    #[arg(value_name = "REFERRAL_ID")]
    referral: ReferralId,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: SyncArgs) -> Exit {
    let app = match config().and_then(App::build) {
        Ok(app) => app,
        Err(error) => {
            complain_about(&error);
            return Exit::Usage;
        }
    };
    let syncing = app
        .flights
        .sync(args.referral, None, Instant::now() + BUDGET);
    let result = watched("syncing", syncing).await;
    match result {
        Ok(report) => {
            show(&args, &report);
            settle(&app, args.referral).await
        }
        Err(error) => {
            show_error(&args, &error);
            error.disposition().into()
        }
    }
}

/// A referral that is in step needs no dead letter.
async fn settle(app: &App, referral: ReferralId) -> Exit {
    match app.letters.remove(Subject::Referral(referral)).await {
        Ok(_) => Exit::Success,
        Err(error) => {
            complain(&format!(
                "referral {referral}: it is in step, but {}",
                Chain(&error)
            ));
            error.disposition().into()
        }
    }
}

fn show(args: &SyncArgs, report: &SyncReport) {
    let calls = report.calls.iter().map(call).collect::<Vec<_>>();
    if args.json {
        say_json(&json!({
            "referralId": args.referral.to_string(),
            "leadId": report.lead.map(|id| id.to_string()),
            "outcome": report.outcome.word(),
            "reason": report.outcome.reason(),
            "reports": report.reports.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "calls": calls,
        }));
        return;
    }
    let lead = report
        .lead
        .map_or_else(|| "no lead".to_owned(), |id| format!("lead {id}"));
    let reason = report
        .outcome
        .reason()
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    say(&format!(
        "referral {}: {}{reason}, {lead}",
        args.referral,
        toned(Tone::Strong, report.outcome.word())
    ));
    for report in &report.reports {
        say(&format!("  note: {report}"));
    }
    for call in calls {
        say(&format!("  {}", toned(Tone::Faint, &call)));
    }
}

fn call(call: &CallRecord) -> String {
    let status = call
        .status
        .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    format!(
        "{}: {} → {status} in {} ms",
        call.upstream,
        call.operation,
        call.elapsed.as_millis()
    )
}

fn show_error(args: &SyncArgs, error: &SyncError) {
    let text = Chain(error).to_string();
    if args.json {
        say_json(&json!({ "referralId": args.referral.to_string(), "error": text }));
    } else {
        complain(&format!("referral {}: {text}", args.referral));
    }
}
