//! The table.

use crate::lead::{Column, ColumnKind};

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
        }
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

    /// When the column is written, in the words of the documentation.
    pub const fn written(self) -> &'static str {
        match self {
            Self::PartnerCenter | Self::Crm => "at creation, and when it changes in Partner Center",
            Self::Creation => "at creation only",
            Self::Stricter => "at creation, and to switch it on",
        }
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The lead column.
    pub column: Column,
    /// What it holds.
    pub kind: ColumnKind,
    /// Where its value comes from, in the words of Partner Center's API.
    pub source: &'static str,
    /// What it is merged with.
    pub unit: Unit,
    /// Who wins it.
    pub rule: Rule,
}

const fn row(
    column: Column,
    kind: ColumnKind,
    source: &'static str,
    unit: Unit,
    rule: Rule,
) -> Row {
    Row {
        column,
        kind,
        source,
        unit,
        rule,
    }
}

/// Every mapped column of a lead.
pub static ROWS: [Row; 22] = {
    use ColumnKind::{Amount, Choice, Date, Flag, Row, Text};
    use Unit::{Address, Closing, Company, Consent, Contact, Deal, Description, Origin, Topic};
    [
        row(
            SUBJECT,
            Text,
            "`name`, else `customerProfile.name`",
            Topic,
            Rule::PartnerCenter,
        ),
        row(
            COMPANY,
            Text,
            "`customerProfile.name`",
            Company,
            Rule::PartnerCenter,
        ),
        row(
            FIRST_NAME,
            Text,
            "`customerProfile.team[].firstName`",
            Contact,
            Rule::Crm,
        ),
        row(
            LAST_NAME,
            Text,
            "`customerProfile.team[].lastName`",
            Contact,
            Rule::Crm,
        ),
        row(
            EMAIL,
            Text,
            "`customerProfile.team[].email`",
            Contact,
            Rule::Crm,
        ),
        row(
            TELEPHONE,
            Text,
            "`customerProfile.team[].phoneNumber`",
            Contact,
            Rule::Crm,
        ),
        row(
            JOB_TITLE,
            Text,
            "`customerProfile.team[].title`",
            Contact,
            Rule::Crm,
        ),
        row(
            LINE_1,
            Text,
            "`customerProfile.address.addressLine1`",
            Address,
            Rule::PartnerCenter,
        ),
        row(
            LINE_2,
            Text,
            "`customerProfile.address.addressLine2`",
            Address,
            Rule::PartnerCenter,
        ),
        row(
            CITY,
            Text,
            "`customerProfile.address.city`",
            Address,
            Rule::PartnerCenter,
        ),
        row(
            STATE_OR_PROVINCE,
            Text,
            "`customerProfile.address.state` or `.region`",
            Address,
            Rule::PartnerCenter,
        ),
        row(
            POSTAL_CODE,
            Text,
            "`customerProfile.address.postalCode`",
            Address,
            Rule::PartnerCenter,
        ),
        row(
            COUNTRY,
            Text,
            "`customerProfile.address.country`",
            Address,
            Rule::PartnerCenter,
        ),
        row(
            ESTIMATED_AMOUNT,
            Amount,
            "`details.dealValue`",
            Deal,
            Rule::Crm,
        ),
        row(
            TRANSACTION_CURRENCY,
            Row,
            "`details.currency`",
            Deal,
            Rule::Crm,
        ),
        row(
            ESTIMATED_CLOSE_DATE,
            Date,
            "`details.closingDateTime`",
            Closing,
            Rule::Crm,
        ),
        row(
            DESCRIPTION,
            Text,
            "`details.notes`, `details.requirements`, `customerProfile.size`",
            Description,
            Rule::Crm,
        ),
        row(
            LEAD_SOURCE,
            Choice,
            "the kind of referral",
            Origin,
            Rule::Creation,
        ),
        row(
            LEAD_QUALITY,
            Choice,
            "`qualification`",
            Origin,
            Rule::Creation,
        ),
        row(
            DO_NOT_EMAIL,
            Flag,
            "`consent.consentToContact` is false",
            Consent,
            Rule::Stricter,
        ),
        row(
            DO_NOT_PHONE,
            Flag,
            "`consent.consentToContact` is false",
            Consent,
            Rule::Stricter,
        ),
        row(
            DO_NOT_BULK_EMAIL,
            Flag,
            "always: being contacted is not marketing",
            Consent,
            Rule::Stricter,
        ),
    ]
};

/// What `column` is merged with.
pub fn unit(column: &Column) -> Unit {
    let row = ROWS.iter().find(|row| row.column == *column);
    row.map_or(Unit::Status, |row| row.unit)
}

/// Every mapped column with what it holds.
pub fn columns() -> impl Iterator<Item = (Column, ColumnKind)> {
    ROWS.iter().map(|row| (row.column.clone(), row.kind))
}
