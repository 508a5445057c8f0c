//! What a pass tells of a single referral: a line in the log as an event's, and for a command the words.

use tracing::Level;

use crate::failure::Chain;
use crate::ids::ReferralId;
use crate::sync::park::{Disposal, Why};
use crate::sync::plan::Outcome;

/// How many referrals a report tells of one by one.
pub(super) const MOST: usize = 1000;

/// A referral that a person may want to know something about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which one.
    pub referral: ReferralId,
    /// What became of it, in one word.
    pub word: &'static str,
    /// What was reported, or was in the way.
    pub notes: Vec<String>,
}

impl Told {
    /// What `disposal` says of `referral`.
    pub(super) fn new(referral: ReferralId, disposal: &Disposal) -> Self {
        let notes = match disposal {
            Disposal::Done(report) => report.reports.iter().map(ToString::to_string).collect(),
            Disposal::NotKept { storage, .. } => vec![Chain(storage).to_string()],
            Disposal::Absent(why) | Disposal::DeadLettered(why) | Disposal::Parked { why, .. } => {
                reason(why).into_iter().collect()
            }
        };
        let word = word(disposal);
        Self {
            referral,
            word,
            notes,
        }
    }

    /// Whether there is more to it than that it is in step.
    pub(super) fn is_notable(&self) -> bool {
        !self.notes.is_empty() || level(self.word) != Level::INFO
    }
}

/// Writes the line that an event about `referral` would have had.
pub(super) fn log(referral: ReferralId, disposal: &Disposal) {
    let word = word(disposal);
    let (cause, lead, reports, error, calls) = match disposal {
        Disposal::Done(report) => {
            let reports: Vec<_> = report.reports.iter().map(ToString::to_string).collect();
            let cause = report.outcome.reason().unwrap_or(report.outcome.word());
            let calls = report.calls.len();
            (cause.to_owned(), report.lead, reports, None, calls)
        }
        Disposal::NotKept { why, storage } => {
            let error = Chain(storage).to_string();
            (
                why.word.to_string(),
                None,
                Vec::new(),
                Some(error),
                calls(why),
            )
        }
        Disposal::Absent(why) | Disposal::DeadLettered(why) | Disposal::Parked { why, .. } => (
            why.word.to_string(),
            None,
            Vec::new(),
            reason(why),
            calls(why),
        ),
    };
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                code = word,
                cause,
                referral.id = %referral,
                lead.id = lead.map(|id| id.to_string()),
                reports = (!reports.is_empty()).then(|| reports.join(",")),
                calls,
                error,
                "referral {referral}: {word}",
            )
        };
    }
    match level(word) {
        Level::ERROR => line!(error),
        Level::WARN => line!(warn),
        _ => line!(info),
    }
}

/// The word that the answer to an event has.
fn word(disposal: &Disposal) -> &'static str {
    match disposal {
        Disposal::Done(report) => match report.outcome {
            Outcome::NotOurs => "not_ours",
            Outcome::Ignored(_) => "ignored",
            _ => "synced",
        },
        Disposal::Absent(_) => "absent",
        Disposal::Parked { .. } => "parked",
        Disposal::DeadLettered(_) => "dead_lettered",
        Disposal::NotKept { .. } => "not_kept",
    }
}

fn level(word: &str) -> Level {
    match word {
        "dead_lettered" | "not_kept" => Level::ERROR,
        "parked" => Level::WARN,
        _ => Level::INFO,
    }
}

fn reason(why: &Why) -> Option<String> {
    let error = why.error.as_deref()?;
    Some(Chain(error).to_string())
}

fn calls(why: &Why) -> usize {
    why.error.as_ref().map_or(0, |error| error.calls.len())
}
