//! Entra ID: grants, rotation, and every refusal the connector has to tell apart.

use sandbox::{
    Service,
    entra::{
        CLIENT_ID, CLIENT_SECRET, PARTNER_API, PARTNER_CENTER_API, PASSWORD, TENANT_ID, USER_NAME,
    },
};
use serde_json::{Value, json};
use url::Url;

use crate::{Fixture, claims, text};
use jiff::SignedDuration;

/// Asserts that `answer` is the error with `status`, `error` and AADSTS number `code`.
fn assert_refused((status, body): (u16, Value), expected: (u16, &str, u32)) {
    assert_eq!(
        (status, &body["error"], &body["error_codes"]),
        (expected.0, &json!(expected.1), &json!([expected.2])),
        "{body}"
    );
    let description = text(&body, "error_description");
    assert!(
        description.starts_with(&format!("AADSTS{}: ", expected.2)),
        "{description}"
    );
    for part in [" Trace ID: ", " Correlation ID: ", " Timestamp: "] {
        assert!(description.contains(part), "{description}");
    }
    for name in ["timestamp", "trace_id", "correlation_id", "error_uri"] {
        text(&body, name);
    }
}

#[tokio::test]
async fn each_use_of_a_refresh_token_gives_a_fresh_one_and_leaves_the_old_one_valid() {
    let fixture = Fixture::start().await;
    let first = fixture.refresh_token();

    let (status, body) = fixture.refresh(&first, PARTNER_API).await;
    assert_eq!(status, 200, "{body}");
    let second = text(&body, "refresh_token");
    assert_ne!(first, second);
    assert_eq!(body["expires_in"], 3599);
    let token = claims(&text(&body, "access_token"));
    assert_eq!(token["aud"], PARTNER_API);
    assert_eq!(token["upn"], USER_NAME);
    assert_eq!(token["amr"], json!(["pwd", "mfa"]));

    for token in [&first, &second] {
        let (status, body) = fixture.refresh(token, PARTNER_CENTER_API).await;
        assert_eq!(status, 200, "{body}");
    }
    let entra = fixture.sandbox.world().entra.lock();
    assert_eq!(entra.issued("refresh_token", PARTNER_API), 1);
    assert_eq!(entra.issued("refresh_token", PARTNER_CENTER_API), 2);
}

#[tokio::test]
async fn a_refresh_token_dies_after_90_idle_days_and_its_successor_lives_on() {
    let fixture = Fixture::start().await;
    let first = fixture.refresh_token();
    let clock = &fixture.sandbox.world().clock;
    clock.advance(SignedDuration::from_hours(24 * 60));
    let (_, body) = fixture.refresh(&first, PARTNER_API).await;
    let second = text(&body, "refresh_token");
    clock.advance(SignedDuration::from_hours(24 * 31));

    let gone = fixture.refresh(&first, PARTNER_API).await;
    assert_refused(gone, (400, "invalid_grant", 700_082));
    assert_eq!(fixture.refresh(&second, PARTNER_API).await.0, 200);
}

#[tokio::test]
async fn a_revoked_refresh_token_is_refused_and_a_later_one_is_not() {
    let fixture = Fixture::start().await;
    let revoked = fixture.refresh_token();
    let world = fixture.sandbox.world();
    world.entra.lock().revoke_refresh_tokens(world.clock.now());

    let answer = fixture.refresh(&revoked, PARTNER_API).await;
    assert_refused(answer, (400, "invalid_grant", 50_173));
    let renewed = fixture.refresh_token();
    assert_eq!(fixture.refresh(&renewed, PARTNER_API).await.0, 200);
}

#[tokio::test]
async fn unusable_refresh_tokens_are_told_apart() {
    let fixture = Fixture::start().await;
    let garbage = fixture.refresh("not-a-token", PARTNER_API).await;
    assert_refused(garbage, (400, "invalid_grant", 9_002_313));

    let token = fixture.refresh_token();
    let entra = &fixture.sandbox.world().entra;
    entra.lock().expire_mfa();
    let lapsed = fixture.refresh(&token, PARTNER_API).await;
    assert_eq!(lapsed.1["suberror"], "basic_action");
    assert_refused(lapsed, (400, "invalid_grant", 50_078));

    let token = fixture.refresh_token();
    entra.lock().withdraw_consent(CLIENT_ID, PARTNER_API);
    let answer = fixture.refresh(&token, PARTNER_API).await;
    assert_refused(answer, (400, "invalid_grant", 65_001));
    assert_eq!(fixture.refresh(&token, PARTNER_CENTER_API).await.0, 200);

    let app = entra.lock().app(CLIENT_ID).unwrap().clone();
    entra.lock().add_app("another-client", app);
    let scope = format!("{PARTNER_CENTER_API}/.default");
    let answer = fixture
        .token(&[
            ("client_id", "another-client"),
            ("grant_type", "refresh_token"),
            ("refresh_token", &token),
            ("scope", &scope),
        ])
        .await;
    assert_refused(answer, (400, "invalid_grant", 70_000));
}

#[tokio::test]
async fn a_client_is_known_by_its_exact_secret() {
    let fixture = Fixture::start().await;
    let scope = format!("{PARTNER_API}/.default");
    let with = |secret: String| {
        let (fixture, scope) = (&fixture, scope.as_str());
        async move {
            let form = [
                ("grant_type", "client_credentials"),
                ("client_secret", secret.as_str()),
                ("scope", scope),
            ];
            fixture.token(&form).await
        }
    };
    let near = CLIENT_SECRET.to_lowercase();
    let refused = (401, "invalid_client", 7_000_215);
    assert_refused(with(near).await, refused);
    assert_refused(with(format!("{CLIENT_SECRET} ")).await, refused);
    assert_refused(
        with(String::new()).await,
        (401, "invalid_client", 7_000_218),
    );

    let world = fixture.sandbox.world();
    if let Some(app) = world.entra.lock().app(CLIENT_ID) {
        app.secrets
            .insert(CLIENT_SECRET.to_owned(), world.clock.now());
    }
    let expired = with(CLIENT_SECRET.to_owned()).await;
    assert_refused(expired, (401, "invalid_client", 7_000_222));
}

/// What a request changes, and the status, error and number it meets.
type Case<'a> = (&'a [(&'a str, &'a str)], (u16, &'a str, u32));

#[tokio::test]
async fn a_wrong_tenant_client_scope_or_grant_is_named() {
    let fixture = Fixture::start().await;
    let scope = format!("{PARTNER_API}/.default");
    let form = [
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("grant_type", "client_credentials"),
        ("scope", &scope),
    ];
    let elsewhere = fixture
        .post("no-such-tenant/oauth2/v2.0/token", &form)
        .await;
    assert_refused(elsewhere, (400, "invalid_request", 90_002));
    let common = fixture.post("common/oauth2/v2.0/token", &form).await;
    assert_refused(common, (400, "invalid_request", 50_194));

    let domain = fixture.post("Sandbox.invalid/oauth2/v2.0/token", &form);
    assert_eq!(domain.await.0, 200, "a verified domain names its tenant");

    let cases: [Case<'_>; 6] = [
        (
            &[("client_id", "nobody")],
            (400, "unauthorized_client", 700_016),
        ),
        (
            &[("grant_type", "magic")],
            (400, "unsupported_grant_type", 70_003),
        ),
        (&[("scope", "")], (400, "invalid_request", 900_144)),
        (
            &[("scope", "https://nowhere.invalid/.default")],
            (400, "invalid_resource", 500_011),
        ),
        (
            &[("scope", "https://api.partner.microsoft.com/x")],
            (400, "invalid_scope", 1_002_012),
        ),
        (
            &[
                ("grant_type", "password"),
                ("username", USER_NAME),
                ("password", PASSWORD),
                ("scope", "activity.read"),
            ],
            (400, "invalid_scope", 70_011),
        ),
    ];
    for (changes, expected) in cases {
        let mut changed = changes.to_vec();
        let kept = form
            .iter()
            .filter(|(name, _)| !changes.iter().any(|(it, _)| it == name));
        changed.extend(kept);
        assert_refused(fixture.token(&changed).await, expected);
    }
}

#[tokio::test]
async fn the_password_grant_works_until_a_second_factor_is_demanded() {
    let fixture = Fixture::start().await;
    let scope = format!("{PARTNER_API}/.default");
    let form = [
        ("grant_type", "password"),
        ("username", USER_NAME),
        ("password", PASSWORD),
        ("scope", scope.as_str()),
    ];
    let (status, body) = fixture.token(&form).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(claims(&text(&body, "access_token"))["amr"], json!(["pwd"]));
    assert_eq!(body.get("refresh_token"), None);

    let mut wrong = form;
    wrong[2].1 = "guess";
    let answer = fixture.token(&wrong).await;
    assert_refused(answer, (400, "invalid_grant", 50_126));

    fixture.sandbox.world().entra.lock().require_mfa(true);
    let refused = fixture.token(&form).await;
    assert_refused(refused, (400, "invalid_grant", 50_076));
    // A sign-in that had a second factor goes on working.
    let token = fixture.refresh_token();
    assert_eq!(fixture.refresh(&token, PARTNER_API).await.0, 200);
}

#[tokio::test]
async fn the_first_endpoint_writes_numbers_as_strings() {
    let fixture = Fixture::start().await;
    let token = fixture.refresh_token();
    let form = [
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", &token),
        ("resource", PARTNER_CENTER_API),
        ("scope", "openid"),
    ];
    let path = format!("{TENANT_ID}/oauth2/token");
    let (status, body) = fixture.post(&path, &form).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["expires_in"], "3599");
    assert_eq!(body["resource"], PARTNER_CENTER_API);
    assert_eq!(body["scope"], "user_impersonation");
    let token = claims(&text(&body, "access_token"));
    assert_eq!(
        text(&body, "expires_on"),
        token["exp"].as_i64().unwrap().to_string()
    );
    assert_eq!(
        text(&body, "not_before"),
        token["nbf"].as_i64().unwrap().to_string()
    );
    assert_ne!(text(&body, "refresh_token"), form[3].1);
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
// The example of RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Sends the browser to sign in and gives back the parameters of where it is sent.
async fn sign_in(fixture: &Fixture, redirect: &str) -> Vec<(String, String)> {
    let mut url = fixture.url(
        Service::Entra,
        &format!("{TENANT_ID}/oauth2/v2.0/authorize"),
    );
    let scope = format!("{PARTNER_API}/.default offline_access openid");
    url.query_pairs_mut().extend_pairs([
        ("client_id", CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", redirect),
        ("scope", &scope),
        ("state", "a state & more"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let response = fixture.client.get(url).send().await.unwrap();
    assert_eq!(response.status(), 302);
    let location = Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
    assert!(location.as_str().starts_with(redirect), "{location}");
    location.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn a_code_is_redeemed_once_with_its_verifier_and_its_redirect() {
    let fixture = Fixture::start().await;
    let redirect = "http://localhost:49152/callback";
    let back = sign_in(&fixture, redirect).await;
    assert_eq!(back[1], ("state".to_owned(), "a state & more".to_owned()));
    let code = &back[0].1;
    let redeem = |verifier: &'static str, redirect: &'static str| {
        let (fixture, code) = (&fixture, code.as_str());
        async move {
            let form = [
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", redirect),
                ("code_verifier", verifier),
            ];
            fixture.token(&form).await
        }
    };
    let answer = redeem("another", redirect).await;
    assert_refused(answer, (400, "invalid_grant", 501_481));
    let answer = redeem(VERIFIER, "http://localhost:1/callback").await;
    assert_refused(answer, (400, "invalid_client", 500_112));

    let (status, body) = redeem(VERIFIER, redirect).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(claims(&text(&body, "id_token"))["aud"], CLIENT_ID);
    let token = text(&body, "refresh_token");
    assert_eq!(fixture.refresh(&token, PARTNER_CENTER_API).await.0, 200);

    let again = redeem(VERIFIER, redirect).await;
    assert_refused(again, (400, "invalid_grant", 54_005));
}

#[tokio::test]
async fn a_user_who_declines_is_sent_back_with_the_reason() {
    let fixture = Fixture::start().await;
    fixture.sandbox.world().entra.lock().decline_consent(true);
    let back = sign_in(&fixture, "http://localhost:49152/callback").await;
    assert_eq!(back[0], ("error".to_owned(), "access_denied".to_owned()));
    assert!(back[1].1.starts_with("AADSTS65004: "), "{}", back[1].1);
    assert_eq!(back[2].0, "state");
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let fixture = Fixture::start().await;
    for redirect in [
        "https://evil.invalid/callback",
        "http://localhost:1/elsewhere",
        "https://localhost:1/callback",
    ] {
        let mut url = fixture.url(
            Service::Entra,
            &format!("{TENANT_ID}/oauth2/v2.0/authorize"),
        );
        url.query_pairs_mut().extend_pairs([
            ("client_id", CLIENT_ID),
            ("response_type", "code"),
            ("redirect_uri", redirect),
            ("scope", "openid"),
        ]);
        let response = fixture.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), 400, "{redirect}");
        assert!(!response.headers().contains_key("location"));
        assert!(response.text().await.unwrap().contains("AADSTS50011"));
    }
}
