//! `/requests`, `/faults` and `/latency`.

use std::time::Duration;

use axum::{
    Json,
    extract::{Query, State as Shared},
    http::StatusCode,
};
use serde::Deserialize;

use super::Control;
use crate::{Fault, Record, Service};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    service: Option<Service>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Latency {
    milliseconds: u64,
}

pub(super) async fn requests(
    Shared(control): Shared<Control>,
    Query(asked): Query<Asked>,
) -> Json<Vec<Record>> {
    let log = &control.world.requests;
    Json(asked.service.map_or_else(|| log.all(), |it| log.of(it)))
}

pub(super) async fn clear_requests(Shared(control): Shared<Control>) -> StatusCode {
    control.world.requests.clear();
    StatusCode::NO_CONTENT
}

pub(super) async fn faults(Shared(control): Shared<Control>) -> Json<Vec<Fault>> {
    Json(control.world.faults.list())
}

pub(super) async fn add_fault(
    Shared(control): Shared<Control>,
    Json(fault): Json<Fault>,
) -> StatusCode {
    control.world.faults.add(fault);
    StatusCode::CREATED
}

pub(super) async fn clear_faults(Shared(control): Shared<Control>) -> StatusCode {
    control.world.faults.clear();
    StatusCode::NO_CONTENT
}

pub(super) async fn set_latency(
    Shared(control): Shared<Control>,
    Json(latency): Json<Latency>,
) -> StatusCode {
    let latency = Duration::from_millis(latency.milliseconds);
    control.world.faults.set_latency(latency);
    StatusCode::NO_CONTENT
}
