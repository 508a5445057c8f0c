//! What people change, on either side.

use jiff::Timestamp;
use jiff::civil::Date;
use referral_connector::lead::{Column, Columns, Lead, Value};
use referral_connector::mapping::columns::{
    CITY, COMPANY, COUNTRY, DESCRIPTION, EMAIL, ESTIMATED_AMOUNT, ESTIMATED_CLOSE_DATE, LAST_NAME,
    LINE_1, SUBJECT, TELEPHONE, TRANSACTION_CURRENCY,
};
use referral_connector::referral::{Member, Referral};
use uuid::Uuid;

use crate::universe::Contents;

/// A field that both sides have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Topic,
    Company,
    LastName,
    Email,
    Phone,
    Line1,
    City,
    Country,
    Amount,
    Currency,
    Closing,
    Description,
}

pub(crate) const FIELDS: [Field; 12] = [
    Field::Topic,
    Field::Company,
    Field::LastName,
    Field::Email,
    Field::Phone,
    Field::Line1,
    Field::City,
    Field::Country,
    Field::Amount,
    Field::Currency,
    Field::Closing,
    Field::Description,
];

impl Field {
    pub(crate) const fn column(self) -> Column {
        match self {
            Self::Topic => SUBJECT,
            Self::Company => COMPANY,
            Self::LastName => LAST_NAME,
            Self::Email => EMAIL,
            Self::Phone => TELEPHONE,
            Self::Line1 => LINE_1,
            Self::City => CITY,
            Self::Country => COUNTRY,
            Self::Amount => ESTIMATED_AMOUNT,
            Self::Currency => TRANSACTION_CURRENCY,
            Self::Closing => ESTIMATED_CLOSE_DATE,
            Self::Description => DESCRIPTION,
        }
    }

    /// A value nobody wrote before; `number` makes it so.
    pub(crate) fn fresh(self, number: u32, has_passed: bool) -> String {
        match self {
            Self::Topic => format!("Topic {number}"),
            Self::Company => format!("Company {number}"),
            Self::LastName => format!("Person {number}"),
            Self::Email => format!("p{number}@fabrikam.example"),
            Self::Phone => format!("+1 {number}"),
            Self::Line1 => format!("{number} Harbour Road"),
            Self::City => format!("City {number}"),
            Self::Country => format!("c{number}"),
            Self::Amount => format!("{}.625", 1_000 + number),
            Self::Currency => ["USD", "EUR", "XTS"][number as usize % 3].to_owned(),
            Self::Closing => {
                let first = jiff::civil::date(if has_passed { 2021 } else { 2028 }, 1, 1);
                let days = jiff::Span::new().days(i64::from(number));
                first.saturating_add(days).to_string()
            }
            Self::Description => format!("Words {number}"),
        }
    }

    /// What `referral` has there.
    pub(crate) fn of_referral(self, referral: &Referral) -> Option<String> {
        let customer = &referral.customer;
        let member = customer.team.first();
        match self {
            Self::Topic => referral.name.clone(),
            Self::Company => customer.name.clone(),
            Self::LastName => member?.last_name.clone(),
            Self::Email => member?.email.clone(),
            Self::Phone => member?.phone.clone(),
            Self::Line1 => customer.address.line1.clone(),
            Self::City => customer.address.city.clone(),
            Self::Country => customer.address.country.clone(),
            Self::Amount => referral.details.deal_value.map(|it| it.to_string()),
            Self::Currency => referral.details.currency.clone(),
            Self::Closing => referral.details.closing.map(|it| it.to_string()),
            Self::Description => referral.details.notes.clone(),
        }
    }

    /// Writes `value` there.
    pub(crate) fn into_referral(self, referral: &mut Referral, value: Option<String>) {
        let customer = &mut referral.customer;
        if customer.team.is_empty() {
            customer.team.push(Member::default());
        }
        let member = &mut customer.team[0];
        let details = &mut referral.details;
        match self {
            Self::Topic => referral.name = value,
            Self::Company => customer.name = value,
            Self::LastName => member.last_name = value,
            Self::Email => member.email = value,
            Self::Phone => member.phone = value,
            Self::Line1 => customer.address.line1 = value,
            Self::City => customer.address.city = value,
            Self::Country => customer.address.country = value,
            Self::Amount => details.deal_value = value.and_then(|it| it.parse().ok()),
            Self::Currency => details.currency = value,
            Self::Closing => details.closing = value.and_then(|it| moment(&it)),
            Self::Description => details.notes = value,
        }
    }

    /// What `lead` has there.
    pub(crate) fn of_lead(self, columns: &Columns) -> Option<String> {
        Some(match columns.get(&self.column())? {
            Value::Text(text) => text.clone(),
            Value::Amount(amount) => amount.to_string(),
            Value::Date(date) => date.to_string(),
            Value::Row(row) => row.to_string(),
            Value::Whole(number) => number.to_string(),
            Value::Choice(_) | Value::Flag(_) | Value::Moment(_) => return None,
        })
    }
}

/// A date, or a moment, as a moment.
fn moment(text: &str) -> Option<Timestamp> {
    let date = text.parse::<Date>().ok();
    let noon = date.and_then(|date| date.at(12, 0, 0, 0).in_tz("UTC").ok());
    noon.map_or_else(|| text.parse().ok(), |noon| Some(noon.timestamp()))
}

impl Contents {
    /// Writes `value` into field `field` of `lead`, as a person's form does.
    pub(crate) fn fill_lead(&self, lead: &mut Lead, field: Field, value: Option<String>) {
        let value = value.and_then(|text| {
            Some(match field {
                Field::Amount => Value::Amount(text.parse().ok()?),
                Field::Closing => Value::Date(text.parse().ok()?),
                Field::Currency => Value::Row(self.row(&text)?),
                _ => Value::Text(text),
            })
        });
        self.store(lead, field.column(), value);
    }

    fn row(&self, text: &str) -> Option<Uuid> {
        let by_code = self.dataverse.currency(text).map(|it| it.id.uuid());
        by_code.or_else(|| text.parse().ok())
    }
}
