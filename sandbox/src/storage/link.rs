//! The way to one service of Azurite, or to the proxy in front of it: plain HTTP with connections that are used again.

use std::time::Duration;

use anyhow::Context as _;
use axum::http::{HeaderName, Request, Response, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use url::Url;

/// Shorter than Azurite keeps a connection that nobody uses.
const IDLE: Duration = Duration::from_secs(30);
/// What concerns one connection only.
const HOP_BY_HOP: [HeaderName; 3] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::TRANSFER_ENCODING,
];

/// The way to one host and port.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    client: Client<HttpConnector, Full<Bytes>>,
    authority: String,
}

impl Link {
    /// To the host and port of `address`.
    pub(crate) fn new(address: &Url) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE)
                .build(connector),
            authority: address.authority().to_owned(),
        }
    }

    /// Sends `request`, whatever host its address names, and gives the whole answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
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
        let response = self.client.request(request).await;
        let (mut parts, body) = response.context("call the storage account")?.into_parts();
        let body = body.collect().await;
        let body = body.context("read the storage account's answer")?;
        for name in &HOP_BY_HOP {
            parts.headers.remove(name);
        }
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}
