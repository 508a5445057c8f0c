//! Referrals as they really arrive: any member but the id and the eTag may be missing, null, or of another shape.

mod content;
mod members;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub(super) use self::content::content;
use self::members::{Items, Members};
use super::{ListedReferral, Sampled};
use crate::ids::{ETag, ReferralId};
use crate::referral::{
    Address, Consent, Customer, Details, Direction, Invitation, Member, PatchOp, PatchOperation,
    Referral, ReferralState, ReferralStatus,
};

/// A referral, and the paths of the members that were there but could not be read.
#[derive(Debug)]
pub struct Parsed {
    /// The referral, those members taken as absent.
    pub value: Referral,
    /// Such as `details.dealValue`, in alphabetical order; the first fifty that were met.
    pub malformed: Vec<String>,
}

/// Why a document is no referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not a JSON object.
    NotJson,
    /// It lacks a member that a referral cannot be without.
    Member(&'static str),
}

/// Reads a referral as the referrals API sends it.
pub fn referral(body: &[u8]) -> Result<Parsed, Fault> {
    let it = Members::of_document(body).ok_or(Fault::NotJson)?;
    let id = id(&it).ok_or(Fault::Member("id"))?;
    let etag = it.text("eTag").filter(|etag| !etag.is_empty());
    let invitation = it.object("inviteContext");
    let value = Referral {
        id,
        etag: ETag::new(etag.ok_or(Fault::Member("eTag"))?),
        engagement: it.text("engagementId"),
        name: it.text("name"),
        external_reference: it.text("externalReferenceId"),
        created: it.time("createdDateTime"),
        updated: it.time("updatedDateTime"),
        expires: it.time("expirationDateTime"),
        status: status(&it),
        status_reason: it.text("statusReason"),
        qualification: it.text("qualification"),
        kind: it.text("type"),
        direction: direction(&it),
        quality: it.text("quality"),
        is_spam: it.flag("isSpam").unwrap_or(false),
        partner_id: partner_id(&it, invitation.as_ref()),
        locations: locations(&it),
        team: it.objects("team").iter().map(member).collect(),
        customer: it
            .object("customerProfile")
            .as_ref()
            .map(customer)
            .unwrap_or_default(),
        consent: it
            .object("consent")
            .as_ref()
            .map(consent)
            .unwrap_or_default(),
        details: it
            .object("details")
            .as_ref()
            .map(details)
            .unwrap_or_default(),
        invitation: invitation.as_ref().map(self::invitation),
    };
    Ok(Parsed {
        value,
        malformed: it.malformed(),
    })
}

fn partner_id(it: &Members<'_>, invitation: Option<&Members<'_>>) -> Option<String> {
    filled(it.text("mpnId")).or_else(|| filled(invitation?.text("invitedMpnId")))
}

fn id(it: &Members<'_>) -> Option<ReferralId> {
    it.text("id")?.trim().parse().ok()
}

fn status(it: &Members<'_>) -> ReferralStatus {
    let status = it.text("status").unwrap_or_default();
    let substatus = it.text("substatus").unwrap_or_default();
    let is = |text: &str, word: &str| text.trim().eq_ignore_ascii_case(word);
    let state = if is(&status, "New") {
        ReferralState::New
    } else if is(&status, "Active") {
        ReferralState::Active
    } else if is(&status, "Closed") {
        [
            ("Won", ReferralState::Won),
            ("Lost", ReferralState::Lost),
            ("Declined", ReferralState::Declined),
            ("Expired", ReferralState::Expired),
        ]
        .into_iter()
        .find(|(word, _)| is(&substatus, word))
        .map_or(ReferralState::ClosedOtherwise, |(_, state)| state)
    } else {
        ReferralState::Unknown
    };
    ReferralStatus {
        state,
        status,
        substatus,
    }
}

fn direction(it: &Members<'_>) -> Direction {
    let outgoing = it
        .text("direction")
        .is_some_and(|word| word.trim().eq_ignore_ascii_case("Outgoing"));
    if outgoing {
        Direction::Outgoing
    } else {
        Direction::Incoming
    }
}

fn locations(it: &Members<'_>) -> Vec<String> {
    let is_location = |target: &Members<'_>| {
        target
            .text("type")
            .is_some_and(|word| word.eq_ignore_ascii_case("BusinessProfileLocation"))
    };
    it.objects("target")
        .iter()
        .filter(|target| is_location(target))
        .filter_map(|target| filled(target.text("id")))
        .collect()
}

fn customer(it: &Members<'_>) -> Customer {
    Customer {
        name: it.text("name"),
        size: it.text("size"),
        address: it
            .object("address")
            .as_ref()
            .map(address)
            .unwrap_or_default(),
        team: it.objects("team").iter().map(member).collect(),
    }
}

fn address(it: &Members<'_>) -> Address {
    Address {
        line1: it.text("addressLine1"),
        line2: it.text("addressLine2"),
        city: it.text("city"),
        state: filled(it.text("state")).or_else(|| it.text("region")),
        postal_code: it.text("postalCode"),
        country: it.text("country"),
    }
}

fn member(it: &Members<'_>) -> Member {
    Member {
        first_name: it.text("firstName"),
        last_name: it.text("lastName"),
        phone: it.text("phoneNumber"),
        email: it.text("email"),
        title: it.text("title"),
    }
}

fn consent(it: &Members<'_>) -> Consent {
    Consent {
        to_contact: it.flag("consentToContact"),
        to_share_with_microsoft: it.flag("consentToShareReferralWithMicrosoftSellers"),
    }
}

fn details(it: &Members<'_>) -> Details {
    Details {
        notes: it.text("notes"),
        deal_value: it.amount("dealValue"),
        currency: it.text("currency"),
        closing: it.time("closingDateTime"),
        customer_requested_contact: it.flag("customerRequestedContact"),
        requirements: it
            .object("requirements")
            .as_ref()
            .map(requirements)
            .unwrap_or_default(),
    }
}

fn requirements(it: &Members<'_>) -> Vec<String> {
    ["solutions", "products", "services", "industries"]
        .into_iter()
        .flat_map(|list| it.objects(list))
        .filter_map(|item| filled(item.text("name")).or_else(|| filled(item.text("id"))))
        .collect()
}

fn invitation(it: &Members<'_>) -> Invitation {
    let inviter = it.object("invitedBy");
    let inviter = |name| inviter.as_ref()?.text(name);
    Invitation {
        notes: it.text("notes"),
        organization_id: inviter("organizationId"),
        organization_name: inviter("organizationName"),
    }
}

/// A text that says something.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|it| !it.trim().is_empty())
}

/// A page of a list, its rows unread.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) value: Items<Box<RawValue>>,
    #[serde(rename = "@odata.nextLink")]
    pub(super) next_link: Option<String>,
}

/// Reads one row of a list; `None` if it has no usable id.
pub(super) fn row(row: &RawValue) -> Option<ListedReferral> {
    let it = Members::of_document(row.get().as_bytes())?;
    Some(ListedReferral {
        id: id(&it)?,
        created: it.time("createdDateTime"),
        updated: it.time("updatedDateTime"),
        expires: it.time("expirationDateTime"),
        status: status(&it),
        direction: direction(&it),
    })
}

/// Where a referral was sent to.
pub(super) struct Target {
    pub(super) locations: Vec<String>,
    pub(super) partner_id: Option<String>,
}

/// Where the referral of one row of a list was sent to; `None` if it is no object.
pub(super) fn target(row: &RawValue) -> Option<Target> {
    let it = Members::of_document(row.get().as_bytes())?;
    Some(Target {
        locations: locations(&it),
        partner_id: partner_id(&it, it.object("inviteContext").as_ref()),
    })
}

/// Reads what one row of a list tells about how the referral is used; `None` if it has no usable id.
pub(super) fn sampled(row: &RawValue) -> Option<Sampled> {
    let it = Members::of_document(row.get().as_bytes())?;
    let details = it.object("details");
    Some(Sampled {
        id: id(&it)?,
        external_reference: filled(it.text("externalReferenceId")),
        currency: filled(details.and_then(|it| it.text("currency"))),
    })
}

#[derive(Serialize)]
struct Operation<'a> {
    op: &'static str,
    path: &'static str,
    value: &'a str,
}

/// The JSON Patch document of `operations`.
pub(super) fn patch(operations: &[PatchOperation]) -> Vec<u8> {
    let operations: Vec<_> = operations
        .iter()
        .map(|it| Operation {
            op: match it.op {
                PatchOp::Add => "add",
                PatchOp::Replace => "replace",
            },
            path: it.path,
            value: &it.value,
        })
        .collect();
    serde_json::to_vec(&operations).expect("texts are always JSON")
}

#[cfg(test)]
mod tests;
