//! Why the storage account did not do what it was asked, and what to do about it.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;

use crate::credentials::TokenError;
use crate::failure::{Classify, Disposition};

/// The storage account did not do what it was asked. No text of it holds an address, a content or a key.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation} {name} in the storage account")]
pub struct StorageError {
    /// Completes the sentence "could not …".
    pub operation: &'static str,
    /// The blob, container or queue: made of ids and fixed words.
    pub name: String,
    /// Why.
    #[source]
    pub cause: StorageCause,
}

/// Why the storage account did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageCause {
    /// There was nothing to authenticate with.
    #[error("no access token")]
    NoToken(#[source] TokenError),
    /// It refused what we authenticate with.
    #[error("it refuses us with status {}{}: {}", status.as_u16(), Code(code.as_deref()), advice(code.as_deref()))]
    Forbidden {
        /// 401 or 403.
        status: StatusCode,
        /// Its own word for it, such as `AuthorizationPermissionMismatch`.
        code: Option<String>,
    },
    /// The shared access signature of the settings has had its time.
    #[error(
        "the shared access signature in AzureWebJobsStorage ended on {end}: put a new one there"
    )]
    Expired {
        /// When it ended.
        end: Timestamp,
    },
    /// It answered that it could not.
    #[error("it answered with status {}", status.as_u16())]
    Failed {
        /// The status.
        status: StatusCode,
        /// How long it asked us to wait.
        after: Option<Duration>,
    },
    /// It answered, but not as a storage account does.
    #[error("its answer could not be read")]
    Unreadable,
    /// No answer came in time.
    #[error("no answer came")]
    Unreachable,
    /// It asked for a wait that is not over, so nothing was sent.
    #[error("it asked to be left alone for another {} s", after.as_secs_f64().ceil())]
    Paused {
        /// What is left of the wait.
        after: Duration,
    },
    /// What was to be written is larger than anything this program would read.
    #[error("it would have {bytes} bytes, which is more than is ever read")]
    TooLarge {
        /// How many it would have.
        bytes: usize,
    },
    /// Somebody wrote and deleted it again and again while it was read.
    #[error("it kept changing while it was read")]
    Unsettled,
    /// A newer program wrote it: this one must not touch it.
    #[error("a newer version of this program wrote it (format {format}); update this one")]
    Newer {
        /// The format it says it has.
        format: u32,
    },
}

impl StorageCause {
    /// The error of doing `operation` with `name`.
    pub(crate) fn of(self, operation: &'static str, name: &str) -> StorageError {
        StorageError {
            operation,
            name: name.to_owned(),
            cause: self,
        }
    }
}

impl Classify for StorageError {
    /// Whatever the account says, nothing is wrong with the referral: a passing failure, or ours. Only what cannot be
    /// written at all is the referral's.
    fn disposition(&self) -> Disposition {
        match &self.cause {
            StorageCause::NoToken(error) => error.disposition(),
            StorageCause::Forbidden { .. } | StorageCause::Expired { .. } => {
                Disposition::Misconfigured
            }
            StorageCause::Failed { after, .. } => Disposition::Retry { after: *after },
            StorageCause::Paused { after } => Disposition::Retry {
                after: Some(*after),
            },
            StorageCause::TooLarge { .. } => Disposition::Permanent,
            StorageCause::Unreadable
            | StorageCause::Unreachable
            | StorageCause::Unsettled
            | StorageCause::Newer { .. } => Disposition::RETRY,
        }
    }
}

struct Code<'a>(Option<&'a str>);

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |code| write!(f, " ({code})"))
    }
}

/// What a person has to do about a refusal. The codes are those of the storage services' REST reference.
fn advice(code: Option<&str>) -> &'static str {
    match code {
        Some("AuthorizationPermissionMismatch" | "InsufficientAccountPermissions") => {
            "give the identity the roles Storage Blob Data Owner and Storage Queue Data Contributor on the account, or the signature all permissions"
        }
        Some(
            "AuthorizationServiceMismatch"
            | "AuthorizationResourceTypeMismatch"
            | "AuthorizationProtocolMismatch"
            | "AuthorizationSourceIPMismatch",
        ) => {
            "put a shared access signature into AzureWebJobsStorage that is for blobs and queues, containers and objects, from any address"
        }
        Some("KeyBasedAuthenticationNotPermitted") => {
            "the account takes no keys; use AzureWebJobsStorage__accountName and an identity"
        }
        Some("AuthorizationFailure") => {
            "let this app's network reach the account, and check the key or signature in AzureWebJobsStorage"
        }
        Some("AuthenticationFailed" | "InvalidAuthenticationInfo") => {
            "check the key or signature in AzureWebJobsStorage, and this machine's clock"
        }
        Some("AccountIsDisabled") => "the account is disabled; enable it in Azure",
        _ => "check AzureWebJobsStorage and the identity's roles on the account",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Chain;

    fn refused(code: Option<&str>) -> StorageError {
        let code = code.map(str::to_owned);
        let status = StatusCode::FORBIDDEN;
        StorageCause::Forbidden { status, code }.of("read blob", "state/1.json")
    }

    #[test]
    fn a_refusal_says_what_a_person_has_to_do() {
        assert_eq!(
            Chain(&refused(Some("AuthorizationPermissionMismatch"))).to_string(),
            "could not read blob state/1.json in the storage account: it refuses us with status 403 (AuthorizationPermissionMismatch): give the identity the roles Storage Blob Data Owner and Storage Queue Data Contributor on the account, or the signature all permissions"
        );
        assert_eq!(
            Chain(&refused(None)).to_string(),
            "could not read blob state/1.json in the storage account: it refuses us with status 403: check AzureWebJobsStorage and the identity's roles on the account"
        );
        assert_eq!(refused(None).disposition(), Disposition::Misconfigured);
    }

    #[test]
    fn what_may_pass_is_tried_again_no_earlier_than_asked() {
        let after = Some(Duration::from_secs(7));
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let failed = StorageCause::Failed { status, after }.of("list blobs", "state/");
        assert_eq!(failed.disposition(), Disposition::Retry { after });
        for cause in [
            StorageCause::Unreachable,
            StorageCause::Unreadable,
            StorageCause::Newer { format: 2 },
        ] {
            let error = cause.of("read blob", "state/1.json");
            assert_eq!(error.disposition(), Disposition::RETRY);
        }
    }
}
