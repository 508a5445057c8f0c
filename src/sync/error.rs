//! Why a referral could not be synced.

use std::time::Duration;

use crate::failure::{Classify, Disposition};
use crate::ids::ReferralId;
use crate::upstream::calls::CallRecord;
use crate::upstream::dataverse::DataverseError;
use crate::upstream::partner_center::PartnerCenterError;

/// How long Partner Center may take to show a referral that it sent an event about.
const LOOK_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// A sync that did not finish. Whatever it had written stays; the next one goes on from there.
#[derive(Debug, thiserror::Error)]
#[error("syncing referral {referral}")]
pub struct SyncError {
    /// Which referral.
    pub referral: ReferralId,
    /// Why.
    #[source]
    pub cause: SyncCause,
    /// Every request it made.
    pub calls: Vec<CallRecord>,
}

/// Why a sync did not finish.
#[derive(Debug, thiserror::Error)]
pub enum SyncCause {
    /// Partner Center does not know the referral, perhaps not yet.
    #[error("partner center does not show the referral; it is looked for again")]
    LookAgain,
    /// Partner Center did not do what it was asked.
    #[error("partner center did not do its part")]
    PartnerCenter(#[from] PartnerCenterError),
    /// Dataverse did not do what it was asked.
    #[error("dataverse did not do its part")]
    Dataverse(#[from] DataverseError),
    /// Both sides kept changing while they were compared.
    #[error("the referral or its lead kept changing while they were compared, {rounds} times")]
    Unsettled {
        /// How often.
        rounds: u32,
    },
    /// The time for waiting was over; the sync itself goes on.
    #[error("the sync was still going on when the time for its answer was over")]
    Unfinished,
    /// The sync ended without a result: a bug, its trace is in the log.
    #[error("the sync stopped without a result")]
    Stopped,
}

impl SyncCause {
    /// Whether a write was sent whose end is not known, and which may be done yet.
    pub(super) fn is_lost_write(&self) -> bool {
        let no_effect = match self {
            Self::PartnerCenter(error @ PartnerCenterError::Patch { .. }) => error.had_no_effect(),
            Self::Dataverse(
                error @ (DataverseError::Create { .. } | DataverseError::Update { .. }),
            ) => error.had_no_effect(),
            _ => true,
        };
        !no_effect && matches!(self.disposition(), Disposition::Retry { .. })
    }

    /// One `snake_case` word, for logs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::LookAgain => "look_again",
            Self::PartnerCenter(_) => "partner_center",
            Self::Dataverse(_) => "dataverse",
            Self::Unsettled { .. } => "unsettled",
            Self::Unfinished => "unfinished",
            Self::Stopped => "stopped",
        }
    }
}

impl Classify for SyncCause {
    fn disposition(&self) -> Disposition {
        match self {
            Self::LookAgain => Disposition::Retry {
                after: Some(LOOK_AGAIN_AFTER),
            },
            Self::PartnerCenter(error) => error.disposition(),
            Self::Dataverse(error) => error.disposition(),
            Self::Unsettled { .. } | Self::Unfinished | Self::Stopped => Disposition::RETRY,
        }
    }
}

impl Classify for SyncError {
    fn disposition(&self) -> Disposition {
        self.cause.disposition()
    }
}
