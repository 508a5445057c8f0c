//! Referrals in every shape that Partner Center documents or was seen to send. The people and companies
//! are made up.

use serde_json::{Value, json};

use super::builder::{ReferralBuilder, member};

/// Every sample with the name of its shape.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("complete", complete()),
        ("form of 2019", form_of_2019()),
        ("form of 2020", form_of_2020()),
        ("marketplace lead", marketplace_lead()),
        ("co-sell opportunity", co_sell_opportunity()),
        ("outgoing", outgoing()),
        ("spam", spam()),
        ("ids as an object", ids_as_object()),
        ("numbers as strings", numbers_as_strings()),
        ("escaped and padded text", escaped_text()),
        ("state in region", state_in_region()),
        ("sparse", sparse()),
        ("null members", null_members()),
        ("unknown members", unknown_members()),
        ("unknown words", unknown_words()),
        ("no fractional digits", fractional_digits(0)),
        ("three fractional digits", fractional_digits(3)),
        ("six fractional digits", fractional_digits(6)),
        ("several contacts", several_contacts()),
        ("contact without last name", contact_without_last_name()),
        ("empty team", empty_team()),
        (
            "contact refused",
            consent(json!({ "consentToContact": false })),
        ),
        ("no consent", consent(Value::Null)),
        ("accepted", accepted()),
        ("won", closed("Won")),
        ("expired", closed("Expired")),
    ]
}

/// Everything filled in, qualified by Microsoft.
pub fn complete() -> Value {
    ReferralBuilder::new().build()
}

/// As documented in 2019: six fractional digits, no `direction`, no closing date, the old consent flags,
/// misspelt links.
pub fn form_of_2019() -> Value {
    ReferralBuilder::new()
        .without("/direction")
        .without("/name")
        .without("/quality")
        .without("/isSpam")
        .without("/externalReferenceId")
        .without("/details/closingDateTime")
        .set("/createdDateTime", "2026-10-29T21:24:52.040469Z")
        .set("/updatedDateTime", "2026-10-29T21:24:52.040469Z")
        .set("/customerProfile/size", "51to500employees")
        .set("/customerProfile/address/region", "Hamburg")
        .set(
            "/consent",
            json!({ "consentToToShareInfoWithOthers": true, "consentToContact": true }),
        )
        .set(
            "/links/self/uri",
            "https://api.partner.microsoft.com/v1.0/engagments/referrals/self",
        )
        .build()
}

/// As documented in 2020: no consent, no team, no target, links without their separators.
pub fn form_of_2020() -> Value {
    let shorter = [
        "target",
        "consent",
        "team",
        "inviteContext",
        "expirationDateTime",
        "statusReason",
    ];
    let referral = ReferralBuilder::new()
        .set("/qualification", "Direct")
        .without("/customerProfile/team")
        .without("/customerProfile/ids")
        .without("/customerProfile/size")
        .set("/createdDateTime", "2026-10-30T21:03:00.0000000Z")
        .set("/updatedDateTime", "2026-10-30T21:03:00.0000000Z")
        .set(
            "/links/self/uri",
            "https://api.partner.microsoft.com/v1.0/engagements/referralsself",
        );
    shorter
        .iter()
        .fold(referral, |referral, name| {
            referral.without(&format!("/{name}"))
        })
        .build()
}

/// A lead from the marketplace: the customer came directly.
pub fn marketplace_lead() -> Value {
    ReferralBuilder::new()
        .set("/qualification", "Direct")
        .set("/referralSource", "AppSource")
        .set("/callToAction", "ContactMe")
        .set("/inviteContext", Value::Null)
        .build()
}

/// A deal shared between parties, at work.
pub fn co_sell_opportunity() -> Value {
    ReferralBuilder::new()
        .status("Active", "Accepted")
        .set("/type", "Shared")
        .set("/qualification", "None")
        .set("/salesStage", "40")
        .set(
            "/inviteContext/invitedBy/organizationId",
            "7c1e0d55-1f3a-4f0e-9a3b-6a2f4b1c9e10",
        )
        .build()
}

/// A deal the partner sent to Microsoft.
pub fn outgoing() -> Value {
    ReferralBuilder::new()
        .status("Active", "Accepted")
        .set("/direction", "Outgoing")
        .set(
            "/target",
            json!([{ "type": "BusinessProfileLocation", "id": "msft" }]),
        )
        .build()
}

/// What Microsoft takes for spam.
pub fn spam() -> Value {
    ReferralBuilder::new().set("/isSpam", true).build()
}

/// `customerProfile.ids` as one object in place of a list.
pub fn ids_as_object() -> Value {
    ReferralBuilder::new()
        .set("/customerProfile/ids", json!({}))
        .build()
}

/// Amounts and flags written as text.
pub fn numbers_as_strings() -> Value {
    ReferralBuilder::new()
        .deal("48000.50", "EUR")
        .set(
            "/customerProfile/ids",
            json!([{ "profileType": "External", "id": 4711 }]),
        )
        .build()
}

/// HTML entities, and blanks at the ends.
pub fn escaped_text() -> Value {
    ReferralBuilder::new()
        .set("/name", "OIL &amp; GAS &lt;phase 2&gt;  ")
        .company("  M&amp;M Br&#252;der &quot;Nord&quot; ")
        .set(
            "/details/notes",
            "They said &#39;call me&#39; &amp; hung up.<br/>Twice.  ",
        )
        .build()
}

/// The state in `region`, none in `state`.
pub fn state_in_region() -> Value {
    ReferralBuilder::new()
        .without("/customerProfile/address/state")
        .set("/customerProfile/address/region", "Washington")
        .set("/customerProfile/address/country", "US")
        .build()
}

/// Nothing but the id, the eTag and the status.
pub fn sparse() -> Value {
    let whole = complete();
    json!({
        "id": whole["id"],
        "eTag": whole["eTag"],
        "status": "New",
        "substatus": "Received",
    })
}

/// Every member null that may be.
pub fn null_members() -> Value {
    let nulls = [
        "/name",
        "/expirationDateTime",
        "/target",
        "/customerProfile/size",
        "/customerProfile/address",
        "/customerProfile/team",
        "/customerProfile/ids",
        "/consent",
        "/details",
        "/team",
        "/inviteContext",
        "/links",
    ];
    nulls
        .iter()
        .fold(ReferralBuilder::new(), |referral, member| {
            referral.set(member, Value::Null)
        })
        .build()
}

/// Members of years to come, at every level.
pub fn unknown_members() -> Value {
    ReferralBuilder::new()
        .set(
            "/copilotScore",
            json!({ "value": 0.93, "reasons": ["fit", null] }),
        )
        .set("/customerProfile/industryCode", 4711)
        .set("/details/renewal", json!([{ "month": 12 }]))
        .set("/inviteContext/channel", "api")
        .build()
}

/// Words no list of values holds.
pub fn unknown_words() -> Value {
    ReferralBuilder::new()
        .status("Active", "Qualify")
        .set("/qualification", "PartnerQualified")
        .set("/type", "Syndicated")
        .set("/customerProfile/size", "")
        .set("/salesStage", "65%")
        .build()
}

/// Times with so many fractional digits, none to nine.
pub fn fractional_digits(digits: usize) -> Value {
    let fraction = &"123456789"[..digits.min(9)];
    let point = if digits == 0 { "" } else { "." };
    let time = format!("2026-11-02T09:15:27{point}{fraction}Z");
    ReferralBuilder::new()
        .set("/createdDateTime", time.as_str())
        .set("/updatedDateTime", time)
        .build()
}

/// Three people, the first of whom can be reached.
pub fn several_contacts() -> Value {
    let people = vec![
        member(
            "Miriam",
            "Okafor",
            "miriam.okafor@tailspin.example",
            "+49 40 555 0100",
        ),
        member(
            "Luis",
            "Andrade",
            "luis.andrade@tailspin.example",
            "(040) 555-0101",
        ),
        json!({ "firstName": null, "lastName": null, "email": null, "phoneNumber": null, "contactPreference": null }),
    ];
    ReferralBuilder::new().contacts(people).build()
}

/// A person with one name, and a title.
pub fn contact_without_last_name() -> Value {
    let person = json!({
        "firstName": "Cher",
        "lastName": "",
        "email": "cher@tailspin.example",
        "phoneNumber": "0405550102",
        "title": "Head of Procurement",
        "contactPreference": { "locale": null, "disableNotifications": null },
    });
    ReferralBuilder::new().contacts(vec![person]).build()
}

/// A customer without people.
pub fn empty_team() -> Value {
    ReferralBuilder::new().contacts(Vec::new()).build()
}

/// These consent flags; null takes the member away.
pub fn consent(flags: Value) -> Value {
    if flags.is_null() {
        return ReferralBuilder::new().without("/consent").build();
    }
    ReferralBuilder::new().set("/consent", flags).build()
}

/// Accepted by the partner.
pub fn accepted() -> Value {
    ReferralBuilder::new()
        .status("Active", "Accepted")
        .set("/acceptedDateTime", "2026-11-03T08:00:00Z")
        .build()
}

/// Closed with this substatus: nothing can be changed any more.
pub fn closed(substatus: &str) -> Value {
    ReferralBuilder::new()
        .status("Closed", substatus)
        .set("/closedDateTime", "2026-11-16T00:00:00Z")
        .build()
}
