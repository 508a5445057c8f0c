//! Builds referrals as Partner Center sends them.

use serde_json::{Value, json};
use uuid::Uuid;

/// A referral in the making. Unchanged, it is a complete incoming one, new and pending.
#[derive(Clone, Debug)]
#[must_use = "a builder makes nothing until it is built"]
pub struct ReferralBuilder(Value);

impl Default for ReferralBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl ReferralBuilder {
    /// A referral with an id of its own.
    pub fn new() -> Self {
        Self::with_id(Uuid::new_v4())
    }

    /// A referral with this id.
    pub fn with_id(id: Uuid) -> Self {
        let engagement = Uuid::new_v4();
        let uri = "https://api.partner.microsoft.com/v1.0/engagements/referrals";
        Self(json!({
            "@odata.context": "https://api.partner.microsoft.com/v1.0/engagements/referrals/$metadata#Referrals/$entity",
            "id": id.to_string(),
            "engagementId": engagement.to_string(),
            "organizationId": "0f1d4f3e-97f2-4d41-9a5f-5ad0c9a4d2c7",
            "organizationName": "Woodgrove Consulting",
            "name": "Tailspin Toys moves its plants to Azure",
            "externalReferenceId": null,
            "createdDateTime": "2026-11-02T09:15:27.1234567Z",
            "updatedDateTime": "2026-11-02T09:15:27.1234567Z",
            "expirationDateTime": "2026-11-16T00:00:00Z",
            "status": "New",
            "substatus": "Pending",
            "statusReason": null,
            "qualification": "SalesQualified",
            "type": "Independent",
            "direction": "Incoming",
            "quality": "Unknown",
            "isSpam": false,
            "target": [{ "type": "BusinessProfileLocation", "id": "6b0f2a52-3a53-4b0d-8c54-0a8ee1a0f0d1" }],
            "customerProfile": {
                "name": "Tailspin Toys",
                "size": "251to1000employees",
                "address": {
                    "addressLine1": "Hafenstrasse 12",
                    "addressLine2": "",
                    "city": "Hamburg",
                    "state": "HH",
                    "postalCode": "20457",
                    "country": "DE",
                },
                "team": [member("Miriam", "Okafor", "miriam.okafor@tailspin.example", "+49 40 555 0100")],
                "ids": [{ "profileType": "Duns", "id": "314159265" }],
            },
            "consent": {
                "consentToToShareInfoWithOthers": true,
                "consentToContact": true,
                "consentToShareReferralWithMicrosoftSellers": false,
            },
            "details": {
                "notes": "Wants to move three plants to Azure before the summer.",
                "dealValue": 48000,
                "currency": "EUR",
                "closingDateTime": "2027-03-31T00:00:00Z",
                "requirements": {
                    "industries": [{ "id": "Manufacturing" }],
                    "products": [{ "id": "Azure" }],
                    "services": [{ "id": "DeploymentOrMigration" }],
                    "solutions": [{ "id": "SOL-AzureMigration", "name": "Azure migration", "type": "Name" }],
                },
            },
            "team": [member("Jonas", "Weber", "jonas.weber@woodgrove.example", "+49 30 555 0199")],
            "inviteContext": {
                "notes": "Please call them this week.",
                "invitedBy": { "organizationId": "msft", "organizationName": "Microsoft" },
            },
            "links": {
                "relatedReferrals": {
                    "uri": format!("{uri}?$filter=engagementId eq '{engagement}'"),
                    "method": "GET",
                },
                "self": { "uri": format!("{uri}/{id}"), "method": "GET" },
            },
            "eTag": "\"5f00c1d2-0000-0000-0000-6906f35f0000\"",
        }))
    }

    /// Sets the member at a JSON pointer such as `/details/dealValue`, making objects on the way.
    pub fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let mut place = &mut self.0;
        for name in pointer.split('/').skip(1) {
            if !place.is_object() {
                *place = json!({});
            }
            place = &mut place[name];
        }
        *place = value.into();
        self
    }

    /// Takes the member at a JSON pointer away.
    pub fn without(mut self, pointer: &str) -> Self {
        if let Some((parent, name)) = pointer.rsplit_once('/')
            && let Some(parent) = self.0.pointer_mut(parent).and_then(Value::as_object_mut)
        {
            parent.remove(name);
        }
        self
    }

    /// Sets status and substatus.
    pub fn status(self, status: &str, substatus: &str) -> Self {
        self.set("/status", status).set("/substatus", substatus)
    }

    /// Sets the customer's name.
    pub fn company(self, name: &str) -> Self {
        self.set("/customerProfile/name", name)
    }

    /// Sets the amount and its currency.
    pub fn deal(self, value: impl Into<Value>, currency: &str) -> Self {
        self.set("/details/dealValue", value)
            .set("/details/currency", currency)
    }

    /// Sets the customer's people.
    pub fn contacts(self, people: Vec<Value>) -> Self {
        self.set("/customerProfile/team", people)
    }

    /// The referral.
    pub fn build(self) -> Value {
        self.0
    }
}

impl From<ReferralBuilder> for Value {
    fn from(builder: ReferralBuilder) -> Self {
        builder.build()
    }
}

/// A member of a team.
pub fn member(first: &str, last: &str, email: &str, phone: &str) -> Value {
    json!({
        "firstName": first,
        "lastName": last,
        "email": email,
        "phoneNumber": phone,
        "contactPreference": { "locale": "en-us", "disableNotifications": false },
    })
}
