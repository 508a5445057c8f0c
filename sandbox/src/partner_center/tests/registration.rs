use std::time::Duration;

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Caller, SignIn, send};
use crate::entra::{PARTNER_API, PARTNER_CENTER_API};

/// Nothing listens there: ports below 1024 need rights the sandbox does not have.
const CLOSED: &str = "http://127.0.0.1:1/hook";

async fn register(caller: &Caller, method: Method, body: Value) -> Answer {
    let request = caller.registration(method, "");
    send(request.body(body.to_string())).await
}

#[tokio::test]
async fn a_tenant_has_one_registration_which_is_updated_as_a_whole() {
    let caller = Caller::start().await;
    let none = send(caller.registration(Method::GET, "")).await;
    assert_eq!(
        (none.status, &none.body["source"]),
        (404, &json!("PartnerFD"))
    );
    assert!(none.body["code"].is_number() && none.body["description"].is_string());
    let body = json!({
        "WebhookUrl": CLOSED,
        "webhookEvents": ["referral-created", "test-created"],
        "signatureTokenToMsSignatureHeader": true,
    });
    assert_eq!(
        register(&caller, Method::PUT, body.clone()).await.status,
        404
    );
    let created = register(&caller, Method::POST, body.clone()).await;
    assert_eq!(created.status, 200);
    assert_eq!(register(&caller, Method::POST, body).await.status, 409);
    let smaller = json!({ "webhookurl": CLOSED, "WEBHOOKEVENTS": ["referral-updated"] });
    let updated = register(&caller, Method::PUT, smaller).await;
    assert_eq!(updated.body["SubscriberId"], created.body["SubscriberId"]);
    let view = send(caller.registration(Method::GET, "")).await;
    assert_eq!(
        view.body,
        json!({
            "WebhookUrl": CLOSED,
            "WebhookEvents": ["referral-updated"],
            "SignatureTokenToMsSignatureHeader": false,
        })
    );
}

#[tokio::test]
async fn what_is_no_registration_is_refused() {
    let caller = Caller::start().await;
    for body in [
        json!([]),
        json!({ "WebhookUrl": CLOSED }),
        json!({ "WebhookUrl": CLOSED, "WebhookEvents": [] }),
        json!({ "WebhookUrl": CLOSED, "WebhookEvents": ["lead-created"] }),
        json!({ "WebhookUrl": "/hook", "WebhookEvents": ["test-created"] }),
    ] {
        assert_eq!(
            register(&caller, Method::POST, body.clone()).await.status,
            400,
            "{body}"
        );
    }
}

#[tokio::test]
async fn the_registration_host_wants_its_own_audience_and_mfa_of_users_only() {
    let caller = Caller::start().await;
    let get = |resource: &str, sign_in| {
        let token = caller.token(resource, sign_in);
        send(
            caller
                .bare(Method::GET, "webhooks/v1/registration/events")
                .bearer_auth(token),
        )
    };
    let events = get(PARTNER_CENTER_API, SignIn::AppOnly).await;
    assert_eq!(events.status, 200);
    assert!(
        events
            .body
            .as_array()
            .unwrap()
            .contains(&json!("referral-updated"))
    );
    assert_eq!(get(PARTNER_API, SignIn::SecondFactor).await.status, 401);
    let password = get(PARTNER_CENTER_API, SignIn::Password).await;
    assert_eq!(
        (password.status, &password.body["code"]),
        (401, &json!(900_421))
    );
    assert!(password.headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn a_test_event_reports_every_attempt_and_may_be_asked_for_twice_a_minute() {
    let caller = Caller::start().await;
    let world = caller.sandbox.world();
    let test = || send(caller.registration(Method::POST, "/validationEvents"));
    assert_eq!(test().await.status, 404);
    let url: url::Url = CLOSED.parse().unwrap();
    world
        .partner_center
        .lock()
        .register(url.clone(), &["referral-updated"], false);
    assert_eq!(test().await.status, 400);
    world
        .partner_center
        .lock()
        .register(url, &["test-created"], false);
    let options = crate::deliveries::Options {
        attempts: 3,
        spacing: Duration::from_millis(1),
        ..Default::default()
    };
    world.deliveries.lock().set_options(options);

    let correlation = test().await.body["correlationId"]
        .as_str()
        .unwrap()
        .to_owned();
    world.settled(0, Duration::from_secs(20)).await.unwrap();
    let result =
        || send(caller.registration(Method::GET, &format!("/validationEvents/{correlation}")));
    let report = result().await.body;
    assert_eq!(
        (&report["status"], &report["callbackUrl"]),
        (&json!("failed"), &json!(CLOSED))
    );
    let attempts = report["results"].as_array().unwrap();
    assert_eq!(attempts.len(), 3);
    assert!(attempts.iter().all(|it| it["systemError"] == true));
    assert!(!attempts[0]["dateTimeUtc"].as_str().unwrap().ends_with('Z'));

    assert_eq!(test().await.status, 200);
    let throttled = test().await;
    assert_eq!(
        (throttled.status, &throttled.body["statusCode"]),
        (429, &json!(429))
    );
    let wait: u64 = throttled.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&wait));
    world.clock.advance(SignedDuration::from_secs(61));
    assert_eq!(test().await.status, 200);
    world.clock.advance(SignedDuration::from_hours(7 * 24));
    assert_eq!(result().await.status, 404);
}
