//! What the tokens of a sign-in say about who signed in, and how.

use jiff::{SignedDuration, Timestamp};

use super::wire::Claims;
use super::{ConsentError, Person, SecondFactor, Tenant};
use crate::credentials::AccessToken;

/// How far clocks may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What an id token has to say to be the answer to our question.
pub(super) struct Asked<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) client_id: &'a str,
    /// `None` where the protocol carries none: a device code.
    pub(super) nonce: Option<&'a str>,
}

impl Asked<'_> {
    /// Who the id token says has signed in (OpenID Connect Core, 3.1.3.7).
    pub(super) fn person(&self, id_token: &str, now: Timestamp) -> Result<Person, ConsentError> {
        let claims = Claims::read(id_token).ok_or(ConsentError::IdToken("it is no id token"))?;
        if let Some(fault) = self.fault(&claims, now) {
            return Err(ConsentError::IdToken(fault));
        }
        let object_id = claims.oid.filter(|it| !it.is_empty());
        Ok(Person {
            object_id: object_id.ok_or(ConsentError::IdToken("it does not say who signed in"))?,
            name: claims.preferred_username.or(claims.upn),
        })
    }

    fn fault(&self, claims: &Claims, now: Timestamp) -> Option<&'static str> {
        let tenant = self.tenant.id.to_string();
        let is = |claim: &Option<String>, value: &str| {
            claim
                .as_deref()
                .is_some_and(|it| it.eq_ignore_ascii_case(value))
        };
        let ends = claims.exp.and_then(|it| Timestamp::from_second(it).ok());
        if !is(&claims.tid, &tenant) || !is(&claims.iss, &self.tenant.issuer) {
            Some("it is of another tenant than PARTNER_CENTER_TENANT_ID")
        } else if !is(&claims.aud, self.client_id) {
            Some("it is for another application than PARTNER_CENTER_CLIENT_ID")
        } else if claims.nonce.as_deref() != self.nonce && self.nonce.is_some() {
            Some("it belongs to another attempt")
        } else if ends.is_none_or(|it| it + SKEW < now) {
            Some("it has ended already: see that this machine's clock is right")
        } else {
            None
        }
    }
}

/// What an access token says about where it belongs. Each may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The tenant.
    pub tenant: Option<String>,
    /// The application that it was given to.
    pub client_id: Option<String>,
    /// Whether its user proved who they are by more than a password.
    pub second_factor: SecondFactor,
}

impl Bearer {
    pub(in crate::credentials) fn of(token: &AccessToken) -> Self {
        let claims = Claims::read(token.expose()).unwrap_or_default();
        Self {
            tenant: claims.tid,
            client_id: claims.appid.or(claims.azp),
            second_factor: SecondFactor::told_by(claims.amr.as_deref()),
        }
    }
}

impl SecondFactor {
    /// What the access token says about how its user signed in.
    pub(super) fn of(token: &AccessToken) -> Self {
        Bearer::of(token).second_factor
    }

    fn told_by(amr: Option<&[String]>) -> Self {
        match amr {
            Some(methods) if methods.iter().any(|it| it == "mfa") => Self::Used,
            Some(_) => Self::Missing,
            None => Self::NotTold,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const TENANT: &str = "5a7d60c4-1d5e-4f0a-9c0e-3b1c7a2d9e10";
    const ISSUER: &str =
        "https://login.microsoftonline.com/5a7d60c4-1d5e-4f0a-9c0e-3b1c7a2d9e10/v2.0";
    const NOW: i64 = 1_800_000_000;

    fn id_token(change: (&str, &str)) -> String {
        let claims = format!(
            r#"{{"tid":"{TENANT}","iss":"{ISSUER}","aud":"app","nonce":"n1","oid":"o1","preferred_username":"a@b.invalid","exp":{}}}"#,
            NOW + 3600
        );
        let claims = claims.replace(change.0, change.1);
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    fn person(id_token: &str) -> Result<Person, String> {
        let tenant = Tenant {
            id: TENANT.parse().unwrap(),
            issuer: ISSUER.to_owned(),
        };
        let asked = Asked {
            tenant: &tenant,
            client_id: "app",
            nonce: Some("n1"),
        };
        let now = Timestamp::from_second(NOW).unwrap();
        asked.person(id_token, now).map_err(|it| it.to_string())
    }

    #[test]
    fn an_id_token_says_who_signed_in() {
        let Ok(person) = person(&id_token(("", ""))) else {
            panic!("a good token was refused")
        };
        assert_eq!(person.object_id, "o1");
        assert_eq!(person.name.as_deref(), Some("a@b.invalid"));
    }

    #[test]
    fn an_id_token_that_is_not_ours_is_refused_for_its_own_reason() {
        for (change, word) in [
            (
                (TENANT, "00000000-0000-0000-0000-000000000000"),
                "another tenant",
            ),
            (
                ("login.microsoftonline.com", "evil.invalid"),
                "another tenant",
            ),
            (("\"app\"", "\"another\""), "another application"),
            (("n1", "n2"), "another attempt"),
            (("\"nonce\"", "\"other\""), "another attempt"),
            (("1800003600", "1799999000"), "has ended"),
            (("1800003600", "null"), "has ended"),
            (("o1", ""), "who signed in"),
        ] {
            let refused = person(&id_token(change));
            let text = refused.err().unwrap_or_default();
            assert!(text.contains(word), "{change:?}: {text}");
            assert!(!text.contains("a@b.invalid"));
        }
        assert!(person("nonsense").is_err());
    }

    #[test]
    fn the_second_factor_is_what_amr_says() {
        let factor = |claims: &str| {
            let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
            let token = AccessToken::new(token, Duration::from_mins(1)).unwrap();
            SecondFactor::of(&token)
        };
        assert_eq!(factor(r#"{"amr":["pwd","mfa"]}"#), SecondFactor::Used);
        assert_eq!(factor(r#"{"amr":["pwd"]}"#), SecondFactor::Missing);
        assert_eq!(factor("{}"), SecondFactor::NotTold);
        let opaque = AccessToken::new("opaque", Duration::from_mins(1)).unwrap();
        assert_eq!(SecondFactor::of(&opaque), SecondFactor::NotTold);
    }

    #[test]
    fn a_token_of_either_version_names_its_application() {
        for claims in [r#"{"tid":"t","appid":"a"}"#, r#"{"tid":"t","azp":"a"}"#] {
            let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
            let bearer = Bearer::of(&AccessToken::new(token, Duration::from_mins(1)).unwrap());
            let told = (bearer.tenant.as_deref(), bearer.client_id.as_deref());
            assert_eq!(told, (Some("t"), Some("a")));
        }
    }
}
