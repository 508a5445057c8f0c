//! The Web API over HTTPS, as any client meets it.

mod behaviour;
mod customization;
mod lists;
mod metadata;
mod preconditions;
mod values;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::State;
use crate::entra::{CLIENT_ID, CLIENT_SECRET, TENANT_ID};
use crate::{Sandbox, Service};

/// A sandbox and a client with a token for its organisation.
struct Organisation {
    sandbox: Sandbox,
    http: Client,
    token: String,
}

/// An answer, read whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    fn code(&self) -> String {
        let code = &self.json()["error"]["code"];
        code.as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> String {
        let value = self.headers.get(name);
        value.map_or_else(String::new, |it| it.to_str().unwrap().to_owned())
    }

    /// The status and the error code.
    fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.code())
    }
}

impl Organisation {
    async fn start() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let authority = std::fs::read(sandbox.ca_file()).unwrap();
        let http = Client::builder()
            .add_root_certificate(Certificate::from_pem(&authority).unwrap())
            .no_proxy()
            .build()
            .unwrap();
        let mut organisation = Self {
            sandbox,
            http,
            token: String::new(),
        };
        organisation.token = organisation.token_for(Service::Dataverse).await;
        organisation
    }

    /// A token of the connector's application for the audience `service`.
    async fn token_for(&self, service: Service) -> String {
        let url = self.sandbox.url(Service::Entra);
        let url = url.join(&format!("{TENANT_ID}/oauth2/v2.0/token")).unwrap();
        let scope = format!("{}.default", self.sandbox.url(service));
        let form = [
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("grant_type", "client_credentials"),
            ("scope", &scope),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = self.http.post(url).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let text = request.send().await.unwrap().text().await.unwrap();
        let token: Value = serde_json::from_str(&text).unwrap();
        token["access_token"].as_str().expect(&text).to_owned()
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("https://") {
            return path.to_owned();
        }
        format!(
            "{}api/data/v9.2/{path}",
            self.sandbox.url(Service::Dataverse)
        )
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, self.url(path));
        request = request.bearer_auth(&self.token);
        for (name, value) in headers {
            let name = HeaderName::from_static(name);
            request = request.header(name, HeaderValue::from_str(value).unwrap());
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json");
            request = request.body(body.to_string());
        }
        let response = request.send().await.unwrap();
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    async fn patch(&self, path: &str, headers: &[(&'static str, &str)], body: Value) -> Answer {
        self.send("PATCH", path, headers, Some(body)).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[], Some(body)).await
    }

    /// The organisation itself, to play its people.
    fn inside<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.sandbox.world().dataverse.lock())
    }

    fn seed(&self, columns: &Value) -> Uuid {
        let now = self.sandbox.world().clock.now();
        self.inside(|state| state.seed_lead(columns, now)).unwrap()
    }
}

fn lead(id: Uuid) -> String {
    format!("leads({id})")
}
