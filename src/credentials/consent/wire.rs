//! What Entra ID says in JSON during a sign-in.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// The member we use of a tenant's OpenID configuration.
#[derive(Deserialize)]
pub(super) struct OpenIdConfiguration {
    pub(super) issuer: String,
}

/// What an answer of the token endpoint has beside OAuth's own members.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct IdToken {
    pub(super) id_token: Option<String>,
}

impl oauth2::ExtraTokenFields for IdToken {}

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdToken(…)")
    }
}

/// The claims of an id token or an access token that we read. Each may be missing.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Claims {
    pub(super) aud: Option<String>,
    pub(super) iss: Option<String>,
    pub(super) tid: Option<String>,
    pub(super) oid: Option<String>,
    pub(super) exp: Option<i64>,
    pub(super) nonce: Option<String>,
    pub(super) amr: Option<Vec<String>>,
    /// The application that an access token was given to, in tokens of version 1.
    pub(super) appid: Option<String>,
    /// The same in tokens of version 2.
    pub(super) azp: Option<String>,
    pub(super) preferred_username: Option<String>,
    pub(super) upn: Option<String>,
}

impl Claims {
    /// Reads the claims of a JSON Web Token; `None` if it is none.
    ///
    /// Its signature is not checked: it came from the token endpoint itself, over TLS (OpenID Connect Core, 3.1.3.7).
    pub(super) fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        serde_json::from_slice(&claims).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn claims_are_read_from_the_middle_of_a_token() {
        let claims = token(r#"{"oid":"o","amr":["pwd","mfa"],"exp":1700000000,"other":[{}]}"#);
        let claims = Claims::read(&claims).unwrap();
        assert_eq!(claims.oid.as_deref(), Some("o"));
        assert_eq!(claims.amr.unwrap(), ["pwd", "mfa"]);
        assert!(claims.nonce.is_none());
    }

    #[test]
    fn what_is_no_token_has_no_claims() {
        for text in [
            "",
            "opaque",
            "a.b",
            "a.!!.c",
            "a.e30.c.d.e",
            &token("[]x"),
            &token(r#"{"oid":7}"#),
            &token(&"[".repeat(100_000)),
        ] {
            assert!(Claims::read(text).is_none(), "{text:.40}");
        }
    }

    #[test]
    fn an_id_token_does_not_show_itself() {
        let token = IdToken {
            id_token: Some("eyJ.t0ps3cret".into()),
        };
        assert!(!format!("{token:?}").contains("t0ps3cret"));
    }
}
