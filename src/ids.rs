//! Identifiers and versions. Parsed once, at the edge; compared, printed and sent after that.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a UUID for what the caller knows it to be.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A Partner Center referral.
    ReferralId
}
id! {
    /// A row of the Dataverse `lead` table.
    LeadId
}
id! {
    /// A row of the Dataverse `transactioncurrency` table.
    CurrencyId
}
id! {
    /// A row of the Dataverse `account` table.
    AccountId
}
id! {
    /// A row of the Dataverse `contact` table.
    ContactId
}
id! {
    /// A row of the Dataverse `annotation` table: a note on a lead's timeline.
    NoteId
}

impl LeadId {
    /// The lead that belongs to `referral`: it has the referral's own id, so that creating it twice is impossible.
    pub const fn of(referral: ReferralId) -> Self {
        Self(referral.0)
    }
}

/// What a flow calls the record it wrote: any short printable text, often a GUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordId(String);

impl RecordId {
    /// The longest, in characters; Partner Center takes as many for an `externalReferenceId`.
    const LONGEST: usize = 100;

    /// Takes the text as an id, without blanks around it. `None` if it is empty, too long, or has control characters.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let length = text.chars().count();
        let usable = (1..=Self::LONGEST).contains(&length) && !text.chars().any(char::is_control);
        usable.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as that of a lead, if it is a GUID.
    pub fn lead(&self) -> Option<LeadId> {
        self.0.parse().ok()
    }

    /// Whether `text` is this id, blanks around it and the letter case of a GUID aside.
    pub fn is(&self, text: &str) -> bool {
        let text = text.trim();
        let same_guid = || self.lead().is_some_and(|lead| text.parse() == Ok(lead));
        self.0 == text || same_guid()
    }
}

/// A version of a record, exactly as its owner wrote it, quotes included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(String);

impl ETag {
    /// Takes the text as read.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as read.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
