//! The connector at work: set up, four events and what each of them changes, a check-up, and an erasure.

mod administrator;
mod commands;
mod connector;
mod diff;
mod keep;
mod report;
mod stage;
mod steps;

use std::process::ExitCode;

use anyhow::Result;
use sandbox::{Sandbox, Service};

use crate::screen::{Screen, Tone, line};
use stage::Stage;
use steps::Steps;

/// What to do in the end.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Keep everything running afterwards, with lines to paste into another terminal.
    #[arg(long)]
    keep: bool,
}

/// Runs the demonstration; fails when anything did not come out as it should.
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let screen = Screen::stdout();
    line(&screen.paint(
        Tone::Strong,
        "Referral connector: from the consent to a signed event to a lead, and back",
    ))?;
    line("Building the connector and starting what stands in for Microsoft's systems …")?;
    let stage = Stage::set(Sandbox::start().await?).await?;
    introduce(screen, &stage)?;
    let mut steps = Steps::new(screen, &stage);
    steps.consents().await?;
    steps.registers().await?;
    steps.created().await?;
    steps.updated().await?;
    steps.forged().await?;
    steps.duplicate().await?;
    steps.checks().await?;
    steps.erases().await?;
    let good = steps.conclude()?;
    if arguments.keep {
        keep::keep(screen, &stage, steps.referral()).await?;
    } else {
        line("")?;
        line("cargo demo --keep leaves all of this running, with curl lines to try.")?;
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn introduce(screen: Screen, stage: &Stage) -> Result<()> {
    screen.heading("Running on this machine, and nothing beyond it is called")?;
    let mut rows: Vec<Vec<String>> = Service::ALL
        .into_iter()
        .map(|service| {
            vec![
                service.to_string(),
                "sandbox".to_owned(),
                stage.sandbox.url(service).to_string(),
            ]
        })
        .collect();
    let host = vec![
        "Functions host".to_owned(),
        "stand-in".to_owned(),
        stage.host.url().to_string(),
    ];
    let process = stage
        .host
        .pid()
        .map_or_else(String::new, |pid| format!("process {pid}, behind the host"));
    rows.extend([
        host,
        vec![
            "referral-connector".to_owned(),
            "the real binary".to_owned(),
            process,
        ],
    ]);
    screen.table(&rows)
}
