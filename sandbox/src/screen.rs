//! Plain text for a person: headings, aligned rows, verdicts. Colours only on a terminal.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context, Result};

/// Standard output as a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    coloured: bool,
}

/// How a text is set off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Strong,
    Faint,
    Good,
    Bad,
    Name,
}

/// The longest line that is printed whole; a longer one is cut.
const WIDTH: usize = 116;

/// Prints a line at the left edge.
pub(crate) fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .context("write to standard output")
}

/// Prints an indented line of somebody else's, in its own colours, cut to the width of the page.
pub(crate) fn verbatim(text: &str) -> Result<()> {
    line(&format!("     {}", cut_coloured(text, WIDTH - 5)))
}

impl Screen {
    /// Standard output, coloured when it is a terminal and `NO_COLOR` is not set.
    #[expect(
        clippy::disallowed_methods,
        reason = "how a person wants a terminal to look is no setting"
    )]
    pub(crate) fn stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            coloured: std::io::stdout().is_terminal() && !refused,
        }
    }

    /// A numbered section.
    pub(crate) fn section(self, number: usize, title: &str) -> Result<()> {
        let rule = "─".repeat(WIDTH.saturating_sub(title.chars().count() + 6));
        line("")?;
        line(&format!(
            "{} {}",
            self.paint(Tone::Strong, &format!("{number}  {title}")),
            self.paint(Tone::Faint, &rule)
        ))
    }

    /// A heading inside a section.
    pub(crate) fn heading(self, title: &str) -> Result<()> {
        line("")?;
        line(&format!("   {}", self.paint(Tone::Name, title)))
    }

    /// An indented line, cut to the width of the page.
    pub(crate) fn text(self, tone: Tone, text: &str) -> Result<()> {
        line(&format!("     {}", self.paint(tone, &cut(text, WIDTH - 5))))
    }

    /// Whether it shows colours.
    pub(crate) fn is_coloured(self) -> bool {
        self.coloured
    }

    /// An indented text, broken into as many lines as it needs.
    pub(crate) fn wrapped(self, tone: Tone, text: &str) -> Result<()> {
        let lines = wrap(text, WIDTH - 7);
        lines.iter().enumerate().try_for_each(|(place, part)| {
            let indent = if place == 0 { "" } else { "  " };
            self.text(tone, &format!("{indent}{part}"))
        })
    }

    /// Rows of cells in aligned columns.
    pub(crate) fn table(self, rows: &[Vec<String>]) -> Result<()> {
        align(rows)
            .iter()
            .try_for_each(|row| self.text(Tone::Plain, row))
    }

    /// Whether something came out as it should.
    pub(crate) fn verdict(self, good: bool, text: &str) -> Result<()> {
        let (mark, tone) = if good {
            ("✓", Tone::Good)
        } else {
            ("✗", Tone::Bad)
        };
        line(&format!("   {} {text}", self.paint(tone, mark)))
    }

    /// The text in its tone.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Name => "36",
        };
        if self.coloured {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Pads every cell but the last of a row to its column's width.
fn align(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter(|row| row.len() > column + 1);
        cells
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let padded = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(padded).collect()
}

/// Breaks a text at spaces, and within a word that is longer than a line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut current = String::new();
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(width) {
            let piece: String = piece.iter().collect();
            let together = current.chars().count() + 1 + piece.chars().count();
            if !current.is_empty() && together > width {
                lines.push(std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(&piece);
        }
    }
    lines.push(current);
    lines
}

/// The text without the escape sequences that colour it.
pub(crate) fn uncoloured(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| {
        kept + part.split_once('m').map_or(part, |(_, rest)| rest)
    })
}

/// The text on one line of at most `width` characters.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let text = text.replace('\n', "⏎");
    if text.chars().count() <= width {
        return text;
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
}

/// The same for a text with escape sequences that colour it, which take no room; they end with it.
fn cut_coloured(text: &str, width: usize) -> String {
    if uncoloured(text).chars().count() <= width {
        return text.to_owned();
    }
    let (mut kept, mut room, mut escaped) = (String::new(), width.saturating_sub(1), false);
    for letter in text.chars() {
        escaped |= letter == '\u{1b}';
        if !escaped {
            if room == 0 {
                break;
            }
            room -= 1;
        }
        kept.push(letter);
        escaped &= letter != 'm';
    }
    kept.push('…');
    if text.contains('\u{1b}') {
        kept.push_str("\u{1b}[0m");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_aligned_and_nothing_is_padded_at_the_end() {
        let rows = [
            vec!["a".to_owned(), "b".to_owned()],
            vec!["long".to_owned(), "c".to_owned()],
        ];
        assert_eq!(align(&rows), ["a     b", "long  c"]);
    }

    #[test]
    fn a_long_text_is_broken_at_spaces_and_a_long_word_anywhere() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("aabbcc d", 4), ["aabb", "cc d"]);
    }

    #[test]
    fn colours_are_taken_off() {
        assert_eq!(uncoloured("\u{1b}[2ma\u{1b}[0m [x] b"), "a [x] b");
    }

    #[test]
    fn a_cut_text_keeps_its_width_and_stays_on_its_line() {
        assert_eq!(cut("abc\ndef", 5), "abc⏎…");
        assert_eq!(cut("äöü", 3), "äöü");
    }

    #[test]
    fn colours_take_no_room_and_end_with_a_cut_text() {
        assert_eq!(
            cut_coloured("\u{1b}[1mab\u{1b}[0mcd", 4),
            "\u{1b}[1mab\u{1b}[0mcd"
        );
        let cut = cut_coloured("\u{1b}[1mabmd\u{1b}[0mcd", 4);
        assert_eq!(cut, "\u{1b}[1mabm…\u{1b}[0m");
        assert_eq!(cut_coloured("abcdef", 4), "abc…");
    }

    #[test]
    fn without_a_terminal_nothing_is_coloured() {
        assert_eq!(Screen { coloured: false }.paint(Tone::Bad, "x"), "x");
        assert_eq!(
            Screen { coloured: true }.paint(Tone::Good, "x"),
            "\u{1b}[32mx\u{1b}[0m"
        );
    }
}
