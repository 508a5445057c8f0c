//! The mapping rules that depend on the organisation: its limits, currencies, choices, zone and owners.

mod money;
mod people;

use sandbox::dataverse::{APPLICATION_USER_ID, LeadProfile, SALES_TEAM_ID, SELLER_ID};
use sandbox::host::Wire;
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Effect, Fault, Sandbox, Service};
use serde_json::{Value, json};

use crate::rig::Rig;

/// The note that lists what the lead's columns could not take.
const LOSSES: &str = "Partner Center: not carried over in full";

/// With an organisation that resized columns and replaced choices.
async fn customised(settings: &[(&str, &str)]) -> Rig {
    let sandbox = Sandbox::start().await.unwrap();
    let dataverse = &sandbox.world().dataverse;
    dataverse.lock().set_lead_profile(LeadProfile::Customised);
    Rig::with(sandbox, Wire::Proxying, settings).await
}

/// The lead made of `referral`.
async fn lead(rig: &Rig, referral: impl Into<Value>) -> Value {
    let id = rig.seed(referral);
    let answer = rig.created(&id).await;
    assert_eq!((answer.status, answer.code()), (200, "synced"));
    rig.lead(&id).unwrap()
}

/// The text of the lead's note with this subject.
fn note(rig: &Rig, lead: &Value, subject: &str) -> Option<String> {
    let id = lead["leadid"].as_str().unwrap().parse().unwrap();
    let notes = rig.world().dataverse.lock().notes(id);
    let mut texts = notes
        .iter()
        .filter(|note| note["subject"] == subject)
        .map(|note| note["notetext"].as_str().unwrap().to_owned());
    let text = texts.next();
    assert_eq!(texts.next(), None, "{subject} is on the timeline twice");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_longer_than_the_organisations_column_is_cut_and_told_in_full_on_the_timeline() {
    let rig = customised(&[]).await;
    // The 50th code unit would be the first half of the rocket.
    let topic = "Tailspin Toys wants to move eleven plants at once🚀 and needs help";
    let id = rig.seed(ReferralBuilder::new().set("/name", topic));

    let answer = rig.created(&id).await;

    assert_eq!((answer.status, answer.code()), (200, "synced"));
    assert_eq!(rig.reports(&answer).await, ["cut:subject"]);
    let lead = rig.lead(&id).unwrap();
    assert_eq!(
        lead["subject"],
        "Tailspin Toys wants to move eleven plants at once"
    );
    let told = format!("subject (longer than the column, cut): {topic}");
    assert_eq!(note(&rig, &lead, LOSSES), Some(told));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_value_is_neither_written_nor_told_again() {
    let rig = customised(&[]).await;
    let topic = "A topic that is far too long for the fifty characters there are";
    let id = rig.seed(ReferralBuilder::new().set("/name", topic));
    rig.created(&id).await;
    rig.forget_requests();
    rig.host.restart().await.unwrap();

    assert_eq!(rig.updated(&id).await.status, 200);

    let writes = rig.writes();
    let changes = writes.iter().filter(|write| write.status == Some(204));
    assert_eq!(changes.count(), 0, "{writes:#?}");
    assert_eq!(
        rig.notes(&id).len(),
        2,
        "invitation and losses: {:?}",
        rig.notes(&id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_what_is_only_good_as_a_whole_is_left_out_and_told() {
    let rig = Rig::start(&[]).await;
    let email = format!("{}@tailspin.example", "m".repeat(90));
    let referral = ReferralBuilder::new()
        .set(
            "/customerProfile/address/postalCode",
            "D-20457 (ring twice, then wait)",
        )
        .contacts(vec![
            json!({ "firstName": "Miriam", "lastName": "Okafor", "email": email }),
        ]);
    let lead = lead(&rig, referral).await;
    assert_eq!(lead["emailaddress1"], Value::Null);
    assert_eq!(lead["address1_postalcode"], Value::Null);
    assert_eq!(lead["lastname"], "Okafor");
    let told = note(&rig, &lead, LOSSES).unwrap();
    assert!(
        told.contains(&format!(
            "emailaddress1 (longer than the column, left out): {email}"
        )),
        "{told}"
    );
    assert!(
        told.contains("address1_postalcode (longer than the column, left out): D-20457"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_longer_than_its_column_is_whole_on_the_timeline() {
    let rig = Rig::start(&[]).await;
    let wish = format!("They want {}and the moon.", "plants, ".repeat(400));
    let lead = lead(
        &rig,
        ReferralBuilder::new().set("/details/notes", wish.as_str()),
    )
    .await;
    let shown = lead["description"].as_str().unwrap();
    assert!((1_990..=2_000).contains(&shown.len()), "{}", shown.len());
    assert!(wish.starts_with(shown));
    let whole = note(&rig, &lead, "Partner Center: description of the referral").unwrap();
    assert!(whole.starts_with(&wish), "{whole}");
    assert!(
        whole.ends_with("Company size: 251 to 1000 employees"),
        "{whole}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_the_organisation_lacks_are_left_to_it() {
    let rig = customised(&[]).await;
    // This organisation has sources of its own only.
    let own = json!({ "value": [{
        "LogicalName": "leadsourcecode",
        "OptionSet": { "Options": [{ "Value": 192_350_000 }, { "Value": 192_350_100 }] },
    }] });
    let replaced = Effect::Status {
        code: 200,
        headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
        body: own,
    };
    rig.world()
        .faults
        .add(Fault::new(Service::Dataverse, replaced).path("PicklistAttributeMetadata"));
    let id = rig.seed(ReferralBuilder::new());

    let answer = rig.created(&id).await;

    assert_eq!((answer.status, answer.code()), (200, "synced"));
    let reports = rig.reports(&answer).await;
    assert_eq!(
        reports,
        ["no_choice:leadsourcecode", "no_choice:leadqualitycode"]
    );
    let lead = rig.lead(&id).unwrap();
    assert_eq!(lead["leadsourcecode"], Value::Null);
    assert_eq!(lead["leadqualitycode"], 2, "as the organisation sets it");
    // A number means nothing to a seller, so the timeline is not bothered.
    assert_eq!(note(&rig, &lead, LOSSES), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_industry_is_text_because_every_organisation_numbers_its_own() {
    let rig = customised(&[]).await;
    let lead = lead(&rig, ReferralBuilder::new()).await;
    assert_eq!(lead["industrycode"], Value::Null);
    assert_eq!(lead["numberofemployees"], Value::Null);
    let description = lead["description"].as_str().unwrap();
    assert!(description.contains("Manufacturing"), "{description}");
    assert!(
        description.contains("Company size: 251 to 1000 employees"),
        "{description}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_closing_date_is_the_date_on_the_organisations_wall() {
    for (zone, moment, date) in [
        ("UTC", "2027-03-31T23:30:00Z", "2027-03-31"),
        ("Asia/Tokyo", "2027-03-31T23:30:00Z", "2027-04-01"),
        (
            "America/Los_Angeles",
            "2027-04-01T02:00:00.0000000Z",
            "2027-03-31",
        ),
        ("Europe/Berlin", "2027-03-28T22:30:00Z", "2027-03-29"),
    ] {
        let rig = Rig::start(&[("SYNC_TIME_ZONE", zone), ("SYNC_MODE", "two-way")]).await;
        let id = rig.seed(ReferralBuilder::new().set("/details/closingDateTime", moment));
        rig.created(&id).await;
        assert_eq!(rig.lead(&id).unwrap()["estimatedclosedate"], date, "{zone}");
        // The same date is no difference: it is not sent back as another moment of the day.
        rig.updated(&id).await;
        assert_eq!(
            rig.referral(&id)["details"]["closingDateTime"],
            moment,
            "{zone}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_lead_belongs_to_the_team_or_user_of_the_setting_and_stays_with_whom_it_is_given_to()
{
    let team = format!("team:{SALES_TEAM_ID}");
    let user = format!("user:{SELLER_ID}");
    for (setting, owner, column) in [
        (team.as_str(), SALES_TEAM_ID, "_owningteam_value"),
        (user.as_str(), SELLER_ID, "_owninguser_value"),
        ("", APPLICATION_USER_ID, "_owninguser_value"),
    ] {
        let rig = Rig::start(&[("SYNC_LEAD_OWNER", setting)]).await;
        let lead = lead(&rig, ReferralBuilder::new()).await;
        assert_eq!(lead["_ownerid_value"], owner.to_string(), "{setting}");
        assert_eq!(lead[column], owner.to_string(), "{setting}");
    }
    let rig = Rig::start(&[("SYNC_LEAD_OWNER", &team)]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.created(&id).await;
    let seller = format!("/systemusers({SELLER_ID})");
    rig.seller_edits(&id, &json!({ "ownerid@odata.bind": seller }));
    rig.partner_center_edits(
        &id,
        &json!({ "name": "Tailspin Toys moves all its plants" }),
    );
    rig.updated(&id).await;
    let lead = rig.lead(&id).unwrap();
    assert_eq!(lead["subject"], "Tailspin Toys moves all its plants");
    assert_eq!(lead["_ownerid_value"], SELLER_ID.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_earlier_flow_wrote_for_nothing_counts_as_nothing() {
    let rig = Rig::start(&[]).await;
    let referral = ReferralBuilder::new()
        .set("/name", "0")
        .set("/details/notes", "Default Value")
        .set("/customerProfile/address/city", "0");
    let lead = lead(&rig, referral).await;
    assert_eq!(lead["subject"], "Tailspin Toys");
    assert_eq!(lead["address1_city"], Value::Null);
    assert!(
        lead["description"]
            .as_str()
            .unwrap()
            .starts_with("Asked for:")
    );
}
