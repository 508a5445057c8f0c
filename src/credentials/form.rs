//! Whether what is kept can be a refresh token at all, before Entra ID is asked.

/// The first characters of a JSON Web Token: `{"` in base64.
const JSON_WEB_TOKEN: &str = "eyJ";
/// No refresh token of Entra ID is shorter: they have several hundred characters.
const SHORTEST: usize = 100;

/// What is wrong with `token`, if that can be seen. Never its text.
pub(super) fn fault(token: &str) -> Option<&'static str> {
    let odd = |it: char| !it.is_ascii_graphic();
    if token.is_empty() {
        Some("is empty")
    } else if token.starts_with(['"', '\'', '{', '[']) {
        Some("is in quotes or inside of JSON: the bare token is wanted")
    } else if token.starts_with(JSON_WEB_TOKEN) {
        Some("is an access token or an id token, which ends within the hour, and no refresh token")
    } else if token.contains(odd) {
        Some("has a blank, a line break or another character in it that no token has")
    } else if token.len() < SHORTEST {
        Some("is shorter than any refresh token: it was cut short")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_a_refresh_token_is_told_by_its_own_sentence() {
        let whole = format!("1.AX0A{}", "x".repeat(480));
        assert_eq!(fault(&whole), None);
        for (token, word) in [
            (String::new(), "empty"),
            (format!("\"{whole}\""), "quotes"),
            (format!("{{\"refresh_token\":\"{whole}\"}}"), "JSON"),
            (format!("eyJ0eXAi.{whole}.c2ln"), "access token"),
            (
                format!("{}\n{}", &whole[..240], &whole[240..]),
                "line break",
            ),
            (whole.replace("xx", "\u{2026}"), "no token has"),
            (whole[..64].to_owned(), "cut short"),
        ] {
            let told = fault(&token).unwrap_or_default();
            assert!(told.contains(word), "{word}: {told}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_being_repeated(text in "\\PC{4,200}") {
            let told = fault(&text).unwrap_or_default();
            prop_assert!(!told.contains(&text));
        }
    }
}
