//! The control API, as a script uses it.

use reqwest::Method;
use sandbox::{Service, entra::PARTNER_API, settings::REFRESH_TOKEN_SECRET};
use serde_json::{Value, json};

use crate::Fixture;

impl Fixture {
    /// A request to the control API; the answer is null when it has no body.
    pub(crate) async fn control(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let url = self.sandbox.control_url().join(path).unwrap();
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub(crate) async fn read(&self, path: &str) -> Value {
        let (status, body) = self.control(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

#[tokio::test]
async fn it_tells_where_everything_is() {
    let fixture = Fixture::start().await;
    let body = fixture.read("").await;
    assert_eq!(body["control"], fixture.sandbox.control_url().as_str());
    let dataverse = fixture.sandbox.url(Service::Dataverse);
    assert_eq!(body["services"]["dataverse"], dataverse.as_str());
    assert_eq!(body["settings"], json!(fixture.sandbox.settings()));
}

#[tokio::test]
async fn faults_are_added_met_and_cleared() {
    let fixture = Fixture::start().await;
    let fault = json!({
        "service": "dataverse",
        "pathContains": "/leads",
        "times": 2,
        "effect": { "status": { "code": 503, "headers": { "retry-after": "1" }, "body": { "a": 1 } } },
    });
    let (status, _) = fixture
        .control(Method::POST, "faults", Some(fault.clone()))
        .await;
    assert_eq!(status, 201);
    let leads = fixture.url(Service::Dataverse, "leads");
    let response = fixture.client.get(leads.clone()).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.text().await.unwrap(), r#"{"a":1}"#);

    let mut left = fault;
    left["times"] = json!(1);
    left["when"] = json!("before");
    assert_eq!(fixture.read("faults").await, json!([left]));
    fixture.control(Method::DELETE, "faults", None).await;
    let response = fixture.client.get(leads).send().await.unwrap();
    assert_ne!(response.status(), 503);

    let unknown = json!({ "service": "fax", "effect": "cut" });
    let (status, _) = fixture.control(Method::POST, "faults", Some(unknown)).await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn requests_are_read_by_service_and_forgotten() {
    let fixture = Fixture::start().await;
    fixture.app_token(PARTNER_API).await;
    let url = fixture.url(Service::KeyVault, "secrets/any");
    fixture.client.get(url).send().await.unwrap();

    assert_eq!(fixture.read("requests").await.as_array().unwrap().len(), 2);
    let records = fixture.read("requests?service=keyVault").await;
    assert_eq!(records[0]["path"], "/secrets/any");
    assert_eq!(records[0]["status"], 401);
    assert_eq!(records.as_array().unwrap().len(), 1);
    fixture.control(Method::DELETE, "requests", None).await;
    assert_eq!(fixture.read("requests").await, json!([]));
}

#[tokio::test]
async fn the_clock_moves_and_returns() {
    let fixture = Fixture::start().await;
    let forward = Some(json!({ "advanceSeconds": 86_400 }));
    let (status, body) = fixture.control(Method::POST, "clock", forward).await;
    assert_eq!((status, &body["offsetSeconds"]), (200, &json!(86_400)));
    assert_eq!(fixture.read("clock").await["offsetSeconds"], 86_400);
    let (_, body) = fixture.control(Method::DELETE, "clock", None).await;
    assert_eq!(body["offsetSeconds"], 0);
}

#[tokio::test]
async fn consent_is_withdrawn_and_given_again() {
    let fixture = Fixture::start().await;
    let stored = || {
        let vault = fixture.sandbox.world().key_vault.lock();
        vault.secret(REFRESH_TOKEN_SECRET).unwrap().to_owned()
    };
    let (status, _) = fixture.control(Method::DELETE, "consent", None).await;
    assert_eq!(status, 204);
    let (status, _) = fixture.refresh(&stored(), PARTNER_API).await;
    assert_eq!(status, 400);

    let (status, _) = fixture.control(Method::POST, "consent", None).await;
    assert_eq!(status, 201);
    let (status, _) = fixture.refresh(&stored(), PARTNER_API).await;
    assert_eq!(status, 200);
    let issued = json!([{ "grant": "refresh_token", "audience": PARTNER_API, "issued": 1 }]);
    assert_eq!(fixture.read("tokens").await, issued);
}

#[tokio::test]
async fn a_web_page_cannot_reach_it() {
    let fixture = Fixture::start().await;
    let port = fixture.sandbox.control_url().port().unwrap();
    for (name, value) in [
        ("host", "evil.invalid".to_owned()),
        ("host", format!("localhost.evil.invalid:{port}")),
        ("origin", "https://evil.invalid".to_owned()),
        ("origin", "null".to_owned()),
    ] {
        let url = fixture.sandbox.control_url().join("consent").unwrap();
        let request = fixture.client.post(url).header(name, &value);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 403, "{name}: {value}");
    }
    let host = format!("localhost:{port}");
    let request = fixture.client.get(fixture.sandbox.control_url().clone());
    let response = request.header("host", host).send().await.unwrap();
    assert_eq!(response.status(), 200);
}
