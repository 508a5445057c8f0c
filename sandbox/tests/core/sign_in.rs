//! Entra ID's sign-in in a browser and by device code: who comes back, with what proof, and who does not.

use sandbox::entra::{CLIENT_ID, CLIENT_SECRET, PARTNER_API, TENANT_ID, USER_NAME, User};
use sandbox::{Sandbox, Service};
use serde_json::{Value, json};
use url::Url;

use crate::{Fixture, claims, text};

const REDIRECT: &str = "http://localhost:49152/callback";

/// Sends the browser to sign in; gives the status and where it is sent, or the page it stays on.
async fn sign_in(fixture: &Fixture, more: &[(&str, &str)]) -> (u16, Result<Url, String>) {
    let path = format!("{TENANT_ID}/oauth2/v2.0/authorize");
    let mut url = fixture.url(Service::Entra, &path);
    let scope = format!("{PARTNER_API}/.default offline_access openid");
    url.query_pairs_mut()
        .extend_pairs([
            ("client_id", CLIENT_ID),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", &scope),
        ])
        .extend_pairs(more);
    let response = fixture.client.get(url).send().await.unwrap();
    let status = response.status().as_u16();
    match response.headers().get("location").cloned() {
        Some(location) => (status, Ok(Url::parse(location.to_str().unwrap()).unwrap())),
        None => (status, Err(response.text().await.unwrap())),
    }
}

/// Signs in and redeems the code.
async fn redeem(fixture: &Fixture, more: &[(&str, &str)]) -> (u16, Value) {
    let (_, back) = sign_in(fixture, more).await;
    let back = back.unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code.unwrap().1),
        ("redirect_uri", REDIRECT),
    ];
    fixture.token(&form).await
}

fn methods(body: &Value) -> Value {
    claims(&text(body, "access_token"))["amr"].clone()
}

#[tokio::test]
async fn a_second_factor_is_named_when_it_was_demanded_and_the_user_has_one() {
    let fixture = Fixture::start().await;
    let (_, plain) = redeem(&fixture, &[]).await;
    assert_eq!(methods(&plain), json!(["pwd"]));
    let (_, demanded) = redeem(&fixture, &[("amr_values", "mfa")]).await;
    assert_eq!(methods(&demanded), json!(["pwd", "mfa"]));

    let entra = &fixture.sandbox.world().entra;
    entra.lock().user(USER_NAME).unwrap().second_factor = false;
    let (_, without) = redeem(&fixture, &[("amr_values", "mfa")]).await;
    assert_eq!(methods(&without), json!(["pwd"]));
}

#[tokio::test]
async fn the_id_token_repeats_the_nonce() {
    let fixture = Fixture::start().await;
    let (_, body) = redeem(&fixture, &[("nonce", "n-0S6_WzA2Mj")]).await;
    let id = claims(&text(&body, "id_token"));
    assert_eq!(id["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(id["tid"], TENANT_ID);
    let (_, body) = redeem(&fixture, &[]).await;
    assert_eq!(claims(&text(&body, "id_token")).get("nonce"), None);
}

#[tokio::test]
async fn a_code_for_a_single_page_application_is_a_browsers_to_redeem() {
    let fixture = Fixture::start().await;
    {
        let mut entra = fixture.sandbox.world().entra.lock();
        let app = entra.app(CLIENT_ID).unwrap();
        app.single_page_redirect_uris = std::mem::take(&mut app.redirect_uris);
    }
    let (status, body) = redeem(&fixture, &[]).await;
    assert_eq!((status, &body["error_codes"]), (400, &json!([9_002_327])));
}

#[tokio::test]
async fn a_user_of_another_tenant_stays_on_a_page_that_says_so() {
    let fixture = Fixture::start().await;
    {
        let mut entra = fixture.sandbox.world().entra.lock();
        let stranger = User {
            tenant: "another-tenant".to_owned(),
            ..entra.user(USER_NAME).unwrap().clone()
        };
        entra.add_user("stranger@another.invalid", stranger);
        entra.sign_in_as("stranger@another.invalid");
    }
    let (status, page) = sign_in(&fixture, &[]).await;
    assert_eq!(status, 400);
    assert!(page.unwrap_err().contains("AADSTS50020"));
}

#[tokio::test]
async fn an_unknown_tenant_has_no_configuration() {
    let fixture = Fixture::start().await;
    let get = async |tenant: &str| {
        let path = format!("{tenant}/v2.0/.well-known/openid-configuration");
        let url = fixture.url(Service::Entra, &path);
        let response = fixture.client.get(url).send().await.unwrap();
        let status = response.status().as_u16();
        (status, crate::json(&response.text().await.unwrap()))
    };
    let (status, body) = get("no-such-tenant").await;
    assert_eq!((status, &body["error_codes"]), (400, &json!([90_002])));
    let (_, by_domain) = get("sandbox.invalid").await;
    let (_, by_id) = get(TENANT_ID).await;
    assert!(text(&by_id, "issuer").contains(TENANT_ID));
    assert_eq!(by_domain["issuer"], by_id["issuer"]);
}

/// A device code that was begun: how the application asks, and what the user enters.
async fn begin(fixture: &Fixture) -> (String, String) {
    let scope = format!("{PARTNER_API}/.default offline_access openid");
    let form = [("client_id", CLIENT_ID), ("scope", scope.as_str())];
    let path = format!("{TENANT_ID}/oauth2/v2.0/devicecode");
    let (status, body) = fixture.post(&path, &form).await;
    assert_eq!(
        (status, &body["interval"], &body["expires_in"]),
        (200, &json!(5), &json!(900))
    );
    (text(&body, "device_code"), text(&body, "user_code"))
}

async fn ask(fixture: &Fixture, device_code: &str) -> (u16, Value) {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let form = [("grant_type", grant), ("device_code", device_code)];
    fixture.token(&form).await
}

async fn enter(sandbox: &Sandbox, client: &reqwest::Client, form: String) -> u16 {
    let page = sandbox.url(Service::Entra).join("common/oauth2/deviceauth");
    let posted = client.post(page.unwrap()).body(form).send().await;
    posted.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_device_code_is_pending_until_its_user_answers_and_serves_once() {
    let fixture = Fixture::start().await;
    let (device_code, user_code) = begin(&fixture).await;
    let (status, pending) = ask(&fixture, &device_code).await;
    assert_eq!(
        (status, &pending["error"]),
        (400, &json!("authorization_pending"))
    );

    let (sandbox, client) = (&fixture.sandbox, &fixture.client);
    assert_eq!(enter(sandbox, client, "otc=WRONG".to_owned()).await, 400);
    let right = format!("otc={user_code}");
    assert_eq!(enter(sandbox, client, right.clone()).await, 200);
    let (status, body) = ask(&fixture, &device_code).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(methods(&body), json!(["pwd", "mfa"]));
    text(&body, "refresh_token");

    let (_, again) = ask(&fixture, &device_code).await;
    assert_eq!(again["error"], "bad_verification_code");
    assert_eq!(enter(sandbox, client, right).await, 400);
}

#[tokio::test]
async fn a_device_code_is_declined_blocked_or_out_of_time_in_its_own_words() {
    let fixture = Fixture::start().await;
    let world = fixture.sandbox.world();
    let (sandbox, client) = (&fixture.sandbox, &fixture.client);

    let (declined, user_code) = begin(&fixture).await;
    enter(sandbox, client, format!("otc={user_code}&decline=1")).await;
    let (_, body) = ask(&fixture, &declined).await;
    assert_eq!(body["error"], "authorization_declined");

    let (blocked, user_code) = begin(&fixture).await;
    world.entra.lock().devices().blocked = true;
    enter(sandbox, client, format!("otc={user_code}")).await;
    let (_, body) = ask(&fixture, &blocked).await;
    assert_eq!(body["error_codes"], json!([53_003]));

    let (late, _) = begin(&fixture).await;
    world.clock.advance(jiff::SignedDuration::from_mins(16));
    let (_, body) = ask(&fixture, &late).await;
    assert_eq!(body["error"], "expired_token");

    let (other, _) = begin(&fixture).await;
    let app = world.entra.lock().app(CLIENT_ID).unwrap().clone();
    world.entra.lock().add_app("another-client", app);
    let form = [
        ("client_id", "another-client"),
        ("client_secret", CLIENT_SECRET),
        ("grant_type", "device_code"),
        ("device_code", &other),
    ];
    let (_, body) = fixture.token(&form).await;
    assert_eq!(body["error"], "bad_verification_code");
}

#[tokio::test]
async fn a_user_without_a_role_signs_in_and_sees_no_referral() {
    let fixture = Fixture::start().await;
    let (_, body) = redeem(&fixture, &[("amr_values", "mfa")]).await;
    let list = fixture.url(Service::PartnerCenter, "v1.0/engagements/referrals");
    let token = text(&body, "access_token");
    let status = async || {
        let request = fixture.client.get(list.clone()).bearer_auth(&token);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status().await, 200);
    let world = fixture.sandbox.world();
    let name = USER_NAME.to_owned();
    world.partner_center.lock().without_role.insert(name);
    assert_eq!(status().await, 403);
}
