//! `mapping`: prints the default mapping rules, or says what is wrong with a file of rules.

use std::path::PathBuf;

use super::Exit;
use super::output::{complain, say};
use crate::config;
use crate::mapping::DEFAULT;

/// Print the default mapping rules, or say what is wrong with a file of your own.
///
/// The rules are printed as the TOML file that a file named by `MAPPING_FILE` is laid over: a start for your own. Needs no
/// settings and asks nobody: whether your organisation has the columns is what `check` finds out, and `preview` shows
/// what the rules make of a referral. Exit codes: 0 printed, or the file can be used; 1 it cannot.
#[derive(Debug, clap::Args)]
pub(super) struct MappingArgs {
    /// A file of rules to look through.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) fn run(args: &MappingArgs) -> Exit {
    let Some(file) = &args.file else {
        say(DEFAULT.trim_end());
        return Exit::Success;
    };
    match config::load_mapping(file) {
        Ok(mapping) => {
            let own = mapping.rows().iter().filter(|row| row.line.is_some());
            say(&format!(
                "{}: can be used; {} columns are mapped, {} of them by rows of this file",
                file.display(),
                mapping.rows().len(),
                own.count()
            ));
            Exit::Success
        }
        Err(problems) => {
            for problem in problems {
                complain(&format!("{}: {problem}", file.display()));
            }
            Exit::Failure
        }
    }
}
