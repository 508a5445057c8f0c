//! What a call is answered about a referral, by what became of it.

use std::time::Duration;

use jiff::Timestamp;

use super::code::Code;
use super::respond::Answer;
use crate::sync::SyncReport;
use crate::sync::park::{Disposal, EARLY, Why};
use crate::sync::plan::Outcome;

/// When to come again with what could not even be kept.
const COME_AGAIN: Duration = Duration::from_mins(1);

/// The answer about a referral.
pub(super) fn answer(disposal: &Disposal) -> Answer {
    match disposal {
        Disposal::Done(report) => synced(report),
        Disposal::Absent(why) => failed(Code::Absent, why),
        Disposal::Parked { until, why } => {
            let code = if why.word == EARLY {
                Code::Early
            } else {
                Code::Parked
            };
            let mut answer = failed(code, why);
            let wait = until.duration_since(Timestamp::now());
            answer.parked = Some(Duration::try_from(wait).unwrap_or_default());
            answer
        }
        Disposal::DeadLettered(why) => failed(Code::DeadLettered, why),
        Disposal::NotKept { why, storage } => {
            // The storage account is what a person has to see to; the word tells what else failed.
            let mut answer = failed(Code::NotKept, why).because(storage);
            answer.retry_after = Some(COME_AGAIN);
            answer
        }
    }
}

fn synced(report: &SyncReport) -> Answer {
    let code = match report.outcome {
        Outcome::NotOurs => Code::NotOurs,
        Outcome::Ignored(_) => Code::Ignored,
        _ => Code::Synced,
    };
    let mut answer = Answer::new(code);
    answer.cause = Some(
        report
            .outcome
            .reason()
            .unwrap_or(report.outcome.word())
            .to_owned(),
    );
    answer.lead = report.lead;
    answer.reports = report.reports.iter().map(ToString::to_string).collect();
    answer.calls.clone_from(&report.calls);
    answer
}

fn failed(code: Code, why: &Why) -> Answer {
    let mut answer = Answer::new(code);
    if let Some(error) = &why.error {
        answer = answer.because(error.as_ref());
        answer.calls.clone_from(&error.calls);
    }
    answer.cause = Some(why.word.to_string());
    answer
}
