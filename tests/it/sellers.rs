//! What a seller did in the CRM is safe from what happens in Partner Center.

mod links;
mod races;
mod status;

use sandbox::partner_center::builder::{ReferralBuilder, member};
use serde_json::{Value, json};

use crate::rig::{Answer, Rig};

/// In mode `link`, with a referral and its lead in step.
async fn in_step(referral: ReferralBuilder) -> (Rig, String) {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(referral);
    assert_eq!(rig.created(&id).await.status, 200);
    (rig, id)
}

fn assert_synced(answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (200, "synced"));
}

/// How many notes on the lead have this subject.
fn notes(rig: &Rig, lead: &str, subject: &str) -> usize {
    let notes = rig.world().dataverse.lock().notes(lead.parse().unwrap());
    notes
        .iter()
        .filter(|note| note["subject"] == subject)
        .count()
}

fn assert_columns(rig: &Rig, lead: &str, expected: &Value) {
    let lead = rig.lead(lead).unwrap();
    for (column, value) in expected.as_object().unwrap() {
        assert_eq!(&lead[column], value, "{column}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deal_closing_date_and_contact_stay_as_the_seller_left_them_and_the_timeline_tells_the_rest()
 {
    let (rig, id) = in_step(ReferralBuilder::new()).await;
    let sellers = json!({
        "estimatedamount": 61000.0,
        "estimatedclosedate": "2027-09-30",
        "firstname": "Marta",
        "lastname": "Keller",
        "emailaddress1": "marta.keller@tailspin.example",
        "telephone1": "+49 40 555 0177",
        "jobtitle": "CTO",
    });
    rig.seller_edits(&id, &sellers);
    let luis = member(
        "Luis",
        "Andrade",
        "luis.andrade@tailspin.example",
        "(040) 555-0101",
    );
    rig.partner_center_edits(
        &id,
        &json!({
            "details": { "dealValue": 50000, "closingDateTime": "2027-12-01T00:00:00Z" },
            "customerProfile": { "team": [luis] },
        }),
    );

    let answer = rig.updated(&id).await;

    assert_synced(&answer);
    assert_columns(&rig, &id, &sellers);
    let reports = rig.reports(&answer).await;
    assert_eq!(
        reports,
        ["differs:contact", "differs:deal", "differs:closing"]
    );
    assert_synced(&rig.updated(&id).await);
    rig.host.restart().await.unwrap();
    assert_synced(&rig.updated(&id).await);
    for unit in ["deal", "closing", "contact"] {
        assert_eq!(
            notes(&rig, &id, &format!("Partner Center: another {unit}")),
            1,
            "{unit}"
        );
    }
    let told = rig.notes(&id).join("\n");
    for value in [
        "50000",
        "EUR",
        "2027-12-01",
        "luis.andrade@tailspin.example",
    ] {
        assert!(told.contains(value), "{value} is not in {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_columns_of_one_person_are_merged_one_by_one() {
    let (rig, id) = in_step(ReferralBuilder::new()).await;
    rig.seller_edits(
        &id,
        &json!({ "telephone1": "+49 40 555 0177", "jobtitle": null }),
    );
    let mut miriam = member(
        "Miriam",
        "Okafor",
        "MIRIAM.OKAFOR@tailspin.example",
        "+49 1",
    );
    miriam["title"] = json!("Plant manager");
    rig.partner_center_edits(&id, &json!({ "customerProfile": { "team": [miriam] } }));
    assert_synced(&rig.updated(&id).await);
    assert_columns(
        &rig,
        &id,
        &json!({
            "jobtitle": "Plant manager",
            "telephone1": "+49 40 555 0177",
            "emailaddress1": "MIRIAM.OKAFOR@tailspin.example",
        }),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_is_never_overwritten_and_what_it_lacks_is_on_the_timeline() {
    let (rig, id) = in_step(ReferralBuilder::new()).await;
    rig.seller_edits(
        &id,
        &json!({ "description": "Met them in Hamburg, call back in May." }),
    );
    rig.partner_center_edits(&id, &json!({ "details": { "notes": "Now four plants." } }));
    assert_synced(&rig.updated(&id).await);
    assert_columns(
        &rig,
        &id,
        &json!({ "description": "Met them in Hamburg, call back in May." }),
    );
    let told = rig.notes(&id);
    assert!(
        told.iter().any(|note| note.starts_with("Now four plants.")),
        "{told:?}"
    );
    assert_synced(&rig.updated(&id).await);
    assert_eq!(
        notes(&rig, &id, "Partner Center: description of the referral"),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_and_choices_a_seller_set_are_not_set_back() {
    let (rig, id) = in_step(ReferralBuilder::new()).await;
    let sellers = json!({
        "donotemail": true,
        "donotphone": true,
        "decisionmaker": true,
        "leadqualitycode": 3,
        "leadsourcecode": 7,
        "prioritycode": 2,
        "industrycode": 12,
        "mobilephone": "+49 170 1",
    });
    rig.seller_edits(&id, &sellers);
    let change = json!({ "name": "Another topic", "qualification": "MarketingQualified", "consent": { "consentToContact": true } });
    rig.partner_center_edits(&id, &change);
    assert_synced(&rig.updated(&id).await);
    assert_columns(&rig, &id, &sellers);
    assert_columns(&rig, &id, &json!({ "subject": "Another topic" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_only_ever_gets_stricter() {
    let (rig, id) = in_step(ReferralBuilder::new()).await;
    let forbidden = json!({ "donotemail": true, "donotphone": true, "donotbulkemail": true });
    for consent in [false, true] {
        rig.partner_center_edits(&id, &json!({ "consent": { "consentToContact": consent } }));
        assert_synced(&rig.updated(&id).await);
        assert_columns(&rig, &id, &forbidden);
    }
    // Agreeing to be called about a deal is not agreeing to mass mail, whoever unticks the box.
    rig.seller_edits(&id, &json!({ "donotbulkemail": false }));
    assert_synced(&rig.updated(&id).await);
    assert_columns(&rig, &id, &forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_customer_data_edited_on_both_sides_partner_centers_wins_and_the_sellers_is_on_the_timeline()
 {
    let (rig, id) = in_step(ReferralBuilder::new()).await;
    rig.seller_edits(
        &id,
        &json!({ "companyname": "Tailspin", "address1_line2": "Gate 4" }),
    );
    rig.partner_center_edits(
        &id,
        &json!({
            "name": "Tailspin Toys, phase two",
            "customerProfile": { "address": { "city": "Bremen", "postalCode": null } },
        }),
    );
    let answer = rig.updated(&id).await;
    assert_synced(&answer);
    assert_columns(
        &rig,
        &id,
        &json!({
            "subject": "Tailspin Toys, phase two",
            "companyname": "Tailspin",
            "address1_city": "Bremen",
            "address1_postalcode": null,
            "address1_line2": null,
        }),
    );
    assert_eq!(
        rig.reports(&answer).await,
        ["differs:company", "differs:address"]
    );
    let told = rig.notes(&id).join("\n");
    assert!(told.contains("Gate 4"), "{told}");
}
