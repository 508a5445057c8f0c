use std::collections::BTreeMap;

use sandbox::{Effect, Fault};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::rig::IMPATIENT;

fn account(rig: &Rig, name: &str, state: i64) -> String {
    let now = rig.world().clock.now();
    let columns = json!({ "name": name, "statecode": state });
    let seeded = rig.world().dataverse.lock().seed_account(&columns, now);
    seeded.unwrap().to_string()
}

fn contact(rig: &Rig, email: &str) -> String {
    let now = rig.world().clock.now();
    let columns = json!({ "emailaddress1": email, "lastname": "Okafor" });
    let seeded = rig.world().dataverse.lock().seed_contact(&columns, now);
    seeded.unwrap().to_string()
}

fn parents(rig: &Rig, lead: &str) -> [serde_json::Value; 2] {
    let lead = rig.lead(lead).unwrap();
    ["_parentaccountid_value", "_parentcontactid_value"].map(|it| lead[it].clone())
}

fn without(rig: &Rig, privileges: &[&str]) {
    let missing = privileges.iter().map(|it| (*it).to_owned()).collect();
    rig.world().dataverse.lock().switches.missing_privileges = missing;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_lead_gets_the_account_and_the_contact_that_match_and_keeps_what_a_seller_makes_of_it()
 {
    let rig = Rig::start(&[]).await;
    let account = account(&rig, &COMPANY.to_uppercase(), 0);
    let contact = contact(&rig, &EMAIL.to_uppercase());
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.reports(&rig.created(&id).await).await, [""; 0]);
    assert_eq!(parents(&rig, &id), [json!(account), json!(contact)]);
    rig.seller_edits(&id, &json!({ "parentaccountid@odata.bind": null }));
    rig.partner_center_edits(&id, &json!({ "name": "Another name" }));
    assert_eq!(rig.updated(&id).await.code(), "synced");
    assert_eq!(parents(&rig, &id), [json!(null), json!(contact)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_accounts_neither_is_given_and_an_inactive_one_does_not_count() {
    let rig = Rig::start(&[]).await;
    let only = account(&rig, "O'Brien & Söhne", 0);
    account(&rig, "O'Brien & Söhne", 1);
    account(&rig, COMPANY, 0);
    account(&rig, COMPANY, 0);
    contact(&rig, EMAIL);
    contact(&rig, EMAIL);
    let id = rig.seed(of("o'brien@tailspin.example", "O'Brien & Söhne"));
    rig.created(&id).await;
    assert_eq!(parents(&rig, &id), [json!(only), json!(null)]);
    let id = rig.seed(ReferralBuilder::new());
    rig.created(&id).await;
    assert_eq!(parents(&rig, &id), [json!(null), json!(null)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_see_accounts_or_name_contacts_makes_leads_without() {
    let rig = Rig::start(&[]).await;
    account(&rig, COMPANY, 0);
    let contact = contact(&rig, EMAIL);
    without(&rig, &["prvReadAccount"]);
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    assert_eq!(parents(&rig, &id), [json!(null), json!(contact)]);
    without(&rig, &["prvReadAccount", "prvReadContact"]);
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    assert_eq!(parents(&rig, &id), [json!(null), json!(null)]);
    without(&rig, &["prvAppendToContact"]);
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    assert_eq!(parents(&rig, &id), [json!(null), json!(null)]);
    assert_eq!(rig.leads().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_goes_before_the_lead_is_made_keeps_it_from_nothing() {
    let rig = Rig::start(&[]).await;
    let account = account(&rig, COMPANY, 0);
    let id = rig.seed(ReferralBuilder::new());
    let path = format!("/leads({id})");
    let slow = Fault::new(Service::Dataverse, Effect::Delay(500)).method("PATCH");
    rig.world().faults.add(slow.path(&path).times(1));
    let deleting = async {
        rig.wait_for_request(Service::Dataverse, "PATCH", &path)
            .await;
        let account: Uuid = account.parse().unwrap();
        rig.world()
            .dataverse
            .lock()
            .delete_account(account)
            .unwrap();
    };
    let (answer, ()) = tokio::join!(rig.created(&id), deleting);
    assert_eq!(answer.code(), "synced");
    assert_eq!(parents(&rig, &id), [json!(null), json!(null)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_not_there_is_not_missed_and_one_that_is_busy_is_waited_for() {
    let rig = Rig::start(&IMPATIENT).await;
    let gone = json!({ "error": { "code": "0x8006088a", "message": "Resource not found" } });
    let gone = Effect::Status {
        code: 404,
        headers: BTreeMap::new(),
        body: gone,
    };
    let contact = contact(&rig, EMAIL);
    rig.world()
        .faults
        .add(Fault::new(Service::Dataverse, gone).path("/accounts"));
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    assert_eq!(parents(&rig, &id), [json!(null), json!(contact)]);
    rig.world().faults.clear();
    let busy = Fault::new(Service::Dataverse, Effect::status(503)).path("/contacts");
    rig.world().faults.add(busy);
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "parked");
    assert!(rig.lead(&id).is_none());
    rig.world().faults.clear();
    rig.until(|rig| rig.lead(&id).is_some()).await;
    assert_eq!(parents(&rig, &id)[1], json!(contact));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_is_taken_is_given_to_nobody() {
    let rig = Rig::start(&[("SYNC_DUPLICATES", "link")]).await;
    let other = known(&rig);
    account(&rig, COMPANY, 0);
    contact(&rig, EMAIL);
    let id = rig.seed(ReferralBuilder::new());
    rig.created(&id).await;
    assert_eq!(rig.referral(&id)["externalReferenceId"], other.as_str());
    assert_eq!(parents(&rig, &other), [json!(null), json!(null)]);
}
