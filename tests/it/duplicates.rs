//! Customers who are known already: an open lead that may be the same, an account, a contact.

mod links;
mod parents;
mod reports;

use sandbox::Service;
use sandbox::partner_center::builder::ReferralBuilder;
use serde_json::{Value, json};

use crate::rig::Rig;

/// What the sandbox's referrals say of their customer unless a test says otherwise.
const EMAIL: &str = "miriam.okafor@tailspin.example";
const COMPANY: &str = "Tailspin Toys";
/// The headline of the note that tells of other leads.
const NOTE: &str = "Partner Center: possible duplicate";

/// A lead of that customer, which a seller entered before, in letters of another case.
fn known(rig: &Rig) -> String {
    rig.seed_lead(&json!({
        "emailaddress1": EMAIL.to_uppercase(),
        "companyname": COMPANY.to_uppercase(),
        "lastname": "Okafor",
        "firstname": "Miriam",
    }))
}

fn of(email: &str, company: &str) -> ReferralBuilder {
    ReferralBuilder::new()
        .set("/customerProfile/name", company)
        .set(
            "/customerProfile/team",
            json!([{ "firstName": "Miriam", "lastName": "Okafor", "email": email }]),
        )
}

/// The texts of the notes on `lead` that tell of other leads.
fn told(rig: &Rig, lead: &str) -> Vec<String> {
    let notes = rig.world().dataverse.lock().notes(lead.parse().unwrap());
    let told = notes.iter().filter(|note| note["subject"] == NOTE);
    let text = |note: &Value| note["notetext"].as_str().unwrap().to_owned();
    told.map(text).collect()
}

/// How often leads, accounts or contacts were looked for.
fn looked_for(rig: &Rig, table: &str) -> usize {
    let looks = rig.requests(Service::Dataverse).into_iter();
    let path = format!("GET /api/data/v9.2/{table}");
    looks.filter(|line| *line == path).count()
}
