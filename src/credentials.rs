//! Access tokens: where they come from, how long they are kept, and how the means to get them is renewed.

mod advice;
mod azure;
mod cached;
pub mod consent;
mod entra;
mod form;
mod partner_center;
mod renewal;
mod standing;
mod store;
mod wire;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use tracing::warn;

pub use renewal::{Kept, Renewal, RenewalOutcome, RenewalReport, TokenAge};
pub use standing::Standing;

use self::azure::Azure;
pub(crate) use self::azure::ForSdk;
use self::cached::Cached;
use self::entra::Entra;
use self::partner_center::{KeptConsent, PasswordGrant};
use self::store::Store;
use crate::config::{Config, Grant, StorageAccess, TokenStore};
use crate::failure::{Classify, Disposition};
use crate::upstream::Transport;
use crate::upstream::key_vault::KeyVault;
use crate::upstream::storage::Access;

/// Everything the connector authenticates with.
#[derive(Clone)]
pub struct Credentials {
    /// For the referrals API.
    pub partner_center: Arc<dyn TokenSource>,
    /// For Dataverse, or a flow.
    pub azure: Arc<dyn TokenSource>,
    /// For the storage account.
    pub storage: Access,
    /// Keeps the first of them alive.
    pub renewal: Renewal,
    /// What the first of them is seen to be.
    pub standing: Standing,
}

/// Prepares the credentials that `config` names. Nothing is called yet.
pub fn build(config: &Config, transport: &Transport) -> Credentials {
    let azure = Azure {
        credential: config.azure.clone(),
        authority: config.partner_center.authority.clone(),
        transport: transport.clone(),
    };
    let storage = storage(&config.storage.access, &azure);
    let entra = Entra::new(&config.partner_center, transport.clone());
    let (partner_center, consent): (Arc<dyn TokenSource>, _) = match &config.partner_center.grant {
        Grant::RefreshToken(place) => {
            let store = store(place, &azure, transport);
            let consent = KeptConsent { entra, store };
            (Arc::new(Cached::new(consent.clone())), Some(consent))
        }
        Grant::Password { username, password } => {
            warn!(
                "PARTNER_CENTER_GRANT is password: Microsoft is ending this sign-in, which knows no second factor; change to refresh_token"
            );
            let grant = PasswordGrant {
                entra,
                username: username.clone(),
                password: password.clone(),
            };
            (Arc::new(Cached::new(grant)), None)
        }
    };
    let standing = Standing {
        tokens: Arc::clone(&partner_center),
        store: consent.as_ref().map(|it| it.store.clone()),
        config: config.partner_center.clone(),
        transport: transport.clone(),
    };
    Credentials {
        partner_center,
        standing,
        azure: Arc::new(Cached::new(azure)),
        storage,
        renewal: Renewal {
            consent,
            audience: config.partner_center.audience.clone(),
        },
    }
}

fn store(place: &TokenStore, azure: &Azure, transport: &Transport) -> Store {
    match place {
        TokenStore::File(path) => Store::File(path.clone()),
        TokenStore::KeyVault { url, secret_name } => {
            let tokens = Arc::new(Cached::new(azure.clone()));
            let credential = Arc::new(ForSdk(tokens));
            Store::KeyVault {
                vault: KeyVault::new(url.clone(), transport.clone(), credential),
                name: secret_name.clone(),
            }
        }
    }
}

fn storage(access: &StorageAccess, azure: &Azure) -> Access {
    match access {
        StorageAccess::Key { account, key } => {
            let key = STANDARD.decode(key.expose_secret());
            let key = key.expect("the settings were checked").into();
            Access::Key {
                account: account.clone(),
                key: Arc::new(key),
            }
        }
        StorageAccess::Signature(query) => Access::Signature(query.clone()),
        StorageAccess::Identity(credential) => Access::Identity(Arc::new(Cached::new(Azure {
            credential: credential.clone(),
            ..azure.clone()
        }))),
    }
}

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

/// The longest that a token is believed to be good for. The longest-lived ones of Entra ID are good for 28 hours.
const LONGEST_LIFETIME: Duration = Duration::from_hours(28);

/// A bearer token. Has no `Display`, and its `Debug` is redacted.
#[derive(Clone, Debug)]
pub struct AccessToken {
    secret: SecretString,
    expires: Instant,
}

impl AccessToken {
    /// Takes a token that is good for `lifetime` from now, and for 28 hours at most.
    pub fn new(secret: impl Into<SecretString>, lifetime: Duration) -> Result<Self, NotAToken> {
        let secret = secret.into();
        HeaderValue::try_from(secret.expose_secret()).map_err(|_| NotAToken)?;
        Ok(Self {
            secret,
            expires: Instant::now() + lifetime.min(LONGEST_LIFETIME),
        })
    }

    /// The `Authorization` header, marked so that nothing downstream logs it.
    pub fn authorization(&self) -> HeaderValue {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.secret.expose_secret()))
            .expect("checked when the token was taken");
        value.set_sensitive(true);
        value
    }

    /// Whether `other` is the same token.
    fn is(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }

    /// The token itself, for the Azure SDK and for what it says of its user.
    fn expose(&self) -> &str {
        self.secret.expose_secret()
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

impl Classify for NotAToken {
    fn disposition(&self) -> Disposition {
        Disposition::RETRY
    }
}

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
    /// The place where the refresh token is kept did not give or take it.
    #[error("using the stored refresh token")]
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
