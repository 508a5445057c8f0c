//! Hands requests on to Azurite as they came, and those with a token signed by the account's key instead: Azurite does
//! not know who issued it, this sandbox does.

use axum::{
    Router,
    extract::{Request, State as Shared},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use http_body_util::BodyExt as _;
use url::Url;

use super::{client::http_date, link::Link, signature};
use crate::{
    entra::STORAGE,
    world::{SharedWorld, World},
};

const DATE: HeaderName = HeaderName::from_static("x-ms-date");

/// The blob service.
pub(crate) fn blobs(world: &SharedWorld) -> Router {
    Router::new()
        .fallback(as_it_came)
        .with_state(Link::new(&world.storage.account.blobs))
}

/// The queue service.
pub(crate) fn queues(world: &SharedWorld) -> Router {
    Router::new()
        .fallback(as_it_came)
        .with_state(Link::new(&world.storage.account.queues))
}

/// The blob service for a listener with TLS: only there are tokens taken.
pub(crate) fn secure_blobs(world: &SharedWorld) -> Router {
    secure(world, &world.storage.account.blobs)
}

/// The queue service for a listener with TLS: only there are tokens taken.
pub(crate) fn secure_queues(world: &SharedWorld) -> Router {
    secure(world, &world.storage.account.queues)
}

fn secure(world: &SharedWorld, service: &Url) -> Router {
    let state = (Link::new(service), SharedWorld::clone(world));
    Router::new()
        .fallback(with_token_or_as_it_came)
        .with_state(state)
}

async fn as_it_came(Shared(link): Shared<Link>, request: Request) -> Response {
    answer(&link, request).await
}

async fn with_token_or_as_it_came(
    Shared((link, world)): Shared<(Link, SharedWorld)>,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    if has_token(&parts.headers) {
        if let Err(refused) = world.authorize(&parts.headers, STORAGE) {
            return refused.into_response();
        }
        if let Err(error) = sign(&world, &mut parts) {
            return (StatusCode::BAD_REQUEST, format!("{error:#}")).into_response();
        }
    }
    answer(&link, Request::from_parts(parts, body)).await
}

fn has_token(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::AUTHORIZATION)
        .map(HeaderValue::as_bytes);
    value.is_some_and(|value| value.starts_with(b"Bearer "))
}

/// Puts the account's own signature in the place of the token.
fn sign(world: &World, parts: &mut Parts) -> anyhow::Result<()> {
    let headers = &mut parts.headers;
    if !headers.contains_key(DATE) {
        headers.insert(DATE, HeaderValue::from_str(&http_date())?);
    }
    let account = &world.storage.account;
    let target = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    let url = account.blobs.join(target)?;
    let value = signature::shared_key(&account.credentials, &parts.method, &url, headers);
    headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&value)?);
    Ok(())
}

/// Azurite's answer, or 502 with the reason why there is none.
async fn answer(link: &Link, request: Request) -> Response {
    match forward(link, request).await {
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
