//! Prints for people and for scripts. Colours appear on a terminal that shows them, unless `NO_COLOR` is set, and never in a pipe.

mod progress;
mod table;

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::Exit;
use crate::checkup::Level;
use crate::config::ConfigError;
use crate::failure::{Chain, Classify};

pub(crate) use progress::watched;
pub(crate) use table::table;

/// Prints one line to stdout.
pub(crate) fn say(line: &str) {
    progress::make_room();
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

/// Prints what was collected for each of the two streams.
pub(crate) fn show(out: &[u8], err: &[u8]) {
    progress::make_room();
    let _ = anstream::stdout().write_all(out);
    let _ = anstream::stderr().write_all(err);
}

/// Prints one line to stderr.
pub(crate) fn complain(line: &str) {
    progress::make_room();
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Prints why the command did not do what was asked, and says how it ends.
pub(crate) fn failed(error: &(impl Classify + 'static), as_json: bool) -> Exit {
    let text = Chain(error).to_string();
    if as_json {
        say_json(&json!({ "error": text }));
    } else {
        complain(&text);
    }
    error.disposition().into()
}

/// Prints what goes by `name`, behind others whose names have at most `width` characters.
pub(crate) fn field(width: usize, name: &str, value: &str) {
    say(&format!(
        "{}{value}",
        toned(Tone::Strong, &format!("{name:<width$}"))
    ));
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

impl From<Level> for Tone {
    fn from(level: Level) -> Self {
        match level {
            Level::Ok => Self::Good,
            Level::Warning => Self::Doubtful,
            Level::Failed => Self::Bad,
        }
    }
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
