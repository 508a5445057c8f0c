//! Tokens for Partner Center: by the refresh token of a consent, or by user name and password.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tracing::{info, warn};

use super::cached::Issuer;
use super::entra::{Entra, Granted};
use super::store::{Store, StoreError, Stored};
use super::{AccessToken, Identity, TokenError};
use crate::failure::{Chain, Classify};

/// The age at which any instance renews the stored refresh token: the timer has not run for long.
pub(super) const OLD: Duration = Duration::from_hours(30 * 24);
/// How long a refresh token lives without being used (Microsoft identity platform, "Refresh tokens").
pub(super) const LIFE: Duration = Duration::from_hours(90 * 24);

/// Signs in with the stored refresh token.
#[derive(Clone)]
pub(super) struct KeptConsent {
    pub(super) entra: Entra,
    pub(super) store: Store,
}

/// Signs in with user name and password, as the flow of 2019 did.
pub(super) struct PasswordGrant {
    pub(super) entra: Entra,
    pub(super) username: String,
    pub(super) password: SecretString,
}

/// A sign-in with the stored refresh token, and how old that token was.
pub(super) struct Redeemed {
    pub(super) granted: Granted,
    pub(super) age: Option<Duration>,
}

impl KeptConsent {
    /// Signs in with the stored token. One that is refused is read once more first: another instance,
    /// or a new consent, may have replaced it meanwhile.
    pub(super) async fn redeem(&self, audience: &str) -> Result<Redeemed, TokenError> {
        let mut stored = self.store.read().await.map_err(unusable)?;
        let mut result = self.entra.redeem(&stored.token, audience).await;
        if let Err(TokenError::Refused { .. }) = result {
            let again = self.store.read().await.map_err(unusable)?;
            if again.token.expose_secret() != stored.token.expose_secret() {
                stored = again;
                result = self.entra.redeem(&stored.token, audience).await;
            }
        }
        Ok(Redeemed {
            granted: result?,
            age: age(&stored),
        })
    }

    /// Stores `successor`. Without it the access token is just as good, and the next sign-in, or the timer, tries again.
    async fn keep(&self, successor: &SecretString) {
        if let Err(error) = self.store.write(successor).await {
            warn!(error = %Chain(&error), "the renewed refresh token could not be stored");
        } else {
            info!("the stored refresh token was older than 30 days and has been renewed");
        }
    }

    async fn issue_token(&self, audience: &str) -> Result<AccessToken, TokenError> {
        let Redeemed { granted, age } = self.redeem(audience).await?;
        if age.is_some_and(|age| age > OLD)
            && let Some(successor) = &granted.refresh
        {
            self.keep(successor).await;
        }
        Ok(granted.access)
    }
}

/// How old `stored` is, if its place tells.
pub(super) fn age(stored: &Stored) -> Option<Duration> {
    let age = Timestamp::now().duration_since(stored.since?);
    Some(Duration::try_from(age).unwrap_or_default())
}

/// That the refresh token could not be read or stored.
pub(super) fn unusable(error: StoreError) -> TokenError {
    TokenError::Store {
        disposition: error.disposition(),
        source: Arc::new(error),
    }
}

impl Issuer for KeptConsent {
    fn identity(&self) -> Identity {
        Identity::PartnerCenterUser
    }

    fn issue<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        self.issue_token(audience).boxed()
    }
}

impl Issuer for PasswordGrant {
    fn identity(&self) -> Identity {
        Identity::PartnerCenterUser
    }

    fn issue<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        async move {
            let sign_in = self
                .entra
                .sign_in_by_password(&self.username, &self.password, audience);
            Ok(sign_in.await?.access)
        }
        .boxed()
    }
}
