//! The `referral-connector` program: parses the command line, runs a command, chooses the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    referral_connector::cli::main()
}
