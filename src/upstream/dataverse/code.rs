//! The error codes of Dataverse, and what each means to us.
//!
//! Codes decide before the HTTP status does: 412 alone has four meanings. They are documented in "Web service error codes",
//! "Service protection API limits" and the support article "Web API client errors" (Microsoft, Dataverse developer guide).

use std::fmt;
use std::time::Duration;

use crate::failure::Disposition;

/// `error.code`, one number however it was spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(u32);

impl ErrorCode {
    /// Reads hexadecimal with `0x` in any case, and decimal, signed or not. Text that says nothing (`""`, `"0x0"`) is no code.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let code = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => text
                .parse::<i32>()
                .map(i32::cast_unsigned)
                .or_else(|_| text.parse::<u32>())
                .ok()?,
        };
        (code != 0).then_some(Self(code))
    }

    /// What is known about it.
    pub fn meaning(self) -> Option<Meaning> {
        let known = KNOWN.iter().find(|(code, ..)| *code == self.0)?;
        Some(known.2)
    }

    fn name(self) -> Option<&'static str> {
        let known = KNOWN.iter().find(|(code, ..)| *code == self.0)?;
        Some(known.1)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08x}", self.0)?;
        match self.name() {
            Some(name) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}

/// What a refusal means to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The row does not exist.
    Gone,
    /// A row with these key values exists.
    AlreadyThere,
    /// The row has another version than the one presented.
    Changed,
    /// What the request presumed about the row is not so, and no code says which presumption.
    Precondition,
    /// Service protection: too much asked in too short a time.
    Throttled,
    /// The database behind the service is busy.
    Busy,
    /// Somebody else's customization of the environment is running.
    Customizing,
    /// The organisation's columns take less than what was sent: the metadata we planned with may be old.
    Shape,
    /// The lead is closed, or the change of state is not allowed.
    State,
    /// A duplicate-detection rule of the organisation refused the row.
    DuplicateRule,
    /// A plug-in of the organisation refused the write.
    Plugin,
    /// The currency is missing, or its exchange rate makes the amount too large or too small.
    Currency,
    /// The application user may not do this.
    Privilege,
    /// There is no enabled application user for our app id.
    NoUser,
    /// There is no such table or function here.
    NoTable,
    /// Something answered that is not Dataverse.
    Stranger,
    /// The access token was not accepted.
    Token,
    /// The service cannot answer now.
    Unavailable,
    /// Something else was wrong with the request.
    Rejected,
}

/// Code, what to call it, meaning.
const KNOWN: &[(u32, &str, Meaning)] = &[
    (0x8004_0217, "ObjectDoesNotExist", Meaning::Gone),
    (0x8006_0891, "RecordNotFoundByEntityKey", Meaning::Gone),
    (0x8004_0237, "DuplicateRecord", Meaning::AlreadyThere),
    (
        0x8006_0892,
        "DuplicateRecordEntityKey",
        Meaning::AlreadyThere,
    ),
    (0x8006_0882, "ConcurrencyVersionMismatch", Meaning::Changed),
    (0x8007_2321, "ThrottlingTimeExceeded", Meaning::Throttled),
    (
        0x8007_2322,
        "ThrottlingBurstRequestLimitExceeded",
        Meaning::Throttled,
    ),
    (
        0x8007_2326,
        "ThrottlingConcurrencyLimitExceeded",
        Meaning::Throttled,
    ),
    (0x8007_2323, "AzureSqlLimit", Meaning::Busy),
    (0x8007_2324, "AzureSqlLimit", Meaning::Busy),
    (0x8004_4150, "UnmanagedSqlError", Meaning::Busy),
    (0x8004_4151, "SqlTimeout", Meaning::Busy),
    (0x8007_1151, "CustomizationLock", Meaning::Customizing),
    (
        0x8004_7013,
        "DuplicateAttributeSchemaName",
        Meaning::AlreadyThere,
    ),
    (0x8004_4331, "StringLengthTooLong", Meaning::Shape),
    (0x8004_4330, "DecimalOutOfRange", Meaning::Shape),
    (0x8004_432f, "IntegerOutOfRange", Meaning::Shape),
    (0x8004_431a, "PicklistValueOutOfRange", Meaning::Shape),
    (0x8004_8d19, "BadPayload", Meaning::Shape),
    (0x8006_0888, "BadQuery", Meaning::Shape),
    (0x8004_8408, "InvalidStateCodeStatusCode", Meaning::State),
    (0x8004_0519, "LeadAlreadyInClosedState", Meaning::State),
    (0x8004_0518, "LeadAlreadyInOpenState", Meaning::State),
    (0x8004_022e, "ObjectReadOnly", Meaning::State),
    (0x8004_0230, "ObjectInactive", Meaning::State),
    (0x8004_f857, "StateTransition", Meaning::State),
    (0x8004_f858, "StateTransition", Meaning::State),
    (0x8004_0333, "DuplicateRecordsFound", Meaning::DuplicateRule),
    (0x8004_0265, "IsvAborted", Meaning::Plugin),
    (0x8004_8cfb, "CurrencyCannotBeNull", Meaning::Currency),
    (0x8004_8ceb, "BaseCurrencyUnderflow", Meaning::Currency),
    (0x8004_8cec, "BaseCurrencyOverflow", Meaning::Currency),
    (0x8004_0220, "PrivilegeDenied", Meaning::Privilege),
    (0x8007_2560, "UserNotMemberOfOrg", Meaning::NoUser),
    (0x8006_088a, "CrmHttpError", Meaning::NoTable),
];

impl Meaning {
    /// What an answer with `status` and `code` says: the code if it is known, else the status.
    ///
    /// `is_document` tells whether the body was JSON, as every error of Dataverse's own is.
    pub fn of(status: u16, code: Option<ErrorCode>, is_document: bool) -> Self {
        match (code.and_then(ErrorCode::meaning), status) {
            // The same code says that a table is missing and that an address or a method makes no sense.
            (Some(Self::NoTable), status) if status != 404 => Self::Rejected,
            // The definitions of a table that is not there are told so.
            (Some(Self::Shape), 404) => Self::NoTable,
            (Some(meaning), _) => meaning,
            (None, 404) if !is_document => Self::Stranger,
            (None, 412) if code.is_none() && is_document => Self::Precondition,
            (None, status) => Self::of_status(status),
        }
    }

    fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Token,
            403 => Self::Privilege,
            404 => Self::Gone,
            429 => Self::Throttled,
            408 | 500 | 502..=504 => Self::Unavailable,
            _ => Self::Rejected,
        }
    }

    /// What to do about it. `after` is the answer's `Retry-After`.
    pub fn disposition(self, after: Option<Duration>) -> Disposition {
        match self {
            Self::Throttled | Self::Busy | Self::Customizing | Self::Unavailable => {
                Disposition::Retry { after }
            }
            Self::Changed | Self::Precondition => Disposition::RETRY,
            Self::Privilege | Self::NoUser | Self::NoTable | Self::Stranger | Self::Token => {
                Disposition::Misconfigured
            }
            Self::Gone
            | Self::AlreadyThere
            | Self::Shape
            | Self::State
            | Self::DuplicateRule
            | Self::Plugin
            | Self::Currency
            | Self::Rejected => Disposition::Permanent,
        }
    }

    /// What it means in plain words, with what a person can do where something can be done.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Gone => "the row does not exist",
            Self::AlreadyThere => "another row has the same key",
            Self::Changed => "the row changed meanwhile",
            Self::Precondition => "the row is not as the request presumed",
            Self::Throttled => "the environment's request limits are used up for the moment",
            Self::Busy => "the environment's database is busy",
            Self::Customizing => "another customization of the environment is running",
            Self::Shape => {
                "a value does not fit its column; compare the lead table's columns with the mapping table in the documentation"
            }
            Self::State => "the lead is closed, or its state cannot change that way; reopen it",
            Self::DuplicateRule => {
                "a duplicate detection rule refused the row; merge the duplicates or relax the rule"
            }
            Self::Plugin => {
                "custom logic of the environment refused it; see the plug-in trace log in Dynamics 365"
            }
            Self::Currency => {
                "the amount does not fit the currency's exchange rate; check the currency row"
            }
            Self::Privilege => {
                "the application user lacks a privilege; give its security role create, read, write, append and assign on leads, \
                 create on notes, and read and append to on currencies"
            }
            Self::NoUser => {
                "the environment has no enabled application user for this identity; add one in the Power Platform admin center"
            }
            Self::NoTable => {
                "the environment has no such table; leads need Dynamics 365 Sales, so check DATAVERSE_URL"
            }
            Self::Stranger => "what answered is not dataverse; check DATAVERSE_URL",
            Self::Token => {
                "the access token was not accepted; check that DATAVERSE_URL and the identity belong to the same tenant"
            }
            Self::Unavailable => "the environment does not answer properly at the moment",
            Self::Rejected => "the request was rejected",
        }
    }
}

#[cfg(test)]
mod tests;
