//! Reads rules from a TOML file, and says of everything that is wrong in which line it is.

mod owners;
mod reader;
mod rows;
mod status;

use std::fmt;

use self::reader::Reader;
use super::table::Mapping;

/// Something in a file that is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Its line, the first is 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

/// The default rules with those in `text` laid over them; or everything that is wrong with `text`, by line.
pub fn read(text: &str) -> Result<Mapping, Vec<Problem>> {
    parse(text, Some(Mapping::shipped()))
}

/// The default rules themselves.
pub(super) fn read_default(text: &str) -> Result<Mapping, Vec<Problem>> {
    parse(text, None)
}

fn parse(text: &str, base: Option<&Mapping>) -> Result<Mapping, Vec<Problem>> {
    let mut reader = Reader::new(text);
    let document = reader.document();
    let known = ["column", "status", "owner"];
    reader.only(&document, &known);
    let rows = rows::read(&mut reader, &document, base);
    let status = status::read(&mut reader, &document, base.map(|base| &base.status));
    let owners = owners::read(&mut reader, &document);
    let problems = reader.into_problems();
    match status {
        Some(status) if problems.is_empty() => Ok(Mapping {
            rows,
            status,
            owners,
        }),
        _ => Err(problems),
    }
}

#[cfg(test)]
mod tests;
