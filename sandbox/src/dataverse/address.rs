//! What a URL below `/api/data/v9.2/` addresses.

use std::borrow::Cow;

use url::form_urlencoded;
use uuid::Uuid;

use super::refusal::{Outcome, Refusal};

/// One segment of a path: a name, and what stands in its parentheses.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Segment {
    pub(super) name: String,
    pub(super) key: Option<KeyValue>,
}

/// What stands in parentheses: `(guid)`, or `(column='value',other=1)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum KeyValue {
    Id(Uuid),
    Columns(Vec<(String, String)>),
}

/// The segments of `path`, which is percent-encoded and relative to the service root.
pub(super) fn segments(path: &str) -> Outcome<Vec<Segment>> {
    path.trim_matches('/').split('/').map(segment).collect()
}

fn segment(text: &str) -> Outcome<Segment> {
    let decoded = decode(text);
    let Some((name, rest)) = decoded.split_once('(') else {
        return Ok(Segment {
            name: decoded.into_owned(),
            key: None,
        });
    };
    let inner = rest
        .strip_suffix(')')
        .ok_or_else(|| Refusal::unknown_segment(&decoded))?;
    let key = if inner.is_empty() {
        None
    } else {
        Some(key_value(inner).ok_or_else(|| {
            Refusal::query(format!("Bad Request - Error in query syntax: '{decoded}'."))
        })?)
    };
    Ok(Segment {
        name: name.to_owned(),
        key,
    })
}

/// Reads the inside of parentheses. String values lose their quotes, doubled quotes become one.
fn key_value(inner: &str) -> Option<KeyValue> {
    if let Ok(id) = Uuid::try_parse(inner) {
        return Some(KeyValue::Id(id));
    }
    let mut columns = Vec::new();
    let mut rest = inner;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, tail) = literal(after)?;
        columns.push((name.trim().to_owned(), value));
        match tail.strip_prefix(',') {
            Some(more) => rest = more,
            None if tail.is_empty() => return Some(KeyValue::Columns(columns)),
            None => return None,
        }
    }
}

fn literal(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('\'') else {
        let end = text.find(',').unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        if character != '\'' {
            value.push(character);
        } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
            value.push('\'');
        } else {
            return Some((value, &quoted[index + 1..]));
        }
    }
    None
}

/// Percent-decodes a path; `+` stays what it is there.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let pairs = text
        .replace('+', "%2B")
        .replace('&', "%26")
        .replace('=', "%3D");
    let decoded = form_urlencoded::parse(pairs.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned());
    Cow::Owned(decoded.unwrap_or_default())
}

/// Reads a reference to a row as `@odata.bind` and `@odata.id` carry it: `/leads(guid)`, without the slash, or
/// absolute.
pub(super) fn reference(text: &str) -> Outcome<Segment> {
    let relative = match text.split_once("/api/data/v9.2/") {
        Some((_, relative)) => relative,
        None => text.trim_start_matches('/'),
    };
    segment(relative)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(path: &str) -> Segment {
        segments(path).unwrap().remove(0)
    }

    #[test]
    fn a_row_is_addressed_by_its_id() {
        let id = Uuid::from_u128(7);
        assert_eq!(only(&format!("leads({id})")).key, Some(KeyValue::Id(id)));
    }

    #[test]
    fn an_alternate_key_is_unquoted_and_decoded() {
        let key = only("leads(sic='a''b%20c',numberofemployees=5)").key;
        let expected = [("sic", "a'b c"), ("numberofemployees", "5")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(key, Some(KeyValue::Columns(expected.into())));
    }

    #[test]
    fn an_encoded_plus_equals_and_ampersand_survive() {
        let key = only("leads(sic='1+1%3D2%26')").key;
        let expected = vec![("sic".to_owned(), "1+1=2&".to_owned())];
        assert_eq!(key, Some(KeyValue::Columns(expected)));
    }

    #[test]
    fn a_quote_that_never_closes_is_refused() {
        assert!(segments("leads(sic='a)").is_err());
    }

    #[test]
    fn a_reference_may_be_relative_rooted_or_absolute() {
        let id = Uuid::from_u128(7);
        let forms = [
            format!("teams({id})"),
            format!("/teams({id})"),
            format!("https://127.0.0.1:1/api/data/v9.2/teams({id})"),
        ];
        for form in forms {
            let segment = reference(&form).unwrap();
            assert_eq!(
                (segment.name.as_str(), segment.key),
                ("teams", Some(KeyValue::Id(id)))
            );
        }
    }
}
