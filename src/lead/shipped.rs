//! The lead table as Dynamics 365 Sales installs it (its developer reference, table `lead`).

use super::{Column, LeadSchema, LeadState};

/// Text columns with their lengths in UTF-16 code units.
const LENGTHS: [(&str, usize); 14] = [
    ("subject", 300),
    ("companyname", 100),
    ("firstname", 50),
    ("lastname", 50),
    ("emailaddress1", 100),
    ("telephone1", 50),
    ("jobtitle", 100),
    ("address1_line1", 250),
    ("address1_line2", 250),
    ("address1_city", 80),
    ("address1_stateorprovince", 50),
    ("address1_postalcode", 20),
    ("address1_country", 80),
    ("description", 2000),
];
/// The number of choices of each choice column; they are numbered from one.
const CHOICES: [(&str, i32); 2] = [("leadsourcecode", 10), ("leadqualitycode", 3)];
/// The highest amount of a money column that no deal is too large for.
const LARGEST: i64 = 1_000_000_000_000;

impl LeadSchema {
    /// What a lead takes in an organisation that has changed nothing: for when none can be asked.
    pub fn as_shipped() -> Self {
        let choices = CHOICES.map(|(name, last)| (Column::named(name), (1..=last).collect()));
        let reasons = [
            (1, LeadState::Open),
            (2, LeadState::Open),
            (3, LeadState::Qualified),
            (4, LeadState::Disqualified),
            (5, LeadState::Disqualified),
            (6, LeadState::Disqualified),
            (7, LeadState::Disqualified),
        ];
        Self {
            lengths: LENGTHS
                .map(|(name, length)| (Column::named(name), length))
                .into(),
            choices: choices.into(),
            status_reasons: reasons.into(),
            amounts: [(Column::named("estimatedamount"), (0.into(), LARGEST.into()))].into(),
            ..Self::default()
        }
    }
}
