//! What can be wrong with a sign-in, each with its sentence: and the consent of before stays.

use std::collections::BTreeMap;
use std::time::Duration;

use sandbox::entra::{CLIENT_ID, PARTNER_API, USER_NAME, User};
use sandbox::{Effect, Fault, Sandbox, Service};

use super::{Consenting, assert_nothing_kept, browser, consent, open, settings, sign_in, stored};
use crate::program;

/// Asserts that a consent fails with this exit and these sentences.
async fn fails(sandbox: &Sandbox, exit: i32, sentences: &[&str]) {
    let before = stored(sandbox);
    let run = consent(sandbox, &[], &[]).await;
    assert_nothing_kept(sandbox, &before, &run, exit, sentences);
}

/// Asserts that it fails before anybody is asked to sign in.
async fn fails_at_once(sandbox: &Sandbox, changes: &[(&str, &str)], exit: i32, words: &[&str]) {
    let before = stored(sandbox);
    let run = Consenting::start(&["--no-browser"], &settings(sandbox, changes))
        .end()
        .await;
    assert_nothing_kept(sandbox, &before, &run, exit, words);
    assert!(!run.stderr.contains("authorize"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_without_a_second_factor_is_not_kept() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox
        .world()
        .entra
        .lock()
        .user(USER_NAME)
        .unwrap()
        .second_factor = false;
    fails(
        &sandbox,
        78,
        &["no second factor", "mfa in amr", "conditional access"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_the_role_is_told_which_one() {
    let sandbox = Sandbox::start().await.unwrap();
    let name = USER_NAME.to_owned();
    sandbox
        .world()
        .partner_center
        .lock()
        .without_role
        .insert(name);
    fails(&sandbox, 78, &["may not list referrals", "Referrals admin"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_consent_is_declined() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.world().entra.lock().decline_consent(true);
    fails(
        &sandbox,
        78,
        &["access_denied, AADSTS65004", "declined in the browser"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_nobody_consented_to_is_named() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox
        .world()
        .entra
        .lock()
        .withdraw_consent(CLIENT_ID, PARTNER_API);
    fails(&sandbox, 78, &["AADSTS65001", "a permission is missing"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_address_of_a_single_page_application_is_to_be_a_web_one() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    let settings = settings(&sandbox, &[]);
    {
        let mut entra = sandbox.world().entra.lock();
        let app = entra.app(CLIENT_ID).unwrap();
        app.single_page_redirect_uris = std::mem::take(&mut app.redirect_uris);
    }
    let mut it = Consenting::start(&["--no-browser"], &settings);
    let back = sign_in(&sandbox, &it.address().await).await;
    open(&sandbox, &back).await;
    let run = it.end().await;
    assert_nothing_kept(&sandbox, &before, &run, 78, &["AADSTS9002327", "web one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_secret_that_is_wrong_is_named_by_its_setting() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    let changes = [("PARTNER_CENTER_CLIENT_SECRET", "Wr0ng~secret")];
    let run = consent(&sandbox, &[], &changes).await;
    let sentences = ["AADSTS7000215", "PARTNER_CENTER_CLIENT_SECRET"];
    assert_nothing_kept(&sandbox, &before, &run, 78, &sentences);
    assert!(!run.text().contains("Wr0ng~secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_does_not_exist_or_is_none_is_found_before_anybody_signs_in() {
    let sandbox = Sandbox::start().await.unwrap();
    let elsewhere = [("PARTNER_CENTER_TENANT_ID", "no-such-tenant")];
    fails_at_once(
        &sandbox,
        &elsewhere,
        78,
        &["PARTNER_CENTER_TENANT_ID", "90002"],
    )
    .await;
    let common = [("PARTNER_CENTER_TENANT_ID", "common")];
    fails_at_once(&sandbox, &common, 78, &["no single tenant"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_another_tenant_never_comes_back_and_the_wait_ends() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    {
        let mut entra = sandbox.world().entra.lock();
        let stranger = User {
            tenant: "another-tenant".to_owned(),
            ..entra.user(USER_NAME).unwrap().clone()
        };
        entra.add_user("stranger@another.invalid", stranger);
        entra.sign_in_as("stranger@another.invalid");
    }
    let arguments = ["--no-browser", "--timeout", "2"];
    let mut it = Consenting::start(&arguments, &settings(&sandbox, &[]));
    let address = it.address().await;
    let page = browser(&sandbox).get(address).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("AADSTS50020"));
    let run = it.end().await;
    let sentences = ["within 2 s", "AADSTS50011", "AADSTS50020"];
    assert_nothing_kept(&sandbox, &before, &run, 75, &sentences);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_address_that_is_not_registered_was_told_beforehand() {
    let sandbox = Sandbox::start().await.unwrap();
    let settings = settings(&sandbox, &[]);
    if let Some(app) = sandbox.world().entra.lock().app(CLIENT_ID) {
        app.redirect_uris.clear();
    }
    let mut it = Consenting::start(&["--no-browser"], &settings);
    let address = it.address().await;
    it.line("has to name http://localhost/consent").await;
    let page = browser(&sandbox).get(address).send().await.unwrap();
    assert_eq!(page.status(), 400);
    assert!(page.text().await.unwrap().contains("AADSTS50011"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_took_too_long_asks_for_another_try() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    let mut it = Consenting::start(&["--no-browser"], &settings(&sandbox, &[]));
    let back = sign_in(&sandbox, &it.address().await).await;
    let world = sandbox.world();
    world.clock.advance(jiff::SignedDuration::from_mins(11));
    open(&sandbox, &back).await;
    let run = it.end().await;
    assert_nothing_kept(&sandbox, &before, &run, 78, &["AADSTS70008", "start again"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_none_or_have_ended_are_not_kept() {
    let sandbox = Sandbox::start().await.unwrap();
    let world = sandbox.world();
    let body = |id_token: &str| {
        serde_json::json!({
            "token_type": "Bearer", "expires_in": 3599, "access_token": "opaque",
            "refresh_token": "1.AX", "id_token": id_token,
        })
    };
    let ended = "e30.eyJleHAiOjEwMDB9.c2ln";
    for (id_token, sentence) in [("nonsense", "it is no id token"), (ended, "another tenant")] {
        let before = stored(&sandbox);
        let answer = Effect::Status {
            code: 200,
            headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
            body: body(id_token),
        };
        let fault = Fault::new(Service::Entra, answer)
            .method("POST")
            .path("oauth2/v2.0/token");
        world.faults.add(fault.times(2));
        let run = consent(&sandbox, &[], &[]).await;
        world.faults.clear();
        assert_nothing_kept(&sandbox, &before, &run, 1, &[sentence]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_partner_center_is_left_for_another_time() {
    let sandbox = Sandbox::start().await.unwrap();
    let down = Fault::new(Service::PartnerCenter, Effect::status(503));
    sandbox.world().faults.add(down);
    fails(&sandbox, 75, &["referrals API", "503"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stops_the_wait_and_says_that_nothing_was_kept() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    let mut it = Consenting::start(&["--no-browser"], &settings(&sandbox, &[]));
    it.address().await;
    let process = it.child.id().unwrap().to_string();
    let kill = tokio::process::Command::new("kill")
        .args(["-INT", &process])
        .status();
    assert!(kill.await.unwrap().success());
    let run = tokio::time::timeout(Duration::from_secs(10), it.end()).await;
    let run = run.expect("it stops at once");
    assert_nothing_kept(&sandbox, &before, &run, 75, &["Stopped"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_need_no_consent_or_are_not_there_are_told() {
    let sandbox = Sandbox::start().await.unwrap();
    let password = [
        ("PARTNER_CENTER_GRANT", "password"),
        ("PARTNER_CENTER_USERNAME", "somebody"),
        ("PARTNER_CENTER_PASSWORD", "s3cret"),
    ];
    let run = program::run(&["consent"], &settings(&sandbox, &password)).await;
    assert_eq!(run.exit, 64, "{run:?}");
    assert!(run.stderr.contains("set it to refresh_token"), "{run:?}");

    let run = program::run(&["consent"], &BTreeMap::default()).await;
    assert_eq!(run.exit, 64, "{run:?}");
    assert!(run.stderr.contains("PARTNER_CENTER_TENANT_ID"), "{run:?}");
    // What only the service needs is not asked for.
    assert!(!run.stderr.contains("DATAVERSE_URL"), "{run:?}");
    assert_eq!(sandbox.world().requests.count(), 0);
}
