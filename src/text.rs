//! Text as people typed it, made fit for a column: decoded once, without markup, within a limit.

use html_escape::decode_html_entities;

use crate::ids::ReferralId;

/// One line of text: entities decoded once, tags and control characters replaced by blanks, blanks collapsed.
/// `None` when nothing is left.
pub fn line(raw: &str) -> Option<String> {
    let text = without_markup(raw, ' ');
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

/// Several lines of text: as [`line()`], but line breaks stay, at most one empty line between two others.
/// `None` when nothing is left.
pub fn block(raw: &str) -> Option<String> {
    let text = without_markup(raw, '\n');
    let mut block = String::with_capacity(text.len());
    let mut blank_lines = 0;
    for text_line in text.lines().map(str::trim) {
        if text_line.is_empty() {
            blank_lines += 1;
            continue;
        }
        if !block.is_empty() {
            block.push_str(if blank_lines > 0 { "\n\n" } else { "\n" });
        }
        blank_lines = 0;
        block.push_str(text_line);
    }
    (!block.is_empty()).then_some(block)
}

/// The longest beginning of `text` within `limit` UTF-16 code units, which is how Dataverse counts.
/// Never splits a character, never ends in white space that `text` did not end in.
pub fn cut(text: &str, limit: usize) -> &str {
    let mut units = 0;
    for (at, character) in text.char_indices() {
        units += character.len_utf16();
        if units > limit {
            return text[..at].trim_end();
        }
    }
    text
}

/// Whether `text` says nothing: blank, or what an earlier flow wrote when it knew nothing
/// (`0`, `Default Value`, the referral's own id as a topic).
pub fn is_empty(text: &str, referral: ReferralId) -> bool {
    let text = text.trim();
    matches!(text, "" | "0")
        || text.eq_ignore_ascii_case("default value")
        || text.parse::<ReferralId>() == Ok(referral)
}

/// Decodes entities once, then drops tags: typed text arrives escaped, and what was typed may be markup.
/// A tag that separates words or lines leaves `separator`; other control characters leave a blank.
fn without_markup(raw: &str, separator: char) -> String {
    let decoded = decode_html_entities(raw).replace("\r\n", "\n");
    let mut text = String::with_capacity(decoded.len());
    // Looking for the end of every unclosed comment would take quadratic time.
    let last_comment_end = decoded.rfind(COMMENT_END).unwrap_or(0);
    let mut rest = decoded.as_str();
    while let Some(character) = rest.chars().next() {
        let at = decoded.len() - rest.len();
        if let Some(tag) = leading_tag(rest, at < last_comment_end) {
            if separates(tag) {
                text.push(separator);
            }
            rest = &rest[tag.len()..];
            continue;
        }
        text.push(match character {
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
            other if other.is_control() => ' ',
            other => other,
        });
        rest = &rest[character.len_utf8()..];
    }
    text
}

const COMMENT_END: &str = "-->";

/// The elements of HTML that people's editors write, and the one that an office program adds.
const ELEMENTS: &str = "a abbr address article aside audio b base big blockquote body br button caption center cite code \
    col colgroup dd del details dfn dir div dl doctype dt em embed fieldset figure font footer form \
    frame h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins label li link main mark meta \
    nav object ol option p pre q s script section select small span strike strong style sub summary \
    sup svg table tbody td textarea tfoot th thead title tr tt u ul video o:p";

/// The tag or comment `text` begins with; a comment only where a `comment_end` is to come. What is
/// neither an element nor has an attribute is only text: people write addresses and asides in angle brackets.
fn leading_tag(text: &str, comment_end: bool) -> Option<&str> {
    let inner = text.strip_prefix('<')?;
    if inner.starts_with("!--") {
        let end = comment_end.then(|| inner.find(COMMENT_END)).flatten()?;
        return Some(&text[..=end + COMMENT_END.len()]);
    }
    if !inner.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '/' | '!')) {
        return None;
    }
    let end = inner.find(['<', '>'])?;
    let (tag, rest) = inner.split_at(end);
    let is_tag = rest.starts_with('>') && (tag.contains('=') || is_element(tag));
    is_tag.then(|| &text[..=end + 1])
}

/// Whether `tag`, without its brackets, begins or ends an element.
fn is_element(tag: &str) -> bool {
    let name = tag.strip_prefix(['/', '!']).unwrap_or(tag);
    let name = name
        .split(|it: char| it.is_whitespace() || it == '/')
        .next();
    name.is_some_and(|name| ELEMENTS.split(' ').any(|it| it.eq_ignore_ascii_case(name)))
}

/// Whether a browser would break the line or the word at `tag`.
fn separates(tag: &str) -> bool {
    const BLOCKS: [&str; 15] = [
        "br",
        "p",
        "div",
        "li",
        "ul",
        "ol",
        "tr",
        "td",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "hr",
        "blockquote",
    ];
    let name: String = tag
        .trim_start_matches(['<', '/'])
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    BLOCKS.iter().any(|block| block.eq_ignore_ascii_case(&name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{block, cut, is_empty, line};
    use crate::ids::ReferralId;

    #[test]
    fn entities_are_decoded_once() {
        assert_eq!(line("OIL &amp; GAS").as_deref(), Some("OIL & GAS"));
        assert_eq!(line("&amp;lt;").as_deref(), Some("&lt;"));
        assert_eq!(
            line("Caf&#233; &quot;x&quot;").as_deref(),
            Some("Café \"x\"")
        );
    }

    #[test]
    fn tags_go_whether_they_came_escaped_or_not() {
        assert_eq!(
            line("<b>Hello</b>&lt;br&gt;there").as_deref(),
            Some("Hello there")
        );
        assert_eq!(line("a<!-- hidden > -->b").as_deref(), Some("ab"));
    }

    #[test]
    fn words_in_angle_brackets_are_no_tags() {
        for text in [
            "OIL & GAS <phase 2>",
            "Miriam <miriam@tailspin.example>",
            "see <https://tailspin.example/plants>",
            "<tables> of <br2>",
        ] {
            assert_eq!(line(text).as_deref(), Some(text));
        }
        let markup = "<P class=\"x\">a<o:p></o:p><IMG src=x/></p><!DOCTYPE html>b<x onclick=y>";
        assert_eq!(line(markup).as_deref(), Some("a b"));
    }

    #[test]
    fn a_less_than_sign_is_no_tag() {
        assert_eq!(
            line("budget < 5 and > 3").as_deref(),
            Some("budget < 5 and > 3")
        );
        assert_eq!(line("we <3 you").as_deref(), Some("we <3 you"));
        assert_eq!(line("open <tag").as_deref(), Some("open <tag"));
    }

    #[test]
    fn a_line_has_no_line_breaks_and_a_block_keeps_them() {
        assert_eq!(line(" a\r\n b\tc\u{0} ").as_deref(), Some("a b c"));
        assert_eq!(
            block("a\r\n\r\n\r\nb<br>c\u{7}d").as_deref(),
            Some("a\n\nb\nc d")
        );
    }

    #[test]
    fn nothing_but_blanks_is_nothing() {
        assert_eq!(line(" \u{a0}&nbsp;<p></p>"), None);
        assert_eq!(block("\r\n \t"), None);
    }

    #[test]
    fn a_cut_counts_utf16_units_and_keeps_characters_whole() {
        assert_eq!(cut("ab😀", 4), "ab😀");
        assert_eq!(cut("ab😀", 3), "ab");
        assert_eq!(cut("ab cd", 3), "ab");
    }

    #[test]
    fn what_the_old_flow_wrote_for_nothing_counts_as_empty() {
        let referral: ReferralId = "4111fffc-f9ee-4d53-bba6-569135228642".parse().unwrap();
        for text in [
            "",
            " ",
            "0",
            "Default Value",
            "4111FFFC-f9ee-4d53-bba6-569135228642",
        ] {
            assert!(is_empty(text, referral), "{text:?}");
        }
        assert!(!is_empty("00", referral));
        assert!(!is_empty("5111fffc-f9ee-4d53-bba6-569135228642", referral));
    }

    #[test]
    fn an_unclosed_comment_is_only_text() {
        assert_eq!(
            line("a<!-- b <!-- c --> d <!-- e").as_deref(),
            Some("a d <!-- e")
        );
        assert_eq!(line("a<!-->b").as_deref(), Some("ab"));
    }

    #[test]
    fn a_megabyte_of_any_markup_takes_linear_time() {
        let begun = std::time::Instant::now();
        for piece in [
            "<!--", "<!", "</", "<a", "<a ", "<", "<br>", "&", "&#", "&#x", "&a", "&lt;", "&amp;",
            "-->", "\r\n", " ", "\u{0}",
        ] {
            let _ = line(&piece.repeat(1_000_000 / piece.len()));
        }
        // Quadratic time would be minutes; a busy machine needs seconds.
        assert!(begun.elapsed() < std::time::Duration::from_mins(1));
    }

    proptest! {
        #[test]
        fn a_cut_is_a_prefix_within_the_limit(text in "\\PC*", limit in 0_usize..40) {
            let short = cut(&text, limit);
            prop_assert!(text.starts_with(short));
            prop_assert!(short.encode_utf16().count() <= limit);
        }

        #[test]
        fn a_line_holds_no_control_character_and_no_outer_blank(text in any::<String>()) {
            if let Some(line) = line(&text) {
                prop_assert!(!line.chars().any(char::is_control));
                prop_assert_eq!(line.trim(), line.as_str());
                prop_assert!(!line.is_empty());
            }
        }

        #[test]
        fn a_block_holds_no_control_character_but_line_breaks(text in any::<String>()) {
            if let Some(block) = block(&text) {
                prop_assert!(!block.chars().any(|it| it.is_control() && it != '\n'));
                prop_assert!(!block.contains("\n\n\n"));
                prop_assert_eq!(block.trim(), block.as_str());
            }
        }
    }
}
