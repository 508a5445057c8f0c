//! The managed identity endpoint.

use jiff::Timestamp;
use sandbox::{Service, entra::VAULT, identity};
use serde_json::Value;

use crate::{Fixture, claims, text};

async fn ask(fixture: &Fixture, header: &str, query: &[(&str, &str)]) -> (u16, Value) {
    let mut url = fixture.url(Service::Identity, identity::PATH);
    url.query_pairs_mut().extend_pairs(query);
    let response = fixture
        .client
        .get(url)
        .header("x-identity-header", header)
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    (status, crate::json(&response.text().await.unwrap()))
}

#[tokio::test]
async fn the_app_gets_a_token_whose_end_is_a_string_of_seconds() {
    let fixture = Fixture::start().await;
    let settings = fixture.sandbox.settings();
    assert!(settings["IDENTITY_ENDPOINT"].starts_with("http://127.0.0.1:"));
    let query = [("api-version", "2019-08-01"), ("resource", VAULT)];
    let (status, body) = ask(&fixture, &settings["IDENTITY_HEADER"], &query).await;
    assert_eq!(status, 200, "{body}");
    let ends: i64 = text(&body, "expires_on").parse().unwrap();
    assert!(ends > Timestamp::now().as_second() + 3600);
    assert_eq!(body["token_type"], "Bearer");
    let claims = claims(&text(&body, "access_token"));
    assert_eq!(claims["aud"], VAULT);
    assert_eq!(claims["exp"], ends);
    assert_eq!(claims["appid"], identity::CLIENT_ID);
}

#[tokio::test]
async fn another_process_gets_nothing() {
    let fixture = Fixture::start().await;
    let query = [("api-version", "2019-08-01"), ("resource", VAULT)];
    assert_eq!(ask(&fixture, "guess", &query).await.0, 401);
}

#[tokio::test]
async fn an_incomplete_request_or_an_unassigned_identity_is_refused() {
    let fixture = Fixture::start().await;
    let header = fixture.sandbox.settings()["IDENTITY_HEADER"].clone();
    let version = ("api-version", "2019-08-01");
    let resource = ("resource", VAULT);
    let mine = ("client_id", "0a0a0a0a-1111-2222-3333-444444444444");
    for query in [
        &[resource][..],
        &[version],
        &[("api-version", "2018-02-01"), resource],
        &[version, resource, mine],
        &[version, ("resource", "https://nowhere.invalid")],
    ] {
        assert_eq!(ask(&fixture, &header, query).await.0, 400, "{query:?}");
    }
    fixture.sandbox.world().identity.lock().assign(mine.1);
    let (status, body) = ask(&fixture, &header, &[version, resource, mine]).await;
    assert_eq!((status, &body["client_id"]), (200, &Value::from(mine.1)));
}
