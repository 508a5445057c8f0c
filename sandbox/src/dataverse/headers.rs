//! Request headers: preferences and preconditions.

use axum::http::{HeaderMap, header};

use super::refusal::{Outcome, Refusal};

/// What `Prefer` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Preferences {
    /// `return=representation`.
    pub(super) representation: bool,
    /// `odata.maxpagesize`.
    pub(super) page_size: Option<usize>,
    /// `odata.include-annotations`, whatever the list.
    pub(super) annotations: bool,
}

impl Preferences {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut preferences = Self::default();
        let values = headers.get_all("prefer").iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        for preference in texts.flat_map(|text| text.split(',')).map(str::trim) {
            if preference == "return=representation" {
                preferences.representation = true;
            } else if let Some(size) = preference.strip_prefix("odata.maxpagesize=") {
                preferences.page_size = size.parse().ok().filter(|size| *size > 0);
            } else if preference.starts_with("odata.include-annotations") {
                preferences.annotations = true;
            }
        }
        preferences
    }
}

/// What `If-Match` or `If-None-Match` demands of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    None,
    /// `If-Match: *`
    Exists,
    /// `If-Match: W/"n"`
    Version(String),
    /// `If-None-Match: *`
    Absent,
    /// `If-None-Match: W/"n"`
    OtherVersion(String),
}

impl Precondition {
    pub(super) fn of(headers: &HeaderMap) -> Outcome<Self> {
        if let Some(tag) = text(headers, &header::IF_MATCH) {
            return Ok(match tag {
                "*" => Self::Exists,
                tag => Self::Version(version(tag)?),
            });
        }
        // The literal word null is what browsers' libraries send to defeat their cache.
        match text(headers, &header::IF_NONE_MATCH) {
            None | Some("null") => Ok(Self::None),
            Some("*") => Ok(Self::Absent),
            Some(tag) => Ok(Self::OtherVersion(version(tag)?)),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Entity tags are weak and quoted.
fn version(tag: &str) -> Outcome<String> {
    let inner = tag
        .strip_prefix("W/\"")
        .and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.is_empty() && !inner.contains('"') => Ok(tag.to_owned()),
        _ => Err(Refusal::query(format!(
            "'{tag}' is not a valid entity tag."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn precondition(name: &'static str, value: &str) -> Outcome<Precondition> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Precondition::of(&headers)
    }

    #[test]
    fn a_tag_must_be_weak_and_quoted() {
        let version = Precondition::Version("W/\"7\"".to_owned());
        assert_eq!(precondition("if-match", "W/\"7\""), Ok(version));
        assert_eq!(precondition("if-match", "*"), Ok(Precondition::Exists));
        assert_eq!(precondition("if-none-match", "*"), Ok(Precondition::Absent));
        assert_eq!(
            precondition("if-none-match", "null"),
            Ok(Precondition::None)
        );
        assert!(precondition("if-match", "7").is_err());
        assert!(precondition("if-match", "\"7\"").is_err());
    }

    #[test]
    fn preferences_stand_in_one_header_or_several() {
        let mut headers = HeaderMap::new();
        headers.append(
            "prefer",
            "return=representation,odata.maxpagesize=3".parse().unwrap(),
        );
        headers.append("prefer", "odata.include-annotations=\"*\"".parse().unwrap());
        let expected = Preferences {
            representation: true,
            page_size: Some(3),
            annotations: true,
        };
        assert_eq!(Preferences::of(&headers), expected);
    }
}
