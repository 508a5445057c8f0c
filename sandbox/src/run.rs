//! The sandbox alone, for a connector that is started by other means.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use sandbox::{Options, Sandbox, Service};

use crate::ports;
use crate::screen::{Screen, Tone, line};
use crate::settings_file::{self, Written};

/// Where the sandbox listens.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The port of the control API; the services take the ports after it. 0 gives each a free one.
    #[arg(long, value_name = "PORT", default_value_t = ports::DEFAULT_BASE)]
    port_base: u16,
}

/// Starts the sandbox, writes the settings and waits for Ctrl-C.
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let screen = Screen::stdout();
    let options = Options {
        ports: ports::services(arguments.port_base)?,
        queue_port: ports::queues(arguments.port_base)?,
        control_port: arguments.port_base,
        ..Options::default()
    };
    let sandbox = Sandbox::start_with(options).await.with_context(|| {
        format!(
            "start the sandbox at port {} (another one? try --port-base)",
            arguments.port_base
        )
    })?;
    introduce(screen, &sandbox)?;
    let passing = sandbox
        .ca_file()
        .parent()
        .context("find the sandbox's files")?;
    let folder = std::env::current_dir().context("find the current folder")?;
    explain(&settings_file::write(
        &folder,
        passing,
        &sandbox.settings(),
    )?)?;
    tokio::signal::ctrl_c().await.context("wait for Ctrl-C")?;
    line("Stopped. Nothing was kept but the settings and the files they name.")?;
    Ok(ExitCode::SUCCESS)
}

fn introduce(screen: Screen, sandbox: &Sandbox) -> Result<()> {
    line(&screen.paint(Tone::Strong, "The sandbox is running"))?;
    let rows = Service::ALL
        .into_iter()
        .map(|service| vec![service.to_string(), sandbox.url(service).to_string()]);
    let queues = sandbox.world().storage.queues_url();
    let queues = vec!["storage, queues".to_owned(), queues.to_string()];
    let control = vec!["control API".to_owned(), sandbox.control_url().to_string()];
    screen.heading("Services")?;
    screen.table(&rows.chain([queues, control]).collect::<Vec<_>>())?;
    line("")
}

fn explain(written: &Written) -> Result<()> {
    let file = match written {
        Written::InPlace(file) => file,
        Written::Beside { kept, written } => {
            line(&format!(
                "{} was not written by the sandbox and is left as it is.",
                kept.display()
            ))?;
            line("To use the settings below, move it away and copy this one in its place.")?;
            written
        }
    };
    line(&format!("Settings for the connector: {}", file.display()))?;
    steps(file).iter().try_for_each(|step| line(step))
}

fn steps(file: &Path) -> [String; 6] {
    [
        String::new(),
        "Next, in other terminals (docs/local.md explains each step):".to_owned(),
        "  cargo build && ln -sf target/debug/referral-connector referral-connector".to_owned(),
        format!("  func start            # reads {}", file.display()),
        String::new(),
        "Ctrl-C stops the sandbox and forgets everything it holds.".to_owned(),
    ]
}
