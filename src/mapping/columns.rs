//! The columns that the program knows by name, what is merged with what, and who wins.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::lead::Column;

/// Topic of the lead.
pub const SUBJECT: Column = Column::named("subject");
/// Company of the lead.
pub const COMPANY: Column = Column::named("companyname");
/// Given name of the contact.
pub const FIRST_NAME: Column = Column::named("firstname");
/// Family name of the contact.
pub const LAST_NAME: Column = Column::named("lastname");
/// The contact's e-mail address.
pub const EMAIL: Column = Column::named("emailaddress1");
/// The contact's telephone number.
pub const TELEPHONE: Column = Column::named("telephone1");
/// The contact's job title.
pub const JOB_TITLE: Column = Column::named("jobtitle");
/// First line of the address.
pub const LINE_1: Column = Column::named("address1_line1");
/// Second line of the address.
pub const LINE_2: Column = Column::named("address1_line2");
/// City.
pub const CITY: Column = Column::named("address1_city");
/// State or province.
pub const STATE_OR_PROVINCE: Column = Column::named("address1_stateorprovince");
/// Postal code.
pub const POSTAL_CODE: Column = Column::named("address1_postalcode");
/// Country, as Partner Center's two-letter code.
pub const COUNTRY: Column = Column::named("address1_country");
/// Estimated value of the deal.
pub const ESTIMATED_AMOUNT: Column = Column::named("estimatedamount");
/// The row of the deal's currency.
pub const TRANSACTION_CURRENCY: Column = Column::named("transactioncurrencyid");
/// When the deal is expected to close.
pub const ESTIMATED_CLOSE_DATE: Column = Column::named("estimatedclosedate");
/// Free text.
pub const DESCRIPTION: Column = Column::named("description");
/// Where the lead came from.
pub const LEAD_SOURCE: Column = Column::named("leadsourcecode");
/// Hot, warm or cold.
pub const LEAD_QUALITY: Column = Column::named("leadqualitycode");
/// The contact must not be e-mailed.
pub const DO_NOT_EMAIL: Column = Column::named("donotemail");
/// The contact must not be called.
pub const DO_NOT_PHONE: Column = Column::named("donotphone");
/// The contact must get no mass mailings.
pub const DO_NOT_BULK_EMAIL: Column = Column::named("donotbulkemail");
/// The customer's row of the `account` table. Set when the lead is created, and not read.
pub const PARENT_ACCOUNT: Column = Column::named("parentaccountid");
/// The contact's row of the `contact` table. Set when the lead is created, and not read.
pub const PARENT_CONTACT: Column = Column::named("parentcontactid");
/// Open, qualified or disqualified. Written with [`STATUS`] only; read apart from the mapped columns.
pub const STATE: Column = Column::named("statecode");
/// The reason within the state. Read apart from the mapped columns.
pub const STATUS: Column = Column::named("statuscode");

/// Columns that are merged together, because half of one is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// The topic.
    Topic,
    /// The company.
    Company,
    /// The person to talk to.
    Contact,
    /// The postal address.
    Address,
    /// The amount with its currency.
    Deal,
    /// The expected closing date.
    Closing,
    /// The free text.
    Description,
    /// How the lead came about.
    Origin,
    /// What the contact agreed to.
    Consent,
    /// Where both stand. No row of the table: see [`super::status`].
    Status,
    /// The column of this name, which is merged by itself.
    Own(&'static str),
}

/// `name`, for as long as the program runs. The names of a mapping are few, and read once.
pub(super) fn kept(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.into());
    names.insert(name);
    name
}

impl Unit {
    /// The word that stands for it in logs and documents.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Company => "company",
            Self::Contact => "contact",
            Self::Address => "address",
            Self::Deal => "deal",
            Self::Closing => "closing",
            Self::Description => "description",
            Self::Origin => "origin",
            Self::Consent => "consent",
            Self::Status => "status",
            Self::Own(column) => column,
        }
    }

    /// The unit of the default rules that `word` stands for.
    pub(super) fn named(word: &str) -> Option<Self> {
        let units = [
            Self::Topic,
            Self::Company,
            Self::Contact,
            Self::Address,
            Self::Deal,
            Self::Closing,
            Self::Description,
            Self::Origin,
            Self::Consent,
        ];
        units.into_iter().find(|unit| unit.word() == word)
    }
}

/// Who wins a column, and so when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Partner Center wins where both sides changed.
    PartnerCenter,
    /// The CRM wins where both sides changed.
    Crm,
    /// Neither is asked again: set when the lead is created, because the column is never empty after that.
    Creation,
    /// The more restrictive side wins: only ever switched on.
    Stricter,
}

impl Rule {
    /// Who wins, in the words of the documentation.
    pub const fn winner(self) -> &'static str {
        match self {
            Self::PartnerCenter => "Partner Center",
            Self::Crm => "the CRM",
            Self::Creation => "the CRM, once created",
            Self::Stricter => "the more restrictive side",
        }
    }

    /// The rule that `word` stands for in a mapping.
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "partner-center" => Self::PartnerCenter,
            "crm" => Self::Crm,
            "creation" => Self::Creation,
            "stricter" => Self::Stricter,
            _ => return None,
        })
    }

    /// When the column is written, in the words of the documentation.
    pub const fn written(self) -> &'static str {
        match self {
            Self::PartnerCenter | Self::Crm => "at creation, and when it changes in Partner Center",
            Self::Creation => "at creation only",
            Self::Stricter => "at creation, and to switch it on",
        }
    }
}
