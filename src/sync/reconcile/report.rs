//! What a pass did.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::told::Told;
use crate::failure::Disposition;

/// What a pass did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReconcileReport {
    /// Rows of the list of referrals.
    pub referrals: u64,
    /// Rows of the lists of leads.
    pub leads: u64,
    /// Rows, and records gone through in the daily round, that were in step.
    pub in_step: u64,
    /// Closed referrals without a lead that the first import passes over.
    pub passed_over: u64,
    /// Rows that were looked at and needed nothing.
    pub unchanged: u64,
    /// What was healed, by the word of its outcome.
    pub healed: BTreeMap<&'static str, u64>,
    /// Referrals that wait in the queue.
    pub parked: u64,
    /// Referrals that a dead letter tells of.
    pub dead_lettered: u64,
    /// Referrals that are listed, and refused or not shown to us when they are read; leads that belong to no referral of
    /// ours.
    pub refused: u64,
    /// Rows without a usable id.
    pub unreadable: u64,
    /// Poisoned messages of the queue that were moved into the dead letters.
    pub poisoned: u64,
    /// Referrals closed for long whose state was deleted.
    pub forgotten: u64,
    /// How long the oldest healed change had waited.
    pub late: Option<SignedDuration>,
    /// Changes healed that events should have told, if they are so many that events seem not to arrive.
    pub events_not_arriving: Option<usize>,
    /// Whether this belonged to the first import.
    pub first_import: bool,
    /// How it ended.
    pub ended: Ended,
    /// What went wrong, each in words with its causes.
    pub problems: Vec<Problem>,
    /// The referrals there is something to say about; the first thousand.
    pub told: Vec<Told>,
}

/// How a pass ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// Everything was looked at.
    #[default]
    Complete,
    /// The time was over; the next pass goes on from there.
    OutOfTime,
    /// So much failed that the rest was left to the next pass.
    Trouble,
    /// Another pass went on at the same time, and has the cursor.
    Overtaken,
}

impl Ended {
    /// One `snake_case` word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::OutOfTime => "out_of_time",
            Self::Trouble => "trouble",
            Self::Overtaken => "overtaken",
        }
    }
}

/// Something that kept a pass from doing its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In words, with its causes.
    pub text: String,
    /// What to do about it.
    pub disposition: Disposition,
}

impl ReconcileReport {
    /// What this pass and the one after it did together.
    #[must_use]
    pub fn and(mut self, next: Self) -> Self {
        for (word, count) in next.healed {
            *self.healed.entry(word).or_default() += count;
        }
        self.problems.extend(next.problems);
        self.told.extend(next.told);
        Self {
            referrals: self.referrals + next.referrals,
            leads: self.leads + next.leads,
            in_step: self.in_step + next.in_step,
            passed_over: self.passed_over + next.passed_over,
            unchanged: self.unchanged + next.unchanged,
            healed: self.healed,
            parked: self.parked + next.parked,
            dead_lettered: self.dead_lettered + next.dead_lettered,
            refused: self.refused + next.refused,
            unreadable: self.unreadable + next.unreadable,
            poisoned: self.poisoned + next.poisoned,
            forgotten: self.forgotten + next.forgotten,
            late: self.late.max(next.late),
            events_not_arriving: self.events_not_arriving.max(next.events_not_arriving),
            first_import: self.first_import | next.first_import,
            ended: next.ended,
            problems: self.problems,
            told: self.told,
        }
    }

    /// How many were healed in all.
    pub fn healed_in_all(&self) -> u64 {
        self.healed.values().sum()
    }

    /// Whether a person has to do something before it can work.
    pub fn needs_a_person(&self) -> bool {
        let passing = |problem: &Problem| matches!(problem.disposition, Disposition::Retry { .. });
        !self.problems.iter().all(passing)
    }

    /// The worst of its problems, or that it could not go on.
    pub fn disposition(&self) -> Option<Disposition> {
        let problems = || self.problems.iter().map(|problem| problem.disposition);
        problems()
            .find(|it| *it == Disposition::Misconfigured)
            .or_else(|| problems().find(|it| *it == Disposition::Permanent))
            .or_else(|| problems().next())
            .or_else(|| (self.ended != Ended::Complete).then_some(Disposition::RETRY))
    }
}
