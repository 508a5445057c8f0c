//! Why a referral could not be synced and what a person can do about it, in plain words.

use jiff::SignedDuration;

use crate::failure::Chain;
use crate::sync::error::{SyncCause, SyncError};
use crate::upstream::dataverse::{DataverseError, Failure};
use crate::upstream::partner_center::PartnerCenterError;

/// After whatever was in the way is gone.
pub(super) const TRY_AGAIN: &str = "put right what the reason names, then retry this letter";
/// About a message that is not ours.
pub(super) const FOREIGN: &str = "find out what else writes to the queue referral-retry, and stop it; the message is in this letter's blob; drop the \
     letter when nothing is missing";
/// About a damaged message.
pub(super) const BROKEN: &str = "the message is in this letter's blob; if it still names a referral, sync that one, then drop the letter";

/// What was in the way; `after` this long, if it was one thing or another all the time.
pub(super) fn reason(cause: &SyncCause, after: Option<SignedDuration>) -> String {
    let last = sentence(cause);
    match after {
        Some(after) => format!(
            "it did not work for {} days and is not tried any more; the last time {last}",
            after.as_hours() / 24
        ),
        None => last,
    }
}

fn sentence(cause: &SyncCause) -> String {
    match cause {
        SyncCause::PartnerCenter(error) => partner_center(error),
        SyncCause::Dataverse(error) => dataverse(error),
        SyncCause::Flow(error) => format!("the flow did not take it: {}", Chain(error)),
        SyncCause::LookAgain => "Partner Center did not show the referral".to_owned(),
        SyncCause::Unsettled { .. } => {
            "the referral and its lead kept changing while they were compared".to_owned()
        }
        SyncCause::Storage(error) => {
            format!("the storage account did not do its part: {}", Chain(error))
        }
        SyncCause::Busy { .. } => "another sync of it did not come to an end".to_owned(),
        SyncCause::OutOfTime | SyncCause::Unfinished => {
            "the sync took longer than the time it has".to_owned()
        }
        SyncCause::Stopped => {
            "the program failed on it, which is a fault of the program".to_owned()
        }
    }
}

fn partner_center(error: &PartnerCenterError) -> String {
    match error {
        PartnerCenterError::Malformed { member, .. } => {
            format!("Partner Center shows the referral without its {member}")
        }
        PartnerCenterError::Patch { .. } => {
            "Partner Center did not take what was to be written to the referral".to_owned()
        }
        PartnerCenterError::Read { .. } => {
            "Partner Center did not give the referral, or not in a form that can be read".to_owned()
        }
        other => format!("Partner Center did not do its part: {}", Chain(other)),
    }
}

fn dataverse(error: &DataverseError) -> String {
    let (what, failure) = match error {
        DataverseError::Read { source, .. } => ("read the lead", source),
        DataverseError::Create { source, .. } => ("create the lead", source),
        DataverseError::Update { source, .. } | DataverseError::SchemaMoved { source, .. } => {
            ("change the lead", source)
        }
        DataverseError::Note { source, .. } => ("add a note to the lead", source),
        DataverseError::Currency { source, .. } | DataverseError::CurrencyRow { source, .. } => {
            ("look up the currency", source)
        }
        other => return format!("Dynamics 365 did not do its part: {}", Chain(other)),
    };
    match failure {
        Failure::Refused { meaning, .. } => {
            format!("Dynamics 365 refused to {what}: {}", meaning.advice())
        }
        _ => format!("Dynamics 365 did not {what} properly"),
    }
}

/// What to do about it.
pub(super) fn advice(cause: &SyncCause) -> &'static str {
    match cause {
        SyncCause::PartnerCenter(_) | SyncCause::LookAgain => {
            "open the referral in Partner Center; if it is sound there, retry this letter; if that fails again, report the error \
             below with the referral's id"
        }
        SyncCause::Stopped => {
            "report the log lines about this referral to the program's makers; after an update, retry this letter"
        }
        SyncCause::Unsettled { .. }
        | SyncCause::Busy { .. }
        | SyncCause::OutOfTime
        | SyncCause::Unfinished => {
            "retry this letter when nobody edits the lead; if that fails again, look in the log for which call takes long"
        }
        SyncCause::Flow(_) => {
            "look into the run history of the flow, whose tracking id is the referral's; put the flow right, then retry this letter"
        }
        SyncCause::Dataverse(_) | SyncCause::Storage(_) => TRY_AGAIN,
    }
}

/// The error with its causes, without the referral's id: the letter has it.
pub(super) fn causes(error: &SyncError) -> String {
    Chain(&error.cause).to_string()
}
