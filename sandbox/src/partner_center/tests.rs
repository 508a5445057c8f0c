mod listing;
mod referrals;
mod registration;

use jiff::SignedDuration;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::entra::{CLIENT_ID, PARTNER_API, PARTNER_CENTER_API, Subject, TENANT_ID};
use crate::{Sandbox, Service};

/// How the caller signed in.
#[derive(Clone, Copy)]
enum SignIn {
    SecondFactor,
    Password,
    AppOnly,
}

/// A caller of Partner Center over HTTPS.
struct Caller {
    sandbox: Sandbox,
    client: reqwest::Client,
}

/// An answer, read.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Caller {
    async fn start() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let ca = std::fs::read(sandbox.ca_file()).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()])
            .no_proxy()
            .build()
            .unwrap();
        Self { sandbox, client }
    }

    fn token(&self, resource: &str, sign_in: SignIn) -> String {
        let user = match sign_in {
            SignIn::SecondFactor => Some(("ada@sandbox.invalid", "Ada", true)),
            SignIn::Password => Some(("ada@sandbox.invalid", "Ada", false)),
            SignIn::AppOnly => None,
        };
        let subject = Subject {
            tenant: TENANT_ID,
            client: CLIENT_ID,
            object_id: "0b9d4f5e-2a7c-4f51-9e21-5d6c1f0a7b33",
            user,
        };
        let world = self.sandbox.world();
        let life = (world.clock.now(), SignedDuration::from_hours(1));
        let mut entra = world.entra.lock();
        entra.mint("test", &subject, resource, life).token
    }

    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let base = self.sandbox.url(Service::PartnerCenter);
        self.client.request(method, format!("{base}{path}"))
    }

    /// A request to the referral API, signed in as it wants.
    fn referrals(&self, method: Method, rest: &str) -> RequestBuilder {
        let token = self.token(PARTNER_API, SignIn::SecondFactor);
        self.bare(method, &format!("v1.0/engagements/referrals{rest}"))
            .bearer_auth(token)
    }

    /// A request to the registration API, signed in as it wants.
    fn registration(&self, method: Method, rest: &str) -> RequestBuilder {
        let token = self.token(PARTNER_CENTER_API, SignIn::SecondFactor);
        self.bare(method, &format!("webhooks/v1/registration{rest}"))
            .bearer_auth(token)
    }

    async fn patch(&self, id: &str, etag: Option<&str>, patch: Value) -> Answer {
        let request = self
            .referrals(Method::PATCH, &format!("/{id}"))
            .header("content-type", "application/json")
            .body(patch.to_string());
        let request = match etag {
            Some(etag) => request.header("if-match", etag),
            None => request,
        };
        send(request).await
    }

    async fn read(&self, id: &str) -> Answer {
        send(self.referrals(Method::GET, &format!("/{id}"))).await
    }

    fn seed(&self, referral: impl Into<Value>) -> String {
        let mut state = self.sandbox.world().partner_center.lock();
        state.seed_referral(referral).unwrap()
    }
}

async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer {
        status,
        headers,
        body: if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        },
    }
}
