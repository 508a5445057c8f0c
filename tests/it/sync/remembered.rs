//! What is remembered between runs, and what a run finds that another one left.

use referral_connector::failure::{Chain, Classify, Disposition};
use referral_connector::sync::SyncCause;
use referral_connector::upstream::storage::StorageCause;
use sandbox::{Effect, Fault};
use serde_json::{Value, json};

use super::*;
use crate::rig::outlast_intentions;

const CONTAINER: &str = "referral-connector";

impl Scene {
    async fn blob(&self, name: &str) -> Option<Value> {
        let storage = &self.sandbox.world().storage;
        let blob = storage.blob(CONTAINER, name).await.unwrap()?;
        Some(serde_json::from_slice(&blob).unwrap())
    }

    async fn put_blob(&self, name: &str, content: impl Into<bytes::Bytes>) {
        let storage = &self.sandbox.world().storage;
        storage.put_blob(CONTAINER, name, content).await.unwrap();
    }

    async fn state(&self, id: ReferralId) -> Value {
        self.blob(&state_of(id)).await.unwrap()
    }

    fn storage_writes(&self) -> usize {
        let requests = self.sandbox.world().requests.of(Service::Storage);
        requests.iter().filter(|it| it.method == "PUT").count()
    }
}

fn state_of(id: ReferralId) -> String {
    format!("state/{id}.json")
}

#[tokio::test]
async fn the_first_sync_remembers_the_lead_and_what_is_agreed_and_no_value() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    let state = scene.state(id).await;
    assert_eq!(state["lead"], id.to_string());
    assert_eq!(state["referral_version"], scene.referral(id)["eTag"]);
    assert_eq!(state["agreed"]["companyname"]["alike"], true);
    assert!(state["intentions"].is_null());
    let text = state.to_string();
    for personal in ["Tailspin", "Okafor", "Hamburg"] {
        assert!(!text.contains(personal), "{personal} is in {text}");
    }
}

#[tokio::test]
async fn a_write_that_may_still_be_done_is_waited_for_and_then_settled() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    scene.edit_referral(id, &json!({ "name": "A new name" }));
    let hang = Fault::new(Service::Dataverse, Effect::Hang).method("PATCH");
    scene.sandbox.world().faults.add(hang.times(1));
    let deadline = Instant::now() + Duration::from_secs(3);
    scene.syncer.sync(id, deadline).await.unwrap_err();
    let intentions = scene.state(id).await["intentions"].clone();
    assert_eq!(intentions[0]["side"], "lead");
    assert!(
        !intentions[0]["values"]["subject"].is_null(),
        "{intentions}"
    );

    scene.sandbox.world().requests.clear();
    let deadline = Instant::now() + Duration::from_secs(5);
    let error = scene.another().sync(id, deadline).await.unwrap_err();
    let SyncCause::Busy { after } = error.cause else {
        panic!("{}", Chain(&error))
    };
    assert!(
        Duration::from_secs(20) < after && after < Duration::from_secs(40),
        "{after:?}"
    );
    assert_eq!(scene.sent("PATCH"), 0);

    outlast_intentions(scene.sandbox.world(), &id.to_string()).await;
    assert_eq!(scene.sync(id).await.outcome, Outcome::Updated);
    assert_eq!(scene.lead(LeadId::of(id))["subject"], "A new name");
    assert!(scene.state(id).await["intentions"].is_null());
}

#[tokio::test]
async fn a_write_that_was_refused_leaves_nothing_to_wait_for() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    scene.edit_referral(id, &json!({ "name": "A new name" }));
    let refusal = Fault::new(Service::Dataverse, Effect::status(400)).method("PATCH");
    scene.sandbox.world().faults.add(refusal.times(1));
    scene.try_sync(id).await.unwrap_err();
    assert!(scene.state(id).await["intentions"].is_null());
    assert_eq!(scene.sync(id).await.outcome, Outcome::Updated);
}

#[tokio::test]
async fn what_was_written_before_a_failure_is_not_written_again() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    let refusal = Fault::new(Service::PartnerCenter, Effect::status(400)).method("PATCH");
    scene.sandbox.world().faults.add(refusal.times(1));
    scene.try_sync(id).await.unwrap_err();
    let state = scene.state(id).await;
    assert_eq!(state["agreed"]["companyname"]["alike"], true);
    assert!(
        state["referral_version"].is_null(),
        "it is not done with: {state}"
    );
    scene.sandbox.world().requests.clear();
    assert_eq!(scene.sync(id).await.outcome, Outcome::Linked);
    assert_eq!(scene.sent("PATCH leads"), 0);
}

#[tokio::test]
async fn a_state_that_cannot_be_read_counts_as_none_and_is_kept() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    let broken = r#"{"format":1,"salt":""#;
    scene.put_blob(&state_of(id), broken).await;
    scene.edit_lead(LeadId::of(id), &json!({ "companyname": "Renamed" }));
    let report = scene.sync(id).await;
    assert_eq!(words(&report), ["differs:company"]);
    assert_eq!(scene.lead(LeadId::of(id))["companyname"], "Renamed");
    assert_eq!(scene.state(id).await["lead"], id.to_string());
    let copy = format!("state-unreadable/{id}.json");
    let storage = &scene.sandbox.world().storage;
    let copy = storage.blob(CONTAINER, &copy).await.unwrap().unwrap();
    assert_eq!(copy, broken);
}

#[tokio::test]
async fn what_a_newer_program_remembers_is_left_alone() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    let newer = r#"{"format":2}"#;
    scene.put_blob(&state_of(id), newer).await;
    let error = scene.try_sync(id).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::RETRY);
    let SyncCause::Storage(error) = error.cause else {
        panic!("{}", Chain(&error))
    };
    assert!(matches!(error.cause, StorageCause::Newer { format: 2 }));
    assert_eq!(scene.state(id).await, json!({ "format": 2 }));
    assert_eq!(scene.leads(), 0);
}

#[tokio::test]
async fn without_storage_nothing_is_written_to_either_side() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    let down = Fault::new(Service::Storage, Effect::status(503)).method("PUT");
    scene.sandbox.world().faults.add(down);
    let error = scene.try_sync(id).await.unwrap_err();
    assert!(matches!(error.disposition(), Disposition::Retry { .. }));
    assert_eq!(scene.sent("PATCH"), 0);
    assert_eq!(scene.leads(), 0);
}

#[tokio::test]
async fn a_lead_belongs_to_the_first_referral_that_adopts_it() {
    let scene = Scene::start(LINK).await;
    let lead = scene.seed_lead(&json!({ "subject": "old flow" }));
    let named = || ReferralBuilder::new().set("/externalReferenceId", lead.to_string());
    let (first, second) = (scene.seed(named()), scene.seed(named()));
    assert_eq!(scene.sync(first).await.lead, Some(lead));
    let claim = scene.blob(&format!("by-lead/{lead}.json")).await;
    let expected = json!({ "format": 1, "referral": first.to_string() });
    assert_eq!(claim, Some(expected));
    let before = scene.lead(lead);
    let report = scene.sync(second).await;
    assert_eq!(report.outcome, Outcome::LeadOfAnother);
    assert_eq!(words(&report), ["lead_of_another"]);
    assert_eq!(scene.lead(lead), before);
    assert_eq!(scene.leads(), 1);
    assert_eq!(words(&scene.sync(second).await), Vec::<String>::new());
}

#[tokio::test]
async fn a_sync_that_ends_well_removes_the_dead_letter() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    let mut state = scene.state(id).await;
    state["dead_letter"] = true.into();
    scene.put_blob(&state_of(id), state.to_string()).await;
    let letter = format!("dead-letters/{id}.json");
    scene.put_blob(&letter, "{}").await;
    assert_eq!(scene.sync(id).await.outcome, Outcome::Unchanged);
    assert_eq!(scene.blob(&letter).await, None);
    assert!(scene.state(id).await["dead_letter"].is_null());
}

#[tokio::test]
async fn observing_remembers_nothing() {
    let scene = Scene::start("observe").await;
    let id = scene.seed(ReferralBuilder::new());
    assert_eq!(scene.sync(id).await.outcome, Outcome::Observed);
    assert_eq!(scene.blob(&state_of(id)).await, None);
    assert_eq!(scene.storage_writes(), 0);
}
