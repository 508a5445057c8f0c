//! Serves the routers: accept loop, TLS, request log, faults.

use std::{convert::Infallible, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header, request::Parts},
    response::IntoResponse as _,
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
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
    requests,
    world::{Service, SharedWorld},
};

const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// Put into a response's extensions, closes the connection instead of sending it.
#[derive(Clone, Copy, Debug)]
pub struct Cut;

/// One service, ready to accept connections.
pub(crate) struct Server {
    pub(crate) service: Service,
    pub(crate) world: SharedWorld,
    pub(crate) router: Router,
    pub(crate) tls: Option<SslAcceptor>,
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
    let started = server.world.clock.now();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        }
        Err(_) => return cut(),
    };
    let (method, uri) = (&parts.method, &parts.uri);
    let record = requests::record(
        server.service,
        (method, uri, &parts.headers),
        &body,
        started,
    );
    let id = server.world.requests.start(record);
    let target = uri.path_and_query().map_or("/", |it| it.as_str());
    let fault = server
        .world
        .faults
        .take(server.service, method.as_str(), target);
    let response = with_fault(&server, fault, parts, body).await;
    let status = match response.extensions().get::<Cut>() {
        Some(Cut) => None,
        None => Some(response.status().as_u16()),
    };
    server
        .world
        .requests
        .finish(id, status, server.world.clock.now());
    response
}

async fn with_fault(
    server: &Server,
    fault: Option<Fault>,
    parts: Parts,
    body: Bytes,
) -> Response<Body> {
    tokio::time::sleep(server.world.faults.latency()).await;
    let Some(fault) = fault else {
        return handle(server, parts, body).await;
    };
    match (fault.when, fault.effect) {
        (When::Before, Effect::Delay(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            handle(server, parts, body).await
        }
        (When::After, Effect::Delay(milliseconds)) => {
            let response = handle(server, parts, body).await;
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            response
        }
        (When::Before, effect) => instead(effect).await,
        (When::After, effect) => {
            handle(server, parts, body).await;
            instead(effect).await
        }
    }
}

async fn handle(server: &Server, parts: Parts, body: Bytes) -> Response<Body> {
    let request = Request::from_parts(parts, Body::from(body));
    match server.router.clone().oneshot(request).await {
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
        } => {
            let mut response = match body {
                Value::Null => StatusCode::OK.into_response(),
                Value::String(text) => text.into_response(),
                json => (
                    [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
                    json.to_string(),
                )
                    .into_response(),
            };
            *response.status_mut() =
                StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            for (name, value) in headers {
                if let (Ok(name), Ok(value)) = (
                    header::HeaderName::from_bytes(name.as_bytes()),
                    header::HeaderValue::from_str(&value),
                ) {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
        Effect::Cut => cut(),
        Effect::Hang => std::future::pending().await,
        Effect::Delay(_) => unreachable!("a delay keeps the service's own answer"),
    }
}

fn cut() -> Response<Body> {
    let mut response = StatusCode::BAD_GATEWAY.into_response();
    response.extensions_mut().insert(Cut);
    response
}
