//! Whom to talk to, and whether one may.

use sandbox::partner_center::builder::{ReferralBuilder, member};
use serde_json::{Value, json};

use super::lead;
use crate::rig::Rig;

fn consent(lead: &Value) -> [&Value; 3] {
    ["donotemail", "donotphone", "donotbulkemail"].map(|column| &lead[column])
}

#[tokio::test(flavor = "multi_thread")]
async fn contact_is_forbidden_only_by_a_no_and_mass_mail_always() {
    let rig = Rig::start(&[]).await;
    for (given, [email, phone, bulk]) in [
        (json!({ "consentToContact": false }), [true, true, true]),
        (json!({ "consentToContact": true }), [false, false, true]),
        (json!({ "consentToContact": null }), [false, false, true]),
        (
            json!({ "consentToToShareInfoWithOthers": false }),
            [false, false, true],
        ),
        (json!({}), [false, false, true]),
        (Value::Null, [false, false, true]),
    ] {
        let lead = lead(&rig, ReferralBuilder::new().set("/consent", given.clone())).await;
        assert_eq!(
            consent(&lead),
            [&json!(email), &json!(phone), &json!(bulk)],
            "{given}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_without_a_family_name_is_still_found_in_the_crm() {
    let rig = Rig::start(&[]).await;
    let person = |first: Option<&str>, email: Option<&str>| json!({ "firstName": first, "lastName": null, "email": email, "phoneNumber": "0405550102" });
    for (person, first, last) in [
        (
            person(Some("Cher"), Some("cher@tailspin.example")),
            Value::Null,
            "Cher",
        ),
        (
            person(None, Some("procurement@tailspin.example")),
            Value::Null,
            "procurement",
        ),
        (person(None, None), Value::Null, "Tailspin Toys"),
    ] {
        let lead = lead(&rig, ReferralBuilder::new().contacts(vec![person])).await;
        assert_eq!(
            (&lead["firstname"], &lead["lastname"]),
            (&first, &json!(last))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_cannot_be_reached_are_passed_over() {
    let rig = Rig::start(&[]).await;
    let people = vec![
        json!({ "firstName": "", "lastName": " ", "email": "", "phoneNumber": null }),
        json!({ "firstName": "0", "lastName": "Default Value", "email": "unknown" }),
        member(
            "Luis",
            "Andrade",
            "luis.andrade@tailspin.example",
            "(040) 555-0101",
        ),
        member(
            "Miriam",
            "Okafor",
            "miriam.okafor@tailspin.example",
            "+49 40 555 0100",
        ),
    ];
    let lead = lead(&rig, ReferralBuilder::new().contacts(people)).await;
    assert_eq!(lead["fullname"], "Luis Andrade");
    assert_eq!(lead["emailaddress1"], "luis.andrade@tailspin.example");
    assert_eq!(lead["telephone1"], "(040) 555-0101");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_name_that_comes_later_takes_the_place_of_its_stand_in() {
    let rig = Rig::start(&[]).await;
    let person = |last: &str| vec![member("Cher", last, "cher@tailspin.example", "0405550102")];
    let id = rig.seed(ReferralBuilder::new().contacts(person("")));
    rig.created(&id).await;
    assert_eq!(rig.lead(&id).unwrap()["fullname"], "Cher");

    rig.partner_center_edits(
        &id,
        &json!({ "customerProfile": { "team": person("Sarkisian") } }),
    );
    rig.updated(&id).await;

    assert_eq!(rig.lead(&id).unwrap()["fullname"], "Cher Sarkisian");
}
