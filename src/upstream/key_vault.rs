//! The secrets of an Azure Key Vault.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::time::OffsetDateTime;
use azure_security_keyvault_secrets::models::SetSecretParameters;
use azure_security_keyvault_secrets::{SecretClient, SecretClientOptions};
use http::StatusCode;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::azure::{AzureHttp, LastAnswer};
use super::{Transport, Upstream, retry};
use crate::credentials::TokenError;
use crate::failure::{Classify, Disposition};

/// How long one operation may take, its repeats included.
const OPERATION_LIMIT: Duration = Duration::from_secs(15);

/// A vault.
#[derive(Clone)]
pub(crate) struct KeyVault {
    url: Url,
    transport: Transport,
    credential: Arc<dyn TokenCredential>,
}

/// A secret as the vault keeps it.
pub(crate) struct Secret {
    /// Its value.
    pub(crate) value: SecretString,
    /// When this version was made or changed last.
    pub(crate) updated: Option<Timestamp>,
    /// When somebody noted that it ends.
    pub(crate) expires: Option<Timestamp>,
}

/// Why the vault did not do what we asked. Holds no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyVaultError {
    #[error("no access token for the key vault")]
    NoToken(#[source] TokenError),
    #[error(
        "the key vault has no such secret, or an empty one: consent, and store the refresh token there"
    )]
    NotFound,
    #[error("the key vault refused with status {}: give this identity the role Key Vault Secrets Officer, and let its network reach the vault", status.as_u16())]
    Forbidden { status: StatusCode },
    #[error("the key vault answered with status {}", status.as_u16())]
    Failed {
        status: StatusCode,
        after: Option<Duration>,
    },
    #[error("the key vault did not answer, or not as a key vault does")]
    Unreachable,
}

impl Classify for KeyVaultError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::NoToken(source) => source.disposition(),
            Self::NotFound | Self::Forbidden { .. } => Disposition::Misconfigured,
            Self::Failed { after, .. } => Disposition::Retry { after: *after },
            Self::Unreachable => Disposition::RETRY,
        }
    }
}

impl KeyVault {
    pub(crate) fn new(
        url: Url,
        transport: Transport,
        credential: Arc<dyn TokenCredential>,
    ) -> Self {
        Self {
            url,
            transport,
            credential,
        }
    }

    /// The current version of the secret `name`.
    pub(crate) async fn secret(&self, name: &str) -> Result<Secret, KeyVaultError> {
        let http = self.http("read secret");
        let read = async {
            let response = self.client(&http)?.get_secret(name, None).await?;
            response.into_model()
        };
        let secret = within_limit(&http, read).await?;
        let attributes = secret.attributes.unwrap_or_default();
        let time = |it: Option<OffsetDateTime>| {
            it.and_then(|it| Timestamp::from_second(it.unix_timestamp()).ok())
        };
        Ok(Secret {
            value: secret
                .value
                .filter(|it| !it.is_empty())
                .ok_or(KeyVaultError::NotFound)?
                .into(),
            updated: time(attributes.updated),
            expires: time(attributes.expires),
        })
    }

    /// Makes `value` the current version of the secret `name`.
    pub(crate) async fn set_secret(
        &self,
        name: &str,
        value: &SecretString,
    ) -> Result<(), KeyVaultError> {
        let http = self.http("store secret");
        let parameters = SetSecretParameters {
            value: Some(value.expose_secret().to_owned()),
            ..SetSecretParameters::default()
        };
        let set = async {
            let client = self.client(&http)?;
            client.set_secret(name, parameters.try_into()?, None).await
        };
        within_limit(&http, set).await.map(drop)
    }

    fn http(&self, operation: &'static str) -> Arc<AzureHttp> {
        AzureHttp::new(&self.transport, Upstream::KeyVault, operation)
    }

    /// A client for one operation: it starts with the vault's challenge, and keeps nothing.
    fn client(&self, http: &Arc<AzureHttp>) -> azure_core::Result<SecretClient> {
        let loopback = match self.url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            _ => false,
        };
        let options = SecretClientOptions {
            client_options: http.options(),
            // The challenge names the real vaults' domain, which no address of this machine lies in.
            verify_challenge_resource: Some(!loopback),
            ..SecretClientOptions::default()
        };
        let credential = Arc::clone(&self.credential);
        SecretClient::new(self.url.as_str(), credential, Some(options))
    }
}

async fn within_limit<T>(
    http: &AzureHttp,
    operation: impl Future<Output = azure_core::Result<T>>,
) -> Result<T, KeyVaultError> {
    let deadline = retry::deadline(OPERATION_LIMIT);
    match tokio::time::timeout_at(deadline, operation).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(judged(&error, http.last_answer())),
        Err(_) => Err(KeyVaultError::Unreachable),
    }
}

fn judged(error: &azure_core::Error, last: LastAnswer) -> KeyVaultError {
    let causes = std::iter::successors(error.source(), |it| (*it).source());
    let token_error = causes
        .into_iter()
        .find_map(|it| it.downcast_ref::<TokenError>());
    if let Some(error) = token_error {
        return KeyVaultError::NoToken(error.clone());
    }
    match last.status {
        Some(StatusCode::NOT_FOUND) => KeyVaultError::NotFound,
        Some(status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) => {
            KeyVaultError::Forbidden { status }
        }
        Some(status) if !status.is_success() => KeyVaultError::Failed {
            status,
            after: last.retry_after,
        },
        _ => KeyVaultError::Unreachable,
    }
}
