//! What a sync came to, and what a person may want to know about it: words for logs, without any data.

use std::fmt;

use crate::ids::LeadId;
use crate::lead::Column;
use crate::mapping::{LossReason, Unit};

/// What a sync came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The lead was created.
    Created,
    /// The lead was changed.
    Updated,
    /// Values or status were sent to the referral; the lead was as it should be.
    WrittenBack,
    /// Only the lead's id was sent to the referral.
    Linked,
    /// It was handed to the flow.
    Posted,
    /// Nothing differed.
    Unchanged,
    /// The referral gets no lead.
    Ignored(Ignored),
    /// The lead was deleted in the CRM, and stays so.
    LeadDeleted,
    /// The lead was merged into the lead of another referral, which alone is kept in step.
    LeadOfAnother,
    /// Partner Center refuses this referral to us, and nothing else.
    NotOurs,
    /// Something would have been written; observe mode writes nothing.
    Observed,
}

/// Why a referral gets no lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// We sent it.
    Outgoing,
    /// Microsoft took it for spam.
    Spam,
    /// The settings leave it out.
    Filtered,
    /// It was closed before it had a lead.
    Closed,
}

impl Outcome {
    /// One `snake_case` word, for answers and logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::WrittenBack => "written_back",
            Self::Linked => "linked",
            Self::Posted => "posted",
            Self::Unchanged => "unchanged",
            Self::Ignored(_) => "ignored",
            Self::LeadDeleted => "lead_deleted",
            Self::LeadOfAnother => "lead_of_another",
            Self::NotOurs => "not_ours",
            Self::Observed => "observed",
        }
    }

    /// Why, in one word, where an outcome has a reason.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Ignored(Ignored::Outgoing) => Some("outgoing"),
            Self::Ignored(Ignored::Spam) => Some("spam"),
            Self::Ignored(Ignored::Filtered) => Some("filtered"),
            Self::Ignored(Ignored::Closed) => Some("closed"),
            _ => None,
        }
    }

    /// Of two steps of one sync, the one that says more about it.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        if later.weight() > self.weight() {
            later
        } else {
            self
        }
    }

    const fn weight(self) -> u8 {
        match self {
            Self::Unchanged => 0,
            Self::Linked => 1,
            Self::WrittenBack => 2,
            Self::Updated => 3,
            Self::Created | Self::Posted => 4,
            Self::Ignored(_)
            | Self::LeadDeleted
            | Self::LeadOfAnother
            | Self::NotOurs
            | Self::Observed => 5,
        }
    }
}

/// Something a person may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A value did not reach its column whole.
    Lost(Column, LossReason),
    /// Both sides hold a value and they differ: the loser's was noted where both were changed, or both were left.
    Differs(Unit),
    /// The lead's value was emptied while the referral has one: neither was changed.
    Emptied(Unit),
    /// A write whose end was not seen and an edit met: the edit was kept.
    EditedSince(Unit),
    /// A write whose end was not seen did not happen, or was undone: it is made again if it is still wanted.
    WrittenAgain(Unit),
    /// The referral was closed while somebody works on the lead: a seller has to decide.
    Flagged,
    /// `externalReferenceId` belongs to another system and was left.
    ForeignReference,
    /// The lead was deleted in the CRM and is not made again.
    LeadDeleted,
    /// The lead was merged into another one, which is worked with now.
    LeadMerged,
    /// The lead was merged into the lead of another referral: this referral has none of its own any more.
    LeadOfAnother,
    /// The organisation holds something else in a column of the connector's own than was written there: it is left.
    Rewritten(Column),
    /// This open lead, which the connector did not make, has the same contact and company: the referral has it now.
    Adopted(LeadId),
    /// This open lead has the same contact and company: it may be the same.
    PossibleDuplicate(LeadId),
    /// The lead is closed and Dataverse took no change to it.
    LeadReadOnly,
    /// The referral is closed: it cannot be told which lead it has.
    NotLinked,
    /// The referral is closed: a value of the lead can no longer be sent to it.
    WriteBackDropped(Unit),
    /// The lead's closing date has passed and was not sent.
    PastClosingDate,
    /// The currency of the lead's amount is not known, so the amount was not sent.
    UnknownCurrency,
    /// The referral is to be closed once the lead has rested.
    CloseHeld,
    /// Partner Center says the referral changed although its version did not: nothing more was sent.
    PreconditionRefused,
    /// The flow did not say which record it wrote.
    NoRecordId,
    /// The flow named another record than before.
    RecordChanged,
    /// Observe mode: the referral would be handed to the flow.
    WouldPost,
    /// Observe mode: the referral would get this lead, which is there.
    WouldAdopt(LeadId),
    /// Observe mode: the lead would be created.
    WouldCreate,
    /// Observe mode: this column would be written.
    WouldWrite(Column),
    /// Observe mode: a note would be written.
    WouldNote,
    /// Observe mode: this member of the referral would be written.
    WouldSend(&'static str),
}

impl Report {
    /// One `snake_case` word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Lost(_, reason) => reason.word(),
            Self::Differs(_) => "differs",
            Self::Emptied(_) => "emptied",
            Self::EditedSince(_) => "edited_since",
            Self::WrittenAgain(_) => "written_again",
            Self::Flagged => "flagged",
            Self::ForeignReference => "foreign_reference",
            Self::LeadDeleted => "lead_deleted",
            Self::LeadMerged => "lead_merged",
            Self::LeadOfAnother => "lead_of_another",
            Self::Rewritten(_) => "rewritten",
            Self::Adopted(_) => "adopted",
            Self::PossibleDuplicate(_) => "possible_duplicate",
            Self::LeadReadOnly => "lead_read_only",
            Self::NotLinked => "not_linked",
            Self::WriteBackDropped(_) => "write_back_dropped",
            Self::PastClosingDate => "past_closing_date",
            Self::UnknownCurrency => "unknown_currency",
            Self::CloseHeld => "close_held",
            Self::PreconditionRefused => "precondition_refused",
            Self::NoRecordId => "no_record_id",
            Self::RecordChanged => "record_changed",
            Self::WouldPost => "would_post",
            Self::WouldAdopt(_) => "would_adopt",
            Self::WouldCreate => "would_create",
            Self::WouldWrite(_) => "would_write",
            Self::WouldNote => "would_note",
            Self::WouldSend(_) => "would_send",
        }
    }

    /// Whether it is told once, for as long as it holds. What will end by itself, and what observe mode would do, is told
    /// each time.
    pub const fn is_remembered(&self) -> bool {
        !matches!(
            self,
            Self::CloseHeld
                | Self::RecordChanged
                | Self::WouldPost
                | Self::WouldAdopt(_)
                | Self::WouldCreate
                | Self::WouldWrite(_)
                | Self::WouldNote
                | Self::WouldSend(_)
        )
    }
}

impl fmt::Display for Report {
    /// The word, then what it is about.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Lost(column, _) | Self::Rewritten(column) | Self::WouldWrite(column) => {
                write!(f, ":{column}")
            }
            Self::Differs(unit)
            | Self::Emptied(unit)
            | Self::EditedSince(unit)
            | Self::WrittenAgain(unit)
            | Self::WriteBackDropped(unit) => write!(f, ":{}", unit.word()),
            Self::Adopted(lead) | Self::PossibleDuplicate(lead) | Self::WouldAdopt(lead) => {
                write!(f, ":{lead}")
            }
            Self::WouldSend(path) => write!(f, ":{path}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Ignored, Outcome, Report};
    use crate::ids::LeadId;
    use crate::lead::Column;
    use crate::mapping::{LossReason, Unit};

    const DOCUMENTED: &str = include_str!("../../../docs/mapping.md");

    #[test]
    fn every_word_of_a_sync_is_documented() {
        let column = Column::named("subject");
        let reasons = [
            LossReason::Cut,
            LossReason::TooLong,
            LossReason::NoCurrency,
            LossReason::NoChoice,
            LossReason::NoColumn,
            LossReason::OutOfRange,
            LossReason::NotWritable,
        ];
        let lead = LeadId::new(Uuid::nil());
        let lost = reasons.map(|reason| Report::Lost(column.clone(), reason));
        let others = [
            Report::Differs(Unit::Deal),
            Report::Emptied(Unit::Deal),
            Report::EditedSince(Unit::Deal),
            Report::WrittenAgain(Unit::Deal),
            Report::Flagged,
            Report::ForeignReference,
            Report::LeadDeleted,
            Report::LeadMerged,
            Report::LeadOfAnother,
            Report::Rewritten(column.clone()),
            Report::Adopted(lead),
            Report::PossibleDuplicate(lead),
            Report::LeadReadOnly,
            Report::NotLinked,
            Report::WriteBackDropped(Unit::Deal),
            Report::PastClosingDate,
            Report::UnknownCurrency,
            Report::CloseHeld,
            Report::PreconditionRefused,
            Report::NoRecordId,
            Report::RecordChanged,
            Report::WouldPost,
            Report::WouldAdopt(lead),
            Report::WouldCreate,
            Report::WouldWrite(column.clone()),
            Report::WouldNote,
            Report::WouldSend("/status"),
        ];
        let reports = lost.iter().chain(&others).map(Report::word);
        for word in reports.chain(outcomes().map(Outcome::word)) {
            assert!(DOCUMENTED.contains(&format!("`{word}`")), "{word}");
        }
        for reason in outcomes().filter_map(Outcome::reason) {
            assert!(DOCUMENTED.contains(&format!("`{reason}`")), "{reason}");
        }
    }

    #[test]
    fn of_two_steps_the_one_that_says_more_names_the_sync() {
        assert_eq!(Outcome::Created.and(Outcome::Linked), Outcome::Created);
        assert_eq!(Outcome::Linked.and(Outcome::Updated), Outcome::Updated);
        assert_eq!(Outcome::Unchanged.and(Outcome::Observed), Outcome::Observed);
    }

    fn outcomes() -> impl Iterator<Item = Outcome> {
        let ignored = [
            Ignored::Outgoing,
            Ignored::Spam,
            Ignored::Filtered,
            Ignored::Closed,
        ];
        let others = [
            Outcome::Created,
            Outcome::Updated,
            Outcome::WrittenBack,
            Outcome::Linked,
            Outcome::Posted,
            Outcome::Unchanged,
            Outcome::LeadDeleted,
            Outcome::NotOurs,
            Outcome::Observed,
        ];
        ignored.map(Outcome::Ignored).into_iter().chain(others)
    }
}
