//! Text with at most one `*`, as settings write host names and the segments of a path.

use std::fmt;
use std::str::FromStr;

/// A literal, or a literal with one gap in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    before: String,
    after: Option<String>,
}

impl Pattern {
    /// Reads `text`; `None` when it has more than one `*`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let Some((before, after)) = text.split_once('*') else {
            return Some(Self {
                before: text.to_owned(),
                after: None,
            });
        };
        (!after.contains('*')).then(|| Self {
            before: before.to_owned(),
            after: Some(after.to_owned()),
        })
    }

    /// The pattern has no gap.
    pub(super) fn is_literal(&self) -> bool {
        self.after.is_none()
    }

    /// The pattern with its gap, if it has one, filled by `gap`.
    pub(super) fn filled(&self, gap: &str) -> String {
        match &self.after {
            Some(after) => format!("{}{gap}{after}", self.before),
            None => self.before.clone(),
        }
    }

    /// `text` is this pattern with its gap filled by at least `least` bytes, each of which `admits`.
    pub(super) fn matches(&self, text: &str, least: usize, admits: fn(u8) -> bool) -> bool {
        let Some(after) = &self.after else {
            return text == self.before;
        };
        text.strip_prefix(self.before.as_str())
            .and_then(|rest| rest.strip_suffix(after.as_str()))
            .is_some_and(|gap| gap.len() >= least && gap.bytes().all(admits))
    }
}

/// A pattern for the host name in a signing certificate, such as `pcnotifications*.microsoft.com`.
///
/// Its one `*` stands for any number of letters, digits and hyphens, so it never reaches over a dot. Letter case
/// is ignored, as in DNS (RFC 4343).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    pattern: Pattern,
    text: String,
}

impl NamePattern {
    /// `name` is one of the names meant.
    pub fn matches(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.pattern.matches(&name, 0, |byte| {
            byte.is_ascii_alphanumeric() || byte == b'-'
        })
    }
}

impl FromStr for NamePattern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.to_ascii_lowercase();
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || b".-*".contains(&byte);
        if text.is_empty() || !text.bytes().all(sound) {
            return Err("a host name has letters, digits, hyphens and dots");
        }
        let pattern = Pattern::read(&text).ok_or("a host name may have one `*`")?;
        if text.starts_with('*') && !text[1..].contains('.') {
            return Err("a lone `*` would admit any host");
        }
        Ok(Self { pattern, text })
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::NamePattern;

    fn default() -> NamePattern {
        "pcnotifications*.microsoft.com".parse().unwrap()
    }

    #[test]
    fn the_gap_holds_letters_digits_and_hyphens_or_nothing() {
        for name in [
            "pcnotifications.microsoft.com",
            "pcnotifications-dispatch.microsoft.com",
            "PCNotifications-2.Microsoft.com",
        ] {
            assert!(default().matches(name), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_only_like_the_pattern_is_refused() {
        for name in [
            "",
            "microsoft.com",
            "*.microsoft.com",
            "pcnotifications.evil.microsoft.com",
            "pcnotifications.microsoft.com.evil.example",
            "evil-pcnotifications.microsoft.com",
            "pcnotifications.microsoft.com.",
            "pcnotifications.microsoft.com\0",
            "pcnotificationsé.microsoft.com",
            "pcnotifications*.microsoft.com",
        ] {
            assert!(!default().matches(name), "{name:?}");
        }
    }

    #[test]
    fn prefix_and_suffix_never_share_a_byte() {
        let pattern: NamePattern = "aba*aba.example".parse().unwrap();
        assert!(!pattern.matches("aba.example"));
        assert!(pattern.matches("abaaba.example"));
    }

    #[test]
    fn patterns_that_would_admit_anything_are_no_patterns() {
        for text in ["", "*", "a*b*c.example", "a b", "http://a.example", "*com"] {
            assert!(text.parse::<NamePattern>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_matches_ends_in_the_patterns_own_domain(name in "\\PC*") {
            let host = format!("pcnotifications{name}.microsoft.com");
            prop_assert_eq!(
                default().matches(&host),
                name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            );
        }
    }
}
