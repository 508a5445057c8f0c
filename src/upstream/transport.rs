//! Sends requests to upstreams: one HTTP client, deadlines, bounded repeats, shared `Retry-After`.

mod reply;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::debug;
use url::Url;

pub use reply::Reply;

use super::Upstream;
use super::calls::{self, CallRecord};
use super::error::CallError;
use super::pace::{NoTurn, Pace, Turn};
use super::retry::{self, RetryPolicy};
use crate::credentials::{AccessToken, TokenSource};
use crate::failure::{Chain, Classify, Disposition};
use crate::roots;
use crate::trace::{self, SpanId, TRACEPARENT};

/// How long a connection may take to open; a healthy one takes well under a second.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long one attempt may take. Dataverse runs the organisation's plug-ins before it answers a write.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(20);
/// How long a call with all its repeats may take where the work around it has no deadline.
const CALL_LIMIT: Duration = Duration::from_secs(45);
/// The most we read of an answer. The largest one wanted is a page of a hundred referrals.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// The HTTP client that all upstream calls share, cheap to clone.
#[derive(Clone, Debug)]
pub struct Transport {
    client: reqwest::Client,
    pace: Arc<Pace>,
}

/// Why there is no HTTP client.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The extra trust anchors are no PEM certificates.
    #[error("reading the certificates of OUTBOUND_CA_FILE")]
    Anchors(#[source] reqwest::Error),
    /// The TLS library did not start.
    #[error("preparing the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// One request to an upstream. Its `Debug` leaves out what may be secret or personal.
#[derive(Clone)]
pub struct Call {
    upstream: Upstream,
    operation: &'static str,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    audience: String,
    repeatable: bool,
    attempt_limit: Duration,
    refusals_are_answers: bool,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("upstream", &self.upstream)
            .field("operation", &self.operation)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl Call {
    /// A call of `url`, authenticated for `audience`; `operation` completes the sentence "could not …".
    ///
    /// It is repeated after a lost answer when its method or a precondition makes that harmless.
    pub fn new(
        upstream: Upstream,
        operation: &'static str,
        method: Method,
        url: Url,
        audience: &str,
    ) -> Self {
        let repeatable = method.is_idempotent();
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            upstream,
            operation,
            method,
            url,
            headers,
            body: Bytes::new(),
            audience: audience.to_owned(),
            repeatable,
            attempt_limit: ATTEMPT_LIMIT,
            refusals_are_answers: false,
        }
    }

    /// Adds a header, in place of an earlier one of that name. A precondition makes the call repeatable.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.repeatable |= name == IF_MATCH || name == IF_NONE_MATCH;
        self.headers.insert(name, value);
        self
    }

    /// Adds a JSON body.
    #[must_use]
    pub fn json(self, body: impl Into<Bytes>) -> Self {
        self.body(HeaderValue::from_static("application/json"), body)
    }

    /// Adds a body.
    #[must_use]
    pub fn body(mut self, content_type: HeaderValue, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header(CONTENT_TYPE, content_type)
    }

    /// States that doing it twice is harmless, although neither its method nor a header says so.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Gives one attempt that long, in place of 20 seconds.
    #[must_use]
    pub fn patient(mut self, limit: Duration) -> Self {
        self.attempt_limit = limit;
        self
    }

    /// States that it must not be repeated after a lost answer, although a precondition would make that harmless.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.repeatable = false;
        self
    }

    /// States that a refusal which repeating would not change is an answer too: OAuth's are documents of its protocol.
    #[must_use]
    pub(crate) fn refusals_are_answers(mut self) -> Self {
        self.refusals_are_answers = true;
        self
    }

    fn is_answered_by(&self, reply: &Reply) -> bool {
        let passing = || matches!(reply.refusal().disposition(), Disposition::Retry { .. });
        reply.status.is_success() || self.refusals_are_answers && !passing()
    }
}

impl Transport {
    /// Prepares the client. `outbound_ca` is PEM of authorities to trust beside the system's and Mozilla's.
    pub fn new(outbound_ca: Option<&[u8]>) -> Result<Self, TransportError> {
        let roots = roots::beside_the_systems(outbound_ca).map_err(TransportError::Anchors)?;
        let client = reqwest::Client::builder()
            .tls_backend_native()
            .tls_certs_merge(roots)
            .user_agent(concat!("referral-connector/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_LIMIT)
            .timeout(ATTEMPT_LIMIT)
            .build()
            .map_err(TransportError::Client)?;
        Ok(Self {
            client,
            pace: Arc::default(),
        })
    }

    /// The client itself, for the Azure SDK.
    pub(super) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Who may be called now, for the Azure SDK.
    pub(super) fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }

    /// Sends `call` with a token of `tokens`, and gives the answer if its status is a success.
    ///
    /// A token that the upstream does not take is replaced once: it may have been revoked.
    pub async fn send(&self, call: Call, tokens: &dyn TokenSource) -> Result<Reply, CallError> {
        let token = token(&call, tokens).await?;
        let error = match self.exchange(&call, Some(&token)).await {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        let not_taken = error
            .refusal()
            .is_some_and(|it| it.status == StatusCode::UNAUTHORIZED);
        if !(not_taken && tokens.refused(&call.audience, &token)) {
            return Err(error);
        }
        let token = self::token(&call, tokens).await?;
        self.exchange(&call, Some(&token)).await
    }

    /// Sends `call` without any token.
    pub(crate) async fn send_anonymously(&self, call: Call) -> Result<Reply, CallError> {
        self.exchange(&call, None).await
    }

    async fn exchange(&self, call: &Call, token: Option<&AccessToken>) -> Result<Reply, CallError> {
        let deadline = retry::deadline(CALL_LIMIT.max(call.attempt_limit));
        let mut attempts = 0;
        loop {
            let turn = self.turn(call, attempts, deadline).await?;
            attempts += 1;
            let error = match self.attempt(call, token, attempts, deadline).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            drop(turn);
            if !(call.repeatable || error.had_no_effect()) {
                return Err(error);
            }
            let delay = RetryPolicy::CALL.delay(attempts, error.disposition(), fastrand::f64());
            let Some(delay) = delay.filter(|it| Instant::now() + *it < deadline) else {
                return Err(error);
            };
            debug!(attempts, ?delay, error = %Chain(&error), "repeating a call");
            sleep(delay).await;
        }
    }

    /// One request and its whole answer, recorded.
    async fn attempt(
        &self,
        call: &Call,
        token: Option<&AccessToken>,
        attempts: u32,
        deadline: Instant,
    ) -> Result<Reply, CallError> {
        let (upstream, operation) = (call.upstream, call.operation);
        let started = Instant::now();
        let span = SpanId::random();
        let outcome = timeout_at(deadline, self.request(call, token, span)).await;
        let outcome = match outcome {
            Ok(Ok(reply)) if call.is_answered_by(&reply) => Ok(reply),
            Ok(Ok(reply)) => Err(CallError::Refused {
                upstream,
                operation,
                refusal: Box::new(reply.refusal()),
            }),
            Ok(Err(RequestError::Http(source))) => Err(CallError::Unreachable {
                upstream,
                operation,
                attempts,
                source: source.without_url(),
            }),
            Ok(Err(RequestError::TooLarge)) => Err(CallError::TooLarge {
                upstream,
                operation,
                limit: BODY_LIMIT,
            }),
            Err(_) => Err(CallError::OutOfTime {
                upstream,
                operation,
                attempts,
            }),
        };
        calls::append([CallRecord {
            upstream,
            operation,
            status: status(&outcome),
            began: started,
            elapsed: started.elapsed(),
            attempt: attempts,
            span,
        }]);
        self.note_pause(&outcome);
        outcome
    }

    async fn request(
        &self,
        call: &Call,
        token: Option<&AccessToken>,
        span: SpanId,
    ) -> Result<Reply, RequestError> {
        let mut headers = call.headers.clone();
        if call.upstream.is_told_traces()
            && let Some(trace) = trace::current()
        {
            headers.insert(TRACEPARENT, trace.traceparent(span));
        }
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.authorization());
        }
        let mut response = self
            .client
            .request(call.method.clone(), call.url.clone())
            .headers(headers)
            .body(call.body.clone())
            .timeout(call.attempt_limit)
            .send()
            .await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(RequestError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: body.into(),
            upstream: call.upstream,
            operation: call.operation,
        })
    }

    /// Waits until `call` may be sent, if that leaves time for it.
    async fn turn(
        &self,
        call: &Call,
        attempts: u32,
        deadline: Instant,
    ) -> Result<Turn<'_>, CallError> {
        let (upstream, operation) = (call.upstream, call.operation);
        let turn = self.pace.turn(upstream, deadline).await;
        turn.map_err(|why| match why {
            NoTurn::Paused(after) => CallError::Paused {
                upstream,
                operation,
                after,
            },
            NoTurn::Crowded => CallError::OutOfTime {
                upstream,
                operation,
                attempts,
            },
        })
    }

    /// Remembers the wait an upstream asked for, for every caller.
    fn note_pause(&self, outcome: &Result<Reply, CallError>) {
        if let Err(CallError::Refused {
            upstream, refusal, ..
        }) = outcome
            && let Some(wait) = refusal.retry_after
        {
            self.pace.pause(*upstream, wait);
        }
    }
}

/// Why there is no whole answer.
enum RequestError {
    Http(reqwest::Error),
    TooLarge,
}

impl From<reqwest::Error> for RequestError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}

async fn token(call: &Call, tokens: &dyn TokenSource) -> Result<AccessToken, CallError> {
    let deadline = retry::deadline(CALL_LIMIT);
    match timeout_at(deadline, tokens.token(&call.audience)).await {
        Ok(Ok(token)) => Ok(token),
        Ok(Err(source)) => Err(CallError::NoToken {
            upstream: call.upstream,
            operation: call.operation,
            source,
        }),
        Err(_) => Err(CallError::OutOfTime {
            upstream: call.upstream,
            operation: call.operation,
            attempts: 0,
        }),
    }
}

fn status(outcome: &Result<Reply, CallError>) -> Option<u16> {
    match outcome {
        Ok(reply) => Some(reply.status.as_u16()),
        Err(error) => Some(error.refusal()?.status.as_u16()),
    }
}
