//! Paths and queries as Kestrel decodes them and as .NET writes them again.

use std::fmt::Write as _;

/// Decodes a raw path: `%2F` stays as it is, a broken escape too, dot segments are resolved.
pub(super) fn decode(raw: &str) -> String {
    let mut decoded = Vec::new();
    let mut rest = raw.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        match escape(rest) {
            Some(b'/' | 0) | None => {
                decoded.push(first);
                rest = after;
            }
            Some(byte) => {
                decoded.push(byte);
                rest = &rest[3..];
            }
        }
    }
    resolve_dots(&String::from_utf8_lossy(&decoded))
}

fn resolve_dots(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    format!("/{}", segments.join("/"))
}

/// What `new Uri(url).AbsolutePath` gives for a decoded path: cut at `?` and `#`, backslashes turned round,
/// needless escapes undone, everything else that is not legal escaped.
pub(super) fn as_absolute_path(decoded: &str) -> String {
    let path = decoded
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .replace('\\', "/");
    let mut written = String::new();
    let mut rest = path.as_str();
    while let Some(first) = rest.chars().next() {
        match escape(rest.as_bytes()) {
            Some(byte) if is_unreserved(byte) => {
                written.push(char::from(byte));
                rest = &rest[3..];
                continue;
            }
            Some(_) => written.push('%'),
            None => write_in_path(&mut written, first),
        }
        rest = &rest[first.len_utf8()..];
    }
    written
}

/// How the reverse proxy writes a decoded path: the escape that Kestrel left is kept, any other `%` is escaped.
pub(super) fn as_proxied_path(decoded: &str) -> String {
    let mut written = String::new();
    for (index, part) in decoded.split("%2F").enumerate() {
        if index > 0 {
            written.push_str("%2F");
        }
        part.chars().for_each(|c| write_in_path(&mut written, c));
    }
    written
}

fn write_in_path(written: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/[]".contains(c) {
        written.push(c);
    } else {
        write_escaped(written, c);
    }
}

/// Parses a query and writes it again: names merged without regard to case, values joined by a comma.
pub(super) fn rebuild_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match pairs
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(&name))
        {
            Some((_, values)) => {
                values.push(',');
                values.push_str(&value);
            }
            None => pairs.push((name.into_owned(), value.into_owned())),
        }
    }
    let written = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", escape_data(name), escape_data(value)));
    written.collect::<Vec<_>>().join("&")
}

/// `Uri.EscapeDataString`.
fn escape_data(text: &str) -> String {
    let mut written = String::new();
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte) if is_unreserved(byte) => written.push(c),
            _ => write_escaped(&mut written, c),
        }
    }
    written
}

fn write_escaped(written: &mut String, c: char) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        write!(written, "%{byte:02X}").expect("a string takes every write");
    }
}

/// The byte that an escape at the start stands for.
fn escape(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_path_is_decoded_once_and_written_again() {
        for (raw, seen) in [
            ("/api/a%20b", "/api/a%20b"),
            ("/api/a%3Fb", "/api/a"),
            ("/api/a%23b", "/api/a"),
            ("/api/100%25", "/api/100%25"),
            ("/api/a%2Fb", "/api/a%2Fb"),
            ("/api/a%2541b", "/api/aAb"),
            ("/api/%C3%A9", "/api/%C3%A9"),
            ("/api/a%5Cb", "/api/a/b"),
            ("/api//x", "/api//x"),
            ("/api/a+b;c", "/api/a+b;c"),
            ("/api/[x]", "/api/[x]"),
        ] {
            assert_eq!(as_absolute_path(&decode(raw)), seen, "{raw}");
        }
    }

    #[test]
    fn a_proxied_path_means_what_the_sent_one_meant() {
        for (raw, seen) in [
            ("/api/a%20b", "/api/a%20b"),
            ("/api/a%3Fb", "/api/a%3Fb"),
            ("/api/a%2541b", "/api/a%2541b"),
            ("/api/a%2Fb", "/api/a%2Fb"),
        ] {
            assert_eq!(as_proxied_path(&decode(raw)), seen, "{raw}");
        }
    }

    #[test]
    fn dot_segments_are_gone_before_a_route_is_looked_for() {
        assert_eq!(decode("/api/../Timer"), "/Timer");
        assert_eq!(decode("/api/%2E%2e/Timer"), "/Timer");
        assert_eq!(decode("/../../x/./y"), "/x/y");
    }

    #[test]
    fn a_forwarded_query_is_rebuilt() {
        assert_eq!(rebuild_query("a=1&A=2"), "a=1%2C2");
        assert_eq!(rebuild_query("flag"), "flag=");
        assert_eq!(rebuild_query("q=a+b%2f"), "q=a%20b%2F");
        assert_eq!(rebuild_query(""), "");
    }

    proptest::proptest! {
        #[test]
        fn any_path_is_written_as_a_legal_one(raw in "/.*") {
            for written in [as_absolute_path(&decode(&raw)), as_proxied_path(&decode(&raw))] {
                proptest::prop_assert!(written.starts_with('/'));
                proptest::prop_assert!(written.parse::<http::uri::PathAndQuery>().is_ok(), "{written}");
            }
        }

        #[test]
        fn a_proxied_path_is_decoded_to_the_same(raw in "/[a-z%0-9/.é ]*") {
            let decoded = decode(&raw);
            proptest::prop_assert_eq!(decode(&as_proxied_path(&decoded)), decoded);
        }
    }
}
