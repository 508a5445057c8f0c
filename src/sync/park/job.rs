//! A referral to look at later, as one small message: ids and code words, no data.

use std::borrow::Cow;

use jiff::Timestamp;

use super::wire;
use crate::ids::ReferralId;

/// A code word, such as `dataverse`.
pub type Word = Cow<'static, str>;

/// A look that was planned, such as at the end of a hold.
pub const PLANNED: &str = "planned";
/// An administrator asked for it.
pub const ASKED: &str = "asked";
/// Nothing could be synced until a person put something right.
pub const MISCONFIGURED: &str = "misconfigured";
/// An event came and nothing has been tried yet.
pub const EVENT: &str = "event";

/// A referral to look at later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Which referral.
    pub referral: ReferralId,
    /// When it was first tried; while it was not, when that is due. Time that was lost to wrong settings does not count.
    pub first_attempt: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it is here: the code word of what was in the way at the last attempt.
    pub why: Word,
}

/// Why a message is no job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// Something else wrote it.
    #[error("the message is none of this program's")]
    Foreign,
    /// It names its format, and is not what that says.
    #[error("the message is damaged: {0}")]
    Broken(&'static str),
    /// A newer version of this program wrote it.
    #[error("a newer version of this program wrote the message (format {format})")]
    Newer {
        /// The format it says it has.
        format: u32,
    },
}

impl Job {
    /// A job that has not been tried, from now on.
    pub const fn new(referral: ReferralId, now: Timestamp, why: &'static str) -> Self {
        Self {
            referral,
            first_attempt: now,
            attempts: 0,
            why: Cow::Borrowed(why),
        }
    }

    /// A look that is due `at` that time, without anything being wrong. A queue that shows it earlier gets it back.
    pub const fn look_again(referral: ReferralId, at: Timestamp) -> Self {
        Self::new(referral, at, PLANNED)
    }

    /// The message.
    pub fn text(&self) -> String {
        wire::write(self)
    }

    /// Reads the message.
    pub fn parse(text: &str) -> Result<Self, BadMessage> {
        wire::read(text)
    }

    /// Whether it is too early to try it.
    pub(super) fn is_early(&self, now: Timestamp) -> bool {
        self.attempts == 0 && now < self.first_attempt
    }

    /// The same after one more attempt, at which `why` was in the way.
    pub(super) fn tried(mut self, why: &'static str) -> Self {
        self.attempts = self.attempts.saturating_add(1);
        self.why = Cow::Borrowed(why);
        self
    }

    /// The same, put aside because a person has to put something right first.
    pub(super) fn unseen(mut self) -> Self {
        self.why = Cow::Borrowed(MISCONFIGURED);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const ID: ReferralId = ReferralId::new(Uuid::from_u128(7));

    #[test]
    fn a_message_is_one_small_object_of_ids_and_words() {
        let at = "2026-11-22T10:00:00Z".parse().unwrap();
        let job = Job::new(ID, at, EVENT).tried("dataverse");
        insta::assert_snapshot!(job.text(), @r#"{"format":1,"referral":"00000000-0000-0000-0000-000000000007","first_attempt":"2026-11-22T10:00:00Z","attempts":1,"why":"dataverse"}"#);
    }

    proptest! {
        #[test]
        fn every_job_is_read_as_it_was_written(
            id in any::<u128>(), second in 0_i64..4_000_000_000, attempts: u32, why in "[a-z_]{1,40}",
        ) {
            let job = Job {
                referral: ReferralId::new(Uuid::from_u128(id)),
                first_attempt: Timestamp::from_second(second).unwrap(),
                attempts,
                why: why.into(),
            };
            prop_assert_eq!(Job::parse(&job.text()), Ok(job));
        }

        #[test]
        fn any_text_is_a_job_or_is_told_what_is_wrong_with_it(text in ".{0,200}") {
            prop_assert_eq!(Job::parse(&text), Err(BadMessage::Foreign));
        }
    }

    #[test]
    fn what_others_write_is_foreign_and_what_is_damaged_is_broken() {
        let id = "00000000-0000-0000-0000-000000000007";
        let at = "2026-11-22T10:00:00Z";
        for foreign in [
            String::new(),
            "hello".to_owned(),
            "null".to_owned(),
            "[1]".to_owned(),
            r#"{"id":7}"#.to_owned(),
            r#"{"format":"1","referral":"x"}"#.to_owned(),
            r#"{"format":0,"referral":"x"}"#.to_owned(),
            format!(r#"{{"referral":"{id}"}}"#),
            r#"{"format":2,"referral":"x"}"#.to_owned(),
        ] {
            assert_eq!(Job::parse(&foreign), Err(BadMessage::Foreign), "{foreign}");
        }
        for (broken, member) in [
            (r#"{"format":1}"#.to_owned(), "referral"),
            (r#"{"format":1,"referral":"x"}"#.to_owned(), "referral"),
            (
                format!(r#"{{"format":1,"referral":"{id}"}}"#),
                "first_attempt",
            ),
            (
                format!(r#"{{"format":1,"referral":"{id}","first_attempt":"{at}","attempts":-1}}"#),
                "attempts",
            ),
            (
                format!(
                    r#"{{"format":1,"referral":"{id}","first_attempt":"{at}","attempts":1,"why":"Miriam Okafor"}}"#
                ),
                "why",
            ),
        ] {
            assert_eq!(
                Job::parse(&broken),
                Err(BadMessage::Broken(member)),
                "{broken}"
            );
        }
        let newer = format!(r#"{{"format":2,"referral":"{id}","route":"scenic"}}"#);
        assert_eq!(Job::parse(&newer), Err(BadMessage::Newer { format: 2 }));
    }
}
