//! What `check` finds out about the webhook: who changed its registration, and who answers at its address.

use serde_json::Value;

use crate::program;
use crate::rig::{Rig, overlay};

/// A rig whose webhook is registered.
async fn registered() -> Rig {
    let rig = Rig::start(&[]).await;
    let url = rig.host.url().join("api/ReferralWebhook").unwrap();
    let key = [("REFERRAL_WEBHOOK_KEY", rig.host.function_key())];
    let settings = overlay(rig.sandbox.settings(), &key);
    let arguments = ["register", "--url", url.as_str(), "--no-test"];
    let run = program::run(&arguments, &settings).await;
    assert_eq!(run.exit, 0, "{run:?}");
    rig
}

/// Has somebody else register.
fn somebody_registers(rig: &Rig, url: &str, events: &[&str], ms_signature: bool) {
    let url = url.parse().unwrap();
    let mut state = rig.world().partner_center.lock();
    state.register(url, events, ms_signature);
}

/// Everything that `check` finds.
async fn everything(rig: &Rig) -> Vec<Value> {
    let run = program::run(&["check", "--json"], &rig.sandbox.settings()).await;
    assert!(!run.text().contains(rig.host.function_key()), "{run:?}");
    run.json()["findings"].as_array().unwrap().clone()
}

/// What `check` finds about the webhook itself.
async fn findings(rig: &Rig) -> Vec<Value> {
    let mut findings = everything(rig).await;
    findings.retain(|it| {
        let code = it["code"].as_str().unwrap();
        code.starts_with("webhook") && code != "webhook_token"
    });
    findings
}

/// Their codes and levels.
async fn levels(rig: &Rig) -> Vec<(String, String)> {
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let findings = findings(rig).await;
    let levels = findings.iter();
    levels
        .map(|it| (text(&it["code"]), text(&it["level"])))
        .collect()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs
        .map(|(code, level)| (code.to_owned(), level.to_owned()))
        .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_as_it_was_registered_answers_for_itself() {
    let rig = registered().await;
    let well = pairs([("webhook", "ok"), ("webhook_answer", "ok")]);
    assert_eq!(levels(&rig).await, well);
    rig.lines("refused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changed_is_named_piece_by_piece() {
    let rig = registered().await;
    let mut url = {
        let state = rig.world().partner_center.lock();
        state.registration().unwrap().url.clone()
    };
    url.set_query(Some("code=rotated"));
    let events = ["referral-created", "invoice-ready", "test-created"];
    somebody_registers(&rig, url.as_str(), &events, false);
    let expected = pairs([
        ("webhook_key", "warning"),
        ("webhook_events", "failed"),
        ("webhook_events", "warning"),
        ("webhook_signature", "warning"),
        ("webhook_answer", "failed"),
    ]);
    assert_eq!(levels(&rig).await, expected);
    let findings = findings(&rig).await;
    let answer = findings.last().unwrap();
    let (detail, advice) = (&answer["detail"], &answer["advice"]);
    assert!(
        detail.as_str().unwrap().contains("not by the connector"),
        "{answer}"
    );
    assert!(advice.as_str().unwrap().contains("keys list"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_went_to_another_product_or_away_is_a_failure() {
    let rig = registered().await;
    let theirs = "https://prod-1.westeurope.logic.azure.com/w?sig=S3cr3t";
    somebody_registers(&rig, theirs, &["referral-created"], true);
    let found = findings(&rig).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["code"], &found[0]["level"]),
        (&"webhook_address".into(), &"failed".into())
    );
    let text = found[0].to_string();
    assert!(
        text.contains("2025-11-30") && !text.contains("S3cr3t"),
        "{text}"
    );
    rig.world().partner_center.lock().unregister();
    assert_eq!(levels(&rig).await, pairs([("webhook", "failed")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_registered_is_no_more_than_a_warning() {
    let rig = Rig::start(&[]).await;
    assert_eq!(levels(&rig).await, pairs([("webhook", "ok")]));
    rig.world().partner_center.lock().webhooks_denied = true;
    assert_eq!(levels(&rig).await, pairs([("webhook", "warning")]));
    let theirs = "https://cipp.example/api/PublicWebhooks";
    rig.world().partner_center.lock().webhooks_denied = false;
    somebody_registers(&rig, theirs, &["test-created"], true);
    assert_eq!(levels(&rig).await, pairs([("webhook_address", "warning")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_app_that_is_down_does_not_answer() {
    let rig = registered().await;
    rig.host.stop().await;
    let expected = pairs([("webhook", "ok"), ("webhook_answer", "failed")]);
    assert_eq!(levels(&rig).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_does_not_cover_the_registered_webhook_is_a_failure() {
    let rig = registered().await;
    let audience = sandbox::entra::PARTNER_CENTER_API;
    rig.world()
        .entra
        .lock()
        .withdraw_consent(sandbox::entra::CLIENT_ID, audience);
    let found = everything(&rig).await;
    let level = |code: &str| {
        let finding = found.iter().find(|it| it["code"] == code).unwrap();
        finding["level"].as_str().unwrap()
    };
    assert_eq!(level("webhook_token"), "failed");
    assert_eq!((level("webhook"), level("consent")), ("warning", "ok"));
    let token = found.iter().find(|it| it["code"] == "webhook_token");
    let advice = token.unwrap()["advice"].as_str().unwrap();
    assert!(advice.contains("a permission is missing"), "{advice}");
}
