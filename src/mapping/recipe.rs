//! How the value of a column is made of a referral.

use std::fmt;

use super::path::Path;
use super::template::Template;
use crate::referral::Referral;

/// How a value is made. It does not depend on anything but the referral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// What it is made of.
    pub origin: Origin,
    /// What takes its place, for as long as the column is empty, when the origin says nothing.
    pub instead: Option<Path>,
    /// Other values for what the origin says, in any letter case; without a match it says nothing.
    pub map: Option<Map>,
    /// Line breaks stay.
    pub lines: bool,
    /// A text that is longer than its column is left out, not cut.
    pub whole: bool,
}

/// What a value is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The first value of the first of these parts that says something; all there are, if they are joined.
    Paths {
        /// The parts.
        paths: Vec<Path>,
        /// What stands between the values.
        join: Option<String>,
    },
    /// A text with parts of the referral in it.
    Template(Template),
    /// Always the same.
    Constant(Fixed),
}

/// Values for values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// What is said, and what that becomes.
    pub entries: Vec<(String, Fixed)>,
    /// What everything else becomes.
    pub otherwise: Option<Fixed>,
}

/// A value that stands in the mapping itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fixed {
    /// A text, or a choice by its label.
    Text(String),
    /// A whole number, or a choice by its number.
    Whole(i64),
    /// Yes or no.
    Flag(bool),
}

impl Fixed {
    /// Yes or no, also in words.
    pub(super) fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Text(text) => text.trim().to_lowercase().parse().ok(),
            Self::Whole(_) => None,
        }
    }

    /// A whole number, also in digits.
    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            Self::Whole(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Flag(_) => None,
        }
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
        }
    }
}

/// What a recipe came to.
pub(super) struct Made {
    pub(super) value: Fixed,
    /// The referral does not say it itself.
    pub(super) stands_in: bool,
}

impl Recipe {
    /// One part of the referral, on one line.
    pub(super) fn of(origin: Origin) -> Self {
        Self {
            origin,
            instead: None,
            map: None,
            lines: false,
            whole: false,
        }
    }

    /// The value that `referral` gives; `None` if it says nothing.
    pub(super) fn make(&self, referral: &Referral) -> Option<Made> {
        let (said, stands_in) = self.said(referral)?;
        let value = match (&self.map, said) {
            (Some(map), Fixed::Text(text)) => map.of(&text)?,
            (_, said) => said,
        };
        Some(Made { value, stands_in })
    }

    fn said(&self, referral: &Referral) -> Option<(Fixed, bool)> {
        let text = match &self.origin {
            Origin::Constant(value) => return Some((value.clone(), false)),
            Origin::Template(template) => template.render(referral, self.lines),
            Origin::Paths { paths, join } => {
                let values = paths.iter().flat_map(|path| {
                    let stands_in = path.stands_in(referral);
                    let values = path.fit(referral, self.lines).into_iter();
                    values.map(move |value| (value, stands_in))
                });
                match join {
                    None => {
                        let mut values = values;
                        if let Some((value, stands_in)) = values.next() {
                            return Some((Fixed::Text(value), stands_in));
                        }
                        None
                    }
                    Some(join) => {
                        let values: Vec<String> = values.map(|(value, _)| value).collect();
                        (!values.is_empty()).then(|| values.join(join))
                    }
                }
            }
        };
        if let Some(text) = text {
            return Some((Fixed::Text(text), false));
        }
        let instead = self.instead?.fit(referral, self.lines).into_iter().next()?;
        Some((Fixed::Text(instead), true))
    }

    /// The parts of a referral it is made of.
    pub fn paths(&self) -> impl Iterator<Item = Path> {
        let paths = match &self.origin {
            Origin::Paths { paths, .. } => paths.clone(),
            Origin::Template(template) => template.paths().collect(),
            Origin::Constant(_) => Vec::new(),
        };
        paths.into_iter().chain(self.instead)
    }

    /// The names of those parts, as they are remembered.
    pub(super) fn sources(&self) -> String {
        let words: Vec<_> = self.paths().map(Path::word).collect();
        words.join(", ")
    }
}

/// What `referral` says in the parts that `sources` names, before any of it is changed; `None` if that is nothing. Nothing is
/// known of a part that this program does not know.
pub(super) fn raw(sources: &str, referral: &Referral) -> Result<Option<String>, UnknownPart> {
    if sources.is_empty() {
        return Ok(Some("always".to_owned()));
    }
    let mut parts = Vec::new();
    let mut says_something = false;
    for word in sources.split(", ") {
        let path = Path::named(word).ok_or(UnknownPart)?;
        says_something |= !path.fit(referral, true).is_empty();
        parts.push(path.typed(referral).join("\u{1f}"));
    }
    Ok(says_something.then(|| parts.join("\u{1e}")))
}

/// A part of referrals that this program does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPart;

impl Map {
    fn of(&self, said: &str) -> Option<Fixed> {
        let same =
            |(key, _): &&(String, Fixed)| key.trim().to_lowercase() == said.trim().to_lowercase();
        let found = self.entries.iter().find(same).map(|(_, value)| value);
        found.or(self.otherwise.as_ref()).cloned()
    }
}
