//! TOML tables read key by key. What is wrong is noted with its line, and reading goes on.

use std::fmt::Display;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problem;
use crate::mapping::recipe::Fixed;

/// Reads one file.
pub(super) struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

/// A table of the file.
pub(super) struct Table<'t> {
    keys: DeTable<'t>,
    pub(super) line: usize,
}

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) line: usize,
}

/// What is said, and what that becomes.
pub(super) type Entries = Vec<(String, At<Fixed>)>;

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text: text.strip_prefix('\u{feff}').unwrap_or(text),
            problems: Vec::new(),
        }
    }

    /// The whole file.
    pub(super) fn document(&mut self) -> Table<'t> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let line = error.span().map_or(1, |span| self.line(&span));
            self.problem(line, format_args!("this is no TOML: {}", error.message()));
        }
        Table {
            keys: document.into_inner(),
            line: 1,
        }
    }

    pub(super) fn problem(&mut self, line: usize, text: impl Display) {
        let text = text.to_string();
        self.problems.push(Problem { line, text });
    }

    /// What is wrong, in the order of the file.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort();
        self.problems.dedup();
        self.problems
    }

    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        1 + before.matches('\n').count()
    }

    /// Notes every key of `table` that is not one of `known`.
    pub(super) fn only(&mut self, table: &Table<'_>, known: &[&str]) {
        for key in table.keys.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                let line = self.line(&key.span());
                let word = key.get_ref();
                self.problem(
                    line,
                    format_args!(
                        "{word:?} is no word that means anything here; there are {}",
                        known.join(", ")
                    ),
                );
            }
        }
    }

    fn find<'v>(&self, table: &'v Table<'t>, key: &str) -> Option<At<&'v DeValue<'t>>> {
        let mut keys = table.keys.iter();
        let (_, value) = keys.find(|(word, _)| word.get_ref() == key)?;
        Some(self.at(value))
    }

    fn at<'v>(&self, value: &'v Spanned<DeValue<'t>>) -> At<&'v DeValue<'t>> {
        At {
            line: self.line(&value.span()),
            value: value.get_ref(),
        }
    }

    /// The value of `key` as `what`, if `read` can make that of it.
    fn read<T>(
        &mut self,
        table: &Table<'t>,
        key: &str,
        what: &str,
        read: impl FnOnce(&Self, &DeValue<'t>) -> Option<T>,
    ) -> Option<At<T>> {
        let At { value, line } = self.find(table, key)?;
        let read = read(self, value);
        if read.is_none() {
            self.problem(line, format_args!("{key} has to be {what}"));
        }
        read.map(|value| At { value, line })
    }

    /// A text that says something.
    pub(super) fn text(&mut self, table: &Table<'t>, key: &str) -> Option<At<String>> {
        self.read(table, key, "a text", |_, value| filled(value))
    }

    /// A text that may be nothing but blanks.
    pub(super) fn blank(&mut self, table: &Table<'t>, key: &str) -> Option<At<String>> {
        self.read(table, key, "a text", |_, value| {
            value.as_str().map(str::to_owned)
        })
    }

    pub(super) fn flag(&mut self, table: &Table<'t>, key: &str) -> Option<At<bool>> {
        self.read(table, key, "true or false", |_, value| value.as_bool())
    }

    /// The number of a status reason.
    pub(super) fn number(&mut self, table: &Table<'t>, key: &str) -> Option<At<i32>> {
        self.read(
            table,
            key,
            "a number, as the organisation knows it by",
            |_, value| whole(value)?.try_into().ok(),
        )
    }

    /// A text, a whole number, true or false.
    pub(super) fn fixed(&mut self, table: &Table<'t>, key: &str) -> Option<At<Fixed>> {
        self.read(
            table,
            key,
            "a text, a whole number, true or false",
            |_, value| fixed(value),
        )
    }

    /// One text or a list of them, each with its line.
    pub(super) fn texts(&mut self, table: &Table<'t>, key: &str) -> Option<At<Vec<At<String>>>> {
        self.read(table, key, "a text or a list of texts", |reader, value| {
            let list = match value {
                DeValue::Array(items) => items.iter().map(|item| reader.at(item)).collect(),
                one => vec![At {
                    value: one,
                    line: 0,
                }],
            };
            let texts = list.into_iter().map(|it| {
                let value = filled(it.value)?;
                Some(At {
                    value,
                    line: it.line,
                })
            });
            let texts: Option<Vec<_>> = texts.collect();
            texts.filter(|texts| !texts.is_empty())
        })
        .map(|mut texts| {
            let line = texts.line;
            texts
                .value
                .iter_mut()
                .filter(|it| it.line == 0)
                .for_each(|it| it.line = line);
            texts
        })
    }

    /// The entries of a table of values.
    pub(super) fn entries(&mut self, table: &Table<'t>, key: &str) -> Option<At<Entries>> {
        let what = "a table of texts, whole numbers, true and false";
        self.read(table, key, what, |reader, value| {
            let entries = value.as_table()?.iter().map(|(word, value)| {
                let At { value, line } = reader.at(value);
                let value = fixed(value)?;
                Some((word.get_ref().to_string(), At { value, line }))
            });
            entries.collect()
        })
    }

    /// The table of `key`.
    pub(super) fn table(&mut self, table: &Table<'t>, key: &str) -> Option<Table<'t>> {
        let read = self.read(table, key, &format!("a table: [{key}]"), |_, value| {
            value.as_table().cloned()
        });
        read.map(|At { value, line }| Table { keys: value, line })
    }

    /// The tables of `key`.
    pub(super) fn tables(&mut self, table: &Table<'t>, key: &str) -> Option<Vec<Table<'t>>> {
        let what = format!("a list of tables: [[{key}]]");
        let read = self.read(table, key, &what, |reader, value| {
            let tables = value.as_array()?.iter().map(|item| {
                let At { value, line } = reader.at(item);
                let keys = value.as_table()?.clone();
                Some(Table { keys, line })
            });
            tables.collect::<Option<Vec<_>>>()
        });
        read.map(|read| read.value)
    }
}

fn filled(value: &DeValue<'_>) -> Option<String> {
    let text = value.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn fixed(value: &DeValue<'_>) -> Option<Fixed> {
    filled(value)
        .map(Fixed::Text)
        .or_else(|| whole(value).map(Fixed::Whole))
        .or_else(|| value.as_bool().map(Fixed::Flag))
}
