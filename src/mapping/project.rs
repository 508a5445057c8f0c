//! A referral as the lead it should be.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};

use super::classify;
use super::columns::{
    CITY, COMPANY, COUNTRY, DESCRIPTION, DO_NOT_BULK_EMAIL, DO_NOT_EMAIL, DO_NOT_PHONE, EMAIL,
    ESTIMATED_AMOUNT, ESTIMATED_CLOSE_DATE, FIRST_NAME, JOB_TITLE, LAST_NAME, LEAD_QUALITY,
    LEAD_SOURCE, LINE_1, LINE_2, POSTAL_CODE, STATE_OR_PROVINCE, SUBJECT, TELEPHONE,
    TRANSACTION_CURRENCY,
};
use super::contact::{contact, filled};
use crate::lead::{Column, Columns, Currency, LeadSchema, Value};
use crate::referral::Referral;
use crate::sync::options::{Kind, SyncOptions};
use crate::text;

/// The earliest date Dataverse stores.
const EARLIEST: Date = jiff::civil::date(1753, 1, 1);

/// The lead a referral should be, in this organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projection {
    /// The columns the referral has a value for.
    pub columns: Columns,
    /// Columns whose value stands in for one the referral does not have: they fill, they never overwrite.
    pub stand_ins: BTreeSet<Column>,
    /// What could not be carried over whole.
    pub losses: Vec<Loss>,
    /// The text for `description` before any cut.
    pub description: Option<String>,
    /// What the referral says behind each column, as `mapping::raw` gives it.
    pub raw: BTreeMap<Column, String>,
}

/// Something of a referral that its column could not take as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The column.
    pub column: Column,
    /// Why.
    pub reason: LossReason,
    /// The whole value, for the lead's timeline. Personal data.
    pub value: String,
}

/// Why a value did not arrive whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
    /// Longer than the column: its beginning was kept.
    Cut,
    /// Longer than the column and useless in part: not written.
    TooLong,
    /// The organisation has no row for the currency, or the referral names none.
    NoCurrency,
    /// The organisation's choice column does not have this choice.
    NoChoice,
    /// The organisation's table does not have this column.
    NoColumn,
    /// Outside what the column takes.
    OutOfRange,
}

impl LossReason {
    /// The word that stands for it in logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::TooLong => "too_long",
            Self::NoCurrency => "no_currency",
            Self::NoChoice => "no_choice",
            Self::NoColumn => "no_column",
            Self::OutOfRange => "out_of_range",
        }
    }
}

/// The lead `referral` should be where the table is `schema`. `currency` is the organisation's row for the
/// referral's currency. Empty members of the referral make no column.
pub fn project(
    referral: &Referral,
    schema: &LeadSchema,
    currency: Option<&Currency>,
    options: &SyncOptions,
) -> Projection {
    let mut projector = Projector {
        schema,
        projection: Projection {
            raw: super::raw(referral),
            ..Projection::default()
        },
    };
    projector.customer(referral);
    projector.person(referral);
    projector.deal(referral, currency);
    projector.closing(referral, options);
    projector.description(referral);
    projector.origin(referral);
    projector.consent(referral);
    projector.projection
}

struct Projector<'a> {
    schema: &'a LeadSchema,
    projection: Projection,
}

impl Projector<'_> {
    fn customer(&mut self, referral: &Referral) {
        let read = |raw: &Option<String>| filled(referral.id, raw.as_deref());
        let company = read(&referral.customer.name);
        let name = read(&referral.name);
        if name.is_none() && company.is_some() {
            self.projection.stand_ins.insert(SUBJECT);
        }
        self.text(&SUBJECT, name.or_else(|| company.clone()));
        self.text(&COMPANY, company);
        let address = &referral.customer.address;
        self.text(&LINE_1, read(&address.line1));
        self.text(&LINE_2, read(&address.line2));
        self.text(&CITY, read(&address.city));
        self.text(&STATE_OR_PROVINCE, read(&address.state));
        self.whole_text(&POSTAL_CODE, read(&address.postal_code));
        self.whole_text(&COUNTRY, read(&address.country));
    }

    fn person(&mut self, referral: &Referral) {
        let Some(contact) = contact(referral) else {
            return;
        };
        if contact.last_name_is_a_stand_in {
            self.projection.stand_ins.insert(LAST_NAME);
        }
        self.text(&FIRST_NAME, contact.first_name);
        self.text(&LAST_NAME, contact.last_name);
        self.whole_text(&EMAIL, contact.email);
        self.whole_text(&TELEPHONE, contact.phone);
        self.text(&JOB_TITLE, contact.title);
    }

    /// Amount and currency, or neither: an amount in the wrong currency is worse than none.
    fn deal(&mut self, referral: &Referral, currency: Option<&Currency>) {
        let Some(value) = referral.details.deal_value else {
            return;
        };
        let Some(currency) = currency else {
            let code = referral.details.currency.as_deref().unwrap_or_default();
            let value = format!("{value} {code}").trim_end().to_owned();
            return self.lose(&ESTIMATED_AMOUNT, LossReason::NoCurrency, value);
        };
        let amount = value
            .round_dp_with_strategy(currency.precision, RoundingStrategy::MidpointAwayFromZero)
            .normalize();
        if !self.takes_amount(amount) {
            let value = format!("{value} {}", currency.code);
            return self.lose(&ESTIMATED_AMOUNT, LossReason::OutOfRange, value);
        }
        self.set(&ESTIMATED_AMOUNT, Value::Amount(amount));
        self.set(&TRANSACTION_CURRENCY, Value::Row(currency.id.uuid()));
    }

    fn takes_amount(&self, amount: Decimal) -> bool {
        self.schema
            .amounts
            .get(&ESTIMATED_AMOUNT)
            .is_none_or(|(least, most)| (least..=most).contains(&&amount))
    }

    fn closing(&mut self, referral: &Referral, options: &SyncOptions) {
        let Some(closing) = referral.details.closing else {
            return;
        };
        let date = closing.to_zoned(options.time_zone.clone()).date();
        if date < EARLIEST {
            return self.lose(
                &ESTIMATED_CLOSE_DATE,
                LossReason::OutOfRange,
                date.to_string(),
            );
        }
        self.set(&ESTIMATED_CLOSE_DATE, Value::Date(date));
    }

    fn description(&mut self, referral: &Referral) {
        let text = describe(referral);
        self.projection.description.clone_from(&text);
        self.text(&DESCRIPTION, text);
    }

    fn origin(&mut self, referral: &Referral) {
        let source = match classify(referral) {
            Kind::MarketplaceLead => 8,
            Kind::QualifiedLead | Kind::CoSellOpportunity => 4,
        };
        self.choice(&LEAD_SOURCE, source);
        let qualification = referral.qualification.as_deref().unwrap_or_default();
        let quality = match qualification.trim().to_ascii_lowercase().as_str() {
            "salesqualified" => 1,
            "marketingqualified" => 2,
            _ => return,
        };
        self.choice(&LEAD_QUALITY, quality);
    }

    fn consent(&mut self, referral: &Referral) {
        self.set(&DO_NOT_BULK_EMAIL, Value::Flag(true));
        if referral.consent.to_contact == Some(false) {
            self.set(&DO_NOT_EMAIL, Value::Flag(true));
            self.set(&DO_NOT_PHONE, Value::Flag(true));
        }
    }

    /// A text whose beginning is worth having.
    fn text(&mut self, column: &Column, text: Option<String>) {
        self.fit(column, text, LossReason::Cut);
    }

    /// A text that is wrong unless it is whole, such as an e-mail address.
    fn whole_text(&mut self, column: &Column, text: Option<String>) {
        self.fit(column, text, LossReason::TooLong);
    }

    fn fit(&mut self, column: &Column, text: Option<String>, too_long: LossReason) {
        let Some(text) = text else { return };
        let Some(limit) = self.schema.length(column) else {
            return self.lose(column, LossReason::NoColumn, text);
        };
        let short = text::cut(&text, limit);
        if short.len() == text.len() {
            return self.set(column, Value::Text(text));
        }
        if too_long == LossReason::Cut && !short.is_empty() {
            self.set(column, Value::Text(short.to_owned()));
        }
        self.lose(column, too_long, text);
    }

    fn choice(&mut self, column: &Column, choice: i32) {
        if self.schema.takes_choice(column, choice) {
            self.set(column, Value::Choice(choice));
        } else {
            self.lose(column, LossReason::NoChoice, choice.to_string());
        }
    }

    fn set(&mut self, column: &Column, value: Value) {
        self.projection.columns.insert(column.clone(), value);
    }

    fn lose(&mut self, column: &Column, reason: LossReason, value: String) {
        self.projection.losses.push(Loss {
            column: column.clone(),
            reason,
            value,
        });
    }
}

/// The customer's own words, then what a lead has no column for.
pub(super) fn describe(referral: &Referral) -> Option<String> {
    let details = &referral.details;
    let notes = details
        .notes
        .as_deref()
        .and_then(text::block)
        .filter(|notes| !text::is_empty(notes, referral.id));
    let requirements: Vec<String> = details
        .requirements
        .iter()
        .filter_map(|requirement| filled(referral.id, Some(requirement)))
        .collect();
    let facts = [
        (!requirements.is_empty()).then(|| format!("Asked for: {}", requirements.join("; "))),
        filled(referral.id, referral.customer.size.as_deref())
            .map(|size| format!("Company size: {}", spaced(&size))),
        (details.customer_requested_contact == Some(true))
            .then(|| "The customer asked to be contacted.".to_owned()),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    let facts = (!facts.is_empty()).then(|| facts.join("\n"));
    let parts: Vec<String> = [notes, facts].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// `51to250employees` as people write it.
fn spaced(size: &str) -> String {
    let mut text = String::with_capacity(size.len() + 4);
    let mut previous: Option<char> = None;
    for character in size.chars() {
        let boundary = previous.is_some_and(|previous| {
            previous.is_ascii_digit() && character.is_alphabetic()
                || previous.is_alphabetic() && character.is_ascii_digit()
        });
        if boundary {
            text.push(' ');
        }
        text.push(character);
        previous = Some(character);
    }
    text.replacen("Morethan", "More than", 1)
}
