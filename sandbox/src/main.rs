//! The sandbox in the hands of a person: `run` keeps the simulated systems up for a connector that is started by
//! other means, `demo` shows the connector at work against them.

mod demo;
mod ports;
mod run;
mod screen;
mod settings_file;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Simulates every system the referral connector talks to.
#[derive(Debug, Parser)]
#[command(name = "sandbox", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the simulated systems on fixed ports and write a local.settings.json for the connector.
    Run(run::Arguments),
    /// Show the connector at work: signed events, a forgery, a duplicate, and what each of them changes.
    Demo(demo::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments).await,
        Command::Demo(arguments) => demo::run(&arguments).await,
    };
    result.unwrap_or_else(|error| {
        // Nobody is left to tell when standard error is gone.
        drop(writeln!(std::io::stderr(), "error: {error:#}"));
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}
