//! Application Insights: takes telemetry and keeps it to be looked at. Local authentication is off, so that a key alone is
//! not enough.

use axum::{
    Json, Router,
    extract::State as Shared,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Service, SharedWorld, World};

/// Whose tokens are taken.
pub const AUDIENCE: &str = "https://monitor.azure.com/";

/// The service's routes.
pub fn router(world: SharedWorld) -> Router {
    let track = post(track);
    Router::new().route("/v2.1/track", track).with_state(world)
}

/// The resource, and what was sent to it.
#[derive(Debug)]
pub struct State {
    key: Uuid,
    items: Vec<Value>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            key: Uuid::new_v4(),
            items: Vec::new(),
        }
    }
}

impl State {
    /// Every item, in order of arrival.
    pub fn items(&self) -> Vec<Value> {
        self.items.clone()
    }
}

impl World {
    /// The settings that have a connector send its traces here.
    pub fn insights_settings(&self) -> [(&'static str, String); 2] {
        let endpoint = self.url(Service::Insights);
        let key = self.insights.lock().key;
        let connection = format!("InstrumentationKey={key};IngestionEndpoint={endpoint}");
        [
            ("APPLICATIONINSIGHTS_CONNECTION_STRING", connection),
            (
                "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
                "Authorization=AAD".to_owned(),
            ),
        ]
    }
}

async fn track(
    Shared(world): Shared<SharedWorld>,
    headers: HeaderMap,
    Json(items): Json<Vec<Value>>,
) -> Response {
    if let Err(refused) = world.authorize(&headers, AUDIENCE) {
        return refused.into_response();
    }
    let mut insights = world.insights.lock();
    let received = items.len();
    let key = insights.key.to_string();
    let known = |item: &Value| item["iKey"] == *key && item["data"]["baseData"]["ver"] == 2;
    let accepted: Vec<Value> = items.into_iter().filter(known).collect();
    let status = if accepted.len() == received {
        StatusCode::OK
    } else {
        StatusCode::PARTIAL_CONTENT
    };
    let told = json!({ "itemsReceived": received, "itemsAccepted": accepted.len(), "errors": [] });
    insights.items.extend(accepted);
    (status, Json(told)).into_response()
}
