//! The parts of a referral that a column can be made of, by the names Partner Center's API gives them.

use std::fmt;

use super::contact::{Contact, contact, filled};
use super::{classify, summary};
use crate::referral::Referral;
use crate::text;

/// A part of a referral. The list of all of them is in `docs/mapping-file.md`.
#[derive(Clone, Copy)]
pub struct Path(&'static Part);

struct Part {
    word: &'static str,
    values: fn(&Referral) -> Vec<String>,
    form: Form,
}

/// What the values of a part are like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Text as somebody typed it.
    Typed,
    /// Text that was made fit for a column already.
    Fit,
    /// A moment, as RFC 3339 has it.
    Time,
}

const LAST_NAME: &str = "customerProfile.team[].lastName";

const fn part(word: &'static str, values: fn(&Referral) -> Vec<String>) -> Part {
    Part {
        word,
        values,
        form: Form::Typed,
    }
}

impl Part {
    const fn form(self, form: Form) -> Self {
        Self { form, ..self }
    }
}

static PARTS: [Part; 44] = [
    part("id", |it| vec![it.id.to_string()]).form(Form::Fit),
    part("engagementId", |it| one(it.engagement.as_ref())),
    part("name", |it| one(it.name.as_ref())),
    part("createdDateTime", |it| one(it.created.as_ref())).form(Form::Time),
    part("expirationDateTime", |it| one(it.expires.as_ref())).form(Form::Time),
    part("status", |it| one(Some(&it.status.status))),
    part("substatus", |it| one(Some(&it.status.substatus))),
    part("statusReason", |it| one(it.status_reason.as_ref())),
    part("qualification", |it| one(it.qualification.as_ref())),
    part("type", |it| one(it.kind.as_ref())),
    part("kind", |it| vec![classify(it).word().to_owned()]).form(Form::Fit),
    part("quality", |it| one(it.quality.as_ref())),
    part("mpnId", |it| one(it.partner_id.as_ref())),
    part("target[].id", |it| it.locations.clone()),
    part("team[].firstName", |it| {
        ours(it, |member| &member.first_name)
    }),
    part("team[].lastName", |it| ours(it, |member| &member.last_name)),
    part("team[].email", |it| ours(it, |member| &member.email)),
    part("team[].phoneNumber", |it| ours(it, |member| &member.phone)),
    part("customerProfile.name", |it| one(it.customer.name.as_ref())),
    part("customerProfile.size", |it| one(it.customer.size.as_ref())),
    part("customerProfile.address.addressLine1", |it| {
        one(it.customer.address.line1.as_ref())
    }),
    part("customerProfile.address.addressLine2", |it| {
        one(it.customer.address.line2.as_ref())
    }),
    part("customerProfile.address.city", |it| {
        one(it.customer.address.city.as_ref())
    }),
    part("customerProfile.address.state", |it| {
        one(it.customer.address.state.as_ref())
    }),
    part("customerProfile.address.postalCode", |it| {
        one(it.customer.address.postal_code.as_ref())
    }),
    part("customerProfile.address.country", |it| {
        one(it.customer.address.country.as_ref())
    }),
    part("customerProfile.team[].firstName", |it| {
        theirs(it, |contact| contact.first_name)
    })
    .form(Form::Fit),
    part(LAST_NAME, |it| theirs(it, |contact| contact.last_name)).form(Form::Fit),
    part("customerProfile.team[].email", |it| {
        theirs(it, |contact| contact.email)
    })
    .form(Form::Fit),
    part("customerProfile.team[].phoneNumber", |it| {
        theirs(it, |contact| contact.phone)
    })
    .form(Form::Fit),
    part("customerProfile.team[].title", |it| {
        theirs(it, |contact| contact.title)
    })
    .form(Form::Fit),
    part("consent.consentToContact", |it| {
        one(it.consent.to_contact.as_ref())
    }),
    part("consent.consentToShareReferralWithMicrosoftSellers", |it| {
        one(it.consent.to_share_with_microsoft.as_ref())
    }),
    part("details.notes", |it| one(it.details.notes.as_ref())),
    part("details.dealValue", |it| {
        one(it.details.deal_value.map(|it| it.normalize()).as_ref())
    }),
    part("details.currency", |it| one(it.details.currency.as_ref())),
    part("details.closingDateTime", |it| {
        one(it.details.closing.as_ref())
    })
    .form(Form::Time),
    part("details.customerRequestedContact", |it| {
        one(it.details.customer_requested_contact.as_ref())
    }),
    part("details.requirements", |it| it.details.requirements.clone()),
    part("inviteContext.notes", |it| {
        one(it.invitation.as_ref().and_then(|it| it.notes.as_ref()))
    }),
    part("inviteContext.invitedBy.organizationId", |it| {
        one(it
            .invitation
            .as_ref()
            .and_then(|it| it.organization_id.as_ref()))
    }),
    part("inviteContext.invitedBy.organizationName", |it| {
        one(it
            .invitation
            .as_ref()
            .and_then(|it| it.organization_name.as_ref()))
    }),
    part("externalReferenceId", |it| {
        one(it.external_reference.as_ref())
    }),
    part("summary", |it| summary(it).into_iter().collect()).form(Form::Fit),
];

fn one<T: ToString>(value: Option<&T>) -> Vec<String> {
    value.map(ToString::to_string).into_iter().collect()
}

/// Of the person a seller should talk to.
fn theirs(referral: &Referral, of: fn(Contact) -> Option<String>) -> Vec<String> {
    contact(referral).and_then(of).into_iter().collect()
}

/// Of everybody on our own side.
fn ours(referral: &Referral, of: fn(&crate::referral::Member) -> &Option<String>) -> Vec<String> {
    let members = referral.team.iter();
    members.filter_map(|member| of(member).clone()).collect()
}

impl Path {
    /// The part called `word`.
    pub fn named(word: &str) -> Option<Self> {
        PARTS.iter().find(|part| part.word == word).map(Self)
    }

    /// Every part there is.
    pub fn all() -> impl Iterator<Item = Self> {
        PARTS.iter().map(Self)
    }

    /// What it is called.
    pub const fn word(self) -> &'static str {
        self.0.word
    }

    /// Whether it is a moment.
    pub fn is_time(self) -> bool {
        self.0.form == Form::Time
    }

    /// What `referral` says there, as it stands.
    pub(super) fn typed(self, referral: &Referral) -> Vec<String> {
        (self.0.values)(referral)
    }

    /// The same, made fit for a column: each value that says something, on one line or on several.
    pub(super) fn fit(self, referral: &Referral, lines: bool) -> Vec<String> {
        let values = self.typed(referral).into_iter();
        let fit = |typed: String| match self.0.form {
            Form::Fit | Form::Time => Some(typed),
            Form::Typed if lines => {
                text::block(&typed).filter(|it| !text::is_empty(it, referral.id))
            }
            Form::Typed => filled(referral.id, Some(&typed)),
        };
        values.filter_map(fit).collect()
    }

    /// Whether what it gives only takes the place of what the referral does not say.
    pub(super) fn stands_in(self, referral: &Referral) -> bool {
        self.0.word == LAST_NAME && contact(referral).is_some_and(|it| it.last_name_is_a_stand_in)
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.0.word == other.0.word
    }
}

impl Eq for Path {}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.word)
    }
}
