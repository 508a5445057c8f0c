//! Prints for people and for scripts.

use std::io::{self, Write};

use serde_json::Value;

use crate::config::ConfigError;

/// Prints one line to stdout.
pub(crate) fn say(line: &str) {
    // A reader that went away, such as `head`, is no failure of the command.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints one JSON object to stdout.
pub(crate) fn say_json(value: &Value) {
    say(&value.to_string());
}

/// Prints one line to stderr.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints every problem of the settings to stderr.
pub(crate) fn complain_about(error: &ConfigError) {
    complain("The settings are wrong:");
    for problem in &error.problems {
        complain(&format!("  {problem}"));
    }
    complain("See docs/settings.md for every setting.");
}
