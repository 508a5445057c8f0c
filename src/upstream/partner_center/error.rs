//! Why Partner Center did not do what it was asked.

use crate::failure::{Classify, Disposition};
use crate::ids::ReferralId;
use crate::upstream::CallError;

/// Why Partner Center did not do what we asked.
#[derive(Debug, thiserror::Error)]
pub enum PartnerCenterError {
    /// There is no such referral, or none that we may know of.
    #[error("referral {id} does not exist in Partner Center")]
    NotFound {
        /// The id asked for.
        id: ReferralId,
    },
    /// The user we act as may not read or change it.
    #[error("the Partner Center user may not use referral {id}: give it the Referrals admin role")]
    Forbidden {
        /// The id asked for.
        id: ReferralId,
        /// The refusal.
        #[source]
        source: CallError,
    },
    /// It could not be read.
    #[error("reading referral {id}")]
    Read {
        /// The id asked for.
        id: ReferralId,
        /// What happened.
        #[source]
        source: CallError,
    },
    /// The answer is not a referral we could ever write to.
    #[error("the answer to reading referral {id} has no usable {member}")]
    Malformed {
        /// The id asked for.
        id: ReferralId,
        /// The member that a referral cannot be without.
        member: &'static str,
    },
    /// It could not be changed.
    #[error("updating referral {id}")]
    Patch {
        /// The referral.
        id: ReferralId,
        /// What happened.
        #[source]
        source: CallError,
    },
    /// The user we act as signed in without a second factor (Partner Center, inner code 900421).
    #[error(
        "the Partner Center user signed in without multifactor authentication: give consent again with a second factor"
    )]
    SecondFactor {
        /// The refusal.
        #[source]
        source: CallError,
    },
    /// The user we act as may not list referrals, and so has none of the roles for them.
    #[error("the Partner Center user may not list referrals: give it the Referrals admin role")]
    ListForbidden {
        /// The refusal.
        #[source]
        source: CallError,
    },
    /// The list could not be read.
    #[error("listing referrals")]
    List {
        /// What happened.
        #[source]
        source: CallError,
    },
    /// A page says that the next one is itself: following it would never end.
    #[error("a page of referrals continues with itself")]
    EndlessList,
}

impl PartnerCenterError {
    /// Whether there was nothing to list with.
    pub const fn has_no_token(&self) -> bool {
        matches!(
            self,
            Self::List {
                source: CallError::NoToken { .. }
            }
        )
    }

    /// Whether Partner Center surely did nothing.
    pub fn had_no_effect(&self) -> bool {
        match self {
            Self::Read { source, .. }
            | Self::Patch { source, .. }
            | Self::Forbidden { source, .. }
            | Self::SecondFactor { source }
            | Self::ListForbidden { source }
            | Self::List { source } => source.had_no_effect(),
            Self::NotFound { .. } | Self::Malformed { .. } | Self::EndlessList => true,
        }
    }
}

impl Classify for PartnerCenterError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::NotFound { .. } | Self::Malformed { .. } => Disposition::Permanent,
            Self::Forbidden { .. } | Self::SecondFactor { .. } | Self::ListForbidden { .. } => {
                Disposition::Misconfigured
            }
            Self::Read { source, .. } | Self::Patch { source, .. } | Self::List { source } => {
                source.disposition()
            }
            Self::EndlessList => Disposition::RETRY,
        }
    }
}
