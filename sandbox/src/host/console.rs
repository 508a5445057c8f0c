//! What the handler and the host have said, with the levels the host gives to console lines.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

use crate::world::lock;

/// The level the host gives a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Every line of the handler's standard output.
    Information,
    /// A line of standard error that contains "warn" in any case.
    Warning,
    /// Every other line of standard error, and what the host itself reports.
    Error,
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The handler's standard output.
    Stdout,
    /// The handler's standard error.
    Stderr,
    /// The host.
    Host,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Who wrote it.
    pub source: Source,
    /// The host's level for it.
    pub level: Level,
    /// The line without its end.
    pub text: String,
}

/// All lines since the host started.
#[derive(Debug)]
pub(super) struct Console {
    lines: Mutex<Vec<LogLine>>,
    count: watch::Sender<usize>,
}

impl Console {
    pub(super) fn new() -> Self {
        Self {
            lines: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }

    pub(super) fn host(&self, level: Level, text: impl Into<String>) {
        self.push(LogLine {
            source: Source::Host,
            level,
            text: text.into(),
        });
    }

    pub(super) fn lines(&self) -> Vec<LogLine> {
        lock(&self.lines).clone()
    }

    /// Takes every line of one of the handler's streams until it closes.
    pub(super) async fn follow(&self, source: Source, stream: impl AsyncRead + Unpin) {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader
            .read_until(b'\n', &mut line)
            .await
            .is_ok_and(|read| read > 0)
        {
            let text = String::from_utf8_lossy(&line)
                .trim_end_matches(['\r', '\n'])
                .to_owned();
            line.clear();
            self.push(LogLine {
                source,
                level: level(source, &text),
                text,
            });
        }
    }

    /// The first line, past or to come, for which `wanted` holds.
    pub(super) async fn wait_for(
        &self,
        wanted: impl Fn(&LogLine) -> bool,
        bound: Duration,
    ) -> Result<LogLine> {
        let deadline = Instant::now() + bound;
        let mut count = self.count.subscribe();
        let mut seen = 0;
        loop {
            let lines = self.lines();
            if let Some(line) = lines[seen..].iter().find(|line| wanted(line)) {
                return Ok(line.clone());
            }
            seen = lines.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if tokio::time::timeout(left, count.wait_for(|&now| now > seen))
                .await
                .is_err()
            {
                return Err(anyhow!(
                    "no such log line within {bound:?}; the log holds:\n{}",
                    render(&lines)
                ));
            }
        }
    }

    /// The lines after the first `seen`, as soon as there are any.
    pub(super) async fn after(&self, seen: usize) -> Vec<LogLine> {
        let mut count = self.count.subscribe();
        // The sender lives as long as the console, so the wait ends only with a line.
        drop(count.wait_for(|&now| now > seen).await);
        self.lines().split_off(seen)
    }

    fn push(&self, line: LogLine) {
        let mut lines = lock(&self.lines);
        lines.push(line);
        self.count.send_replace(lines.len());
    }
}

/// The host's rule for console lines: output is information, the error stream is an error unless it warns.
fn level(source: Source, text: &str) -> Level {
    match source {
        Source::Stderr if text.to_ascii_lowercase().contains("warn") => Level::Warning,
        Source::Stderr => Level::Error,
        Source::Stdout | Source::Host => Level::Information,
    }
}

fn render(lines: &[LogLine]) -> String {
    let rows = lines
        .iter()
        .map(|line| format!("  {:?} {:?} {}", line.source, line.level, line.text));
    rows.collect::<Vec<_>>().join("\n")
}
