//! A referral as Partner Center describes it, in our types. Every member but the id and the eTag may be missing.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::ids::{ETag, ReferralId};

/// A Partner Center referral, as read at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Referral {
    /// Its id, a GUID.
    pub id: ReferralId,
    /// The version the next write must present.
    pub etag: ETag,
    /// The deal all parties' referrals belong to.
    pub engagement: Option<String>,
    /// The referral's title, as typed: may be HTML-escaped and space-padded.
    pub name: Option<String>,
    /// The partner's own record id: where we write the lead's id.
    pub external_reference: Option<String>,
    /// When Partner Center made it.
    pub created: Option<Timestamp>,
    /// When anything in it changed last.
    pub updated: Option<Timestamp>,
    /// When it expires unless it is answered.
    pub expires: Option<Timestamp>,
    /// Where it stands.
    pub status: ReferralStatus,
    /// Why it stands there, in words.
    pub status_reason: Option<String>,
    /// Who judged the customer's interest.
    pub qualification: Option<String>,
    /// `Shared` or `Independent`.
    pub kind: Option<String>,
    /// Whether it came to us or went out from us.
    pub direction: Direction,
    /// Microsoft's own judgement of its quality, such as `Unknown`.
    pub quality: Option<String>,
    /// Microsoft took it for spam.
    pub is_spam: bool,
    /// The partner's Microsoft partner id this referral was sent to.
    pub partner_id: Option<String>,
    /// The ids of the partner's locations it was sent to.
    pub locations: Vec<String>,
    /// The people on our own side, in Partner Center's order.
    pub team: Vec<Member>,
    /// The customer.
    pub customer: Customer,
    /// What the customer and the sender agreed to.
    pub consent: Consent,
    /// The deal.
    pub details: Details,
    /// Who invited us to the deal.
    pub invitation: Option<Invitation>,
}

/// `status` and `substatus` together, with their original words kept beside what we understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferralStatus {
    /// What we understood.
    pub state: ReferralState,
    /// `status` as read.
    pub status: String,
    /// `substatus` as read.
    pub substatus: String,
}

/// Where a referral stands (Partner Center, "Referral resources", status table).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferralState {
    /// `New`: nobody has accepted or declined it.
    New,
    /// `Active`: accepted.
    Active,
    /// `Closed`/`Won`. Terminal.
    Won,
    /// `Closed`/`Lost`. Terminal.
    Lost,
    /// `Closed`/`Declined`. Terminal.
    Declined,
    /// `Closed`/`Expired`: Partner Center closed it because nobody answered. Terminal.
    Expired,
    /// `Closed` with a substatus we do not know. Terminal.
    ClosedOtherwise,
    /// A status we do not know: nothing is concluded from it.
    Unknown,
}

impl ReferralState {
    /// Whether nothing in the referral can be changed any more.
    pub const fn is_closed(self) -> bool {
        matches!(
            self,
            Self::Won | Self::Lost | Self::Declined | Self::Expired | Self::ClosedOtherwise
        )
    }
}

/// Which way a referral went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Sent to us. Also what an absent or unknown `direction` is taken for: the member is younger than the API.
    Incoming,
    /// Sent by us.
    Outgoing,
}

/// The customer's side of a referral.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customer {
    /// The company.
    pub name: Option<String>,
    /// A range in words, such as `51to250employees`.
    pub size: Option<String>,
    /// Its postal address.
    pub address: Address,
    /// The people to talk to, in Partner Center's order.
    pub team: Vec<Member>,
}

/// A postal address. All text as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// First line.
    pub line1: Option<String>,
    /// Second line.
    pub line2: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State or region: Partner Center uses either member.
    pub state: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Two-letter country code.
    pub country: Option<String>,
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// In any format.
    pub phone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Job title.
    pub title: Option<String>,
}

/// Consent as given; a missing member says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// `consentToContact`.
    pub to_contact: Option<bool>,
    /// `consentToShareReferralWithMicrosoftSellers`.
    pub to_share_with_microsoft: Option<bool>,
}

/// The deal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// What the customer or the sender wrote.
    pub notes: Option<String>,
    /// The deal's value in units of `currency`, exact.
    pub deal_value: Option<Decimal>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// When the deal is expected to close.
    pub closing: Option<Timestamp>,
    /// The customer asked to be called.
    pub customer_requested_contact: Option<bool>,
    /// Names (or ids) of the solutions, products, services and industries asked for, in that order.
    pub requirements: Vec<String>,
}

/// Who invited us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invitation {
    /// What they wrote.
    pub notes: Option<String>,
    /// Their organisation's id; `msft` is Microsoft.
    pub organization_id: Option<String>,
    /// Their organisation's name.
    pub organization_name: Option<String>,
}

/// One change to a referral: `add` or `replace`, the only JSON Patch operations Partner Center takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchOperation {
    /// What to do.
    pub op: PatchOp,
    /// The JSON pointer, such as `/externalReferenceId`.
    pub path: &'static str,
    /// The new value; amounts travel as decimal text.
    pub value: String,
}

/// The JSON Patch operations Partner Center takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchOp {
    /// The member is absent or null.
    Add,
    /// The member has a value.
    Replace,
}
