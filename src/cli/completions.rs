//! `completions`: a script by which a shell completes commands and options.

use clap::CommandFactory;
use clap_complete::Shell;

use super::output::say_all;
use super::{Cli, Exit, NAME};

/// Print a script by which a shell completes commands and options.
///
/// For bash: `referral-connector completions bash > /etc/bash_completion.d/referral-connector`. For `PowerShell`, add the output
/// of `referral-connector completions powershell` to the profile.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    say_all(&script);
    Exit::Success
}
