//! Tokens for Azure's own services and Dataverse, by the Azure SDK's credentials.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::http::ClientOptions;
use azure_core::time::OffsetDateTime;
use azure_identity::{
    AzureCliCredential, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use secrecy::ExposeSecret;
use tokio::time::timeout_at;
use url::Url;

use super::cached::Issuer;
use super::{AccessToken, Identity, TokenError, TokenSource, advice, entra};
use crate::config::AzureCredential;
use crate::upstream::azure::{AzureHttp, LastAnswer};
use crate::upstream::{Transport, Upstream, retry};

/// How long a sign-in may take where the work around it has no deadline.
const SIGN_IN_LIMIT: Duration = Duration::from_secs(20);

/// Signs in to Azure as the settings say.
#[derive(Clone)]
pub(super) struct Azure {
    pub(super) credential: AzureCredential,
    pub(super) authority: Url,
    pub(super) transport: Transport,
}

impl Issuer for Azure {
    fn identity(&self) -> Identity {
        match self.credential {
            AzureCredential::ManagedIdentity { .. } => Identity::ManagedIdentity,
            AzureCredential::ClientSecret { .. } => Identity::ClientSecret,
            AzureCredential::AzureCli => Identity::AzureCli,
        }
    }

    fn issue<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        self.sign_in(audience).boxed()
    }
}

impl Azure {
    async fn sign_in(&self, audience: &str) -> Result<AccessToken, TokenError> {
        let http = AzureHttp::new(&self.transport, self.upstream(), "sign in");
        let scope = format!("{audience}/.default");
        let sign_in = async {
            let credential = self.sdk_credential(http.options())?;
            credential.get_token(&[&scope], None).await
        };
        let answer = timeout_at(retry::deadline(SIGN_IN_LIMIT), sign_in).await;
        let token = match answer {
            Ok(Ok(token)) => token,
            Ok(Err(error)) => return Err(self.judged(&error, http.last_answer())),
            Err(_) => return Err(self.unavailable(http.last_answer())),
        };
        let left = token.expires_on - OffsetDateTime::now_utc();
        let left = Duration::try_from(left).unwrap_or_default();
        AccessToken::new(token.token.secret(), left)
            .map_err(|_| self.unavailable(http.last_answer()))
    }

    /// A credential for one sign-in. The SDK's own cache has to stay empty: it hands out a revoked
    /// token until its end, fails while the old token is still good, and locks all scopes together.
    fn sdk_credential(
        &self,
        client_options: ClientOptions,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        Ok(match &self.credential {
            AzureCredential::ManagedIdentity { client_id } => {
                let user_assigned_id = client_id.clone().map(UserAssignedId::ClientId);
                ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                    user_assigned_id,
                    client_options,
                }))?
            }
            AzureCredential::ClientSecret {
                tenant_id,
                client_id,
                secret,
            } => {
                let secret = Secret::new(secret.expose_secret().to_owned());
                let client_options = ClientOptions {
                    cloud: Some(Arc::new(self.cloud())),
                    ..client_options
                };
                let options = ClientSecretCredentialOptions { client_options };
                ClientSecretCredential::new(tenant_id, client_id.clone(), secret, Some(options))?
            }
            AzureCredential::AzureCli => AzureCliCredential::new(None)?,
        })
    }

    fn cloud(&self) -> CloudConfiguration {
        let mut cloud = CustomConfiguration::default();
        self.authority
            .as_str()
            .clone_into(&mut cloud.authority_host);
        cloud.into()
    }

    fn upstream(&self) -> Upstream {
        match self.credential {
            AzureCredential::ManagedIdentity { .. } => Upstream::ManagedIdentity,
            AzureCredential::ClientSecret { .. } | AzureCredential::AzureCli => Upstream::EntraId,
        }
    }

    /// The SDK's errors hide the status and the numbers in their sources, and hold texts of the answer.
    fn judged(&self, error: &azure_core::Error, last: LastAnswer) -> TokenError {
        let identity = self.identity();
        let Some(status) = last.status else {
            // No request was made: the credential itself cannot work, or the CLI refused.
            let local = identity == Identity::AzureCli || !reached_for_network(error);
            return if local {
                self.refused("no sign-in possible".to_owned(), &[])
            } else {
                self.unavailable(last)
            };
        };
        let codes = codes(error);
        let passing = status.is_server_error()
            || status.is_success()
            || matches!(status.as_u16(), 408 | 410 | 429)
            || advice::passes_by_itself(&codes);
        if passing {
            return self.unavailable(last);
        }
        self.refused(entra::reason(status, &codes), &codes)
    }

    fn refused(&self, reason: String, codes: &[String]) -> TokenError {
        let identity = self.identity();
        TokenError::Refused {
            identity,
            reason,
            advice: advice::advice(identity, codes),
        }
    }

    fn unavailable(&self, last: LastAnswer) -> TokenError {
        TokenError::Unavailable {
            identity: self.identity(),
            after: last.retry_after,
            source: Arc::new(NoSignIn(last.status)),
        }
    }
}

/// What is left of the SDK's error once the texts that may hold data are gone.
#[derive(Debug)]
struct NoSignIn(Option<StatusCode>);

impl Error for NoSignIn {}

impl fmt::Display for NoSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("no answer came"),
            Some(status) if status.is_success() => f.write_str("the answer could not be read"),
            Some(status) => write!(f, "status {}", status.as_u16()),
        }
    }
}

/// `error` and the SDK errors under it.
fn sdk_errors(error: &azure_core::Error) -> impl Iterator<Item = &azure_core::Error> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |it| (*it).source())
        .filter_map(|it| it.downcast_ref::<azure_core::Error>())
}

fn reached_for_network(error: &azure_core::Error) -> bool {
    sdk_errors(error).any(|it| matches!(it.kind(), ErrorKind::Connection | ErrorKind::Io))
}

/// The AADSTS numbers, wherever in the chain they are.
fn codes(error: &azure_core::Error) -> Vec<String> {
    let codes = sdk_errors(error).find_map(|it| match it.kind() {
        ErrorKind::HttpResponse {
            error_code: Some(codes),
            ..
        } => Some(codes.clone()),
        _ => None,
    });
    let codes = codes.unwrap_or_default();
    let number = |code: &&str| !code.is_empty() && code.bytes().all(|it| it.is_ascii_digit());
    codes.split(',').filter(number).map(str::to_owned).collect()
}

/// Our tokens for an SDK client.
pub(crate) struct ForSdk(pub(crate) Arc<dyn TokenSource>);

impl fmt::Debug for ForSdk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForSdk")
    }
}

#[async_trait]
impl TokenCredential for ForSdk {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<azure_core::credentials::AccessToken> {
        let scope = scopes.first().copied().unwrap_or_default();
        let audience = scope.strip_suffix("/.default").unwrap_or(scope);
        let token = self.0.token(audience).await;
        let token = token.map_err(|error| azure_core::Error::new(ErrorKind::Credential, error))?;
        let secret = Secret::new(token.expose().to_owned());
        let expires = OffsetDateTime::now_utc() + token.lifetime();
        Ok(azure_core::credentials::AccessToken::new(secret, expires))
    }
}
