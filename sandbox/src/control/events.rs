//! `/events`.

use std::time::Duration;

use anyhow::Context as _;
use axum::{
    Json,
    extract::{Path, State as Shared},
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Control, Problem, not_found, unprocessable};
use crate::{
    World,
    deliveries::{Delivery, Event, Raised, SignatureForm, SignatureHeader, send},
};

/// How long the webhook may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most copies of one event.
const MOST: u32 = 1000;

/// An event to send at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    kind: Kind,
    event: String,
    referral: String,
    #[serde(default = "once")]
    times: u32,
    url: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Signed,
    Tampered,
    Unsigned,
    WrongKey,
}

fn once() -> u32 {
    1
}

pub(super) async fn list(Shared(control): Shared<Control>) -> Json<Vec<Raised>> {
    Json(control.world.deliveries.lock().all().to_vec())
}

pub(super) async fn read(
    Shared(control): Shared<Control>,
    Path(id): Path<u64>,
) -> Result<Json<Raised>, Problem> {
    let raised = control.world.deliveries.lock().raised(id).cloned();
    raised
        .map(Json)
        .ok_or_else(|| not_found("event", &id.to_string()))
}

/// Sends copies of one delivery, one after another, each exactly once.
pub(super) async fn post(
    Shared(control): Shared<Control>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Vec<Value>>, Problem> {
    let world = &control.world;
    let url = target(world, wanted.url.as_deref()).map_err(|it| unprocessable(&it))?;
    let event = Event::referral(&wanted.event, &wanted.referral, world.clock.now());
    let delivery = delivery(world, wanted.kind, &event).map_err(|it| unprocessable(&it))?;
    let mut answers = Vec::new();
    for _ in 0..wanted.times.min(MOST) {
        answers.push(match send(&delivery, &url, PATIENCE).await {
            Ok(answer) => json!({ "status": answer.status, "body": answer.body }),
            Err(error) => json!({ "error": format!("{error:#}") }),
        });
    }
    Ok(Json(answers))
}

/// Where to send: `url`, or else the registered webhook.
fn target(world: &World, url: Option<&str>) -> anyhow::Result<Url> {
    if let Some(url) = url {
        return Url::parse(url).with_context(|| format!("read the url {url}"));
    }
    let partner_center = world.partner_center.lock();
    let registration = partner_center.registration();
    let registration = registration.context("no webhook is registered: name a url")?;
    Ok(registration.url.clone())
}

fn delivery(world: &World, kind: Kind, event: &Event) -> anyhow::Result<Delivery> {
    match kind {
        Kind::Signed => world.delivery(event),
        Kind::Tampered => Ok(world.delivery(event)?.tampered()),
        Kind::Unsigned => {
            let url = world.certificates.lock().signer_url();
            Ok(Delivery::unsigned(event.body(), &url))
        }
        Kind::WrongKey => {
            let certificates = world.certificates.lock();
            let stranger = certificates.authority().signer().role("stranger").build()?;
            let place = (SignatureHeader::default(), SignatureForm::default());
            Delivery::signed(event.body(), &stranger, &certificates.signer_url(), place)
        }
    }
}
