//! The managed identity endpoint that App Service gives an app: plain HTTP, a secret header, version
//! `2019-08-01` of its protocol.

use std::collections::BTreeSet;

use axum::{
    Json, Router,
    extract::{Query, State as Shared},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::get,
};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use crate::{
    entra::{Subject, TENANT_ID},
    world::{Service, SharedWorld},
};

/// The endpoint's path: `IDENTITY_ENDPOINT` is the service's URL with it.
pub const PATH: &str = "msi/token";

/// The client id of the identity the platform assigned.
pub const CLIENT_ID: &str = "1d3a7e0f-9c52-4b68-a1d4-7f06e5c3b298";

/// That identity's object id.
pub const OBJECT_ID: &str = "e2b6f5c4-08a1-4d97-b3ce-5a9d1f7042e6";

const API_VERSION: &str = "2019-08-01";

/// The service's routes.
pub fn router(world: SharedWorld) -> Router {
    Router::new()
        .route(&format!("/{PATH}"), get(token))
        .with_state(world)
}

/// The identities of the one app, and the header that proves a caller is that app.
#[derive(Debug)]
pub struct State {
    header: String,
    user_assigned: BTreeSet<String>,
    token_life: SignedDuration,
}

impl Default for State {
    fn default() -> Self {
        Self {
            header: uuid::Uuid::new_v4().simple().to_string().to_uppercase(),
            user_assigned: BTreeSet::new(),
            token_life: SignedDuration::from_hours(24),
        }
    }
}

impl State {
    /// What `X-IDENTITY-HEADER` must be: `IDENTITY_HEADER` of the app.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// Replaces the header's value, as the platform does when it moves the app.
    pub fn set_header(&mut self, header: &str) {
        header.clone_into(&mut self.header);
    }

    /// Assigns one more identity, asked for by `client_id`.
    pub fn assign(&mut self, client_id: &str) {
        self.user_assigned.insert(client_id.to_owned());
    }

    /// How long tokens issued from now on live.
    pub fn set_token_life(&mut self, life: SignedDuration) {
        self.token_life = life;
    }

    /// The client ids of all identities.
    pub(crate) fn applications(&self) -> BTreeSet<uuid::Uuid> {
        let ids = self.user_assigned.iter().map(String::as_str);
        ids.chain([CLIENT_ID])
            .filter_map(|id| uuid::Uuid::try_parse(id).ok())
            .collect()
    }

    fn identity<'a>(&self, client_id: Option<&'a str>) -> Option<&'a str> {
        match client_id {
            None => Some(CLIENT_ID),
            Some(id) => (id == CLIENT_ID || self.user_assigned.contains(id)).then_some(id),
        }
    }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "api-version")]
    api_version: Option<String>,
    resource: Option<String>,
    client_id: Option<String>,
}

async fn token(
    Shared(world): Shared<SharedWorld>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    let (life, client) = {
        let identity = world.identity.lock();
        let given = headers.get("x-identity-header");
        if given.is_none_or(|it| it != identity.header.as_str()) {
            return refusal(
                StatusCode::UNAUTHORIZED,
                "Invalid or missing X-IDENTITY-HEADER.",
            );
        }
        let client = identity.identity(asked.client_id.as_deref());
        (identity.token_life, client.map(str::to_owned))
    };
    if asked.api_version.as_deref() != Some(API_VERSION) {
        return refusal(
            StatusCode::BAD_REQUEST,
            "Unsupported or missing api-version.",
        );
    }
    let Some(resource) = asked.resource.filter(|it| !it.is_empty()) else {
        return refusal(StatusCode::BAD_REQUEST, "Missing parameter: resource.");
    };
    let Some(client) = client else {
        let text = "No User Assigned or Delegated Managed Identity found for specified \
                    ClientId/ResourceId/PrincipalId.";
        return refusal(StatusCode::BAD_REQUEST, text);
    };
    granted(&world, &resource, &client, life)
}

fn granted(world: &SharedWorld, resource: &str, client: &str, life: SignedDuration) -> Response {
    let mut entra = world.entra.lock();
    if !entra.knows(resource) {
        let text = format!(
            "AADSTS500011: The resource principal named {resource} was not found in the tenant \
             named {TENANT_ID}."
        );
        return refusal(StatusCode::BAD_REQUEST, &text);
    }
    let subject = Subject {
        tenant: TENANT_ID,
        client,
        object_id: OBJECT_ID,
        user: None,
    };
    let minted = entra.mint(
        "managed_identity",
        &subject,
        resource,
        (world.clock.now(), life),
    );
    Json(json!({
        "access_token": minted.token,
        "client_id": client,
        "expires_on": minted.expires.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    }))
    .into_response()
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let body = json!({ "statusCode": status.as_u16(), "message": message });
    (status, Json(body)).into_response()
}

/// `IDENTITY_ENDPOINT` and `IDENTITY_HEADER` of the app.
pub(crate) fn settings(world: &SharedWorld) -> [(&'static str, String); 2] {
    let endpoint = format!("{}{PATH}", world.url(Service::Identity));
    let header = world.identity.lock().header.clone();
    [("IDENTITY_ENDPOINT", endpoint), ("IDENTITY_HEADER", header)]
}
