//! Why Dataverse did not do what it was asked.

use std::fmt;

use super::code::{ErrorCode, Meaning};
use super::wire::{BadRow, UnknownLookup};
use crate::failure::{Classify, Disposition};
use crate::ids::{CurrencyId, LeadId, NoteId};
use crate::upstream::CallError;

/// What could not be done, and to which row.
#[derive(Debug, thiserror::Error)]
pub enum DataverseError {
    /// A lead could not be read.
    #[error("reading lead {id}")]
    Read {
        /// Which lead.
        id: LeadId,
        /// Why.
        #[source]
        source: Failure,
    },
    /// A lead could not be created.
    #[error("creating lead {id}")]
    Create {
        /// The id it was to have.
        id: LeadId,
        /// Why.
        #[source]
        source: Failure,
    },
    /// A lead could not be updated.
    #[error("updating lead {id}")]
    Update {
        /// Which lead.
        id: LeadId,
        /// Why.
        #[source]
        source: Failure,
    },
    /// A note could not be added.
    #[error("adding note {note} to lead {lead}")]
    Note {
        /// The lead it belongs to.
        lead: LeadId,
        /// The id it was to have.
        note: NoteId,
        /// Why.
        #[source]
        source: Failure,
    },
    /// A currency could not be looked up.
    #[error("looking up currency {code}")]
    Currency {
        /// Its ISO 4217 code.
        code: String,
        /// Why.
        #[source]
        source: Failure,
    },
    /// A currency's row could not be read.
    #[error("reading currency row {id}")]
    CurrencyRow {
        /// Which row.
        id: CurrencyId,
        /// Why.
        #[source]
        source: Failure,
    },
    /// The definitions of the lead table's columns could not be read.
    #[error("reading what columns leads have")]
    Schema {
        /// Why.
        #[source]
        source: Failure,
    },
    /// The identity we have could not be told.
    #[error("asking dataverse who we are")]
    WhoAmI {
        /// Why.
        #[source]
        source: Failure,
    },
    /// No lead could be listed.
    #[error("looking whether leads can be read")]
    Probe {
        /// Why.
        #[source]
        source: Failure,
    },
    /// What we may do could not be told.
    #[error("asking dataverse what this user may do")]
    Privileges {
        /// Why.
        #[source]
        source: Failure,
    },
    /// The currencies could not be listed.
    #[error("listing the currencies")]
    Currencies {
        /// Why.
        #[source]
        source: Failure,
    },
    /// The leads that changed could not be listed.
    #[error("listing changed leads")]
    List {
        /// Why.
        #[source]
        source: Failure,
    },
    /// It could not be looked whether a customer is known.
    #[error("looking for {what}")]
    Known {
        /// What was looked for. Never whom.
        what: &'static str,
        /// Why.
        #[source]
        source: Failure,
    },
    /// Leads say that they were merged into each other.
    #[error(
        "leads are merged in a circle, {}; reactivate the one that is to stand",
        path(ids)
    )]
    MergeCircle {
        /// The leads in the order they were followed; the last one was there before.
        ids: Vec<LeadId>,
    },
    /// A lead was merged into one that was merged, and so on, too often to be followed.
    #[error(
        "leads are merged more often than is followed, {}; reactivate the one that is to stand",
        path(ids)
    )]
    MergedTooOften {
        /// The leads in the order they were followed.
        ids: Vec<LeadId>,
    },
    /// The organisation's columns changed since the values were planned; planning again helps.
    #[error("the columns of leads were changed in dataverse while lead {id} was worked on")]
    SchemaMoved {
        /// The lead that was refused.
        id: LeadId,
        /// How.
        #[source]
        source: Failure,
    },
    /// A flow takes the referrals: there are no leads to work with.
    #[error("SYNC_TARGET is flow: this connector has no dataverse environment")]
    Unused,
}

impl DataverseError {
    /// Whether the environment has no such table.
    pub fn is_missing_table(&self) -> bool {
        match self {
            Self::Probe { source } | Self::Schema { source } => {
                source.meaning() == Some(Meaning::NoTable)
            }
            _ => false,
        }
    }

    /// Whether Dataverse surely did nothing.
    pub fn had_no_effect(&self) -> bool {
        match self {
            Self::Read { source, .. }
            | Self::Create { source, .. }
            | Self::Update { source, .. }
            | Self::Note { source, .. }
            | Self::Currency { source, .. }
            | Self::CurrencyRow { source, .. }
            | Self::Schema { source }
            | Self::WhoAmI { source }
            | Self::Probe { source }
            | Self::Privileges { source }
            | Self::Currencies { source }
            | Self::List { source, .. }
            | Self::Known { source, .. }
            | Self::SchemaMoved { source, .. } => source.had_no_effect(),
            Self::MergeCircle { .. } | Self::MergedTooOften { .. } | Self::Unused => true,
        }
    }
}

/// Why one request failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Dataverse said no.
    #[error("{}{}", meaning.advice(), Coded(*code))]
    Refused {
        /// What its answer means.
        meaning: Meaning,
        /// The code it gave, if any.
        code: Option<ErrorCode>,
        /// Its answer.
        #[source]
        source: CallError,
    },
    /// No answer came, or none that could be read.
    #[error(transparent)]
    Call(CallError),
    /// A row came that is not what its table's definition says.
    #[error("the row came in an unexpected shape")]
    Row(#[source] BadRow),
    /// A value was to be written that has no place to go.
    #[error("the values do not fit the lead table")]
    Lookup(#[source] UnknownLookup),
    /// The version to present cannot stand in a header.
    #[error("the row version to present is none that dataverse gives")]
    Version,
    /// A page of a list says that the next one is somewhere else.
    #[error("the address of the next page is none of this environment's web api")]
    NextLink,
    /// An amount was to be written without saying in what currency.
    #[error("an amount came without its currency; both are written together")]
    NoCurrency,
}

impl Failure {
    /// Whether Dataverse surely did nothing.
    fn had_no_effect(&self) -> bool {
        match self {
            Self::Refused { source, .. } | Self::Call(source) => source.had_no_effect(),
            Self::Row(_) | Self::NextLink => false,
            Self::Lookup(_) | Self::Version | Self::NoCurrency => true,
        }
    }

    /// What Dataverse's refusal means, if it was one.
    pub(super) fn meaning(&self) -> Option<Meaning> {
        match self {
            Self::Refused { meaning, .. } => Some(*meaning),
            _ => None,
        }
    }
}

impl From<CallError> for Failure {
    fn from(source: CallError) -> Self {
        let Some(refusal) = source.refusal() else {
            return Self::Call(source);
        };
        let code = refusal.code().and_then(ErrorCode::parse);
        Self::Refused {
            meaning: Meaning::of(refusal.status.as_u16(), code, refusal.is_document),
            code,
            source,
        }
    }
}

impl From<BadRow> for Failure {
    fn from(source: BadRow) -> Self {
        Self::Row(source)
    }
}

impl From<UnknownLookup> for Failure {
    fn from(source: UnknownLookup) -> Self {
        Self::Lookup(source)
    }
}

impl Classify for Failure {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Refused {
                meaning, source, ..
            } => meaning.disposition(source.refusal().and_then(|refusal| refusal.retry_after)),
            Self::Call(source) => source.disposition(),
            Self::NextLink => Disposition::RETRY,
            Self::Row(_) | Self::Lookup(_) | Self::Version | Self::NoCurrency => {
                Disposition::Permanent
            }
        }
    }
}

impl Classify for DataverseError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Read { source, .. }
            | Self::Create { source, .. }
            | Self::Update { source, .. }
            | Self::Note { source, .. }
            | Self::Currency { source, .. }
            | Self::CurrencyRow { source, .. }
            | Self::Schema { source }
            | Self::WhoAmI { source }
            | Self::Probe { source }
            | Self::Privileges { source }
            | Self::Currencies { source }
            | Self::List { source }
            | Self::Known { source, .. } => source.disposition(),
            Self::MergeCircle { .. } | Self::MergedTooOften { .. } => Disposition::Permanent,
            Self::SchemaMoved { .. } => Disposition::RETRY,
            Self::Unused => Disposition::Misconfigured,
        }
    }
}

struct Coded(Option<ErrorCode>);

impl fmt::Display for Coded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

fn path(ids: &[LeadId]) -> String {
    let ids: Vec<String> = ids.iter().map(LeadId::to_string).collect();
    ids.join(" → ")
}
