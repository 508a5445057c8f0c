//! What is told within minutes, by the timer that looks for what no event told.

use sandbox::partner_center::sample;

use super::*;
use crate::program;

const CONTAINER: &str = "referral-connector";

impl Rig {
    /// What the blob `name` says, if there is one.
    async fn blob(&self, name: &str) -> Option<Value> {
        let blob = self.world().storage.blob(CONTAINER, name).await.unwrap()?;
        serde_json::from_slice(&blob).ok()
    }

    /// Waits until the blob `name` is as `holds` says.
    pub(crate) async fn until_blob(&self, name: &str, holds: impl Fn(&Value) -> bool) {
        let begun = Instant::now();
        while !self.blob(name).await.is_some_and(|it| holds(&it)) {
            assert!(
                begun.elapsed() < crate::rig::BOUND,
                "{name} never came to that"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Changes what the blob `name` says.
    pub(super) async fn change_blob(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut blob = self.blob(name).await.unwrap();
        change(&mut blob);
        self.put_blob(name, &blob).await;
    }

    async fn put_blob(&self, name: &str, content: &Value) {
        let storage = &self.world().storage;
        let put = storage.put_blob(CONTAINER, name, content.to_string());
        put.await.unwrap();
    }
}

fn minutes_from_now(minutes: i64) -> String {
    (Timestamp::now() + SignedDuration::from_mins(minutes)).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_told_by_the_next_pass_and_is_over_with_the_letter() {
    let rig = told(&[("SYNC_MODE", "two-way")]).await;
    let refused = Fault::new(Service::PartnerCenter, Effect::status(400));
    rig.world().faults.add(refused.method("PATCH"));
    let id = rig.seed(sample::complete());
    assert_eq!(rig.created(&id).await.code(), "dead_lettered");
    for _ in 0..2 {
        run(&rig, "ReferralReconcile").await;
    }
    let raised = items(&rig, "raised", "dead_letters");
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert_eq!(raised[0]["about"], json!(id));
    rig.world().faults.clear();
    rig.synced_soon(&id).await;
    run(&rig, "ReferralReconcile").await;
    assert_eq!(items(&rig, "over", "dead_letters").len(), 1);
    let backlog = rig.lines("backlog").await;
    assert!(backlog[0]["queued"].is_u64() && backlog[0]["dead_letters"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_that_has_waited_for_long_is_told_of_within_minutes() {
    let rig = told(&[]).await;
    let id = "3f0a9c56-0000-4000-8000-000000000001";
    let waiting =
        json!({ "since": minutes_from_now(-45), "until": minutes_from_now(5), "why": "dataverse" });
    let mut activity = json!({
        "format": 1, "lastEvent": null, "lastSync": null, "reconciled": null, "renewed": null,
        "synced": 0, "healed": 0, "waiting": { id: waiting },
    });
    rig.put_blob("activity.json", &activity).await;
    for _ in 0..2 {
        run(&rig, "ReferralReconcile").await;
    }
    let raised = items(&rig, "raised", "sync_lag");
    assert_eq!(raised.len(), 1);
    let detail = raised[0]["detail"].as_str().unwrap();
    assert!(
        detail.contains(id) && detail.contains("because of dataverse"),
        "{detail}"
    );
    assert!(raised[0]["deadline"].is_string());
    activity["waiting"] = json!({});
    rig.put_blob("activity.json", &activity).await;
    run(&rig, "ReferralReconcile").await;
    assert_eq!(items(&rig, "over", "sync_lag").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_do_not_arrive_are_told_of_where_any_are_expected() {
    let rig = told(&[]).await;
    run(&rig, "ReferralReconcile").await;
    let now = minutes_from_now(0);
    rig.change_blob("reconcile/cursor.json", |it| {
        it["untold"] = json!(vec![now; 5]);
    })
    .await;
    run(&rig, "ReferralReconcile").await;
    assert_eq!(items(&rig, "raised", "event_arrival"), Vec::<Value>::new());
    rig.put_blob("registration.json", &json!({ "format": 1 }))
        .await;
    run(&rig, "ReferralReconcile").await;
    assert_eq!(items(&rig, "raised", "event_arrival").len(), 1);
    rig.change_blob("reconcile/cursor.json", |it| it["untold"] = json!([]))
        .await;
    run(&rig, "ReferralReconcile").await;
    assert_eq!(items(&rig, "over", "event_arrival").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_took_the_events_away_is_told_with_their_absence_and_over_once_they_are_back() {
    let rig = told(&[]).await;
    let url = rig.host.url().join("api/ReferralWebhook").unwrap();
    let key = [("REFERRAL_WEBHOOK_KEY", rig.host.function_key())];
    let settings = overlay(rig.sandbox.settings(), &key);
    let register = async |more: &[&str]| {
        let arguments = [&["register", "--url", url.as_str(), "--no-test"], more].concat();
        let ran = program::run(&arguments, &settings).await;
        assert_eq!(ran.exit, 0, "{ran:?}");
    };
    register(&[]).await;
    run(&rig, "ReferralReconcile").await;
    let theirs = "https://fabrikam.example/hook".parse().unwrap();
    let events = ["referral-created"];
    rig.world()
        .partner_center
        .lock()
        .register(theirs, &events, true);
    // While events arrive, the daily look is soon enough.
    run(&rig, "ReferralReconcile").await;
    assert_eq!(items(&rig, "raised", "webhook_address").len(), 0);
    let now = minutes_from_now(0);
    rig.change_blob("reconcile/cursor.json", |it| {
        it["untold"] = json!(vec![now; 5]);
    })
    .await;
    for _ in 0..2 {
        run(&rig, "ReferralReconcile").await;
    }
    for code in ["event_arrival", "webhook_address"] {
        assert_eq!(items(&rig, "raised", code).len(), 1, "{code}");
    }
    rig.change_blob("reconcile/cursor.json", |it| it["untold"] = json!([]))
        .await;
    run(&rig, "ReferralReconcile").await;
    assert_eq!(items(&rig, "over", "webhook_address").len(), 0);
    register(&["--take-over"]).await;
    run(&rig, "ReferralReconcile").await;
    assert_eq!(items(&rig, "over", "webhook_address").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_was_revoked_is_told_of_until_it_is_given_again() {
    let rig = told(&[]).await;
    let now = rig.world().clock.now();
    rig.world().entra.lock().revoke_refresh_tokens(now);
    let failed = rig.host.run_timer("TokenRenewal").await.unwrap();
    assert!(!failed.succeeded());
    let raised = items(&rig, "raised", "renewal");
    assert_eq!((raised.len(), &raised[0]["level"]), (1, &json!("failed")));
    let consent = items(&rig, "raised", "consent");
    let advice = consent[0]["advice"].as_str().unwrap();
    assert!(consent.len() == 1 && advice.contains("consent again"));
    // A pass does not renew: it says nothing about it, however it ends.
    rig.host.run_timer("ReferralReconcile").await.unwrap();
    assert_eq!(items(&rig, "over", "renewal"), Vec::<Value>::new());
    let token = rig.world().entra.lock().issue_refresh_token(now);
    let secret = sandbox::settings::REFRESH_TOKEN_SECRET;
    rig.world().key_vault.lock().put(secret, &token, now);
    run(&rig, "TokenRenewal").await;
    assert_eq!(items(&rig, "over", "renewal").len(), 1);
    // A failed sign-in is the answer for a moment longer.
    let begun = Instant::now();
    while items(&rig, "over", "consent").is_empty() {
        assert!(begun.elapsed() < crate::rig::BOUND, "it is never over");
        run(&rig, "TokenRenewal").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_missing_is_not_over_because_nobody_could_sign_in_to_ask() {
    let rig = told(&[]).await;
    let now = rig.world().clock.now();
    let world = rig.world();
    let weak = world
        .entra
        .lock()
        .issue_refresh_token_without_second_factor(now);
    let secret = sandbox::settings::REFRESH_TOKEN_SECRET;
    world.key_vault.lock().put(secret, &weak, now);
    {
        let mut partner_center = world.partner_center.lock();
        partner_center.second_factor_is_optional = true;
        partner_center.list.refused = true;
    }
    run(&rig, "TokenRenewal").await;
    let causes = ["partner_center", "second_factor"];
    for cause in causes {
        assert_eq!(items(&rig, "raised", cause).len(), 1, "{cause}");
    }
    {
        let mut entra = rig.world().entra.lock();
        entra.revoke_refresh_tokens(now);
        entra.revoke_access_tokens(sandbox::entra::PARTNER_API);
    }
    let failed = rig.host.run_timer("TokenRenewal").await.unwrap();
    assert!(!failed.succeeded());
    for cause in causes {
        assert_eq!(items(&rig, "over", cause), Vec::<Value>::new(), "{cause}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_somebody_changed_is_told_of_until_it_is_brought_back() {
    let rig = told(&[]).await;
    let url = rig.host.url().join("api/ReferralWebhook").unwrap();
    let key = [("REFERRAL_WEBHOOK_KEY", rig.host.function_key())];
    let settings = crate::rig::overlay(rig.sandbox.settings(), &key);
    let registers = async |more: &[&str]| {
        let arguments = [&["register", "--url", url.as_str(), "--no-test"], more].concat();
        let run = crate::program::run(&arguments, &settings).await;
        assert_eq!(run.exit, 0, "{run:?}");
    };
    registers(&[]).await;
    run(&rig, "TokenRenewal").await;
    assert_eq!(
        items(&rig, "raised", "webhook_address"),
        Vec::<Value>::new()
    );
    let theirs = "https://cipp.example/api/PublicWebhooks".parse().unwrap();
    rig.world()
        .partner_center
        .lock()
        .register(theirs, &["test-created"], true);
    run(&rig, "TokenRenewal").await;
    let raised = items(&rig, "raised", "webhook_address");
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert_eq!(raised[0]["about"], json!("cipp.example"));
    registers(&["--take-over"]).await;
    run(&rig, "TokenRenewal").await;
    assert_eq!(items(&rig, "over", "webhook_address").len(), 1);
}
