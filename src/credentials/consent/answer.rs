//! What a browser brings back from the sign-in.

use std::borrow::Cow;
use std::collections::HashMap;

use secrecy::SecretString;
use url::form_urlencoded;

/// No answer of Entra ID's is longer.
const LIMIT: usize = 16 * 1024;

/// What an address that a browser came back to says.
#[derive(Debug)]
pub enum Answer {
    /// The person signed in: a code to redeem, once.
    Code(SecretString),
    /// Entra ID said no, in these codes: a word, and the number of `AADSTS…` if there is one.
    Refused(Vec<String>),
    /// It is no answer to this attempt, and why.
    Foreign(&'static str),
}

impl Answer {
    /// Reads the query of a redirect, which has to repeat `state`.
    pub(super) fn read(query: &str, state: &str) -> Self {
        if query.len() > LIMIT {
            return Self::Foreign("it is too long for an answer of Entra ID");
        }
        let mut values: HashMap<Cow<'_, str>, Cow<'_, str>> = HashMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if values.insert(name, value).is_some() {
                return Self::Foreign("it says something twice");
            }
        }
        match values.get("state") {
            None => {
                return Self::Foreign(
                    "it has no state: it is not the whole address of the page that the sign-in ended on",
                );
            }
            Some(its) if its != state => {
                return Self::Foreign(
                    "it belongs to another attempt: sign in by the address that was shown last",
                );
            }
            Some(_) => {}
        }
        let filled = |name| values.get(name).filter(|it: &&Cow<'_, str>| !it.is_empty());
        if let Some(error) = filled("error") {
            let description = filled("error_description");
            return Self::Refused(codes(error, description.map(AsRef::as_ref)));
        }
        match filled("code") {
            Some(code) => Self::Code(SecretString::from(code.as_ref())),
            None => Self::Foreign("it has neither a code nor an error"),
        }
    }

    /// Reads what a person pasted: the whole address, or what follows its question mark.
    pub(super) fn pasted(text: &str, state: &str) -> Self {
        let quotes = |it: char| it.is_whitespace() || "\"'<>`".contains(it);
        let text = text.trim_matches(quotes);
        let query = text.split_once('?').map_or(text, |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        Self::read(query, state)
    }
}

/// The codes of a refusal of OAuth: its word, and the number that Entra ID's description starts with.
pub(super) fn codes(error: &str, description: Option<&str>) -> Vec<String> {
    let plain = |it: char| it.is_ascii_alphanumeric() || it == '_';
    // The word travelled through a browser.
    let word: String = error.chars().filter(|it| plain(*it)).take(64).collect();
    let number = description
        .and_then(|it| it.trim_start().strip_prefix("AADSTS"))
        .and_then(|it| it.split(|it: char| !it.is_ascii_digit()).next())
        .filter(|it| (4..=10).contains(&it.len()));
    let number = number.map(str::to_owned);
    std::iter::once(word).chain(number).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    fn code(answer: &Answer) -> Option<&str> {
        match answer {
            Answer::Code(code) => Some(code.expose_secret()),
            _ => None,
        }
    }

    fn why(answer: Answer) -> &'static str {
        match answer {
            Answer::Foreign(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_code_is_taken_with_its_state_alone() {
        let answer = Answer::read("code=1.AX&state=s3&session_state=x", "s3");
        assert_eq!(code(&answer), Some("1.AX"));
        assert!(!format!("{answer:?}").contains("1.AX"));
        for (query, word) in [
            ("code=1.AX&state=s4", "another attempt"),
            ("code=1.AX", "not the whole address"),
            ("state=s3", "neither a code"),
            ("code=&state=s3", "neither a code"),
            ("code=a&code=b&state=s3", "twice"),
            ("", "not the whole address"),
        ] {
            assert!(why(Answer::read(query, "s3")).contains(word), "{query}");
        }
        let long = format!("state=s3&code={}", "x".repeat(LIMIT));
        assert!(why(Answer::read(&long, "s3")).contains("too long"));
    }

    #[test]
    fn what_a_person_copies_is_read_however_it_was_copied() {
        for pasted in [
            "http://localhost:8400/consent?code=1.AX&state=s3",
            "  \"http://localhost:8400/consent?code=1.AX&state=s3#\"\r\n",
            "<http://localhost:8400/consent?code=1.AX&state=s3>",
            "code=1.AX&state=s3",
            "?code=1.AX&state=s3",
        ] {
            assert_eq!(
                code(&Answer::pasted(pasted, "s3")),
                Some("1.AX"),
                "{pasted}"
            );
        }
        for pasted in ["", "hello", "http://localhost:8400/consent"] {
            assert!(why(Answer::pasted(pasted, "s3")).contains("not the whole"));
        }
    }

    #[test]
    fn a_refusal_tells_its_word_and_number_and_no_more() {
        let query = "error=access_denied&error_description=AADSTS65004%3a+User+declined.+Trace+ID%3a+7a&state=s3";
        let Answer::Refused(codes) = Answer::read(query, "s3") else {
            panic!("{query}")
        };
        assert_eq!(codes, ["access_denied", "65004"]);
        assert_eq!(super::codes("x\u{1b}[31m y", Some("AADSTSx")), ["x31my"]);
    }

    proptest! {
        #[test]
        fn no_text_is_taken_without_the_state(text in "\\PC{0,200}") {
            prop_assert!(matches!(Answer::pasted(&text, "0123456789abcdef"), Answer::Foreign(_)));
        }
    }
}
