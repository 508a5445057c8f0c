//! What a referral says behind each lead column, before any of it is cut, rounded or converted.

use std::collections::BTreeMap;

use super::columns::{
    CITY, COMPANY, COUNTRY, DESCRIPTION, DO_NOT_BULK_EMAIL, DO_NOT_EMAIL, DO_NOT_PHONE, EMAIL,
    ESTIMATED_AMOUNT, ESTIMATED_CLOSE_DATE, FIRST_NAME, JOB_TITLE, LAST_NAME, LINE_1, LINE_2,
    POSTAL_CODE, STATE_OR_PROVINCE, STATUS, SUBJECT, TELEPHONE, TRANSACTION_CURRENCY,
};
use super::contact::{contact, filled, member};
use super::summary::summary;
use crate::ids::ReferralId;
use crate::lead::{Column, Columns, Value};
use crate::referral::{Referral, ReferralState, ReferralStatus};
use crate::text;

/// The members of `referral` behind each column that has any, as text to compare with later. It depends on nothing but the
/// referral: another limit, currency row, time zone or choice in the organisation is no edit. Columns that are set at
/// creation only are left out; [`STATUS`] is where the referral stands.
pub fn raw(referral: &Referral) -> BTreeMap<Column, String> {
    let mut raw = Raw {
        id: referral.id,
        columns: BTreeMap::new(),
    };
    raw.customer(referral);
    raw.person(referral);
    raw.deal(referral);
    raw.consent(referral);
    raw.set(&STATUS, Some(status(&referral.status)));
    raw.columns
}

/// What `column` of a lead says; `None` where that is nothing. A currency alone is no deal: Dataverse sets one by itself.
pub fn said<'a>(column: &Column, lead: &'a Columns, referral: ReferralId) -> Option<&'a Value> {
    if *column == TRANSACTION_CURRENCY {
        lead.get(&ESTIMATED_AMOUNT)?;
    }
    lead.get(column).filter(|value| match value {
        Value::Text(text) => !text::is_empty(text, referral),
        _ => true,
    })
}

struct Raw {
    id: ReferralId,
    columns: BTreeMap<Column, String>,
}

impl Raw {
    fn customer(&mut self, referral: &Referral) {
        let customer = &referral.customer;
        let company = self.filled(customer.name.as_deref());
        let borrowed = company.as_ref().map(|it| format!("instead: {it}"));
        let name = self.filled(referral.name.as_deref());
        self.set(&SUBJECT, name.map(|it| format!("name: {it}")).or(borrowed));
        self.set(&COMPANY, company);
        let address = &customer.address;
        for (column, text) in [
            (&LINE_1, &address.line1),
            (&LINE_2, &address.line2),
            (&CITY, &address.city),
            (&STATE_OR_PROVINCE, &address.state),
            (&POSTAL_CODE, &address.postal_code),
            (&COUNTRY, &address.country),
        ] {
            self.set(column, self.filled(text.as_deref()));
        }
    }

    fn person(&mut self, referral: &Referral) {
        let (Some(member), Some(contact)) = (member(referral), contact(referral)) else {
            return;
        };
        let last_name = self.filled(member.last_name.as_deref());
        if last_name.is_some() {
            // Without a family name the given name is in its place, and only there.
            self.set(&FIRST_NAME, self.filled(member.first_name.as_deref()));
        }
        let borrowed = contact.last_name.map(|it| format!("instead: {it}"));
        let last_name = last_name.map(|it| format!("name: {it}"));
        self.set(&LAST_NAME, last_name.or(borrowed));
        for (column, text) in [
            (&EMAIL, &member.email),
            (&TELEPHONE, &member.phone),
            (&JOB_TITLE, &member.title),
        ] {
            self.set(column, self.filled(text.as_deref()));
        }
    }

    fn deal(&mut self, referral: &Referral) {
        let details = &referral.details;
        if let Some(value) = details.deal_value {
            self.set(&ESTIMATED_AMOUNT, Some(value.normalize().to_string()));
            let code = details.currency.as_deref().map(str::trim);
            self.set(&TRANSACTION_CURRENCY, code.map(str::to_ascii_uppercase));
        }
        let closing = details.closing.map(|it| it.to_string());
        self.set(&ESTIMATED_CLOSE_DATE, closing);
        let parts = [
            details.notes.as_deref().unwrap_or_default(),
            &details.requirements.join("\u{1f}"),
            referral.customer.size.as_deref().unwrap_or_default(),
            if details.customer_requested_contact == Some(true) {
                "requested"
            } else {
                ""
            },
        ];
        let description = summary(referral).map(|_| parts.join("\u{1e}"));
        self.set(&DESCRIPTION, description);
    }

    fn consent(&mut self, referral: &Referral) {
        let given = referral.consent.to_contact.map(|it| it.to_string());
        self.set(&DO_NOT_EMAIL, given.clone());
        self.set(&DO_NOT_PHONE, given);
        self.set(&DO_NOT_BULK_EMAIL, Some("always".to_owned()));
    }

    /// `text` as typed, if it says something.
    fn filled(&self, text: Option<&str>) -> Option<String> {
        filled(self.id, text)?;
        text.map(str::to_owned)
    }

    fn set(&mut self, column: &Column, text: Option<String>) {
        if let Some(text) = text {
            self.columns.insert(column.clone(), text);
        }
    }
}

/// Where a referral stands, in one word where it is known: *Pending* and *Received* are both new.
fn status(status: &ReferralStatus) -> String {
    standing(status.state).map_or_else(
        || format!("{}/{}", status.status.trim(), status.substatus.trim()),
        str::to_owned,
    )
}

/// What [`raw`] says of a referral in `state`; `None` where its own words are needed.
pub const fn standing(state: ReferralState) -> Option<&'static str> {
    match state {
        ReferralState::New => Some("New"),
        ReferralState::Active => Some("Active"),
        ReferralState::Won => Some("Won"),
        ReferralState::Lost => Some("Lost"),
        ReferralState::Declined => Some("Declined"),
        ReferralState::Expired => Some("Expired"),
        ReferralState::ClosedOtherwise | ReferralState::Unknown => None,
    }
}
