//! Why a delivery was not taken for Partner Center's.

use super::cache::CertificateError;
use super::chain::ChainError;
use super::claim::ClaimError;
use super::policy::Mismatch;
use super::profile::{KeyUsageError, ProfileError};
use super::revocation::RevocationError;
use super::validity::ValidityError;
use crate::failure::{Classify, Disposition};

/// Why a delivery was not taken for Partner Center's. The text and [`CallbackError::code`] are for our log only: whoever
/// sent it learns nothing but that it was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallbackError {
    /// The headers make no usable claim.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// There is no certificate at the address.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The certificate is not in the form of a signer's.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Its key is for something else.
    #[error(transparent)]
    KeyUsage(#[from] KeyUsageError),
    /// It is outside its time.
    #[error(transparent)]
    Validity(#[from] ValidityError),
    /// Its organisation, subject or extended key usage is not the expected one, and the signature is not its own either.
    #[error("the certificate is not one of Partner Center's, nor the signature its own")]
    Mismatch(#[source] Mismatch),
    /// The signature is not the certificate's.
    #[error("the body was not signed with the certificate's key")]
    Signature,
    /// The certificate is not trusted.
    #[error("the certificate is not trusted")]
    Chain(#[source] ChainError),
    /// It has been revoked, or may have been.
    #[error("the certificate may have been revoked")]
    Revocation(#[source] RevocationError),
    /// Genuine by signature and chain, but not what the settings expect.
    #[error(
        "the delivery is genuinely signed by another certificate than the settings expect ({facts})"
    )]
    PolicyMismatch {
        /// What differs, and the setting that would admit it.
        #[source]
        mismatch: Mismatch,
        /// The certificate's public facts.
        facts: String,
    },
    /// The check took too long.
    #[error("the check of the delivery did not end in time")]
    Deadline,
}

/// What the sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The delivery is refused for good.
    Refused,
    /// The same to the sender, but an administrator has a setting to look at.
    PolicyMismatch,
    /// It could not be decided; the same delivery may be accepted later.
    Unavailable,
}

impl CallbackError {
    /// The stable word for the log.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Claim(error) => error.code(),
            Self::Certificate(CertificateError::Fetch(_)) => "certificate_unavailable",
            Self::Certificate(CertificateError::Unreadable(_)) => "certificate_unreadable",
            Self::Certificate(CertificateError::OverBudget) => "over_budget",
            Self::Profile(error) => error.code(),
            Self::KeyUsage(_) => "key_usage",
            Self::Validity(error) => error.code(),
            Self::Mismatch(mismatch) => mismatch.code(),
            Self::Signature => "signature_mismatch",
            Self::Chain(ChainError::Unavailable(_)) => "chain_unavailable",
            Self::Chain(_) => "chain_untrusted",
            Self::Revocation(RevocationError::Revoked) => "certificate_revoked",
            Self::Revocation(_) => "revocation_unavailable",
            Self::PolicyMismatch { .. } => "policy_mismatch",
            Self::Deadline => "deadline",
        }
    }

    /// What the sender is told.
    pub const fn answer(&self) -> Answer {
        match self {
            Self::Revocation(RevocationError::Revoked) => Answer::Refused,
            Self::Certificate(CertificateError::Fetch(_) | CertificateError::OverBudget)
            | Self::Chain(ChainError::Unavailable(_))
            | Self::Revocation(_)
            | Self::Deadline => Answer::Unavailable,
            Self::PolicyMismatch { .. } => Answer::PolicyMismatch,
            _ => Answer::Refused,
        }
    }
}

impl Classify for CallbackError {
    fn disposition(&self) -> Disposition {
        match self.answer() {
            Answer::Refused => Disposition::Permanent,
            Answer::PolicyMismatch => Disposition::Misconfigured,
            Answer::Unavailable => Disposition::RETRY,
        }
    }
}
