//! Hands requests on to Azurite as they came.

use axum::{
    Router,
    extract::{Request, State as Shared},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use http_body_util::BodyExt as _;
use url::Url;

use super::link::Link;
use crate::world::SharedWorld;

/// The blob service.
pub(crate) fn blobs(world: &SharedWorld) -> Router {
    router(&world.storage.account.blobs)
}

/// The queue service.
pub(crate) fn queues(world: &SharedWorld) -> Router {
    router(&world.storage.account.queues)
}

fn router(service: &Url) -> Router {
    Router::new()
        .fallback(answer)
        .with_state(Link::new(service))
}

/// Azurite's answer, or 502 with the reason why there is none.
async fn answer(Shared(link): Shared<Link>, request: Request) -> Response {
    match forward(&link, request).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

async fn forward(link: &Link, request: Request) -> anyhow::Result<Response> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let answer = link.send(Request::from_parts(parts, body)).await?;
    Ok(answer.map(axum::body::Body::from))
}
