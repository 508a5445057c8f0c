//! Invocations that go out as JSON: `POST /{FunctionName}`, chunked.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::connection::{self, Dial};
use super::console::Level;
use super::envelope::{self, Delivery, QueueMessage, Tick};
use super::function::{Function, Trigger};
use super::invocation::{Invocation, Outcome, judge};
use super::worker::State;
use super::{HOST_VERSION, INVOCATION_ID, Shared, VERSION_HEADER};
use crate::world::lock;

/// How long an invocation that comes early waits for the handler before the host gives up.
pub(super) const DISPATCH_WAIT: Duration = Duration::from_mins(2);

/// Runs a timer function.
pub(super) async fn timer(host: &Arc<Shared>, name: &str, tick: &Tick) -> Result<Invocation> {
    let function = find(host, name)?;
    let Trigger::Timer { use_monitor, .. } = function.trigger else {
        bail!(
            "{name} is started by {:?}, not by a timer",
            function.trigger
        );
    };
    let now = Timestamp::now();
    let envelope = envelope::timer(function, use_monitor, tick, now);
    let invocation = run(host, function, &envelope).await?;
    // The status moves on after a failed run too.
    lock(&host.last_runs).insert(function.name.clone(), now);
    Ok(invocation)
}

/// Runs a queue function with a message that was just taken from no queue at all.
pub(super) async fn queue(
    host: &Arc<Shared>,
    name: &str,
    message: &QueueMessage,
) -> Result<Invocation> {
    let function = find(host, name)?;
    if !matches!(function.trigger, Trigger::Queue { .. }) {
        bail!(
            "{name} is started by {:?}, not by a queue",
            function.trigger
        );
    }
    let hidden = Timestamp::now().saturating_add(SignedDuration::from_mins(10));
    let delivery = Delivery {
        message: message.clone(),
        receipt: Uuid::new_v4().to_string(),
        expires: None,
        visible: hidden.context("count from now")?,
    };
    deliver(host, function, &delivery).await
}

/// Runs a queue function with a message.
pub(super) async fn deliver(
    host: &Arc<Shared>,
    function: &Function,
    delivery: &Delivery,
) -> Result<Invocation> {
    let envelope = envelope::queue(function, delivery, Timestamp::now());
    run(host, function, &envelope).await
}

fn find<'a>(host: &'a Shared, name: &str) -> Result<&'a Function> {
    let refused = host
        .app
        .refused
        .iter()
        .find(|refusal| refusal.function == name);
    match (host.app.function(name), refused) {
        (Some(function), _) => Ok(function),
        (None, Some(refusal)) => bail!("{name} was not indexed: {}", refusal.reason),
        (None, None) => bail!("the app has no function {name:?}"),
    }
}

async fn run(host: &Arc<Shared>, function: &Function, envelope: &Value) -> Result<Invocation> {
    let (invocation, _) = invoke(host, function, envelope).await?;
    host.record(function, &invocation);
    Ok(invocation)
}

/// Sends the envelope and judges the answer, whose JSON comes along.
pub(super) async fn invoke(
    host: &Arc<Shared>,
    function: &Function,
    envelope: &Value,
) -> Result<(Invocation, Value)> {
    let id = Uuid::new_v4();
    let port = host.port().await?;
    let answer = within(host, function, post(port, &function.name, id, envelope)).await;
    let failed = |outcome| Invocation {
        id,
        outcome,
        status: None,
        body: Bytes::new(),
        logs: Vec::new(),
    };
    let (status, headers, body) = match answer {
        None => return Ok((failed(Outcome::TimedOut), Value::Null)),
        Some(Err(error)) => {
            return Ok((failed(Outcome::Failed(format!("{error:#}"))), Value::Null));
        }
        Some(Ok(answer)) => answer,
    };
    let (outcome, json) = judge(status, &headers, &body);
    if matches!(outcome, Outcome::Hung(_)) {
        // The real host waits out the function's timeout before it does the same.
        host.worker()?.restart().await?;
    }
    let logs = json["Logs"].as_array().into_iter().flatten();
    let logs = logs
        .filter_map(|line| line.as_str().map(str::to_owned))
        .collect();
    Ok((
        Invocation {
            id,
            outcome,
            status: Some(status),
            body,
            logs,
        },
        json,
    ))
}

/// Bounds a call by `functionTimeout`. When that is over the handler is killed with everything it is doing.
pub(super) async fn within<T>(
    host: &Arc<Shared>,
    function: &Function,
    call: impl Future<Output = T>,
) -> Option<T> {
    let Some(bound) = host.app.config.function_timeout else {
        return Some(call.await);
    };
    if let Ok(answer) = tokio::time::timeout(bound, call).await {
        return Some(answer);
    }
    let text = format!(
        "Timeout value of {bound:?} was exceeded by function: Functions.{}",
        function.name
    );
    host.console.host(Level::Error, text);
    if let Some(worker) = &host.worker {
        // Fails only when the host is ending.
        drop(worker.restart().await);
    }
    None
}

async fn post(
    port: u16,
    name: &str,
    id: Uuid,
    envelope: &Value,
) -> Result<(StatusCode, HeaderMap, Bytes)> {
    let request = Request::post(format!("/{name}"))
        .header(header::HOST, format!("127.0.0.1:{port}"))
        .header(
            header::USER_AGENT,
            format!("Azure-Functions-Host/{HOST_VERSION}"),
        )
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .header(VERSION_HEADER, HOST_VERSION)
        .header(INVOCATION_ID, id.to_string())
        .body(Chunked(Some(Bytes::from(envelope.to_string()))))
        .context("write the invocation")?;
    let response = connection::dial(port, Dial::Once)
        .await?
        .send(request)
        .await?;
    let (parts, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .context("read the handler's answer")?
        .to_bytes();
    Ok((parts.status, parts.headers, body))
}

impl Shared {
    /// The handler's port, once it has answered; also of one that is gone without the host's knowledge.
    pub(super) async fn port(&self) -> Result<u16> {
        let settled = self
            .worker()?
            .wait_for(|state| state != State::Starting, DISPATCH_WAIT)
            .await?;
        match settled {
            State::Running { port, .. } | State::Zombie { port } => Ok(port),
            other => bail!("Function host is not running: it is {other:?}"),
        }
    }

    /// Writes down how a run ended, as the host does.
    pub(super) fn record(&self, function: &Function, invocation: &Invocation) {
        for line in &invocation.logs {
            self.console.host(
                Level::Information,
                format!("Function.{}.User: {line}", function.name),
            );
        }
        let name = format!(
            "Executed 'Functions.{}' (Id={})",
            function.name, invocation.id
        );
        match &invocation.outcome {
            Outcome::Succeeded => self
                .console
                .host(Level::Information, format!("{name}: Succeeded")),
            Outcome::Failed(reason) | Outcome::Hung(reason) => {
                self.console
                    .host(Level::Error, format!("{name}: Failed, {reason}"));
            }
            Outcome::TimedOut => self
                .console
                .host(Level::Error, format!("{name}: Failed, timed out")),
        }
    }
}

/// A body of unknown length, which HTTP/1.1 carries in chunks.
struct Chunked(Option<Bytes>);

impl Body for Chunked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }
}
