//! Logs: JSON lines on stdout, or a readable form on a terminal. Only this program's own events, whatever is asked for.

pub mod insights;

use std::io::{self, IsTerminal};
use std::str::FromStr;

use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("expected auto, json or text"),
        }
    }
}

/// Starts logging to stdout. `levels` is `RUST_LOG`; what it says about other crates has no effect,
/// because theirs print addresses and headers.
pub fn start(format: LogFormat, levels: &str) {
    // Ahead of the rest, so that naming another crate alone does not silence this one.
    let levels = EnvFilter::builder().parse_lossy(format!("info,{levels}"));
    let own = filter_fn(|metadata| {
        let target = metadata.target();
        target == env!("CARGO_CRATE_NAME")
            || target.starts_with(concat!(env!("CARGO_CRATE_NAME"), "::"))
    });
    let on_terminal = io::stdout().is_terminal();
    let json = match format {
        LogFormat::Auto => !on_terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let lines = if json {
        fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed()
    } else {
        fmt::layer()
            .with_target(false)
            .with_ansi(on_terminal)
            .boxed()
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(levels.and(own)))
        .init();
}

/// Turns panics into one log line that says where, and never what: a panic's message may hold data.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(
            code = "panic",
            place = place.as_deref().unwrap_or("unknown"),
            "a bug: the program panicked; the request it worked on fails, the others go on"
        );
    }));
}
