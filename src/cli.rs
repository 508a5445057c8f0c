//! The command line: one file a command. The only place that reads the process environment and prints.

mod check;
mod completions;
mod consent;
mod dead_letters;
mod erase;
mod man;
mod mapping;
mod output;
mod preview;
mod prompt;
mod provision;
mod reconcile;
mod register;
mod serve;
mod status;
mod sync;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigError};
use crate::failure::Disposition;
use crate::thread_safety;

/// What the program is called.
const NAME: &str = "referral-connector";

/// Keeps Microsoft Partner Center co-sell referrals and Dynamics 365 leads in step.
///
/// Runs as an Azure Functions custom handler (`serve`), which the Functions host starts by itself.
/// The other commands are for administrators; they read the same settings from the environment.
#[derive(Debug, Parser)]
#[command(name = NAME, version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Check(check::CheckArgs),
    Consent(consent::ConsentArgs),
    Preview(preview::PreviewArgs),
    Provision(provision::ProvisionArgs),
    Mapping(mapping::MappingArgs),
    Reconcile(reconcile::ReconcileArgs),
    Register(Box<register::RegisterArgs>),
    Status(status::StatusArgs),
    Sync(sync::SyncArgs),
    DeadLetters(dead_letters::DeadLettersArgs),
    Erase(erase::EraseArgs),
    Verify(Box<verify::VerifyArgs>),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// How a command ended, for scripts (after BSD's `sysexits`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Success = 0,
    /// It could not, and will not be able to without new data.
    Failure = 1,
    /// Unusable arguments or settings.
    Usage = 64,
    /// Something passing was in the way: the same command may work later.
    TryAgain = 75,
    /// A person has to put a credential or permission right.
    Misconfigured = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Disposition> for Exit {
    fn from(disposition: Disposition) -> Self {
        match disposition {
            Disposition::Retry { .. } => Self::TryAgain,
            Disposition::Permanent => Self::Failure,
            Disposition::Misconfigured => Self::Misconfigured,
        }
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(help) => {
            let usage = if help.use_stderr() {
                Exit::Usage
            } else {
                Exit::Success
            };
            // Nothing can be done about a closed terminal.
            let _ = help.print();
            return usage.into();
        }
    };
    if !thread_safety::holds() {
        output::complain(thread_safety::ADVICE);
        return Exit::Failure.into();
    }
    let runtime = tokio::runtime::Runtime::new();
    let Ok(runtime) = runtime else {
        output::complain("the operating system refused to start the program's threads");
        return Exit::TryAgain.into();
    };
    let exit = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(args).await.into(),
            Command::Check(args) => check::run(args).await,
            Command::Consent(args) => consent::run(args).await.into(),
            Command::Mapping(args) => mapping::run(&args).into(),
            Command::Preview(args) => preview::run(args).await.into(),
            Command::Provision(args) => provision::run(args).await.into(),
            Command::Reconcile(args) => reconcile::run(args).await.into(),
            Command::Register(args) => register::run(*args).await.into(),
            Command::Status(args) => status::run(args).await.into(),
            Command::Sync(args) => sync::run(args).await.into(),
            Command::DeadLetters(args) => dead_letters::run(args).await.into(),
            Command::Erase(args) => erase::run(args).await.into(),
            Command::Verify(args) => verify::run(*args).await,
            Command::Completions(args) => completions::run(&args).into(),
            Command::Man(args) => man::run(&args).into(),
        }
    });
    // A file or a name that is still being read must not keep the process from ending.
    runtime.shutdown_background();
    exit
}

/// A setting of this process.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
fn environment(key: &str) -> Option<String> {
    std::env::var(key).ok()
}

/// The configuration this process was given.
fn config() -> Result<Config, ConfigError> {
    Config::read(&environment)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
