//! `/referrals` and `/registration`.

use axum::{
    Json,
    extract::{Path, State as Shared},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Control, Problem, not_found, unprocessable};
use crate::partner_center::{self, ReferralBuilder, Registration};

pub(super) async fn list(Shared(control): Shared<Control>) -> Json<Vec<Value>> {
    Json(control.world.partner_center.lock().referrals())
}

pub(super) async fn read(
    Shared(control): Shared<Control>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let referral = control.world.partner_center.lock().referral(&id);
    referral.map(Json).ok_or_else(|| not_found("referral", &id))
}

/// Somebody sends a referral: a complete sample with a new id, changed as the body says.
pub(super) async fn create(
    Shared(control): Shared<Control>,
    Json(change): Json<Value>,
) -> Result<Response, Problem> {
    let mut referral = ReferralBuilder::new().build();
    partner_center::merge(&mut referral, &change);
    let (id, event) = control
        .world
        .create_referral(referral)
        .map_err(|it| unprocessable(&it))?;
    let body = Json(json!({ "id": id, "event": event }));
    Ok((StatusCode::CREATED, body).into_response())
}

pub(super) async fn seed(
    Shared(control): Shared<Control>,
    Path(id): Path<String>,
    Json(mut referral): Json<Value>,
) -> Result<StatusCode, Problem> {
    if let Some(members) = referral.as_object_mut() {
        members.insert("id".to_owned(), Value::from(id));
    }
    let mut partner_center = control.world.partner_center.lock();
    partner_center
        .seed_referral(referral)
        .map_err(|it| unprocessable(&it))?;
    Ok(StatusCode::CREATED)
}

pub(super) async fn edit(
    Shared(control): Shared<Control>,
    Path(id): Path<String>,
    Json(change): Json<Value>,
) -> Result<Json<Value>, Problem> {
    if control.world.partner_center.lock().referral(&id).is_none() {
        return Err(not_found("referral", &id));
    }
    let event = control
        .world
        .edit_referral(&id, &change)
        .map_err(|it| unprocessable(&it))?;
    Ok(Json(json!({ "event": event })))
}

pub(super) async fn remove(
    Shared(control): Shared<Control>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if control.world.partner_center.lock().remove(&id) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_found("referral", &id))
    }
}

/// A webhook registration, as it is put here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wanted {
    url: String,
    events: Vec<String>,
    #[serde(default)]
    ms_signature: bool,
}

pub(super) async fn registration(Shared(control): Shared<Control>) -> Json<Value> {
    let partner_center = control.world.partner_center.lock();
    Json(partner_center.registration().map_or(Value::Null, shown))
}

pub(super) async fn register(
    Shared(control): Shared<Control>,
    Json(wanted): Json<Wanted>,
) -> Result<StatusCode, Problem> {
    let url = Url::parse(&wanted.url).map_err(|it| unprocessable(&it.into()))?;
    let events: Vec<&str> = wanted.events.iter().map(String::as_str).collect();
    let mut partner_center = control.world.partner_center.lock();
    partner_center.register(url, &events, wanted.ms_signature);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn unregister(Shared(control): Shared<Control>) -> StatusCode {
    control.world.partner_center.lock().unregister();
    StatusCode::NO_CONTENT
}

fn shown(registration: &Registration) -> Value {
    json!({
        "url": registration.url.as_str(),
        "events": registration.events,
        "msSignature": registration.ms_signature,
    })
}
