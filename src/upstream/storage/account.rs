//! One operation on the storage account: its address, what opens it, its limits, and what became of it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use http::StatusCode;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use url::Url;

use super::cause::StorageCause;
use super::signature;
use crate::credentials::{ForSdk, TokenError, TokenSource};
use crate::upstream::azure::{AzureHttp, LastAnswer};
use crate::upstream::{Transport, Upstream, retry};

/// How long one operation may take, its repeats included.
const OPERATION_LIMIT: Duration = Duration::from_secs(15);
/// Whom the tokens of an identity are for.
const AUDIENCE: &str = "https://storage.azure.com";

/// What opens the account, ready for use.
#[derive(Clone)]
pub enum Access {
    /// A key: it signs, and is never sent.
    Key {
        /// The account's name.
        account: String,
        /// The key itself.
        key: Arc<SecretSlice<u8>>,
    },
    /// A shared access signature that somebody else made: a query string.
    Signature(SecretString),
    /// The tokens of an identity.
    Identity(Arc<dyn TokenSource>),
}

/// The account, as every one of its clients needs it.
pub(super) struct Account {
    pub(super) blobs: Url,
    pub(super) queues: Url,
    pub(super) access: Access,
    pub(super) transport: Transport,
}

/// An operation that did not succeed.
#[derive(Debug)]
pub(super) struct Failure {
    /// The account's word for it, such as `BlobNotFound`.
    pub(super) code: Option<String>,
    /// The answer's status; `None` when there was no answer.
    pub(super) status: Option<StatusCode>,
    /// How often it was sent. If more than once, an earlier one may have been done although its answer did not come.
    pub(super) attempts: u32,
    /// What it comes to, if it is none of the answers that the caller expects.
    pub(super) cause: StorageCause,
}

impl Failure {
    pub(super) fn is(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|it| codes.contains(&it))
    }
}

impl Account {
    /// Does `operation`, which `send` sends through a client of the SDK that is made for this one time.
    ///
    /// A token that the account does not take is replaced once: it may have been revoked.
    pub(super) async fn perform<T, F>(
        &self,
        operation: &'static str,
        send: impl Fn(Arc<AzureHttp>) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = azure_core::Result<T>>,
    {
        let failure = match self.once(operation, &send).await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        if failure.status == Some(StatusCode::UNAUTHORIZED) && self.replaces_token().await {
            return self.once(operation, &send).await;
        }
        Err(failure)
    }

    async fn once<T, F>(
        &self,
        operation: &'static str,
        send: impl Fn(Arc<AzureHttp>) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = azure_core::Result<T>>,
    {
        let http = AzureHttp::new(&self.transport, Upstream::Storage, operation);
        let deadline = retry::deadline(OPERATION_LIMIT);
        match tokio::time::timeout_at(deadline, send(Arc::clone(&http))).await {
            Ok(Ok(value)) if http.last_answer().has_request_id => Ok(value),
            Ok(Err(error)) => Err(self.judged(&error, &http)),
            // No answer, or one of somebody between us and the account: a page without names would be an empty listing.
            Err(_) | Ok(Ok(_)) => Err(Failure {
                code: None,
                status: None,
                attempts: http.attempts(),
                cause: unanswered(http.last_answer()),
            }),
        }
    }

    /// Whether the account may take another token than the one it has just refused.
    async fn replaces_token(&self) -> bool {
        let Access::Identity(tokens) = &self.access else {
            return false;
        };
        let token = tokens.token(AUDIENCE).await;
        token.is_ok_and(|it| tokens.refused(AUDIENCE, &it))
    }

    /// The address of `path` below `service`, with the signature that opens it, if it is one that does.
    pub(super) fn address<'a>(
        &self,
        service: &Url,
        path: impl IntoIterator<Item = &'a str>,
    ) -> azure_core::Result<Url> {
        let mut url = service.clone();
        url.path_segments_mut()
            .expect("an http address has a path")
            .pop_if_empty()
            .extend(path);
        match &self.access {
            Access::Key { account, key } => {
                let schemes = if url.scheme() == "https" {
                    "https"
                } else {
                    "https,http"
                };
                let now = Timestamp::now();
                let query = signature::query(account, key.expose_secret(), now, schemes);
                let query =
                    query.map_err(|it| azure_core::Error::new(ErrorKind::Credential, it))?;
                url.set_query(Some(&query));
            }
            Access::Signature(query) => url.set_query(Some(query.expose_secret())),
            Access::Identity(_) => {}
        }
        Ok(url)
    }

    /// What a client of the SDK authenticates with, where the address alone does not open the account.
    pub(super) fn credential(&self) -> Option<Arc<dyn TokenCredential>> {
        match &self.access {
            Access::Identity(tokens) => Some(Arc::new(ForSdk(Arc::clone(tokens)))),
            Access::Key { .. } | Access::Signature(_) => None,
        }
    }

    fn judged(&self, error: &azure_core::Error, http: &AzureHttp) -> Failure {
        let last = http.last_answer();
        let (status, code) = answered(error);
        let cause = match status {
            Some(status) if matches!(status.as_u16(), 401 | 403) => {
                self.forbidden(status, code.clone())
            }
            Some(status) => StorageCause::Failed {
                status,
                after: last.retry_after,
            },
            None => match token_error(error) {
                Some(error) => StorageCause::NoToken(error),
                None => unanswered(last),
            },
        };
        Failure {
            code,
            status,
            attempts: http.attempts(),
            cause,
        }
    }

    /// When the shared access signature ends, if it is one that opens the account.
    pub(super) fn signature_end(&self) -> Option<Timestamp> {
        match &self.access {
            Access::Signature(query) => signature::end(query.expose_secret()),
            Access::Key { .. } | Access::Identity(_) => None,
        }
    }

    fn forbidden(&self, status: StatusCode, code: Option<String>) -> StorageCause {
        if let Some(end) = self.signature_end()
            && end < Timestamp::now()
        {
            return StorageCause::Expired { end };
        }
        StorageCause::Forbidden { status, code }
    }
}

/// What the account itself said, if it said no: the status, and its word for it.
fn answered(error: &azure_core::Error) -> (Option<StatusCode>, Option<String>) {
    let ErrorKind::HttpResponse {
        status, error_code, ..
    } = error.kind()
    else {
        return (None, None);
    };
    // Where the account said nothing the SDK puts the status; and a word of somebody else's may be anything.
    let word = |code: &&String| {
        code.len() <= 64 && !code.is_empty() && code.bytes().all(|it| it.is_ascii_alphabetic())
    };
    let code = error_code.as_ref().filter(word).cloned();
    (StatusCode::from_u16((*status).into()).ok(), code)
}

fn token_error(error: &azure_core::Error) -> Option<TokenError> {
    std::iter::successors(error.source(), |it| (*it).source())
        .find_map(|it| it.downcast_ref::<TokenError>())
        .cloned()
}

/// What it comes to that there is no answer that could be used, only perhaps an earlier one.
fn unanswered(last: LastAnswer) -> StorageCause {
    match last.status {
        Some(status) if status.is_success() => StorageCause::Unreadable,
        Some(status) => StorageCause::Failed {
            status,
            after: last.retry_after,
        },
        None => match last.retry_after {
            Some(after) => StorageCause::Paused { after },
            None => StorageCause::Unreachable,
        },
    }
}
