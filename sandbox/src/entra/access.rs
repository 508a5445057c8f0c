//! Access tokens as the other services judge them.

use std::collections::HashMap;

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The resource it is for, without a trailing slash.
    pub aud: String,
    /// The tenant that issued it.
    pub tid: String,
    /// The application it was issued to.
    pub appid: String,
    /// The user, or the application's service principal.
    pub oid: String,
    /// The user's name; `None` in an app-only token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upn: Option<String>,
    /// How the user proved who they are, `mfa` among them; empty in an app-only token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// When it was issued, in Unix seconds.
    pub iat: i64,
    /// When it ends, in Unix seconds.
    pub exp: i64,
}

impl Claims {
    /// Whether the token stands for an application alone, without a user.
    pub fn is_app_only(&self) -> bool {
        self.upn.is_none()
    }

    /// Whether the user signed in with a second factor.
    pub fn has_mfa(&self) -> bool {
        self.amr.iter().any(|it| it == "mfa")
    }
}

/// Why a request's bearer token is refused. Answers with a bare 401 and its challenge; services with
/// an envelope of their own match on it instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unauthorized {
    /// No `Authorization: Bearer …`.
    Missing,
    /// Not issued here, or revoked.
    Unknown,
    /// Past its `exp`.
    Expired,
    /// Issued for this other resource.
    WrongAudience(String),
}

impl IntoResponse for Unauthorized {
    fn into_response(self) -> Response {
        let challenge = match self {
            Self::Missing => "Bearer",
            Self::Unknown => "Bearer error=\"invalid_token\"",
            Self::Expired => {
                "Bearer error=\"invalid_token\", error_description=\"The token is expired\""
            }
            Self::WrongAudience(_) => {
                "Bearer error=\"invalid_token\", error_description=\"The audience is invalid\""
            }
        };
        let headers = [(header::WWW_AUTHENTICATE, challenge)];
        (StatusCode::UNAUTHORIZED, headers).into_response()
    }
}

impl From<Unauthorized> for Response {
    fn from(refused: Unauthorized) -> Self {
        refused.into_response()
    }
}

/// The access tokens issued so far.
#[derive(Debug, Default)]
pub(super) struct Issued(HashMap<String, Claims>);

impl Issued {
    pub(super) fn add(&mut self, token: String, claims: Claims) {
        self.0.insert(token, claims);
    }

    /// Forgets the tokens for `audience`.
    pub(super) fn revoke(&mut self, audience: &str) {
        self.0
            .retain(|_, claims| claims.aud != without_slash(audience));
    }

    pub(super) fn check(
        &self,
        headers: &HeaderMap,
        audience: &str,
        now: Timestamp,
    ) -> Result<Claims, Unauthorized> {
        let token = bearer(headers).ok_or(Unauthorized::Missing)?;
        let claims = self.0.get(token).ok_or(Unauthorized::Unknown)?;
        if claims.exp <= now.as_second() {
            return Err(Unauthorized::Expired);
        }
        if claims.aud != without_slash(audience) {
            return Err(Unauthorized::WrongAudience(claims.aud.clone()));
        }
        Ok(claims.clone())
    }
}

/// An audience as it is compared: resources are written with and without a trailing slash.
pub(crate) fn without_slash(audience: &str) -> &str {
    audience.trim_end_matches('/')
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
