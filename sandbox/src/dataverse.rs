//! Dataverse: the Web API of one organisation.

use axum::Router;

use crate::world::SharedWorld;

/// The organisation's rows and metadata.
#[derive(Debug, Default)]
pub struct State {}

/// The service's routes.
pub fn router(world: SharedWorld) -> Router {
    Router::new().with_state(world)
}
