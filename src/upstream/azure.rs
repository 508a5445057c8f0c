//! The Azure SDK's clients on our HTTP client, with our limits and our record of calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::HeaderName;
use azure_core::http::{
    AsyncRawResponse, ClientOptions, ExponentialRetryOptions, HttpClient, Request, RetryOptions,
};
use futures_util::StreamExt;
use http::StatusCode;
use tokio::time::Instant;

use super::Upstream;
use super::calls::{self, CallRecord};
use super::pace::{NoTurn, Pace};
use super::retry;
use super::transport::Transport;
use super::wire::LONGEST_WAIT;
use crate::trace::SpanId;

/// Repeats within one operation of an SDK client; the SDK's own default can go on for more than a minute.
pub(crate) const REPEATS: u32 = 2;
/// The wait before the first repeat; doubles with each one.
pub(crate) const FIRST_REPEAT: Duration = Duration::from_millis(250);
/// How long a request may wait for its turn where the work around it has no deadline.
const TURN_LIMIT: Duration = Duration::from_secs(10);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

/// What one request may cost.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// How long it may take until its answer begins.
    attempt: Duration,
    /// The most that is read of its answer, in bytes.
    body: usize,
}

impl Limits {
    const fn of(upstream: Upstream) -> Self {
        match upstream {
            // It answers in milliseconds, and can be asked again. A full take of messages is the longest answer.
            Upstream::Storage => Self {
                attempt: Duration::from_secs(5),
                body: 16 * 1024 * 1024,
            },
            // Secrets and tokens have a few thousand bytes.
            _ => Self {
                attempt: Duration::from_secs(20),
                body: 1024 * 1024,
            },
        }
    }
}

/// What the SDK's own errors lose: the status and the wait of the last answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastAnswer {
    /// `None` when there was no answer.
    pub(crate) status: Option<StatusCode>,
    /// How long it asked us to wait.
    pub(crate) retry_after: Option<Duration>,
    /// Whether it has the number that the storage services give every request.
    pub(crate) has_request_id: bool,
}

/// Sends the SDK's requests, and remembers what came back.
#[derive(Debug)]
pub(crate) struct AzureHttp {
    client: reqwest::Client,
    pace: Arc<Pace>,
    upstream: Upstream,
    operation: &'static str,
    seen: Mutex<(u32, LastAnswer)>,
}

impl AzureHttp {
    /// For one operation at `upstream`.
    pub(crate) fn new(
        transport: &Transport,
        upstream: Upstream,
        operation: &'static str,
    ) -> Arc<Self> {
        Arc::new(Self {
            client: transport.client().clone(),
            pace: Arc::clone(transport.pace()),
            upstream,
            operation,
            seen: Mutex::default(),
        })
    }

    /// The options of an SDK client that sends through this.
    pub(crate) fn options(self: &Arc<Self>) -> ClientOptions {
        let seconds = azure_core::time::Duration::seconds;
        ClientOptions {
            transport: Some(azure_core::http::Transport::new(Arc::<Self>::clone(self))),
            retry: RetryOptions::exponential(ExponentialRetryOptions {
                initial_delay: FIRST_REPEAT.try_into().expect("a quarter of a second"),
                max_retries: REPEATS,
                max_total_elapsed: seconds(10),
                max_delay: seconds(4),
            }),
            ..ClientOptions::default()
        }
    }

    /// How many requests were sent.
    pub(crate) fn attempts(&self) -> u32 {
        self.seen().0
    }

    /// The last answer that came, or none.
    pub(crate) fn last_answer(&self) -> LastAnswer {
        self.seen().1
    }

    /// Nothing was sent: the SDK gives up, and the wait that was asked for is remembered as if it had been answered.
    fn no_turn(&self, why: &NoTurn) -> azure_core::Error {
        let NoTurn::Paused(after) = why else {
            return azure_core::Error::with_message(ErrorKind::Other, "too many requests wait");
        };
        self.seen().1.retry_after = Some(*after);
        azure_core::Error::with_message(ErrorKind::Other, "it asked to be left alone")
    }

    fn seen(&self) -> MutexGuard<'_, (u32, LastAnswer)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl HttpClient for AzureHttp {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let deadline = retry::deadline(TURN_LIMIT);
        let turn = self.pace.turn(self.upstream, deadline).await;
        let _turn = turn.map_err(|why| self.no_turn(&why))?;
        let started = Instant::now();
        let limits = Limits::of(self.upstream);
        let sending = self.client.execute_request(request);
        let result = tokio::time::timeout(limits.attempt, sending)
            .await
            .unwrap_or_else(|_| Err(too_late()));
        let answer = result.as_ref().map_or_else(
            |_| LastAnswer::default(),
            |response| LastAnswer {
                status: StatusCode::from_u16(response.status().into()).ok(),
                retry_after: retry_after(response),
                has_request_id: response.headers().get_optional_str(&REQUEST_ID).is_some(),
            },
        );
        if let Some(wait) = answer.retry_after {
            self.pace.pause(self.upstream, wait);
        }
        let attempt = {
            let mut seen = self.seen();
            *seen = (seen.0 + 1, answer);
            seen.0
        };
        calls::append([CallRecord {
            upstream: self.upstream,
            operation: self.operation,
            status: answer.status.map(|it| it.as_u16()),
            began: started,
            elapsed: started.elapsed(),
            attempt,
            span: SpanId::random(),
        }]);
        bounded(result?, limits.body).await
    }
}

/// No answer began in time: as if the connection were lost, so that the SDK repeats the request.
fn too_late() -> azure_core::Error {
    azure_core::Error::with_message(ErrorKind::Io, "no answer in time")
}

/// `response` with its body read. The SDK itself would read on for as long as bytes come.
async fn bounded(response: AsyncRawResponse, limit: usize) -> azure_core::Result<AsyncRawResponse> {
    let (status, headers, mut stream) = response.deconstruct();
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        if body.len() + chunk.len() > limit {
            let text = format!("the answer is longer than {limit} bytes");
            return Err(azure_core::Error::with_message(ErrorKind::Other, text));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(AsyncRawResponse::from_bytes(status, headers, body))
}

fn retry_after(response: &AsyncRawResponse) -> Option<Duration> {
    let seconds = response
        .headers()
        .get_optional_str(&azure_core::http::headers::RETRY_AFTER)?;
    let asked = seconds.trim().parse().ok().map(Duration::from_secs)?;
    Some(asked.min(LONGEST_WAIT))
}
