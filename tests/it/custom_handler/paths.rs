//! Which path reaches which function, through the host and at the handler itself.

use sandbox::Service;
use sandbox::deliveries::{Delivery, Event};
use uuid::Uuid;

use crate::raw::{Raw, Reply};
use crate::rig::Rig;

fn test_event(rig: &Rig) -> Delivery {
    rig.world()
        .delivery(&Event::test(Uuid::from_u128(1), rig.world().clock.now()))
        .unwrap()
}

async fn deliver(rig: &Rig, port: u16, path: &str) -> Reply {
    rig.raw_delivery(path, &test_event(rig)).send(port).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_answers_in_any_letter_case_and_with_a_trailing_slash() {
    let rig = Rig::start(&[]).await;
    for path in [
        "/api/ReferralWebhook",
        "/api/referralwebhook",
        "/API/REFERRALWEBHOOK",
        "/api/ReferralWebhook/",
        "/api/referralwebhook?clientId=7",
    ] {
        for port in [rig.outside(), rig.handler()] {
            assert_eq!(
                deliver(&rig, port, path).await.verdict(),
                (200, "test".to_owned()),
                "{path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_outside_reaches_the_timer() {
    let rig = Rig::start(&[]).await;
    for path in [
        "/api/TokenRenewal",
        "/api/tokenrenewal/",
        "/TokenRenewal",
        "/tokenrenewal",
        "/api/../TokenRenewal",
        "/api/%2e%2e/TokenRenewal",
        "/api/ReferralWebhook/../../TokenRenewal",
        "/api/ReferralWebhook/%2e%2e/%2e%2e/TokenRenewal",
        "/api//TokenRenewal",
        "//TokenRenewal",
        "/api/%2FTokenRenewal",
        "/api/..%2FTokenRenewal",
    ] {
        let envelope = br#"{"Data":{"timer":{}},"Metadata":{}}"#;
        let request = Raw::post(path)
            .header("x-functions-key", rig.host.master_key())
            .chunked(envelope);
        assert_eq!(request.send(rig.outside()).await.status, 404, "{path}");
    }
    for service in [Service::Entra, Service::Identity, Service::KeyVault] {
        assert_eq!(rig.requests(service), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_under_the_outside_prefix_is_never_a_trigger() {
    let rig = Rig::start(&[]).await;
    for path in [
        "/api/TokenRenewal",
        "/api/../TokenRenewal",
        "//TokenRenewal",
        "/./TokenRenewal",
        "/TokenRenewal//",
    ] {
        let request = Raw::post(path).chunked(br#"{"Data":{"timer":{}},"Metadata":{}}"#);
        assert_eq!(
            request.send(rig.handler()).await.verdict(),
            (404, "not_found".to_owned()),
            "{path}"
        );
    }
    assert_eq!(rig.requests(Service::Entra), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_is_nowhere_but_under_the_prefix() {
    let rig = Rig::start(&[]).await;
    for path in [
        "/ReferralWebhook",
        "/api/ReferralWebhook/more",
        "/api",
        "/api/",
        "/other/ReferralWebhook",
    ] {
        assert_eq!(
            deliver(&rig, rig.outside(), path).await.status,
            404,
            "{path}"
        );
        assert_eq!(
            deliver(&rig, rig.handler(), path).await.verdict(),
            (404, "not_found".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_takes_post_only() {
    let rig = Rig::start(&[]).await;
    for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let reply = Raw::new(method, "/api/ReferralWebhook")
            .send(rig.handler())
            .await;
        assert_eq!(
            reply.verdict(),
            (405, "method_not_allowed".to_owned()),
            "{method}"
        );
        assert_eq!(reply.header("allow"), Some("POST"), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_the_function_key_is_stopped_by_the_host() {
    let rig = Rig::start(&[]).await;
    let delivery = test_event(&rig);
    let mut request = Raw::post("/api/ReferralWebhook");
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    assert_eq!(
        request
            .sized(&delivery.body)
            .send(rig.outside())
            .await
            .status,
        401
    );
    assert_eq!(rig.requests(Service::CertificateHost), Vec::<String>::new());
}
