//! The person a seller should talk to.

use crate::ids::ReferralId;
use crate::referral::{Member, Referral};
use crate::text;

/// The first member of the customer's team who can be talked to or at least named, as a lead holds a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contact {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    /// The family name was not given: something else that identifies the person stands in its place.
    pub(super) last_name_is_a_stand_in: bool,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) title: Option<String>,
}

/// The first member with a name, an e-mail address or a telephone number. `None` when there is no such member.
pub(super) fn member(referral: &Referral) -> Option<&Member> {
    let mut members = referral.customer.team.iter();
    members.find(|member| read(referral.id, member).is_usable())
}

/// That member, with a family name if anything can stand in for one.
pub(super) fn contact(referral: &Referral) -> Option<Contact> {
    let company = filled(referral.id, referral.customer.name.as_deref());
    let contact = read(referral.id, member(referral)?);
    Some(contact.with_last_name(company))
}

/// One line of text that says something.
pub(super) fn filled(referral: ReferralId, raw: Option<&str>) -> Option<String> {
    raw.and_then(text::line)
        .filter(|line| !text::is_empty(line, referral))
}

fn read(referral: ReferralId, member: &Member) -> Contact {
    let read = |raw: &Option<String>| filled(referral, raw.as_deref());
    Contact {
        first_name: read(&member.first_name),
        last_name: read(&member.last_name),
        last_name_is_a_stand_in: false,
        email: read(&member.email).filter(|email| email.contains('@')),
        phone: read(&member.phone),
        title: read(&member.title),
    }
}

impl Contact {
    const fn is_usable(&self) -> bool {
        self.first_name.is_some()
            || self.last_name.is_some()
            || self.email.is_some()
            || self.phone.is_some()
    }

    /// Leads are listed by family name. Where there is none the first name takes its place, else the e-mail
    /// address before its `@`, else the company.
    fn with_last_name(mut self, company: Option<String>) -> Self {
        if self.last_name.is_none() {
            self.last_name_is_a_stand_in = true;
            self.last_name = self
                .first_name
                .take()
                .or_else(|| {
                    let (local, _) = self.email.as_ref()?.split_once('@')?;
                    (!local.is_empty()).then(|| local.to_owned())
                })
                .or(company);
        }
        self
    }
}
