//! `/leads`.

use axum::{
    Json,
    extract::{Path, State as Shared},
    http::StatusCode,
};
use serde_json::Value;
use uuid::Uuid;

use super::{Control, Problem, not_found};
use crate::dataverse::Refusal;

pub(super) async fn list(Shared(control): Shared<Control>) -> Json<Vec<Value>> {
    Json(control.world.dataverse.lock().leads())
}

pub(super) async fn read(
    Shared(control): Shared<Control>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let uuid = parse(&id)?;
    let lead = control.world.dataverse.lock().lead(uuid);
    lead.map(Json).ok_or_else(|| not_found("lead", &id))
}

pub(super) async fn notes(
    Shared(control): Shared<Control>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Value>>, Problem> {
    let id = parse(&id)?;
    Ok(Json(control.world.dataverse.lock().notes(id)))
}

pub(super) async fn seed(
    Shared(control): Shared<Control>,
    Path(id): Path<String>,
    Json(mut columns): Json<Value>,
) -> Result<StatusCode, Problem> {
    let id = parse(&id)?;
    if let Some(members) = columns.as_object_mut() {
        members.insert("leadid".to_owned(), Value::from(id.to_string()));
    }
    let now = control.world.clock.now();
    let seeded = control.world.dataverse.lock().seed_lead(&columns, now);
    seeded.map_err(refused)?;
    Ok(StatusCode::CREATED)
}

pub(super) async fn edit(
    Shared(control): Shared<Control>,
    Path(id): Path<String>,
    Json(columns): Json<Value>,
) -> Result<StatusCode, Problem> {
    let id = parse(&id)?;
    let now = control.world.clock.now();
    let edited = control.world.dataverse.lock().edit_lead(id, &columns, now);
    edited.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(
    Shared(control): Shared<Control>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = parse(&id)?;
    let removed = control.world.dataverse.lock().delete_lead(id);
    removed.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse(id: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(id).map_err(|_| not_found("lead", id))
}

fn refused(refusal: Refusal) -> Problem {
    (refusal.status, refusal.message)
}
