//! What keeps the command from registering, each with its sentence; nothing is changed then.

use std::collections::BTreeMap;

use sandbox::settings::REFRESH_TOKEN_SECRET;

use super::*;

/// The run failed so, and nothing was changed.
fn assert_stopped(rig: &Rig, run: &Run, exit: i32, sentences: &[&str]) {
    assert_eq!(run.exit, exit, "{run:?}");
    for sentence in sentences {
        assert!(run.text().contains(sentence), "{sentence}: {run:?}");
    }
    assert_eq!(changes(rig), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_products_registration_stays_until_it_is_taken_over() {
    let rig = Rig::start(&[]).await;
    let theirs = "https://cipp.example/api/PublicWebhooks?CIPPID=5e7a&Type=PartnerCenter";
    somebody_registers(
        &rig,
        theirs,
        &["subscription-updated", "test-created"],
        true,
    );
    let run = register(&rig, &["--url", &address(&rig)]).await;
    assert_stopped(
        &rig,
        &run,
        1,
        &[
            "another product",
            "--take-over",
            "https://cipp.example/api/PublicWebhooks?CIPPID=***",
        ],
    );
    assert!(!run.text().contains("5e7a"), "{run:?}");
    assert_eq!(registration(&rig).unwrap().url.as_str(), theirs);

    let run = register(&rig, &["--url", &address(&rig), "--take-over"]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(
        run.stdout.contains("before     https://cipp.example"),
        "{run:?}"
    );
    let events = registration(&rig).unwrap().events;
    assert!(
        !events.iter().any(|it| it == "subscription-updated"),
        "{events:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_flows_address_is_called_dead() {
    let rig = Rig::start(&[]).await;
    let flow = "https://prod-42.westeurope.logic.azure.com:443/workflows/7/triggers/manual/paths/invoke?sig=S3cr3t";
    somebody_registers(&rig, flow, &["referral-created"], true);
    let run = register(&rig, &["--show"]).await;
    assert_stopped(
        &rig,
        &run,
        0,
        &[
            "prod-42.westeurope.logic.azure.com",
            "2025-11-30",
            "--take-over",
        ],
    );
    assert!(!run.text().contains("S3cr3t"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_be_right_is_refused_before_anything_is_asked() {
    let rig = Rig::start(&[]).await;
    let two = format!("{}?code=another", address(&rig));
    for (url, sentence) in [
        (
            "http://contoso.invalid/api/ReferralWebhook",
            "has to begin with https://",
        ),
        (
            "https://contoso.invalid/",
            "its path has to end with /ReferralWebhook",
        ),
        ("contoso", "is no address"),
        (&two, "give only one of them"),
    ] {
        let run = register(&rig, &["--url", url]).await;
        assert_stopped(&rig, &run, 64, &["--url", sentence]);
    }
    assert_eq!(rig.world().requests.count(), 0);
    let run = register(&rig, &[]).await;
    assert_stopped(&rig, &run, 64, &["no address to register", "--url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_found_out_before_the_registration_is_changed() {
    let rig = Rig::start(&[]).await;
    for key in ["", "wrong"] {
        let run = register_with(&rig, &["--url", &address(&rig)], &[(KEY, key)]).await;
        let sentences = [
            "nothing was changed",
            "401, and not by the connector",
            "functionapp function keys list",
        ];
        assert_stopped(&rig, &run, 78, &sentences);
    }
    let nothing = "http://127.0.0.1:1/api/ReferralWebhook";
    let run = register(&rig, &["--url", nothing]).await;
    assert_stopped(&rig, &run, 75, &["gives no answer"]);
    let strange = rig.host.url().join("nowhere/ReferralWebhook").unwrap();
    let run = register(&rig, &["--url", strange.as_str()]).await;
    assert_stopped(&rig, &run, 1, &["nothing is at the address"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_the_role_is_told_which_and_that_polling_will_do() {
    let rig = Rig::start(&[]).await;
    rig.world().partner_center.lock().webhooks_denied = true;
    let run = register(&rig, &["--url", &address(&rig)]).await;
    assert_stopped(&rig, &run, 78, &["Admin agent", "without a webhook"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_without_a_second_factor_is_told_apart() {
    let rig = Rig::start(&[]).await;
    let body = serde_json::json!({ "code": 900_421, "description": "MFA required.", "data": [], "source": "PartnerFD" });
    let refused = Effect::Status {
        code: 401,
        headers: BTreeMap::new(),
        body,
    };
    let fault = Fault::new(Service::PartnerCenter, refused).path("/webhooks/");
    rig.world().faults.add(fault);
    let run = register(&rig, &["--show"]).await;
    assert_stopped(&rig, &run, 78, &["without multifactor authentication"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_partner_center_does_not_know_is_named() {
    let rig = Rig::start(&[]).await;
    let unknown = "related-referral-created";
    let withheld = [unknown.to_owned()];
    rig.world().partner_center.lock().withheld_events = withheld.into();
    let run = register(&rig, &["--url", &address(&rig)]).await;
    assert_stopped(
        &rig,
        &run,
        1,
        &["does not know the events", unknown, "--events"],
    );
    let events = ["--events", "referral-created"];
    let run = register(
        &rig,
        &[&["--url", &address(&rig), "--no-test"], &events[..]].concat(),
    )
    .await;
    assert_eq!(run.exit, 0, "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_of_a_newer_program_is_left_alone() {
    let rig = Rig::start(&[]).await;
    let storage = &rig.world().storage;
    let newer = r#"{"format":2}"#.to_owned();
    storage
        .put_blob("referral-connector", NOTE, newer)
        .await
        .unwrap();
    let run = register(&rig, &["--url", &address(&rig)]).await;
    assert_stopped(&rig, &run, 75, &["before anything was changed"]);
    assert_eq!(note(&rig.sandbox).await.unwrap(), r#"{"format":2}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_no_good_is_told_by_its_own_sentence() {
    let rig = Rig::start(&[]).await;
    let world = rig.world();
    let url = address(&rig);
    let kept = || {
        let vault = world.key_vault.lock();
        vault.secret(REFRESH_TOKEN_SECRET).unwrap().to_owned()
    };
    let keep = |token: &str| {
        let mut vault = world.key_vault.lock();
        vault.put(REFRESH_TOKEN_SECRET, token, world.clock.now());
    };
    let whole = kept();
    keep(&whole[..200]);
    let run = register(&rig, &["--url", &url]).await;
    let damaged = ["AADSTS9002313", "only a part of one"];
    assert_stopped(&rig, &run, 78, &damaged);

    keep(&whole);
    let elsewhere = [
        (KEY, rig.host.function_key()),
        ("PARTNER_CENTER_TENANT_ID", "no-such-tenant"),
    ];
    let run = register_with(&rig, &["--url", &url], &elsewhere).await;
    let wrong = ["AADSTS90002", "check PARTNER_CENTER_TENANT_ID"];
    assert_stopped(&rig, &run, 78, &wrong);

    let now = world.clock.now();
    world.entra.lock().expire_refresh_tokens(now);
    let run = register(&rig, &["--url", &url]).await;
    let ended = ["AADSTS700082", "lain unused for too long"];
    assert_stopped(&rig, &run, 78, &ended);

    world.key_vault.lock().forbid_get(true);
    let run = register(&rig, &["--url", &url]).await;
    let closed = ["status 403", "Key Vault Secrets Officer"];
    assert_stopped(&rig, &run, 78, &closed);
}
