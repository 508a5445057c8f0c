//! What every service has in common: TLS, the request log, faults.

use std::time::{Duration, Instant};

use sandbox::{Effect, Fault, Sandbox, Service, entra::VAULT};
use serde_json::json;

use crate::{Fixture, client};

#[tokio::test]
async fn every_service_answers_and_is_logged() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    for service in Service::ALL {
        let url = sandbox.url(service).join("nothing/here?a=b").unwrap();
        assert_eq!(url.host_str(), Some("127.0.0.1"));
        let response = client.get(url).bearer_auth("secret").send().await.unwrap();
        let [record] = &sandbox.world().requests.of(service)[..] else {
            panic!("{service}: one request");
        };
        assert_eq!(record.line(), "GET /nothing/here");
        assert_eq!(record.query.as_deref(), Some("a=b"));
        assert_eq!(record.headers["authorization"], "Bearer");
        assert_eq!(record.status, Some(response.status().as_u16()));
        assert!(record.finished.unwrap() >= record.started);
    }
}

#[tokio::test]
async fn a_client_that_does_not_know_the_authority_refuses_the_connection() {
    let sandbox = Sandbox::start().await.unwrap();
    let error = reqwest::get(sandbox.url(Service::Dataverse))
        .await
        .unwrap_err();
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn a_status_fault_answers_as_told_and_is_used_up() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    let url = sandbox.url(Service::Dataverse).join("some/leads").unwrap();
    let faults = &sandbox.world().faults;
    faults.add(
        Fault::new(Service::Dataverse, Effect::throttled(7))
            .method("patch")
            .path("/leads")
            .times(1),
    );

    let other = client.get(url.clone()).send().await.unwrap();
    assert_ne!(other.status(), 429);
    let hit = client.patch(url.clone()).send().await.unwrap();
    assert_eq!(hit.status(), 429);
    assert_eq!(hit.headers()["retry-after"], "7");
    let later = client.patch(url).send().await.unwrap();
    assert_ne!(later.status(), 429);
    assert_eq!(faults.list(), []);
}

#[tokio::test]
async fn a_cut_connection_gives_no_answer_at_all() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    let faults = &sandbox.world().faults;
    faults.add(Fault::new(Service::Dataverse, Effect::Cut));
    let error = client
        .get(sandbox.url(Service::Dataverse))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    let records = sandbox.world().requests.of(Service::Dataverse);
    assert_eq!(records[0].status, None);

    faults.clear();
    client
        .get(sandbox.url(Service::Dataverse))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_delay_holds_the_answer_back() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    let delay = Fault::new(Service::Dataverse, Effect::Delay(300));
    sandbox.world().faults.add(delay.times(1));
    let start = Instant::now();
    client
        .get(sandbox.url(Service::Dataverse))
        .send()
        .await
        .unwrap();
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_truncated_answer_is_the_services_own_as_far_as_it_goes() {
    let fixture = Fixture::start().await;
    let truncate = Fault::new(Service::KeyVault, Effect::Truncate).times(1);
    fixture.sandbox.world().faults.add(truncate);
    let url = fixture.url(Service::KeyVault, "secrets/any");
    let response = fixture.client.get(url.clone()).send().await.unwrap();
    assert_eq!(response.status(), 401);
    let error = response.text().await.unwrap_err();
    assert!(error.is_body() || error.is_decode(), "{error:?}");

    let whole = fixture.client.get(url).send().await.unwrap();
    crate::json(&whole.text().await.unwrap());
}

#[tokio::test]
async fn a_hanging_service_is_given_up_on_by_the_client() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    let faults = &sandbox.world().faults;
    faults.add(Fault::new(Service::Dataverse, Effect::Hang));
    let error = client
        .get(sandbox.url(Service::Dataverse))
        .timeout(Duration::from_millis(200))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(sandbox.world().requests.all()[0].finished, None);
}

#[tokio::test]
async fn a_dropped_sandbox_closes_its_ports() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    let url = sandbox.url(Service::Dataverse);
    client.get(url.clone()).send().await.unwrap();
    let ca_file = sandbox.ca_file().to_owned();
    drop(sandbox);
    let closed = async {
        while client.get(url.clone()).send().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), closed)
        .await
        .unwrap();
    assert!(!ca_file.exists());
}

/// Writes `value` to the vault, as far as the client can tell.
async fn write(fixture: &Fixture, token: &str, value: &str) -> reqwest::Result<u16> {
    let url = fixture.url(Service::KeyVault, "secrets/name?api-version=7.4");
    let request = fixture.client.put(url).bearer_auth(token);
    let body = format!(r#"{{"value":"{value}"}}"#);
    Ok(request.body(body).send().await?.status().as_u16())
}

#[tokio::test]
async fn a_fault_before_the_service_leaves_the_world_as_it_was_and_one_after_it_does_not() {
    let fixture = Fixture::start().await;
    let token = fixture.app_token(VAULT).await;
    let world = fixture.sandbox.world();
    let value = || world.key_vault.lock().secret("name").map(str::to_owned);
    let fault = |effect| Fault::new(Service::KeyVault, effect).method("PUT").times(1);

    world.faults.add(fault(Effect::Cut));
    assert!(write(&fixture, &token, "lost").await.is_err());
    assert_eq!(value(), None);

    world.faults.add(fault(Effect::Cut).after());
    assert!(write(&fixture, &token, "kept").await.is_err());
    assert_eq!(value().as_deref(), Some("kept"));

    world.faults.add(fault(Effect::status(503)).after());
    assert_eq!(write(&fixture, &token, "also kept").await.unwrap(), 503);
    assert_eq!(value().as_deref(), Some("also kept"));

    let statuses: Vec<_> = world
        .requests
        .of(Service::KeyVault)
        .iter()
        .map(|it| (it.body.clone(), it.status))
        .collect();
    let body = |value: &str| Some(json!({ "value": value }));
    let expected = [
        (body("lost"), None),
        (body("kept"), None),
        (body("also kept"), Some(503)),
    ];
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn a_request_whose_client_hung_up_is_carried_out() {
    let fixture = Fixture::start().await;
    let token = fixture.app_token(VAULT).await;
    let world = fixture.sandbox.world();
    world.faults.set_latency(Duration::from_millis(300));
    let impatient = write(&fixture, &token, "kept");
    let impatient = tokio::time::timeout(Duration::from_millis(100), impatient);
    assert!(impatient.await.is_err());
    let written = async {
        while world.key_vault.lock().secret("name").is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), written)
        .await
        .unwrap();
}
