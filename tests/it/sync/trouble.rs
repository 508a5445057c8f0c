use referral_connector::failure::{Chain, Classify, Disposition};
use referral_connector::sync::SyncCause;
use sandbox::partner_center::effects;
use sandbox::{Effect, Fault};
use serde_json::json;

use super::*;
use crate::rig::outlast_intentions;

/// Every referral here is of one customer.
const ALONE: (&str, &str) = ("SYNC_DUPLICATES", "create");

impl Scene {
    fn fail(&self, fault: Fault) {
        self.sandbox.world().faults.add(fault);
    }

    /// Another instance syncs once what was intended is outlasted. What was cut off may still be on its way to the storage.
    async fn sync_after_a_crash(&self, id: ReferralId) -> SyncReport {
        for _ in 0..10 {
            outlast_intentions(self.sandbox.world(), &id.to_string()).await;
            let deadline = Instant::now() + Duration::from_secs(5);
            match self.another().sync(id, deadline).await {
                Ok(report) => return report,
                Err(error) if matches!(error.cause, SyncCause::Busy { .. }) => {}
                Err(error) => panic!("{}", Chain(&error)),
            }
        }
        panic!("something was intended again and again");
    }

    async fn until(&self, line: &str) {
        for _ in 0..500 {
            if self.requests().iter().any(|it| it == line) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no {line}");
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_happens_once() {
    let scene = Scene::with(&[("SYNC_MODE", LINK), ALONE]).await;
    for (service, path) in [
        (Service::Dataverse, "/leads("),
        (Service::Dataverse, "/annotations("),
        (Service::PartnerCenter, "/referrals/"),
    ] {
        let id = scene.seed(ReferralBuilder::new());
        let lost = Fault::new(service, Effect::Cut).method("PATCH").path(path);
        scene.fail(lost.times(1).after());
        let report = scene.sync(id).await;
        assert_eq!(report.lead, Some(LeadId::of(id)), "{path}");
        assert_eq!(scene.notes(LeadId::of(id)).len(), 1, "{path}");
        assert_eq!(scene.referral(id)["externalReferenceId"], id.to_string());
        assert_eq!(scene.requests_of_sync(id).await.len(), 2, "{path}");
    }
    assert_eq!(scene.leads(), 3);
}

#[tokio::test]
async fn a_crash_between_lead_and_note_loses_neither_note_nor_link() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    let down = Fault::new(Service::Dataverse, Effect::status(400)).path("/annotations(");
    scene.fail(down.times(1));
    scene.try_sync(id).await.unwrap_err();
    assert_eq!((scene.leads(), scene.notes(LeadId::of(id)).len()), (1, 0));
    assert!(scene.referral(id)["externalReferenceId"].is_null());
    let report = scene.sync(id).await;
    assert_eq!(report.outcome, Outcome::Linked);
    assert_eq!(scene.notes(LeadId::of(id)).len(), 1);
}

#[tokio::test]
async fn an_edit_between_the_read_and_the_patch_is_seen() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    let slow = Fault::new(Service::Dataverse, Effect::Delay(300))
        .method("PATCH")
        .path("/leads(");
    scene.fail(slow.times(1));
    let edit = async {
        scene.until("PATCH leads").await;
        scene.edit_referral(id, &json!({ "name": "Edited meanwhile" }));
    };
    let (report, ()) = tokio::join!(scene.sync(id), edit);
    assert_eq!(report.outcome, Outcome::Created);
    assert_eq!(scene.lead(LeadId::of(id))["subject"], "Edited meanwhile");
    assert_eq!(scene.referral(id)["externalReferenceId"], id.to_string());
}

#[tokio::test]
async fn an_edit_between_the_read_and_an_update_of_the_lead_is_seen() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    scene.edit_referral(id, &json!({ "name": "First" }));
    scene.sandbox.world().requests.clear();
    let slow = Fault::new(Service::Dataverse, Effect::Delay(300))
        .method("PATCH")
        .path("/leads(");
    scene.fail(slow.times(1));
    let edit = async {
        scene.until("PATCH leads").await;
        scene.edit_referral(id, &json!({ "name": "Second" }));
    };
    tokio::join!(scene.sync(id), edit);
    assert_eq!(scene.lead(LeadId::of(id))["subject"], "Second");
}

#[tokio::test]
async fn a_sellers_edit_during_an_update_is_not_overwritten() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new().without("/details/dealValue"));
    scene.sync(id).await;
    scene.edit_referral(id, &json!({ "details": { "dealValue": 100 } }));
    scene.sandbox.world().requests.clear();
    let slow = Fault::new(Service::Dataverse, Effect::Delay(300))
        .method("PATCH")
        .path("/leads(");
    scene.fail(slow.times(1));
    let edit = async {
        scene.until("PATCH leads").await;
        scene.edit_lead(LeadId::of(id), &json!({ "estimatedamount": 7 }));
    };
    let (report, ()) = tokio::join!(scene.sync(id), edit);
    assert_eq!(scene.lead(LeadId::of(id))["estimatedamount"], 7.0);
    assert_eq!(words(&report), ["differs:deal"]);
}

#[tokio::test]
async fn a_refused_version_that_is_the_newest_is_reported_and_not_fought() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.fail(Fault::new(Service::PartnerCenter, effects::stale()).method("PATCH"));
    let report = scene.sync(id).await;
    assert_eq!(report.outcome, Outcome::Created);
    assert_eq!(words(&report), ["precondition_refused"]);
    assert_eq!(scene.sent("PATCH referrals"), 1);
    assert_eq!(scene.queued().await, 1, "it is looked at again");
}

#[tokio::test]
async fn two_sides_that_never_rest_are_left_for_later() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    scene.edit_referral(id, &json!({ "name": "Other" }));
    let stale = json!({ "error": { "code": "0x80060882", "message": "" } });
    let stale = Effect::Status {
        code: 412,
        headers: BTreeMap::new(),
        body: stale,
    };
    scene.fail(Fault::new(Service::Dataverse, stale).method("PATCH"));
    let error = scene.try_sync(id).await.unwrap_err();
    assert!(
        matches!(error.cause, SyncCause::Unsettled { .. }),
        "{:?}",
        error.cause
    );
    assert_eq!(error.disposition(), Disposition::RETRY);
    assert!(!error.calls.is_empty());
}

#[tokio::test]
async fn a_referral_that_is_not_there_is_looked_for_again() {
    let scene = Scene::start(LINK).await;
    let error = scene
        .try_sync(ReferralId::new(Uuid::new_v4()))
        .await
        .unwrap_err();
    assert!(matches!(error.cause, SyncCause::LookAgain));
    let after = Some(Duration::from_mins(1));
    assert_eq!(error.disposition(), Disposition::Retry { after });
    assert_eq!(scene.sent("PATCH"), 0);
}

#[tokio::test]
async fn a_referral_refused_alone_is_not_ours() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    let denied = scene
        .sandbox
        .world()
        .partner_center
        .lock()
        .deny(&id.to_string(), true);
    denied.unwrap();
    let report = scene.sync(id).await;
    assert_eq!((report.outcome, report.lead), (Outcome::NotOurs, None));
    assert_eq!(scene.leads(), 0);
}

#[tokio::test]
async fn a_user_who_may_read_nothing_is_a_misconfiguration() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.fail(Fault::new(Service::PartnerCenter, effects::denied()));
    let error = scene.try_sync(id).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    scene.edit_referral(id, &json!({ "name": "Late" }));
    scene.sandbox.world().requests.clear();
    scene.fail(Fault::new(Service::PartnerCenter, Effect::Delay(400)).method("GET"));
    let deadline = Instant::now() + Duration::from_millis(200);
    let error = scene.syncer.sync(id, deadline).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::RETRY);
    assert_eq!(scene.sent("PATCH"), 0);
}

#[tokio::test]
async fn a_run_cut_off_anywhere_is_finished_by_the_next() {
    let scene = Scene::with(&[("SYNC_MODE", LINK), ALONE]).await;
    let warm = scene.seed(ReferralBuilder::new());
    scene.sync(warm).await;
    let latency = Duration::from_millis(4);
    scene.sandbox.world().faults.set_latency(latency);
    for step in 0..24 {
        let id = scene.seed(ReferralBuilder::new());
        let cut_at = Instant::now() + latency / 2 * step;
        let cut = tokio::time::timeout_at(cut_at, scene.try_sync(id)).await;
        scene.edit_referral(id, &json!({ "name": "Edited after the crash" }));
        let report = scene.sync_after_a_crash(id).await;
        let own = LeadId::of(id);
        assert_eq!(report.lead, Some(own), "cut: {}", cut.is_err());
        assert_eq!(scene.lead(own)["subject"], "Edited after the crash");
        assert_eq!(scene.notes(own).len(), 1);
        assert_eq!(scene.referral(id)["externalReferenceId"], id.to_string());
    }
    assert_eq!(scene.leads(), 25);
}
