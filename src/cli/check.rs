//! `check`: says whether the connector could work as it is set up.

use std::error::Error;
use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::config;
use super::output::{say, say_json};
use crate::app::App;
use crate::failure::{Chain, Classify, Disposition};
use crate::upstream::storage::RETRY_QUEUE;

/// Check the settings and every system the connector talks to.
///
/// Prints one verdict a line. Only reads, but for the storage account: there a small blob is written and deleted again, and
/// the container and the queue are made if they are not there. Exit codes: 0 all is well, 2 something failed.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Print one JSON object: {"verdict":"ok"|"failed","checks":[{"check","result","detail","advice"},…]}.
    #[arg(long)]
    json: bool,
}

/// One line of the verdict.
struct Line {
    check: &'static str,
    ok: bool,
    detail: String,
    /// The one thing to do.
    advice: Option<&'static str>,
}

pub(super) async fn run(args: CheckArgs) -> ExitCode {
    let lines = match config().and_then(App::build) {
        Ok(app) => {
            let mut lines = vec![line("settings", "all readable".to_owned())];
            lines.extend(upstreams(&app).await);
            lines
        }
        Err(error) => error.problems.into_iter().map(wrong_setting).collect(),
    };
    let ok = lines.iter().all(|line| line.ok);
    if args.json {
        let checks: Vec<Value> = lines.iter().map(Line::json).collect();
        say_json(&json!({ "verdict": verdict(ok), "checks": checks }));
    } else {
        lines.iter().for_each(Line::print);
    }
    ExitCode::from(if ok { 0 } else { 2 })
}

async fn upstreams(app: &App) -> Vec<Line> {
    vec![
        probe("refresh_token", app.renewal.token_age(), |age| match age {
            Some(age) => format!(
                "stored {} days ago; usable for {} days unless renewed",
                days(age.age),
                days(age.usable_for)
            ),
            None => "none is used".to_owned(),
        })
        .await,
        probe("partner_center", app.partner_center.probe(), |()| {
            "signed in; referrals can be listed".to_owned()
        })
        .await,
        probe("dataverse", app.dataverse.who_am_i(), |identity| {
            format!("signed in as user {}", identity.user)
        })
        .await,
        probe("leads", app.dataverse.any_lead(), |any| {
            if any {
                "can be read"
            } else {
                "can be read; there are none yet"
            }
            .to_owned()
        })
        .await,
        probe("lead_columns", app.dataverse.schema(), |schema| {
            format!(
                "{} text columns, {} choices, {} status reasons known",
                schema.lengths.len(),
                schema.choices.len(),
                schema.status_reasons.len()
            )
        })
        .await,
        probe("blobs", app.storage.blobs().probe(), |()| {
            "can be written, read and deleted".to_owned()
        })
        .await,
        probe("queue", app.storage.queue(RETRY_QUEUE).probe(), |()| {
            format!("{RETRY_QUEUE} is there")
        })
        .await,
    ]
}

async fn probe<T, E: Classify>(
    check: &'static str,
    call: impl Future<Output = Result<T, E>>,
    found: impl FnOnce(T) -> String,
) -> Line {
    match call.await {
        Ok(value) => line(check, found(value)),
        Err(error) => Line {
            check,
            ok: false,
            detail: Chain(&error as &dyn Error).to_string(),
            advice: Some(advice(error.disposition())),
        },
    }
}

const fn advice(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Retry { .. } => {
            "nothing yet: this may pass; run the check again in some minutes"
        }
        Disposition::Permanent => "report this with the line above: the answer was not understood",
        Disposition::Misconfigured => {
            "put the credential or permission named above right, then run the check again"
        }
    }
}

fn days(duration: Duration) -> u64 {
    duration.as_secs() / (24 * 60 * 60)
}

fn wrong_setting(problem: String) -> Line {
    Line {
        check: "settings",
        ok: false,
        detail: problem,
        advice: Some("put this setting right; docs/settings.md describes it"),
    }
}

const fn line(check: &'static str, detail: String) -> Line {
    Line {
        check,
        ok: true,
        detail,
        advice: None,
    }
}

const fn verdict(ok: bool) -> &'static str {
    if ok { "ok" } else { "failed" }
}

impl Line {
    fn json(&self) -> Value {
        json!({
            "check": self.check,
            "result": verdict(self.ok),
            "detail": self.detail,
            "advice": self.advice,
        })
    }

    fn print(&self) {
        say(&format!(
            "{:<7} {:<15} {}",
            verdict(self.ok),
            self.check,
            self.detail
        ));
        if let Some(advice) = self.advice {
            say(&format!("{:23} → {advice}", ""));
        }
    }
}
