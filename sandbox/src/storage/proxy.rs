//! Hands requests on to Azurite as they came.

use axum::{
    body::Body,
    http::{HeaderName, Request, Response, StatusCode, Uri, header},
    response::IntoResponse as _,
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::time::Duration;
use url::Url;

/// Shorter than Azurite keeps a connection that nobody uses.
const IDLE: Duration = Duration::from_secs(30);
/// What concerns one connection only.
const HOP_BY_HOP: [HeaderName; 3] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::TRANSFER_ENCODING,
];

/// The way to one service of Azurite.
#[derive(Clone)]
pub(super) struct Proxy {
    client: Client<HttpConnector, Full<Bytes>>,
    authority: String,
}

impl Proxy {
    /// To the service at `address`.
    pub(super) fn new(address: &Url) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE)
                .build(connector),
            authority: address.authority().to_owned(),
        }
    }

    /// The answer of Azurite, or 502 with the reason why there is none.
    pub(super) async fn answer(&self, request: Request<Bytes>) -> Response<Body> {
        match self.forward(request).await {
            Ok(response) => response,
            Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
        }
    }

    async fn forward(&self, request: Request<Bytes>) -> anyhow::Result<Response<Body>> {
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", |it| it.as_str());
        parts.uri = Uri::builder()
            .scheme("http")
            .authority(&*self.authority)
            .path_and_query(target)
            .build()?;
        for name in &HOP_BY_HOP {
            parts.headers.remove(name);
        }
        let request = Request::from_parts(parts, Full::new(body));
        let (mut parts, body) = self.client.request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        for name in &HOP_BY_HOP {
            parts.headers.remove(name);
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}
