//! The columns of leads that are the connector's own, where an environment has them: they show a referral to who works on its
//! lead, and take the answer.

use super::{ColumnKind, LeadState};

/// What a column of the connector's own is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Own {
    /// The referral's id.
    ReferralId,
    /// Where the referral is found in Partner Center.
    Link,
    /// What kind of referral it is.
    Kind,
    /// Where the referral stands, in words.
    Status,
    /// The day by which it is to be answered, as long as nobody did.
    AnswerBy,
    /// What the seller decided: the one that is read, and never written.
    Decision,
    /// When the lead was last written.
    LastSynced,
    /// What the seller should know or do.
    Message,
}

/// What a seller decided about a referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It is taken.
    Accept,
    /// It is not.
    Decline,
}

impl Own {
    /// What such a column holds.
    pub const fn kind(self) -> ColumnKind {
        match self {
            Self::ReferralId | Self::Link | Self::Kind | Self::Status | Self::Message => {
                ColumnKind::Text
            }
            Self::AnswerBy => ColumnKind::Date,
            Self::Decision => ColumnKind::Choice,
            Self::LastSynced => ColumnKind::Moment,
        }
    }
}

impl Decision {
    /// It, unless a lead in `state` says the contrary: whoever closed the lead came further than who decided.
    pub fn in_force(self, state: LeadState) -> Option<Self> {
        let is_contradicted = matches!(
            (self, state),
            (Self::Accept, LeadState::Disqualified) | (Self::Decline, LeadState::Qualified)
        );
        (!is_contradicted).then_some(self)
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline => "decline",
        }
    }
}
