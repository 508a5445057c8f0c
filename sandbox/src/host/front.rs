//! The host's public side: routes, keys, and the wire form each call takes to the handler.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::console::Level;
use super::envelope::{self, Tick};
use super::function::{Access, Function, Trigger};
use super::worker::State;
use super::{KEY_HEADER, Shared, Wire, forwarding, paths, proxying, routes, runs};

type Answer = Response<UnsyncBoxBody<Bytes, hyper::Error>>;

/// Accepts connections until the task is aborted, which ends them too.
pub(super) async fn serve(host: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, peer)) = listener.accept() => {
                connections.spawn(connection(Arc::clone(&host), stream, peer));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(host: Arc<Shared>, stream: TcpStream, peer: SocketAddr) -> Result<()> {
    stream.set_nodelay(true).context("set no delay")?;
    let service = service_fn(|request| {
        let host = Arc::clone(&host);
        async move { Ok::<_, Infallible>(answer(&host, peer, request).await) }
    });
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .context("serve a connection")
}

async fn answer(host: &Arc<Shared>, peer: SocketAddr, request: Request<Incoming>) -> Answer {
    if host.state() == State::Stopped {
        return text(
            StatusCode::SERVICE_UNAVAILABLE,
            "Function host is not running.",
        );
    }
    let path = paths::decode(request.uri().path());
    if path == "/" && request.method() == Method::GET {
        return text(
            StatusCode::OK,
            "Your Functions host stand-in is up and running.",
        );
    }
    if let Some(name) = path.strip_prefix("/admin/functions/") {
        return manual_run(host, name, &request);
    }
    let Some(function) = routes::find(&host.app, request.method(), &path) else {
        return text(StatusCode::NOT_FOUND, "");
    };
    if !admits(host, function, &request) {
        return text(StatusCode::UNAUTHORIZED, "");
    }
    call(host, function, peer, request).await
}

/// `POST /admin/functions/{name}` with the master key starts a function by hand and answers 202 at once.
fn manual_run(host: &Arc<Shared>, name: &str, request: &Request<Incoming>) -> Answer {
    if host.keys.enforced && key(request).as_deref() != Some(&*host.keys.master) {
        return text(StatusCode::UNAUTHORIZED, "");
    }
    match host.app.function(name) {
        Some(Function {
            name,
            trigger: Trigger::Timer { .. },
            ..
        }) if request.method() == Method::POST => {
            let (host, name) = (Arc::clone(host), name.clone());
            tokio::spawn(async move {
                if let Err(error) = runs::timer(&host, &name, &Tick::default()).await {
                    host.console
                        .host(Level::Error, format!("failed to run {name}: {error:#}"));
                }
            });
            text(StatusCode::ACCEPTED, "")
        }
        _ => text(StatusCode::NOT_FOUND, ""),
    }
}

fn admits(host: &Shared, function: &Function, request: &Request<Incoming>) -> bool {
    let Trigger::Http { access, .. } = function.trigger else {
        return false;
    };
    let key = key(request);
    let is_master = key.as_deref() == Some(&*host.keys.master);
    match access {
        _ if !host.keys.enforced => true,
        Access::Anonymous => true,
        Access::Function => is_master || key.as_deref() == Some(&*host.keys.function),
        Access::Admin => is_master,
    }
}

/// The header wins over the query.
fn key(request: &Request<Incoming>) -> Option<String> {
    if let Some(value) = request.headers().get(KEY_HEADER) {
        return value.to_str().ok().map(str::to_owned);
    }
    let query = request.uri().query()?.as_bytes();
    url::form_urlencoded::parse(query)
        .find(|(name, _)| name == "code")
        .map(|(_, value)| value.into_owned())
}

async fn call(
    host: &Arc<Shared>,
    function: &Function,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Answer {
    let Ok(port) = host.port().await else {
        return text(
            StatusCode::SERVICE_UNAVAILABLE,
            "Function host is not running.",
        );
    };
    let id = Uuid::new_v4();
    let config = &host.app.config;
    let answer = if function.http_in_and_out && config.proxying && host.wire == Wire::Proxying {
        let call = proxying::call(request, port, peer.ip(), id);
        runs::within(host, function, call)
            .await
            .map(|answer| answer.map(|answer| answer.map(http_body_util::BodyExt::boxed_unsync)))
    } else if function.http_in_and_out && config.forwarding {
        // The host does not tell its handler that the caller has gone: the call goes on.
        let call = tokio::spawn(forwarding::call(request, port, id));
        let call = async {
            call.await
                .context("forward the call")?
                .map(|answer| answer.map(in_memory))
        };
        runs::within(host, function, call).await
    } else {
        Some(as_json(host, function, request).await)
    };
    match answer {
        Some(Ok(answer)) => answer,
        Some(Err(error)) => {
            host.console.host(
                Level::Error,
                format!("Executed 'Functions.{}': Failed, {error:#}", function.name),
            );
            text(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
        None => text(StatusCode::INTERNAL_SERVER_ERROR, ""),
    }
}

/// The call as an envelope, its answer taken from the `http` output binding.
async fn as_json(
    host: &Arc<Shared>,
    function: &Function,
    request: Request<Incoming>,
) -> Result<Answer> {
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .context("read the request's body")?
        .to_bytes();
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let url = host
        .url
        .join(target)
        .context("write the request's address")?;
    let envelope = envelope::http(function, url.as_str(), &parts, &body, Timestamp::now());
    let (invocation, json) = runs::invoke(host, function, &envelope).await?;
    host.record(function, &invocation);
    if !invocation.succeeded() {
        return Ok(text(StatusCode::INTERNAL_SERVER_ERROR, ""));
    }
    let output = match function.http_output.as_deref() {
        None => return Ok(text(StatusCode::NO_CONTENT, "")),
        Some("$return") => &json["ReturnValue"],
        Some(name) => &json["Outputs"][name],
    };
    from_output(output)
}

/// `{statusCode|status, headers, body}`; anything else is the body itself.
fn from_output(output: &Value) -> Result<Answer> {
    let status = output.get("statusCode").or_else(|| output.get("status"));
    let code = match status {
        Some(Value::String(code)) => code.parse().context("read statusCode")?,
        Some(code) => code
            .as_u64()
            .and_then(|code| u16::try_from(code).ok())
            .context("read statusCode")?,
        None => 200,
    };
    let is_described = status.is_some() || output.get("body").is_some();
    let body = match if is_described {
        &output["body"]
    } else {
        output
    } {
        Value::Null => String::new(),
        Value::String(body) => body.clone(),
        other => other.to_string(),
    };
    let mut answer = Response::builder().status(code);
    for (name, value) in output["headers"].as_object().into_iter().flatten() {
        answer = answer.header(name, value.as_str().unwrap_or_default());
    }
    answer
        .body(in_memory(Full::from(body)))
        .context("write the answer")
}

fn text(status: StatusCode, body: &'static str) -> Answer {
    let mut answer = Response::new(in_memory(Full::from(body)));
    *answer.status_mut() = status;
    answer
}

fn in_memory(body: Full<Bytes>) -> UnsyncBoxBody<Bytes, hyper::Error> {
    body.map_err(|never| match never {}).boxed_unsync()
}
