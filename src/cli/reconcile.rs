//! `reconcile`: looks for what no event told, now.

use std::time::Duration;

use jiff::{SignedDuration, SignedDurationRound, Timestamp, Unit};
use serde_json::{Value, json};

use super::output::{Tone, complain, complain_about, field, say, say_json, toned, watched};
use super::{Exit, config};
use crate::app::App;
use crate::sync::reconcile::{Ended, ReconcileReport, Scope, Told};

/// How long it may go on: a first import of tens of thousands takes hours.
const BUDGET: SignedDuration = SignedDuration::from_hours(24);
/// The pause after the function app's own pass got in between.
const PAUSE: Duration = Duration::from_secs(10);
/// How often it goes on after that.
const OVERTAKEN: u32 = 100;

/// Look for what no event told, and sync it: the timer does the same every few minutes.
///
/// Lists what changed on either side since the last time, whoever looked; the first time, every referral that is open. What
/// cannot be synced now waits in the queue, as ever.
/// Exit codes: 0 everything is settled, 1 something cannot be done, 64 unusable arguments or settings, 75 try again later,
/// 78 a person has to put a credential or permission right.
#[derive(Debug, clap::Args)]
pub(super) struct ReconcileArgs {
    /// Look at what changed at this time or later, such as 2026-11-01T00:00:00Z, whether it is known or not.
    #[arg(long, value_name = "TIME", conflicts_with = "all")]
    since: Option<Timestamp>,
    /// Look at every referral, closed ones too, whether it is known or not: after a change of the settings.
    #[arg(long)]
    all: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: ReconcileArgs) -> Exit {
    let app = match config().and_then(App::build) {
        Ok(app) => app,
        Err(error) => {
            complain_about(&error);
            return Exit::Usage;
        }
    };
    let scope = match args.since {
        Some(since) => Scope::Since(since),
        None if args.all => Scope::All,
        None => Scope::Continue,
    };
    let work = Box::pin(reconcile(&app, scope));
    let report = watched("looking for what no event told", work).await;
    if args.json {
        say_json(&object(&report));
    } else {
        table(&report);
    }
    report.disposition().map_or(Exit::Success, Exit::from)
}

async fn reconcile(app: &App, scope: Scope) -> ReconcileReport {
    let deadline = Timestamp::now() + BUDGET;
    let mut report = app.reconciler.run_until(scope, deadline).await;
    for _ in 0..OVERTAKEN {
        if report.ended != Ended::Overtaken {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        let next = app.reconciler.run_until(scope, deadline).await;
        report = report.and(next);
    }
    report
}

fn table(report: &ReconcileReport) {
    let line = |name: &str, value: String| field(13, name, &value);
    let kind = if report.first_import {
        ", the first import"
    } else {
        ""
    };
    let (referrals, leads) = (report.referrals, report.leads);
    line(
        "looked at",
        format!("{referrals} referrals, {leads} leads{kind}"),
    );
    line("in step", (report.in_step + report.unchanged).to_string());
    line("healed", healed(report));
    for (name, count) in [
        ("passed over", report.passed_over),
        ("parked", report.parked),
        ("dead letters", report.dead_lettered),
        ("refused", report.refused),
        ("unreadable", report.unreadable),
        ("poisoned", report.poisoned),
        ("forgotten", report.forgotten),
    ] {
        if count > 0 {
            line(name, count.to_string());
        }
    }
    if let Some(late) = report.late {
        line("oldest", format!("changed {:#} ago", whole_seconds(late)));
    }
    if let Some(count) = report.events_not_arriving {
        line(
            "warning",
            toned(
                Tone::Doubtful,
                &format!(
                    "{count} changes within a day came without an event: is the webhook registered?"
                ),
            ),
        );
    }
    line("ended", ended(report.ended).to_owned());
    for it in &report.told {
        say(&format!(
            "  referral {}: {} ({})",
            it.referral,
            it.word,
            it.notes.join("; ")
        ));
    }
    for problem in &report.problems {
        complain(&problem.text);
    }
}

fn healed(report: &ReconcileReport) -> String {
    if report.healed.is_empty() {
        return "0".to_owned();
    }
    let counts = report.healed.iter();
    let counts: Vec<_> = counts
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    counts.join(", ")
}

const fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Complete => "everything was looked at",
        Ended::OutOfTime => "the time was over; the next pass goes on from there",
        Ended::Trouble => "too much failed; the next pass goes on from there",
        Ended::Overtaken => "another pass goes on at the same time",
    }
}

fn object(report: &ReconcileReport) -> Value {
    json!({
        "ended": report.ended.word(),
        "firstImport": report.first_import,
        "referrals": report.referrals,
        "leads": report.leads,
        "inStep": report.in_step,
        "unchanged": report.unchanged,
        "passedOver": report.passed_over,
        "healed": report.healed,
        "parked": report.parked,
        "deadLettered": report.dead_lettered,
        "refused": report.refused,
        "unreadable": report.unreadable,
        "poisoned": report.poisoned,
        "forgotten": report.forgotten,
        "oldestSeconds": report.late.map(|late| late.as_secs()),
        "eventsNotArriving": report.events_not_arriving,
        "told": report.told.iter().map(told).collect::<Vec<_>>(),
        "problems": report.problems.iter().map(|problem| &problem.text).collect::<Vec<_>>(),
    })
}

fn told(told: &Told) -> Value {
    json!({
        "referralId": told.referral.to_string(),
        "code": told.word,
        "notes": told.notes,
    })
}

fn whole_seconds(duration: SignedDuration) -> SignedDuration {
    let rounding = SignedDurationRound::new().smallest(Unit::Second);
    duration.round(rounding).unwrap_or(duration)
}
