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
}
