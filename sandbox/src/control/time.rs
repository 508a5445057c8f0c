//! `/clock`.

use axum::{Json, extract::State as Shared};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Control;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Advance {
    advance_seconds: i64,
}

pub(super) async fn read(Shared(control): Shared<Control>) -> Json<Value> {
    let clock = &control.world.clock;
    Json(json!({
        "now": clock.now().to_string(),
        "offsetSeconds": clock.offset().as_secs(),
    }))
}

pub(super) async fn advance(
    Shared(control): Shared<Control>,
    Json(advance): Json<Advance>,
) -> Json<Value> {
    let by = SignedDuration::from_secs(advance.advance_seconds);
    control.world.clock.advance(by);
    read(Shared(control)).await
}

pub(super) async fn reset(Shared(control): Shared<Control>) -> Json<Value> {
    control.world.clock.reset();
    read(Shared(control)).await
}
