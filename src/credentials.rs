//! Access tokens: where they come from, how long they are kept, and how the means to get them is renewed.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::failure::{Classify, Disposition};

/// Gives access tokens for an audience.
pub trait TokenSource: Send + Sync {
    /// A token that is good now for `audience`, such as `https://api.partner.microsoft.com`.
    fn token(&self, audience: &str) -> BoxFuture<'_, Result<AccessToken, TokenError>>;

    /// Reports that `audience` answered 401 to `token`, and says whether asking for another one is worth it.
    fn refused(&self, audience: &str, token: &AccessToken) -> bool {
        let _ = (audience, token);
        false
    }
}

/// A bearer token. Has no `Display`, and its `Debug` is redacted.
#[derive(Clone, Debug)]
pub struct AccessToken {
    secret: SecretString,
    expires: Instant,
}

impl AccessToken {
    /// Takes a token that is good for `lifetime` from now.
    pub fn new(secret: impl Into<SecretString>, lifetime: Duration) -> Result<Self, NotAToken> {
        let secret = secret.into();
        HeaderValue::try_from(secret.expose_secret()).map_err(|_| NotAToken)?;
        Ok(Self {
            secret,
            expires: Instant::now() + lifetime,
        })
    }

    /// The `Authorization` header, marked so that nothing downstream logs it.
    pub fn authorization(&self) -> HeaderValue {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.secret.expose_secret()))
            .expect("checked when the token was taken");
        value.set_sensitive(true);
        value
    }

    /// How long it is still good.
    pub fn lifetime(&self) -> Duration {
        self.expires.saturating_duration_since(Instant::now())
    }
}

/// What was taken for an access token cannot stand in a header.
#[derive(Debug, thiserror::Error)]
#[error("an access token with characters that cannot be sent")]
pub struct NotAToken;

/// As whom a token was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The user who consented to the connector's use of Partner Center.
    PartnerCenterUser,
    /// The function app's managed identity.
    ManagedIdentity,
    /// The app registration of `AZURE_CLIENT_ID`.
    ClientSecret,
    /// The developer signed in with the Azure CLI.
    AzureCli,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PartnerCenterUser => "the Partner Center user",
            Self::ManagedIdentity => "the managed identity",
            Self::ClientSecret => "the app registration of AZURE_CLIENT_ID",
            Self::AzureCli => "the Azure CLI's user",
        })
    }
}

/// Why there is no access token. Holds no token and no secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// The sign-in service said no, for good: a person has to act.
    #[error("signing in as {identity} was refused ({reason}): {advice}")]
    Refused {
        /// As whom.
        identity: Identity,
        /// The service's own words for it, such as `invalid_grant, AADSTS700082`.
        reason: String,
        /// What a person has to do.
        advice: &'static str,
    },
    /// The sign-in did not work this time.
    #[error("signing in as {identity} did not work")]
    Unavailable {
        /// As whom.
        identity: Identity,
        /// How long the service asked us to wait.
        after: Option<Duration>,
        /// What happened.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The refresh token could not be read, or it is unusable.
    #[error("getting the refresh token")]
    Store {
        /// What to do about it.
        disposition: Disposition,
        /// What happened.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
}

impl Classify for TokenError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Refused { .. } => Disposition::Misconfigured,
            Self::Unavailable { after, .. } => Disposition::Retry { after: *after },
            Self::Store { disposition, .. } => *disposition,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_shows_itself_only_in_the_header() {
        let token = AccessToken::new("t0ps3cret", Duration::from_mins(1)).unwrap();
        assert!(!format!("{token:?}").contains("t0ps3cret"));
        let header = token.authorization();
        assert_eq!(header, "Bearer t0ps3cret");
        assert!(!format!("{header:?}").contains("t0ps3cret"));
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_no_token() {
        assert!(AccessToken::new("a\r\nb", Duration::from_mins(1)).is_err());
    }
}
