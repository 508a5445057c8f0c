//! Partner Center: the engagements API and the webhook registration API.

use axum::Router;

use crate::world::SharedWorld;

/// Referrals and the webhook registration.
#[derive(Debug, Default)]
pub struct State {}

/// The service's routes.
pub fn router(world: SharedWorld) -> Router {
    Router::new().with_state(world)
}
