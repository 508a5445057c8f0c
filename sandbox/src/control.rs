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
//! | GET | `/referrals` | | 200 array of referrals, as Partner Center sends them now |
//! | POST | `/referrals` | members of a referral, `{}` for none | 201 `{"id", "event"}`: a complete sample with a new id and these members; `referral-created` is raised |
//! | GET | `/referrals/{id}` | | 200 the referral |
//! | PUT | `/referrals/{id}` | a referral | 201, it is there exactly so; no event |
//! | PATCH | `/referrals/{id}` | a merge patch (RFC 7396) | 200 `{"event": n}`, a new version; `referral-updated` is raised |
//! | DELETE | `/referrals/{id}` | | 204, as if it had never been |
//! | GET | `/registration` | | 200 `{"url", "events", "msSignature"}`, or null |
//! | PUT | `/registration` | `{"url", "events": [name], "msSignature": bool}` | 204, events go there |
//! | DELETE | `/registration` | | 204, events go nowhere |
//! | GET | `/events` | | 200 array of [`crate::deliveries::Raised`], with every attempt |
//! | GET | `/events/{n}` | | 200 one of them |
//! | POST | `/events` | `{"kind": "signed", "tampered", "unsigned" or "wrong_key", "event": name, "referral": id, "times": n, "url": webhook}`, the last two optional | 200 array of `{"status", "body"}` or `{"error"}`, one for each copy sent (1000 at most) |
//! | GET | `/leads` | | 200 array of leads, every column |
//! | GET | `/leads/{id}` | | 200 the lead |
//! | PUT | `/leads/{id}` | columns | 201, a seller entered it |
//! | PATCH | `/leads/{id}` | columns | 204, a seller changed them |
//! | DELETE | `/leads/{id}` | | 204, a seller deleted it |
//! | GET | `/leads/{id}/notes` | | 200 array of the notes on its timeline |
//!
//! A fault is `{"service": name, "method": word, "pathContains": text, "times": n, "when": "before" or
//! "after", "effect": …}`; only service and effect are needed. An effect is `"cut"`, `"hang"`,
//! `"truncate"`, `{"delay": milliseconds}` or `{"status": {"code": n, "headers": {…}, "body": …}}`.
//!
//! An id that is not there gets 404, and columns that Dataverse refuses its status and message.
//! Services are named as in the answer to `GET /`. A body that cannot be read gets 400, 415 or 422
//! with the reason as text.

mod events;
mod leads;
mod loopback;
mod referrals;
mod time;
mod traffic;

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::State as Shared,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post, put},
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

/// A status and why, as text.
type Problem = (StatusCode, String);

fn not_found(kind: &str, id: &str) -> Problem {
    (StatusCode::NOT_FOUND, format!("there is no {kind} {id}"))
}

fn unprocessable(error: &anyhow::Error) -> Problem {
    (StatusCode::UNPROCESSABLE_ENTITY, format!("{error:#}"))
}

fn router(control: Control) -> Router {
    Router::new()
        .merge(steering())
        .merge(records())
        .layer(middleware::from_fn(loopback::only))
        .with_state(control)
}

/// The sandbox itself.
fn steering() -> Router<Control> {
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
        .route("/consent", post(consent).delete(revoke_consent))
}

/// What the services hold and send.
fn records() -> Router<Control> {
    let referral = get(referrals::read)
        .put(referrals::seed)
        .patch(referrals::edit)
        .delete(referrals::remove);
    let registration = get(referrals::registration)
        .put(referrals::register)
        .delete(referrals::unregister);
    let lead = get(leads::read)
        .put(leads::seed)
        .patch(leads::edit)
        .delete(leads::remove);
    Router::new()
        .route("/referrals", get(referrals::list).post(referrals::create))
        .route("/referrals/{id}", referral)
        .route("/registration", registration)
        .route("/events", get(events::list).post(events::post))
        .route("/events/{id}", get(events::read))
        .route("/leads", get(leads::list))
        .route("/leads/{id}", lead)
        .route("/leads/{id}/notes", get(leads::notes))
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
