//! Prints for people and for scripts. Colours appear on a terminal that shows them, unless `NO_COLOR` is set, and never in a pipe.

mod progress;
mod table;

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::config::ConfigError;

pub(crate) use progress::watched;
pub(crate) use table::table;

/// Prints one line to stdout.
pub(crate) fn say(line: &str) {
    // A reader that went away, such as `head`, is no failure of the command.
    let _ = writeln!(anstream::stdout(), "{line}");
}

/// Prints one JSON object to stdout.
pub(crate) fn say_json(value: &Value) {
    say(&value.to_string());
}

/// Prints a whole document to stdout, byte for byte.
pub(crate) fn say_all(document: &[u8]) {
    let _ = std::io::stdout().write_all(document);
}

/// Prints one line to stderr.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Prints every problem of the settings to stderr.
pub(crate) fn complain_about(error: &ConfigError) {
    complain("The settings are wrong:");
    for problem in &error.problems {
        complain(&format!("  {problem}"));
    }
    complain("See docs/settings.md for every setting.");
}

/// How a piece of text is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// All is well.
    Good,
    /// Somebody should look at it.
    Doubtful,
    /// It does not work.
    Bad,
    /// It stands out.
    Strong,
    /// It may be passed over.
    Faint,
}

impl Tone {
    fn style(self) -> Style {
        let coloured = |colour: AnsiColor| Style::new().fg_color(Some(colour.into())).bold();
        match self {
            Self::Good => coloured(AnsiColor::Green),
            Self::Doubtful => coloured(AnsiColor::Yellow),
            Self::Bad => coloured(AnsiColor::Red),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

/// `text` in this tone, where colours are shown.
pub(crate) fn toned(tone: Tone, text: &str) -> String {
    let style = tone.style();
    format!("{style}{text}{style:#}")
}
