//! `man`: the manual, as the program itself knows it.

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::output::{complain, say_all};
use super::{Cli, Exit, NAME};

/// Print a manual page, in the form that `man` shows.
///
/// To read it: `referral-connector man check | man -l -`. To keep it: `referral-connector man > referral-connector.1`.
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// The command to print the page of, such as `check` or `dead-letters retry`; the whole program's if none is named.
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

pub(super) fn run(args: &ManArgs) -> Exit {
    let Some(command) = named(&args.command) else {
        complain(&format!(
            "there is no command {:?}; see {NAME} --help",
            args.command.join(" ")
        ));
        return Exit::Usage;
    };
    let mut page = Vec::new();
    let written = Man::new(command).render(&mut page);
    written.expect("a page is written to memory");
    say_all(&page);
    Exit::Success
}

/// The command of these words, whose page is named in full: `referral-connector-dead-letters-retry`.
fn named(words: &[String]) -> Option<Command> {
    let mut command = Cli::command();
    // Gives each command its full name.
    command.build();
    for word in words {
        command = command.find_subcommand(word)?.clone();
    }
    Some(command.version(env!("CARGO_PKG_VERSION")))
}
