//! Entra ID's answer to a request for tokens.

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected};

/// The members we use; version 1 of the endpoint writes numbers as texts.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: String,
    /// In seconds.
    #[serde(deserialize_with = "number")]
    pub(super) expires_in: u64,
    #[serde(default)]
    pub(super) refresh_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Digits(u64),
    Text(String),
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match Number::deserialize(deserializer)? {
        Number::Digits(number) => Ok(number),
        Number::Text(text) => text
            .trim()
            .parse()
            .map_err(|_| Error::invalid_value(Unexpected::Other("text"), &"a number of seconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_the_answer_are_read() {
        for answer in [
            r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"a","refresh_token":"r"}"#,
            r#"{"token_type":"Bearer","expires_in":"3599","expires_on":"1547581389","access_token":"a","refresh_token":"r"}"#,
        ] {
            let tokens: Tokens = serde_json::from_str(answer).unwrap();
            assert_eq!(tokens.expires_in, 3599);
            assert_eq!(tokens.refresh_token.as_deref(), Some("r"));
        }
    }

    #[test]
    fn a_life_of_any_length_is_bounded_or_refused() {
        let tokens = |life: &str| {
            let answer = format!(r#"{{"access_token":"a","expires_in":{life}}}"#);
            serde_json::from_str::<Tokens>(&answer)
        };
        for endless in ["18446744073709551615", "\"18446744073709551615\""] {
            let seconds = tokens(endless).unwrap().expires_in;
            let lifetime = std::time::Duration::from_secs(seconds);
            let token = crate::credentials::AccessToken::new("a", lifetime).unwrap();
            assert!(token.lifetime() <= std::time::Duration::from_hours(28));
        }
        let deep = "[".repeat(100_000);
        for wrong in [
            "-1",
            "1.5",
            "1e999999999",
            "18446744073709551616",
            "\"\"",
            "NaN",
            &deep,
        ] {
            assert!(tokens(wrong).is_err(), "{wrong:.20}");
        }
    }
}
