//! Why a referral could not be synced.

use std::time::Duration;

use crate::failure::{Classify, Disposition};
use crate::ids::ReferralId;
use crate::upstream::calls::CallRecord;
use crate::upstream::dataverse::DataverseError;
use crate::upstream::flow::FlowError;
use crate::upstream::partner_center::PartnerCenterError;
use crate::upstream::storage::StorageError;

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
    /// The flow did not do what it was asked.
    #[error("the flow did not do its part")]
    Flow(#[from] FlowError),
    /// Both sides kept changing while they were compared.
    #[error("the referral or its lead kept changing while they were compared, {rounds} times")]
    Unsettled {
        /// How often.
        rounds: u32,
    },
    /// The storage account did not do what it was asked.
    #[error("the storage account did not do its part")]
    Storage(#[from] StorageError),
    /// A write of another run may still be done.
    #[error("another run may still write the referral or its lead, for at most {} s", after.as_secs_f64().ceil())]
    Busy {
        /// How long it may take.
        after: Duration,
    },
    /// The time for the sync was over before both sides were in step.
    #[error("the time for the sync was over before it was done")]
    OutOfTime,
    /// The time for waiting was over; the sync itself goes on.
    #[error("the sync was still going on when the time for its answer was over")]
    Unfinished,
    /// The sync ended without a result: a bug, its trace is in the log.
    #[error("the sync stopped without a result")]
    Stopped,
}

impl SyncCause {
    /// Whether the write that failed so was surely not done, and will not be.
    pub(super) fn had_no_effect(&self) -> bool {
        match self {
            Self::PartnerCenter(error) => error.had_no_effect(),
            Self::Dataverse(error) => error.had_no_effect(),
            _ => true,
        }
    }

    /// One `snake_case` word, for logs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::LookAgain => "look_again",
            Self::PartnerCenter(_) => "partner_center",
            Self::Dataverse(_) => "dataverse",
            Self::Flow(_) => "flow",
            Self::Unsettled { .. } => "unsettled",
            Self::Storage(_) => "storage",
            Self::Busy { .. } => "busy",
            Self::OutOfTime => "out_of_time",
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
            Self::Flow(error) => error.disposition(),
            Self::Storage(error) => error.disposition(),
            Self::Busy { after } => Disposition::Retry {
                after: Some(*after),
            },
            Self::Unsettled { .. } | Self::OutOfTime | Self::Unfinished | Self::Stopped => {
                Disposition::RETRY
            }
        }
    }
}

impl Classify for SyncError {
    fn disposition(&self) -> Disposition {
        self.cause.disposition()
    }
}
