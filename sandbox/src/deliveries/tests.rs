use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;
use serde_json::json;
use url::Url;

use super::{Delivery, Event, Options, Outcome, SignatureForm, SignatureHeader, send};
use crate::Sandbox;
use crate::partner_center::ReferralBuilder;

const BOUND: Duration = Duration::from_secs(20);

/// A webhook that refuses so many deliveries with 500 and keeps what it got.
struct Webhook {
    url: Url,
    received: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Webhook {
    async fn start(refusals: usize) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api/hook?code=x", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let (kept, left) = (Arc::clone(&received), AtomicUsize::new(refusals));
        let left = Arc::new(left);
        let handler = move |headers: HeaderMap, body: Bytes| async move {
            kept.lock().unwrap().push((headers, body));
            let refuse = |left: usize| left.checked_sub(1);
            match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuse) {
                Ok(_) => StatusCode::INTERNAL_SERVER_ERROR,
                Err(_) => StatusCode::ACCEPTED,
            }
        };
        let router = Router::new().route("/api/hook", post(handler));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: url.parse().unwrap(),
            received,
        }
    }

    fn received(&self) -> Vec<(HeaderMap, Bytes)> {
        self.received.lock().unwrap().clone()
    }
}

fn register(sandbox: &Sandbox, url: &Url, ms_signature: bool) {
    let events = ["referral-created", "referral-updated"];
    let world = sandbox.world();
    world
        .partner_center
        .lock()
        .register(url.clone(), &events, ms_signature);
    let options = Options {
        spacing: Duration::from_millis(1),
        ..Options::default()
    };
    world.deliveries.lock().set_options(options);
}

fn verifies(sandbox: &Sandbox, signature: &str, body: &[u8]) -> bool {
    let certificate: X509 = sandbox
        .world()
        .certificates
        .lock()
        .signer()
        .certificate
        .clone();
    let key = certificate.public_key().unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    let signature = BASE64_STANDARD.decode(signature).unwrap();
    verifier.verify_oneshot(&signature, body).unwrap()
}

#[tokio::test]
async fn a_registered_event_arrives_signed_over_its_raw_bytes() {
    let sandbox = Sandbox::start().await.unwrap();
    let webhook = Webhook::start(0).await;
    register(&sandbox, &webhook.url, false);
    let (id, event) = sandbox
        .world()
        .create_referral(ReferralBuilder::new())
        .unwrap();
    let raised = sandbox.world().settled(event, BOUND).await.unwrap();
    assert_eq!(
        (raised.outcome, raised.attempts.len()),
        (Outcome::Delivered, 1)
    );
    assert_eq!(raised.attempts[0].status, Some(202));

    let (headers, body) = webhook.received().remove(0);
    let signature = headers["authorization"]
        .to_str()
        .unwrap()
        .strip_prefix("Signature ")
        .unwrap();
    assert!(verifies(&sandbox, signature, &body));
    assert_eq!(headers["x-ms-signature-algorithm"], "rsa-sha256");
    let url = sandbox.world().certificates.lock().signer_url();
    assert_eq!(headers["x-ms-certificate-url"], url.as_str());
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(body, raised.event.body());
    assert!(String::from_utf8(body.to_vec()).unwrap().contains(&id));
}

#[tokio::test]
async fn the_signature_moves_to_its_own_header_when_the_registration_says_so() {
    let sandbox = Sandbox::start().await.unwrap();
    let webhook = Webhook::start(0).await;
    register(&sandbox, &webhook.url, true);
    let (id, first) = sandbox
        .world()
        .create_referral(ReferralBuilder::new())
        .unwrap();
    sandbox.world().settled(first, BOUND).await.unwrap();
    let bare = Options {
        signature_form: SignatureForm::Bare,
        ..Options::default()
    };
    sandbox.world().deliveries.lock().set_options(bare);
    let second = sandbox
        .world()
        .edit_referral(&id, &json!({ "name": "x" }))
        .unwrap();
    sandbox.world().settled(second, BOUND).await.unwrap();
    let received = webhook.received();
    assert!(
        received
            .iter()
            .all(|(headers, _)| !headers.contains_key("authorization"))
    );
    let header = |place: usize| received[place].0["x-ms-signature"].to_str().unwrap();
    assert!(header(0).starts_with("Signature "));
    assert!(verifies(&sandbox, header(1), &received[1].1));
}

#[tokio::test]
async fn an_event_is_tried_ten_times_and_then_never_again() {
    let sandbox = Sandbox::start().await.unwrap();
    let stubborn = Webhook::start(usize::MAX).await;
    register(&sandbox, &stubborn.url, false);
    let (_, event) = sandbox
        .world()
        .create_referral(ReferralBuilder::new())
        .unwrap();
    let raised = sandbox.world().settled(event, BOUND).await.unwrap();
    assert_eq!(
        (raised.outcome, raised.attempts.len()),
        (Outcome::GivenUp, 10)
    );
    assert_eq!(stubborn.received().len(), 10);

    let slow = Webhook::start(3).await;
    register(&sandbox, &slow.url, false);
    let (_, event) = sandbox
        .world()
        .create_referral(ReferralBuilder::new())
        .unwrap();
    let raised = sandbox.world().settled(event, BOUND).await.unwrap();
    assert_eq!(
        (raised.outcome, raised.attempts.len()),
        (Outcome::Delivered, 4)
    );
}

#[tokio::test]
async fn paused_events_wait_and_unwanted_ones_are_only_recorded() {
    let sandbox = Sandbox::start().await.unwrap();
    let world = sandbox.world();
    let (_, recorded) = world.create_referral(ReferralBuilder::new()).unwrap();
    assert_eq!(
        world.settled(recorded, BOUND).await.unwrap().outcome,
        Outcome::Recorded
    );
    let webhook = Webhook::start(0).await;
    register(&sandbox, &webhook.url, false);
    world.deliveries.lock().set_options(Options {
        paused: true,
        ..Options::default()
    });
    let (_, held) = world.create_referral(ReferralBuilder::new()).unwrap();
    assert!(
        world
            .settled(held, Duration::from_millis(30))
            .await
            .is_err()
    );
    assert!(webhook.received().is_empty());
    world.deliveries.lock().set_options(Options::default());
    assert_eq!(
        world.settled(held, BOUND).await.unwrap().outcome,
        Outcome::Delivered
    );
    assert_eq!(webhook.received().len(), 1);
}

#[tokio::test]
async fn hostile_deliveries_differ_from_the_signed_one_in_one_respect() {
    let sandbox = Sandbox::start().await.unwrap();
    let webhook = Webhook::start(0).await;
    let event = Event::referral("referral-updated", "a", sandbox.world().clock.now());
    let signed = sandbox.world().delivery(&event).unwrap();
    let signature = |delivery: &Delivery| {
        let value = delivery.header("authorization").unwrap();
        value.strip_prefix("Signature ").unwrap().to_owned()
    };
    assert!(verifies(&sandbox, &signature(&signed), &signed.body));
    let tampered = signed.tampered();
    assert_eq!(
        (tampered.headers.clone(), tampered.body.len()),
        (signed.headers.clone(), signed.body.len())
    );
    assert!(!verifies(&sandbox, &signature(&tampered), &tampered.body));
    assert!(serde_json::from_slice::<Event>(&tampered.body).is_ok());
    let stranger = {
        let certificates = sandbox.world().certificates.lock();
        let stranger = certificates
            .authority()
            .signer()
            .role("stranger")
            .build()
            .unwrap();
        let place = (SignatureHeader::Authorization, SignatureForm::Prefixed);
        Delivery::signed(event.body(), &stranger, &certificates.signer_url(), place).unwrap()
    };
    assert!(!verifies(&sandbox, &signature(&stranger), &stranger.body));
    let unsigned = signed.without_header("authorization");
    assert_eq!(unsigned.header("authorization"), None);
    let elsewhere = signed.with_certificate_url("https://evil.invalid/cert/a.cer");
    assert_eq!(
        elsewhere.header("x-ms-certificate-url"),
        Some("https://evil.invalid/cert/a.cer")
    );

    for delivery in [&signed, &signed] {
        assert_eq!(
            send(delivery, &webhook.url, BOUND).await.unwrap().status,
            202
        );
    }
    assert_eq!(webhook.received()[0].1, webhook.received()[1].1);
    let far: Url = "https://contoso.invalid/".parse().unwrap();
    let error = send(&signed, &far, BOUND).await.unwrap_err();
    assert!(error.to_string().contains("refused"));
}
