//! Traces for Application Insights: one span for each call by the host and one for each request it led to, with names, durations
//! and statuses. Never a log line, an address or a value: the log has its own way, and the host takes it there.
//!
//! Spans wait in memory and go out in the background. When the other side is down they are thrown away; nothing ever waits for them.

mod wire;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use url::Url;
use uuid::Uuid;

use crate::config::InsightsConfig;
use crate::credentials::TokenSource;
use crate::failure::Chain;
use crate::trace::{SpanId, Trace};
use crate::upstream::calls::CallRecord;
use crate::upstream::{Call, CallError, Reply, Transport, Upstream, retry};

/// How long spans wait for others to go out with.
const PAUSE: Duration = Duration::from_secs(5);
/// How many go out at once at most.
const BATCH: usize = 500;
/// How many calls may wait with their spans; of more, the newest are thrown away.
const ROOM: usize = 1024;
/// How long sending may take.
const SEND_LIMIT: Duration = Duration::from_secs(10);

/// Sends spans. Nothing runs before the first one.
pub struct Insights {
    post: Post,
    queue: OnceLock<mpsc::Sender<Message>>,
}

/// How spans are sent.
#[derive(Clone)]
struct Post {
    url: Url,
    key: Uuid,
    audience: Option<String>,
    transport: Transport,
    tokens: Arc<dyn TokenSource>,
    /// This process, among the instances.
    instance: Uuid,
}

enum Message {
    Spans(Vec<Span>),
    /// Send what there is, then say so.
    Flush(oneshot::Sender<()>),
}

/// A call by the host that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The function that was called.
    pub function: &'static str,
    /// Its trace and span.
    pub trace: Trace,
    /// How long it took.
    pub elapsed: Duration,
    /// What was answered.
    pub status: u16,
    /// The code word of the answer.
    pub code: &'static str,
    /// Every request it led to.
    pub calls: Vec<CallRecord>,
}

/// A piece of work, as it is sent.
#[derive(Clone, Debug)]
struct Span {
    trace: Trace,
    id: SpanId,
    parent: Option<SpanId>,
    began: Timestamp,
    elapsed: Duration,
    status: Option<u16>,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// A call by the host.
    Served {
        function: &'static str,
        code: &'static str,
    },
    /// A request of ours.
    Called {
        upstream: Upstream,
        operation: &'static str,
        attempt: u32,
    },
}

impl Insights {
    /// Sends to where `config` says.
    pub fn new(
        config: &InsightsConfig,
        transport: Transport,
        tokens: Arc<dyn TokenSource>,
    ) -> Self {
        let post = Post {
            url: config.url.clone(),
            key: config.key,
            audience: config.audience.clone(),
            transport,
            tokens,
            instance: Uuid::new_v4(),
        };
        Self {
            post,
            queue: OnceLock::new(),
        }
    }

    /// Takes the spans of a call. Never waits: without room they are thrown away.
    pub fn record(&self, ended: Ended) {
        let queue = self.queue.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(ROOM);
            tokio::spawn(work(self.post.clone(), receiver));
            sender
        });
        // Nothing can be done about a full queue: to wait would be to hold up an answer.
        let _ = queue.try_send(Message::Spans(spans(ended)));
    }

    /// Sends what waits, for at most `bound`.
    pub async fn flush(&self, bound: Duration) {
        let Some(queue) = self.queue.get() else {
            return;
        };
        let flushing = async {
            let (sender, done) = oneshot::channel();
            if queue.send(Message::Flush(sender)).await.is_ok() {
                let _ = done.await;
            }
        };
        // What is not sent by then is thrown away.
        let _ = timeout(bound, flushing).await;
    }
}

impl fmt::Debug for Insights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Insights").finish_non_exhaustive()
    }
}

/// Sends what comes, some at a time, until nobody is left to send anything.
async fn work(post: Post, mut queue: mpsc::Receiver<Message>) {
    let mut held = Vec::new();
    let mut was_lost = false;
    let mut pause = interval(PAUSE);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let done = tokio::select! {
            message = queue.recv() => match message {
                Some(Message::Spans(spans)) => {
                    held.extend(spans);
                    if held.len() < BATCH {
                        continue;
                    }
                    None
                }
                Some(Message::Flush(done)) => Some(done),
                None => return,
            },
            _ = pause.tick() => None,
        };
        was_lost = post.send(std::mem::take(&mut held), was_lost).await;
        if let Some(done) = done {
            // Whoever asked may have stopped waiting.
            let _ = done.send(());
        }
    }
}

impl Post {
    /// Sends `spans`. Gives whether they were lost, which is logged once for as long as it goes on.
    async fn send(&self, spans: Vec<Span>, was_lost: bool) -> bool {
        if spans.is_empty() {
            return was_lost;
        }
        let body = wire::body(&spans, self.key, self.instance);
        let ends = Instant::now() + SEND_LIMIT;
        match retry::until(ends, self.exchange(body)).await {
            Ok(_) => false,
            Err(error) => {
                if !was_lost {
                    tracing::warn!(
                        code = "traces_lost",
                        error = %Chain(&error),
                        "traces could not be sent and are thrown away until they can; nothing else is affected"
                    );
                }
                true
            }
        }
    }

    async fn exchange(&self, body: Vec<u8>) -> Result<Reply, CallError> {
        let audience = self.audience.as_deref();
        let call = Call::new(
            Upstream::ApplicationInsights,
            "send traces",
            Method::POST,
            self.url.clone(),
            audience.unwrap_or_default(),
        )
        .json(body);
        match audience {
            Some(_) => self.transport.send(call, self.tokens.as_ref()).await,
            None => self.transport.send_anonymously(call).await,
        }
    }
}

/// The spans of a call: its own, and one for each request.
fn spans(ended: Ended) -> Vec<Span> {
    let trace = ended.trace;
    let mut spans = vec![Span {
        trace,
        id: trace.span(),
        parent: trace.parent(),
        began: ago(ended.elapsed),
        elapsed: ended.elapsed,
        status: Some(ended.status),
        what: What::Served {
            function: ended.function,
            code: ended.code,
        },
    }];
    spans.extend(ended.calls.into_iter().map(|call| Span {
        trace,
        id: call.span,
        parent: Some(trace.span()),
        began: ago(call.began.elapsed()),
        elapsed: call.elapsed,
        status: call.status,
        what: What::Called {
            upstream: call.upstream,
            operation: call.operation,
            attempt: call.attempt,
        },
    }));
    spans
}

/// So long ago.
fn ago(duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::ZERO);
    let now = Timestamp::now();
    now.checked_sub(duration).unwrap_or(now)
}
