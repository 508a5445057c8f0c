//! The control API's view of referrals, leads and events.

use std::time::Duration;

use axum::{Router, http::HeaderMap, routing::post};
use bytes::Bytes;
use openssl::{hash::MessageDigest, sign::Verifier, x509::X509};
use reqwest::Method;
use sandbox::Service;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use crate::Fixture;
use base64::{Engine as _, engine::general_purpose::STANDARD};

const LEAD: &str = "9f0e6c1d-2b3a-4c5d-8e7f-0123456789ab";

/// A webhook that accepts everything and passes it on.
async fn webhook() -> (String, mpsc::Receiver<(HeaderMap, Bytes)>) {
    let (sender, receiver) = mpsc::channel(10);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let accept = move |headers: HeaderMap, body: Bytes| async move {
        sender.send((headers, body)).await.unwrap();
        "taken"
    };
    let router = Router::new().route("/hook", post(accept));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, receiver)
}

/// Whether a delivery's signature verifies with the certificate it names.
async fn is_genuine(fixture: &Fixture, headers: &HeaderMap, body: &[u8]) -> bool {
    let Some(signature) = headers.get("authorization") else {
        return false;
    };
    let signature = signature.to_str().unwrap();
    let signature = STANDARD
        .decode(signature.strip_prefix("Signature ").unwrap())
        .unwrap();
    let url = headers["x-ms-certificate-url"].to_str().unwrap();
    let file = fixture.client.get(url).send().await.unwrap();
    let certificate = X509::from_der(&file.bytes().await.unwrap()).unwrap();
    let key = certificate.public_key().unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    verifier.verify_oneshot(&signature, body).unwrap()
}

#[tokio::test]
async fn a_referral_is_sent_edited_and_taken_away() {
    let fixture = Fixture::start().await;
    let members = json!({ "name": "Fabrikam moves to Azure" });
    let (status, created) = fixture
        .control(Method::POST, "referrals", Some(members))
        .await;
    assert_eq!(status, 201, "{created}");
    let path = format!("referrals/{}", created["id"].as_str().unwrap());
    let first = fixture.read(&path).await;
    assert_eq!(first["name"], "Fabrikam moves to Azure");
    assert_eq!(first["status"], "New");

    let city = json!({ "customerProfile": { "address": { "city": "Rostock" } } });
    let (status, _) = fixture.control(Method::PATCH, &path, Some(city)).await;
    assert_eq!(status, 200);
    let second = fixture.read(&path).await;
    assert_eq!(second["customerProfile"]["address"]["city"], "Rostock");
    assert_eq!(second["name"], first["name"]);
    assert_ne!(second["eTag"], first["eTag"]);
    let events = fixture.read("events").await;
    assert_eq!(events[0]["event"]["EventName"], "referral-created");
    assert_eq!(events[1]["event"]["EventName"], "referral-updated");
    assert_eq!(fixture.read("events/1").await, events[1]);

    assert_eq!(fixture.control(Method::DELETE, &path, None).await.0, 204);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(fixture.control(method, &path, None).await.0, 404);
    }
    let change = Some(json!({}));
    assert_eq!(fixture.control(Method::PATCH, &path, change).await.0, 404);
}

#[tokio::test]
async fn a_seeded_referral_is_there_exactly_so_and_unannounced() {
    let fixture = Fixture::start().await;
    let referral = json!({ "name": "Odd", "eTag": "\"1\"", "unheardOf": [1] });
    let (status, _) = fixture
        .control(Method::PUT, "referrals/some-id", Some(referral.clone()))
        .await;
    assert_eq!(status, 201);
    let mut expected = referral;
    expected["id"] = json!("some-id");
    assert_eq!(fixture.read("referrals/some-id").await, expected);
    assert_eq!(fixture.read("referrals").await, json!([expected]));
    assert_eq!(fixture.read("events").await, json!([]));
}

#[tokio::test]
async fn a_lead_is_entered_edited_and_deleted_by_a_seller() {
    let fixture = Fixture::start().await;
    let path = format!("leads/{LEAD}");
    let columns = json!({ "subject": "Fabrikam", "lastname": "Byron" });
    let (status, body) = fixture.control(Method::PUT, &path, Some(columns)).await;
    assert_eq!(status, 201, "{body}");
    let change = json!({ "jobtitle": "Head of plants" });
    let (status, _) = fixture.control(Method::PATCH, &path, Some(change)).await;
    assert_eq!(status, 204);
    let lead = fixture.read(&path).await;
    assert_eq!(lead["leadid"], LEAD);
    assert_eq!(lead["jobtitle"], "Head of plants");
    assert_eq!(fixture.read("leads").await.as_array().unwrap().len(), 1);
    assert_eq!(fixture.read(&format!("{path}/notes")).await, json!([]));

    let nonsense = json!({ "no_such_column": 1 });
    let (status, _) = fixture.control(Method::PATCH, &path, Some(nonsense)).await;
    assert_eq!(status, 400);
    assert_eq!(fixture.control(Method::DELETE, &path, None).await.0, 204);
    assert_eq!(fixture.control(Method::GET, &path, None).await.0, 404);
}

#[tokio::test]
async fn an_event_of_each_kind_is_genuine_only_when_signed() {
    let fixture = Fixture::start().await;
    let (url, mut received) = webhook().await;
    for (kind, genuine) in [
        ("signed", true),
        ("tampered", false),
        ("unsigned", false),
        ("wrong_key", false),
    ] {
        let event = json!({
            "kind": kind, "event": "referral-updated", "referral": "some-id", "url": url,
        });
        let (status, answers) = fixture.control(Method::POST, "events", Some(event)).await;
        assert_eq!(status, 200, "{answers}");
        assert_eq!(answers, json!([{ "status": 200, "body": "taken" }]));
        let (headers, body) = received.recv().await.unwrap();
        assert_eq!(
            is_genuine(&fixture, &headers, &body).await,
            genuine,
            "{kind}"
        );
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["EventName"], "referral-updated");
    }
    // The control API's own doings are not the connector's.
    let lines = fixture
        .sandbox
        .world()
        .requests
        .lines(Service::PartnerCenter);
    assert_eq!(lines, Vec::<String>::new());
}

#[tokio::test]
async fn a_registered_webhook_hears_of_changes_and_of_repeated_events() {
    let fixture = Fixture::start().await;
    let event =
        json!({ "kind": "signed", "event": "referral-updated", "referral": "x", "times": 3 });
    let (status, _) = fixture
        .control(Method::POST, "events", Some(event.clone()))
        .await;
    assert_eq!(status, 422, "nobody is registered");

    let (url, mut received) = webhook().await;
    let wanted = json!({ "url": url, "events": ["referral-created"] });
    let (status, _) = fixture
        .control(Method::PUT, "registration", Some(wanted))
        .await;
    assert_eq!(status, 204);
    let shown = json!({ "url": url, "events": ["referral-created"], "msSignature": false });
    assert_eq!(fixture.read("registration").await, shown);
    fixture
        .control(Method::POST, "referrals", Some(json!({})))
        .await;
    let first = tokio::time::timeout(Duration::from_secs(5), received.recv());
    let (headers, body) = first.await.unwrap().unwrap();
    assert!(is_genuine(&fixture, &headers, &body).await);

    let (_, answers) = fixture.control(Method::POST, "events", Some(event)).await;
    assert_eq!(answers.as_array().unwrap().len(), 3);
    let (first, _) = received.recv().await.unwrap();
    let (second, _) = received.recv().await.unwrap();
    assert_eq!(first["authorization"], second["authorization"]);

    fixture.control(Method::DELETE, "registration", None).await;
    assert_eq!(fixture.read("registration").await, Value::Null);
}
