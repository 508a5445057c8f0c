//! The control API: a sandbox in the hands of a person, a script, or a test in another language.
//!
//! JSON over plain HTTP on a loopback port of its own ([`crate::Sandbox::control_url`]). Its requests
//! are not in the request log and meet no faults. A request whose `Host`, or `Origin` if it has one,
//! is not a loopback address is refused with 403, so that no web page can reach it.
//!
//! | method | path | body | answer |
//! |---|---|---|---|
//! | GET | `/` | | 200 `{"services": {name: URL}, "control": URL, "settings": {name: value}}` |
//! | GET | `/requests?service=` | | 200 array of [`crate::Record`], oldest first; all services without `service` |
//! | DELETE | `/requests` | | 204, the log is empty |
//! | GET | `/faults` | | 200 array of [`crate::Fault`], with what is left of each |
//! | POST | `/faults` | a [`crate::Fault`] | 201, in force behind those already there |
//! | DELETE | `/faults` | | 204, none in force |
//! | PUT | `/latency` | `{"milliseconds": n}` | 204, the least time of every answer |
//! | GET | `/clock` | | 200 `{"now": time, "offsetSeconds": n}` |
//! | POST | `/clock` | `{"advanceSeconds": n}`, negative to go back | 200 as GET |
//! | DELETE | `/clock` | | 200 as GET, the real time again |
//! | GET | `/tokens` | | 200 array of `{"grant", "audience", "issued"}` |
//! | POST | `/consent` | | 201 `{"secret": name}`: the user consented, the vault's secret holds the new refresh token |
//! | DELETE | `/consent` | | 204, every refresh token so far is revoked |
//!
//! Services are named as in the answer to `GET /`. A body that cannot be read gets 400, 415 or 422
//! with the reason as text.

mod loopback;
mod time;
mod traffic;

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::State as Shared,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, put},
};
use serde_json::{Value, json};
use url::Url;

use crate::{
    server::Server,
    settings::{Paths, REFRESH_TOKEN_SECRET, settings},
    world::{Service, SharedWorld},
};

/// What the control API acts on and tells about.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) world: SharedWorld,
    pub(crate) url: Url,
    pub(crate) paths: Paths,
}

impl Control {
    /// The API, ready to accept connections.
    pub(crate) fn server(self) -> Server {
        Server {
            router: router(self),
            tls: None,
            observed: None,
        }
    }
}

fn router(control: Control) -> Router {
    Router::new()
        .route("/", get(describe))
        .route(
            "/requests",
            get(traffic::requests).delete(traffic::clear_requests),
        )
        .route(
            "/faults",
            get(traffic::faults)
                .post(traffic::add_fault)
                .delete(traffic::clear_faults),
        )
        .route("/latency", put(traffic::set_latency))
        .route(
            "/clock",
            get(time::read).post(time::advance).delete(time::reset),
        )
        .route("/tokens", get(tokens))
        .route(
            "/consent",
            axum::routing::post(consent).delete(revoke_consent),
        )
        .layer(middleware::from_fn(loopback::only))
        .with_state(control)
}

async fn describe(Shared(control): Shared<Control>) -> Json<Value> {
    let services: BTreeMap<Service, &str> = Service::ALL
        .into_iter()
        .map(|service| (service, control.world.url(service).as_str()))
        .collect();
    Json(json!({
        "services": services,
        "control": control.url.as_str(),
        "settings": settings(&control.world, &control.paths),
    }))
}

async fn tokens(Shared(control): Shared<Control>) -> Json<Value> {
    let entra = control.world.entra.lock();
    let counts = entra
        .counts()
        .iter()
        .map(|((grant, audience), issued)| {
            json!({ "grant": grant, "audience": audience, "issued": issued })
        })
        .collect();
    Json(Value::Array(counts))
}

async fn consent(Shared(control): Shared<Control>) -> Response {
    let world = &control.world;
    let now = world.clock.now();
    let token = world.entra.lock().issue_refresh_token(now);
    world
        .key_vault
        .lock()
        .put(REFRESH_TOKEN_SECRET, &token, now);
    let body = Json(json!({ "secret": REFRESH_TOKEN_SECRET }));
    (StatusCode::CREATED, body).into_response()
}

async fn revoke_consent(Shared(control): Shared<Control>) -> StatusCode {
    let now = control.world.clock.now();
    control.world.entra.lock().revoke_refresh_tokens(now);
    StatusCode::NO_CONTENT
}
