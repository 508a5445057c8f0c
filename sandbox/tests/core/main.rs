//! The sandbox's core, met as the connector meets it: over HTTPS, trusting only its own authority.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

mod azure_sdk;
mod control;
mod entra;
mod identity;
mod key_vault;
mod keys;
mod records;
mod sign_in;
mod wire;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sandbox::{
    Sandbox, Service,
    entra::{CLIENT_ID, CLIENT_SECRET, TENANT_ID},
};
use serde_json::Value;

/// A client that trusts the sandbox and nobody else, and follows no redirects.
fn client(sandbox: &Sandbox) -> reqwest::Client {
    let pem = std::fs::read(sandbox.ca_file()).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap()
}

/// A sandbox with a client for it.
struct Fixture {
    sandbox: Sandbox,
    client: reqwest::Client,
}

impl Fixture {
    async fn start() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let client = client(&sandbox);
        Self { sandbox, client }
    }

    fn url(&self, service: Service, path: &str) -> url::Url {
        self.sandbox.url(service).join(path).unwrap()
    }

    fn refresh_token(&self) -> String {
        let world = self.sandbox.world();
        let now = world.clock.now();
        world.entra.lock().issue_refresh_token(now)
    }

    /// Posts `form` to a token endpoint.
    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let response = self
            .client
            .post(self.url(Service::Entra, path))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        (status, json(&response.text().await.unwrap()))
    }

    /// Posts `form`, with the connector's id and secret, to the v2 endpoint.
    async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let mut form = form.to_vec();
        for (name, value) in [("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)] {
            if !form.iter().any(|(it, _)| *it == name) {
                form.push((name, value));
            }
        }
        self.post(&format!("{TENANT_ID}/oauth2/v2.0/token"), &form)
            .await
    }

    /// Uses a refresh token for `audience`.
    async fn refresh(&self, token: &str, audience: &str) -> (u16, Value) {
        let scope = format!("{audience}/.default offline_access");
        self.token(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("scope", &scope),
        ])
        .await
    }

    /// An app-only token for `audience`.
    async fn app_token(&self, audience: &str) -> String {
        let scope = format!("{audience}/.default");
        let (status, body) = self
            .token(&[("grant_type", "client_credentials"), ("scope", &scope)])
            .await;
        assert_eq!(status, 200, "{body}");
        text(&body, "access_token")
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn text(body: &Value, name: &str) -> String {
    body[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} in {body}"))
        .to_owned()
}

/// The claims of a JWT.
fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
