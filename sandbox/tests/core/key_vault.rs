//! Key Vault: the challenge, versions, and every refusal.

use jiff::SignedDuration;
use reqwest::{Method, Response};
use sandbox::{
    Options, Sandbox, Service,
    entra::{PARTNER_API, STORAGE, TENANT_ID, VAULT},
    settings::REFRESH_TOKEN_SECRET,
};
use serde_json::{Value, json};

use crate::{Fixture, client, text};

const VERSION: &str = "api-version=2025-07-01";

struct Vault {
    fixture: Fixture,
    token: String,
}

impl Vault {
    async fn start() -> Self {
        let fixture = Fixture::start().await;
        let token = fixture.app_token(VAULT).await;
        Self { fixture, token }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = self.fixture.url(Service::KeyVault, path);
        let mut request = self
            .fixture
            .client
            .request(method, url)
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, crate::json(&response.text().await.unwrap()))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send(Method::GET, &format!("{path}?{VERSION}"), None)
            .await
    }

    async fn set(&self, name: &str, value: &str) -> (u16, Value) {
        let path = format!("secrets/{name}?{VERSION}");
        self.send(Method::PUT, &path, Some(json!({ "value": value })))
            .await
    }
}

fn challenge(response: &Response) -> &str {
    response.headers()["www-authenticate"].to_str().unwrap()
}

#[tokio::test]
async fn a_request_without_a_token_is_told_where_to_get_one() {
    let fixture = Fixture::start().await;
    let url = fixture.url(Service::KeyVault, "secrets/any/?api-version=2025-07-01");
    let response = fixture.client.get(url).send().await.unwrap();
    assert_eq!(response.status(), 401);
    let authority = fixture.url(Service::Entra, TENANT_ID);
    assert_eq!(
        challenge(&response),
        format!("Bearer authorization=\"{authority}\", resource=\"{VAULT}\"")
    );
}

#[tokio::test]
async fn a_token_for_another_resource_or_past_its_end_is_challenged_again() {
    let mut vault = Vault::start().await;
    let stale = vault.token.clone();
    for audience in [PARTNER_API, STORAGE] {
        vault.token = vault.fixture.app_token(audience).await;
        assert_eq!(vault.get("secrets/any").await.0, 401);
    }
    vault.token = stale;
    assert_eq!(vault.get("secrets/any").await.0, 404);
    let clock = &vault.fixture.sandbox.world().clock;
    clock.advance(SignedDuration::from_hours(2));
    assert_eq!(vault.get("secrets/any").await.0, 401);
}

#[tokio::test]
async fn a_written_secret_is_read_by_name_and_by_version() {
    let vault = Vault::start().await;
    let (status, first) = vault.set("greeting", "hello").await;
    assert_eq!(status, 200, "{first}");
    let (_, second) = vault.set("Greeting", "good day").await;
    assert_ne!(first["id"], second["id"]);
    assert_eq!(first["attributes"]["enabled"], true);
    assert_eq!(
        first["attributes"]["recoveryLevel"],
        "Recoverable+Purgeable"
    );

    for path in ["secrets/greeting", "secrets/GREETING/"] {
        let (_, read) = vault.get(path).await;
        assert_eq!(read["value"], "good day");
    }
    let first_id = url::Url::parse(&text(&first, "id")).unwrap();
    let (_, read) = vault.get(first_id.path()).await;
    assert_eq!(read, first);

    let (_, versions) = vault.get("secrets/greeting/versions").await;
    assert_eq!(versions["value"].as_array().unwrap().len(), 2);
    assert_eq!(versions["value"][0].get("value"), None);
    assert_eq!(versions["nextLink"], Value::Null);
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let vault = Vault::start().await;
    for value in ["1", "2", "3"] {
        vault.set("counter", value).await;
    }
    let path = format!("secrets/counter/versions?{VERSION}&maxresults=2");
    let (_, page) = vault.send(Method::GET, &path, None).await;
    assert_eq!(page["value"].as_array().unwrap().len(), 2);
    let (_, page) = vault
        .send(Method::GET, &text(&page, "nextLink"), None)
        .await;
    assert_eq!(page["value"].as_array().unwrap().len(), 1);
    assert_eq!(page["nextLink"], Value::Null);
}

#[tokio::test]
async fn a_new_sandbox_holds_the_refresh_token_unless_told_otherwise() {
    let vault = Vault::start().await;
    let (_, read) = vault.get(&format!("secrets/{REFRESH_TOKEN_SECRET}")).await;
    let token = text(&read, "value");
    assert_eq!(vault.fixture.refresh(&token, PARTNER_API).await.0, 200);

    let options = Options {
        consented: false,
        ..Options::default()
    };
    let sandbox = Sandbox::start_with(options).await.unwrap();
    let client = client(&sandbox);
    let fixture = Fixture { sandbox, client };
    let token = fixture.app_token(VAULT).await;
    let vault = Vault { fixture, token };
    let (status, body) = vault.get(&format!("secrets/{REFRESH_TOKEN_SECRET}")).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (404, &json!("SecretNotFound"))
    );
}

#[tokio::test]
async fn reading_and_writing_are_forbidden_separately() {
    let vault = Vault::start().await;
    vault.set("name", "value").await;
    let state = &vault.fixture.sandbox.world().key_vault;

    state.lock().forbid_set(true);
    let (status, body) = vault.set("name", "other").await;
    assert_eq!(status, 403, "{body}");
    assert_eq!(body["error"]["code"], "Forbidden");
    assert_eq!(body["error"]["innererror"]["code"], "ForbiddenByRbac");
    assert_eq!(vault.get("secrets/name").await.1["value"], "value");

    state.lock().forbid_set(false);
    state.lock().forbid_get(true);
    assert_eq!(vault.get("secrets/name").await.0, 403);
    assert_eq!(vault.set("name", "other").await.0, 200);
    assert_eq!(state.lock().secret("name"), Some("other"));
}

#[tokio::test]
async fn a_disabled_secret_is_not_read() {
    let vault = Vault::start().await;
    vault.set("name", "value").await;
    vault
        .fixture
        .sandbox
        .world()
        .key_vault
        .lock()
        .enable("name", false);
    let (status, body) = vault.get("secrets/name").await;
    assert_eq!(status, 403);
    assert_eq!(body["error"]["innererror"]["code"], "SecretDisabled");
}

#[tokio::test]
async fn a_malformed_request_is_a_bad_parameter() {
    let vault = Vault::start().await;
    let put = |path: &str, body: Value| {
        let path = path.to_owned();
        let vault = &vault;
        async move { vault.send(Method::PUT, &path, Some(body)).await }
    };
    let good = json!({ "value": "x" });
    let answers = [
        put("secrets/name", good.clone()).await,
        put("secrets/name?api-version=1.0", good.clone()).await,
        put(&format!("secrets/na_me?{VERSION}"), good).await,
        put(&format!("secrets/name?{VERSION}"), json!({})).await,
        vault.set("name", &"x".repeat(25 * 1024 + 1)).await,
    ];
    for (status, body) in answers {
        assert_eq!(
            (status, &body["error"]["code"]),
            (400, &json!("BadParameter"))
        );
    }
}
