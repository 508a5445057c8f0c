//! Rows with aligned columns.

use super::{Tone, say, toned};

/// Prints `rows` below `header`, each column as wide as its widest cell; the last column takes what it needs. A table with nothing in
/// its header has none.
pub(crate) fn table(header: &[&str], rows: &[Vec<(Option<Tone>, String)>]) {
    for line in lines(header, rows) {
        say(&line);
    }
}

fn lines(header: &[&str], rows: &[Vec<(Option<Tone>, String)>]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|(_, text)| text.chars().count()).max();
        let named = header.get(column).map_or(0, |name| name.chars().count());
        widest.unwrap_or_default().max(named)
    };
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns.max(header.len())).map(width).collect();
    let heading = header.iter().any(|name| !name.is_empty()).then(|| {
        let cells = header
            .iter()
            .map(|name| (Some(Tone::Strong), (*name).to_owned()));
        line(&cells.collect::<Vec<_>>(), &widths)
    });
    let rows = rows.iter().map(|row| line(row, &widths));
    heading.into_iter().chain(rows).collect()
}

fn line(cells: &[(Option<Tone>, String)], widths: &[usize]) -> String {
    let mut line = String::new();
    for (place, (tone, text)) in cells.iter().enumerate() {
        let is_last = place + 1 == cells.len();
        match tone {
            Some(tone) => line += &toned(*tone, text),
            None => line += text,
        }
        if !is_last {
            let missing = widths[place] - text.chars().count();
            line += &" ".repeat(missing + 2);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> (Option<Tone>, String) {
        (None, text.to_owned())
    }

    #[test]
    fn every_column_but_the_last_is_as_wide_as_its_widest_cell() {
        let rows = [
            vec![plain("a"), plain("bbbb"), plain("the end of it")],
            vec![plain("ÄÖÜ"), plain("b"), plain("")],
        ];
        let lines = lines(&["", "", ""], &rows);
        assert_eq!(lines, ["a    bbbb  the end of it", "ÄÖÜ  b     "]);
    }

    #[test]
    fn a_tone_changes_no_width() {
        let rows = [
            vec![(Some(Tone::Good), "ok".to_owned()), plain("x")],
            vec![plain("failed"), plain("y")],
        ];
        let lines = lines(&["LEVEL", "WHAT"], &rows);
        let bare = |line: &str| anstream::adapter::strip_str(line).to_string();
        assert_eq!(bare(&lines[0]), "LEVEL   WHAT");
        assert_eq!(bare(&lines[1]), "ok      x");
        assert_eq!(lines[2], "failed  y");
        assert_ne!(bare(&lines[1]), lines[1]);
    }
}
