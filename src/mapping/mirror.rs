//! What the connector's own columns of a lead show of its referral. Nothing is merged here: they follow.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::kind::classify;
use crate::lead::{Changes, Column, LeadSchema, Own, Value};
use crate::referral::{Referral, ReferralState, ReferralStatus};
use crate::sync::options::{Kind, SyncOptions};
use crate::text;

/// Where referrals are found in Partner Center. The address of a single one is documented nowhere.
pub const REFERRALS: &str = "https://partner.microsoft.com/dashboard/referrals/v2/leads";

/// The earliest date Dataverse stores.
const EARLIEST: Date = date(1753, 1, 1);

/// What those of the columns show that depend on the referral alone, as far as the table has them: `None` is empty.
pub fn mirror(referral: &Referral, schema: &LeadSchema, options: &SyncOptions) -> Changes {
    let shown = |(own, column): (&Own, &Column)| {
        let whole = |text: String| {
            let limit = schema.length(column).unwrap_or_default();
            let fits = text::cut(&text, limit).len() == text.len();
            fits.then_some(Value::Text(text))
        };
        let value = match own {
            Own::ReferralId => whole(referral.id.to_string()),
            Own::Link => whole(REFERRALS.to_owned()),
            Own::Kind => cut(schema, column, kind(classify(referral))),
            Own::Status => cut(schema, column, &status(&referral.status)),
            Own::AnswerBy => answer_by(referral, &options.time_zone).map(Value::Date),
            Own::Decision | Own::LastSynced | Own::Message => return None,
        };
        Some((column.clone(), value))
    };
    schema.own.iter().filter_map(shown).collect()
}

/// `text`, as much of it as `column` takes.
pub fn cut(schema: &LeadSchema, column: &Column, text: &str) -> Option<Value> {
    let text = text::cut(text, schema.length(column)?).trim_end();
    (!text.is_empty()).then(|| Value::Text(text.to_owned()))
}

/// The day by which `referral` is to be answered, where that is still to be done.
pub fn answer_by(referral: &Referral, zone: &TimeZone) -> Option<Date> {
    let is_new = referral.status.state == ReferralState::New;
    let expires = referral.expires.filter(|_| is_new)?;
    let day = expires.to_zoned(zone.clone()).date();
    (EARLIEST <= day).then_some(day)
}

/// Where a referral stands, in words that a person understands.
pub fn status(status: &ReferralStatus) -> String {
    let word = match status.state {
        ReferralState::New => "New",
        ReferralState::Active => "Accepted",
        ReferralState::Won => "Closed: Won",
        ReferralState::Lost => "Closed: Lost",
        ReferralState::Declined => "Closed: Declined",
        ReferralState::Expired => "Closed: Expired",
        ReferralState::ClosedOtherwise | ReferralState::Unknown => {
            let words = [&status.status, &status.substatus];
            let words = words.into_iter().filter_map(|word| text::line(word));
            return words.collect::<Vec<_>>().join(": ");
        }
    };
    word.to_owned()
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::MarketplaceLead => "Marketplace lead",
        Kind::QualifiedLead => "Qualified lead",
        Kind::CoSellOpportunity => "Co-sell opportunity",
    }
}

#[cfg(test)]
mod tests;
