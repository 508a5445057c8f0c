//! What happens when one side does not let us: who has to do something, and whether it heals by itself.

mod dataverse;

use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::partner_center::effects;
use sandbox::{Fault, Service};
use serde_json::Value;

use crate::rig::{Answer, IMPATIENT, Rig};

fn assert_answer(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
}

/// What the log line of the call says went wrong.
async fn error(rig: &Rig, answer: &Answer) -> String {
    let log = rig.log(answer).await;
    log["error"].as_str().unwrap_or_default().to_owned()
}

fn assert_nothing_was_written(rig: &Rig) {
    assert!(rig.leads().is_empty());
    let refused: Vec<_> = rig.writes().iter().map(|it| it.status).collect();
    let done = refused.iter().flatten().any(|status| *status < 300);
    assert!(!done, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_that_is_not_there_yet_is_looked_for_again() {
    let rig = Rig::start(&[]).await;
    let referral = ReferralBuilder::new().build();
    let id = referral["id"].as_str().unwrap().to_owned();

    let answer = rig.created(&id).await;

    assert_answer(&answer, 200, "parked");
    let log = rig.log(&answer).await;
    assert_eq!(
        (&log["cause"], &log["level"]),
        (&"look_again".into(), &"WARN".into())
    );
    assert_nothing_was_written(&rig);
    rig.seed(referral);
    assert_answer(&rig.created(&id).await, 200, "synced");
    assert!(rig.lead(&id).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_refused_to_a_user_who_may_list_is_not_ours() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world().partner_center.lock().deny(&id, true).unwrap();
    let answer = rig.created(&id).await;
    assert_answer(&answer, 200, "not_ours");
    assert_eq!(rig.log(&answer).await["level"], "INFO");
    assert_nothing_was_written(&rig);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_not_even_list_referrals_lacks_a_role() {
    let rig = Rig::start(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    {
        let mut partner_center = rig.world().partner_center.lock();
        partner_center.deny(&id, true).unwrap();
        partner_center.list.refused = true;
    }

    let answer = rig.created(&id).await;

    assert_answer(&answer, 200, "parked");
    assert_eq!(rig.lines("misconfigured").await[0]["level"], "ERROR");
    let error = error(&rig, &answer).await;
    assert!(error.contains("Referrals admin role"), "{error}");
    assert_nothing_was_written(&rig);
    {
        let mut partner_center = rig.world().partner_center.lock();
        partner_center.deny(&id, false).unwrap();
        partner_center.list.refused = false;
    }
    rig.synced_soon(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_that_is_refused_only_when_it_is_written_keeps_its_lead() {
    let rig = Rig::start(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world()
        .faults
        .add(Fault::new(Service::PartnerCenter, effects::denied()).method("PATCH"));
    let answer = rig.created(&id).await;
    assert_answer(&answer, 200, "parked");
    assert!(rig.lead(&id).is_some());
    rig.world().faults.clear();
    rig.synced_soon(&id).await;
    assert_eq!(rig.leads().len(), 1);
    assert_eq!(rig.referral(&id)["externalReferenceId"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_without_a_second_factor_is_named_with_what_to_do() {
    let rig = Rig::start(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world().faults.add(Fault::new(
        Service::PartnerCenter,
        effects::second_factor_required(),
    ));

    let answer = rig.created(&id).await;

    assert_answer(&answer, 200, "parked");
    let error = error(&rig, &answer).await;
    assert!(error.contains("900421"), "{error}");
    assert!(error.contains("multifactor"), "{error}");
    assert_nothing_was_written(&rig);
    rig.world().faults.clear();
    rig.synced_soon(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_consent_asks_for_a_person() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let now = rig.world().clock.now();
    rig.world().entra.lock().revoke_refresh_tokens(now);
    let answer = rig.created(&id).await;
    assert_answer(&answer, 200, "parked");
    let error = error(&rig, &answer).await;
    assert!(error.contains("consent"), "{error}");
    assert_nothing_was_written(&rig);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_that_is_revoked_is_replaced_on_the_way() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.created(&id).await;
    for audience in [
        "https://api.partner.microsoft.com",
        rig.sandbox.url(Service::Dataverse).as_str(),
    ] {
        rig.world()
            .entra
            .lock()
            .revoke_access_tokens(audience.trim_end_matches('/'));
    }
    rig.partner_center_edits(&id, &serde_json::json!({ "name": "Another topic" }));
    assert_answer(&rig.updated(&id).await, 200, "synced");
    assert_eq!(rig.lead(&id).unwrap()["subject"], "Another topic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_beyond_the_budget_is_waited_out_in_the_queue() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world()
        .faults
        .add(Fault::new(Service::PartnerCenter, effects::throttled(57)).times(1));

    let answer = rig.created(&id).await;

    assert_answer(&answer, 200, "parked");
    let wait = rig.log(&answer).await["parked_s"].as_u64().unwrap();
    assert!((50..=65).contains(&wait), "{wait}");
    rig.forget_requests();
    let answer = rig.created(&id).await;
    assert_answer(&answer, 200, "parked");
    assert_eq!(rig.requests(Service::PartnerCenter), Vec::<String>::new());
    assert_nothing_was_written(&rig);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_wait_is_waited_out() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world()
        .faults
        .add(Fault::new(Service::PartnerCenter, effects::throttled(1)).times(1));
    assert_answer(&rig.created(&id).await, 200, "synced");
    assert_eq!(
        rig.referral(&id)["externalReferenceId"],
        Value::String(id.clone())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_refused_for_no_reason_is_reported_and_not_fought() {
    let rig = Rig::start(&[("SYNC_MODE", "two-way")]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world()
        .faults
        .add(Fault::new(Service::PartnerCenter, effects::stale()).method("PATCH"));
    let answer = rig.created(&id).await;
    assert_answer(&answer, 200, "synced");
    assert_eq!(rig.reports(&answer).await, ["precondition_refused"]);
    assert_eq!(rig.patches().len(), 1);
    assert!(rig.lead(&id).is_some(), "the lead's side is kept");
}
