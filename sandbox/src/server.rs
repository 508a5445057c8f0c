//! Serves the routers: accept loop, TLS, request log, faults.

mod truncated;

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::{
    Json, Router,
    body::Body,
    http::{HeaderName, HeaderValue, Request, Response, StatusCode, header::DATE, request::Parts},
    response::IntoResponse as _,
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use openssl::ssl::{Ssl, SslAcceptor};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_openssl::SslStream;
use tower::ServiceExt as _;

use crate::{
    faults::{Effect, Fault, When},
    host, requests,
    world::{Service, SharedWorld},
};

const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// Put into a response's extensions, closes the connection instead of sending it.
#[derive(Clone, Copy, Debug)]
pub struct Cut;

/// A router, ready to accept connections.
pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) tls: Option<SslAcceptor>,
    /// The service that the router is, and the world whose log and faults its requests meet. The
    /// control API is none.
    pub(crate) observed: Option<(Service, SharedWorld)>,
}

/// Accepts connections until the task is aborted, which ends them too.
pub(crate) async fn serve(server: Server, listener: TcpListener) -> Infallible {
    let server = Arc::new(server);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(Arc::clone(&server), stream));
                }
                // Out of file descriptors, most likely: give them time to come back.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection. How it ends is the client's business: it sees the same end.
async fn connection(server: Arc<Server>, stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nodelay(true).context("set no delay")?;
    match &server.tls {
        None => exchange(server, stream).await,
        Some(acceptor) => {
            let mut stream = SslStream::new(Ssl::new(acceptor.context())?, stream)?;
            std::pin::Pin::new(&mut stream).accept().await?;
            exchange(server, stream).await
        }
    }
}

async fn exchange(
    server: Arc<Server>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> anyhow::Result<()> {
    let service = service_fn(move |request| {
        // A task of its own: a caller that hangs up does not stop a service half way.
        let answer = tokio::spawn(answer(Arc::clone(&server), request));
        async move {
            let response = answer.await.context("answer a request")?;
            match response.extensions().get::<Cut>() {
                Some(Cut) => Err(anyhow::anyhow!("connection cut")),
                None => Ok(response),
            }
        }
    });
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .context("serve a connection")
}

async fn answer(server: Arc<Server>, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        }
        Err(_) => return cut(),
    };
    match &server.observed {
        None => handle(&server.router, parts, body).await,
        Some((service, world)) => observe((*service, world), &server.router, parts, body).await,
    }
}

/// Logs the request and lets it meet its fault. The Functions host's own polling is not logged, and meets faults that
/// last only: those that are counted are meant for the app.
async fn observe(
    (service, world): (Service, &SharedWorld),
    router: &Router,
    parts: Parts,
    body: Bytes,
) -> Response<Body> {
    let (method, uri) = (&parts.method, &parts.uri);
    let target = uri.path_and_query().map_or("/", |it| it.as_str());
    if host::is_hosts_own(&parts.headers) {
        let fault = world.faults.lasting(service, method.as_str(), target);
        tokio::time::sleep(world.faults.latency()).await;
        return with_fault(router, fault, parts, body).await;
    }
    let request = (method, uri, &parts.headers);
    let record = requests::record(service, request, &body, world.clock.now());
    let id = world.requests.start(record);
    let fault = world.faults.take(service, method.as_str(), target);
    tokio::time::sleep(world.faults.latency()).await;
    let mut response = with_fault(router, fault, parts, body).await;
    let headers = response.headers_mut();
    headers
        .entry(DATE)
        .or_insert_with(|| date(world.clock.now()));
    let status = match response.extensions().get::<Cut>() {
        Some(Cut) => None,
        None => Some(response.status().as_u16()),
    };
    world.requests.finish(id, status, world.clock.now());
    response
}

/// The sandbox's own time: what a service stamps and what it says of its clock agree.
fn date(now: Timestamp) -> HeaderValue {
    let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::try_from(text).expect("a date is ASCII")
}

async fn with_fault(
    router: &Router,
    fault: Option<Fault>,
    parts: Parts,
    body: Bytes,
) -> Response<Body> {
    let Some(fault) = fault else {
        return handle(router, parts, body).await;
    };
    match (fault.when, fault.effect) {
        (When::Before, Effect::Delay(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            handle(router, parts, body).await
        }
        (When::After, Effect::Delay(milliseconds)) => {
            let response = handle(router, parts, body).await;
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            response
        }
        (_, Effect::Truncate) => truncated::truncate(handle(router, parts, body).await).await,
        (When::Before, effect) => instead(effect).await,
        (When::After, effect) => {
            handle(router, parts, body).await;
            instead(effect).await
        }
    }
}

async fn handle(router: &Router, parts: Parts, body: Bytes) -> Response<Body> {
    let request = Request::from_parts(parts, Body::from(body));
    match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn instead(effect: Effect) -> Response<Body> {
    match effect {
        Effect::Status {
            code,
            headers,
            body,
        } => told(code, headers, body),
        Effect::Cut => cut(),
        Effect::Hang => std::future::pending().await,
        Effect::Delay(_) | Effect::Truncate => {
            unreachable!("a late or broken answer is the service's own")
        }
    }
}

fn told(code: u16, headers: BTreeMap<String, String>, body: Value) -> Response<Body> {
    let mut response = match body {
        Value::Null => StatusCode::OK.into_response(),
        Value::String(text) => text.into_response(),
        json => Json(json).into_response(),
    };
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn cut() -> Response<Body> {
    let mut response = StatusCode::BAD_GATEWAY.into_response();
    response.extensions_mut().insert(Cut);
    response
}
