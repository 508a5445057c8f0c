//! `check`: says whether the connector could work as it is set up.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::config;
use super::output::{Tone, say_json, table, toned, watched};
use crate::app::App;
use crate::checkup::{self, Finding, Level, PATIENCE, Scope, Terms};

/// Check the settings and every system the connector talks to.
///
/// Prints one line a finding: ok, warning or failed, and what to do. docs/checkup.md explains every code word.
///
/// Only reads, but for the storage account: there a small blob is written and deleted again, and the container and the
/// queue are made if they are not there. Exit codes: 0 all is well, 1 there are warnings, 2 something failed.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Print one JSON object: {"verdict","findings":[{"code","about","level","detail","advice","deadline"},…]}.
    #[arg(long)]
    json: bool,
    /// How long each topic is looked into, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE.as_secs(), value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
    /// Where the certificate is that signs events now, instead of where the last delivery said.
    #[arg(long, value_name = "URL")]
    certificate_url: Option<Url>,
}

pub(super) async fn run(args: CheckArgs) -> ExitCode {
    let terms = Terms {
        scope: Scope::Full,
        patience: Duration::from_secs(args.timeout),
    };
    let findings = match config().and_then(App::build) {
        Ok(app) => {
            let looking = checkup::look_at(&app, terms, args.certificate_url.as_ref());
            watched("looking into everything", looking).await
        }
        Err(error) => checkup::wrong_settings(&error),
    };
    let worst = findings.iter().map(|it| it.level).max();
    let worst = worst.unwrap_or(Level::Ok);
    if args.json {
        let findings: Vec<Value> = findings.iter().map(json).collect();
        say_json(&json!({ "verdict": worst.word(), "findings": findings }));
    } else {
        table(&[], &findings.iter().flat_map(rows).collect::<Vec<_>>());
    }
    ExitCode::from(match worst {
        Level::Ok => 0,
        Level::Warning => 1,
        Level::Failed => 2,
    })
}

fn json(finding: &Finding) -> Value {
    json!({
        "code": finding.code,
        "about": finding.about,
        "level": finding.level.word(),
        "detail": finding.detail,
        "advice": finding.advice,
        "deadline": finding.deadline.map(|it| it.to_string()),
    })
}

/// What was found, and below it what to do.
fn rows(finding: &Finding) -> Vec<Vec<(Option<Tone>, String)>> {
    let about = finding.about.as_deref().map(|it| format!("{it}: "));
    let detail = format!("{}{}", about.unwrap_or_default(), finding.detail);
    let mut rows = vec![vec![
        (Some(finding.level.into()), finding.level.word().to_owned()),
        (None, finding.code.to_owned()),
        (None, detail),
    ]];
    if let Some(advice) = &finding.advice {
        let advice = format!("→ {}", toned(Tone::Strong, advice));
        rows.push(vec![
            (None, String::new()),
            (None, String::new()),
            (None, advice),
        ]);
    }
    rows
}
