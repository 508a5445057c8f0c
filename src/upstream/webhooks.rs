//! Partner Center's webhook registration API: one registration a tenant, and test events that prove it works.
//!
//! It is on another host than the referrals API, and takes tokens for that host only (Partner Center, "Webhooks").

mod wire;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use super::{Call, CallError, Reply, Transport, Upstream, retry, second_factor};
use crate::config::PartnerCenterConfig;
use crate::credentials::TokenSource;
use crate::failure::{Classify, Disposition};
use crate::registration::{Registration, Wanted};

const REQUEST_ID: HeaderName = HeaderName::from_static("ms-requestid");
const CORRELATION_ID: HeaderName = HeaderName::from_static("ms-correlationid");
/// The longest wait between two tests that is left to the transport: a longer one is the caller's, who can tell of it.
const SILENT_WAIT: Duration = Duration::from_secs(10);
/// The wait between two tests when Partner Center names none: it takes two a minute.
const BETWEEN_TESTS: Duration = Duration::from_mins(1);

/// The webhook registration API, as the user who consented.
#[derive(Clone)]
pub struct Webhooks {
    registration: Url,
    audience: String,
    transport: Transport,
    tokens: Arc<dyn TokenSource>,
}

/// Why Partner Center did not do what we asked about the webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// The user we act as may not see or change it.
    #[error(
        "the Partner Center user may not use the webhook registration: give it the role Admin agent, Sales agent, Helpdesk agent \
         or Billing admin, or go on without a webhook (docs/go-live.md)"
    )]
    Forbidden(#[source] CallError),
    /// The user we act as signed in without a second factor (Partner Center, code 900421).
    #[error(
        "the Partner Center user signed in without multifactor authentication: give consent again with a second factor"
    )]
    SecondFactor(#[source] CallError),
    /// The token is not taken there.
    #[error(
        "the webhook registration does not take the Partner Center user's token: add the delegated permission user_impersonation \
         of Microsoft Partner Center to the app registration, and have an administrator consent to it"
    )]
    NotTaken(#[source] CallError),
    /// There is one already, so it cannot be created.
    #[error("the tenant has a webhook registration already")]
    AlreadyRegistered(#[source] CallError),
    /// There is none that could be changed or tested.
    #[error(
        "the tenant has no webhook registration; if it should have one, look whether PARTNER_CENTER_WEBHOOK_API_URL is right"
    )]
    NotRegistered(#[source] CallError),
    /// No test may be asked for yet.
    #[error("Partner Center takes two tests a minute: the next one in {} s", after.as_secs_f64().ceil())]
    TooManyTests {
        /// How long to wait.
        after: Duration,
        /// The refusal.
        #[source]
        source: CallError,
    },
    /// The answer lacks something that nothing can be done without.
    #[error("the answer to {operation} has no usable {member}")]
    Malformed {
        /// What was asked.
        operation: &'static str,
        /// The member.
        member: &'static str,
    },
    /// Anything else.
    #[error("{operation} did not work")]
    Call {
        /// What was asked.
        operation: &'static str,
        /// What happened.
        #[source]
        source: CallError,
    },
}

impl WebhooksError {
    /// Whether somebody else registered, or took the registration away, between two of our calls.
    pub const fn is_race(&self) -> bool {
        matches!(self, Self::AlreadyRegistered(_) | Self::NotRegistered(_))
    }

    /// Whether there was nothing to ask with.
    pub const fn has_no_token(&self) -> bool {
        matches!(
            self,
            Self::Call {
                source: CallError::NoToken { .. },
                ..
            }
        )
    }

    /// Whether Partner Center surely did nothing.
    pub fn had_no_effect(&self) -> bool {
        match self {
            Self::Forbidden(source)
            | Self::SecondFactor(source)
            | Self::NotTaken(source)
            | Self::AlreadyRegistered(source)
            | Self::NotRegistered(source)
            | Self::TooManyTests { source, .. }
            | Self::Call { source, .. } => source.had_no_effect(),
            Self::Malformed { .. } => false,
        }
    }
}

impl Classify for WebhooksError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Forbidden(_) | Self::SecondFactor(_) | Self::NotTaken(_) => {
                Disposition::Misconfigured
            }
            Self::AlreadyRegistered(_) | Self::NotRegistered(_) | Self::Malformed { .. } => {
                Disposition::Permanent
            }
            Self::TooManyTests { after, .. } => Disposition::Retry {
                after: Some(*after),
            },
            Self::Call { source, .. } => source.disposition(),
        }
    }
}

/// What Partner Center tells about a test event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestReport {
    /// Whether it goes on trying.
    pub state: TestState,
    /// Every attempt to deliver it so far.
    pub attempts: Vec<Attempt>,
}

/// How far a test event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestState {
    /// More attempts may follow.
    Pending,
    /// It is over, whatever came of it.
    Over,
}

/// One attempt to deliver a test event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The webhook's answer as Partner Center words it, such as `OK` or `401`.
    pub answer: String,
    /// Whether the answer was one of success.
    pub success: bool,
    /// What Partner Center says beside that; empty if nothing. Somebody else's words: it may repeat the address.
    pub message: String,
    /// Whether Partner Center got no answer at all.
    pub system_error: bool,
    /// When it was made.
    pub at: Option<Timestamp>,
}

impl TestReport {
    /// Whether any attempt was answered with success.
    pub fn delivered(&self) -> bool {
        self.attempts.iter().any(|it| it.success)
    }
}

impl Webhooks {
    /// The API at the configured address.
    pub fn new(
        config: &PartnerCenterConfig,
        transport: Transport,
        tokens: Arc<dyn TokenSource>,
    ) -> Self {
        Self {
            registration: below(&config.webhook_api_url, &["registration"]),
            audience: config.webhook_audience.clone(),
            transport,
            tokens,
        }
    }

    /// The tenant's registration, if it has one.
    pub async fn registration(&self) -> Result<Option<Registration>, WebhooksError> {
        const OPERATION: &str = "read the webhook registration";
        match self.ask(OPERATION, Method::GET, &[]).await {
            Ok(reply) => Ok(Some(registration(OPERATION, &reply)?)),
            Err(WebhooksError::NotRegistered(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names of the events that one can register for.
    pub async fn events(&self) -> Result<Vec<String>, WebhooksError> {
        const OPERATION: &str = "list the webhook events";
        let reply = self.ask(OPERATION, Method::GET, &["events"]).await?;
        reply.json().map_err(|source| WebhooksError::Call {
            operation: OPERATION,
            source,
        })
    }

    /// What Partner Center says here about our second factor, if it says anything.
    pub async fn second_factor(&self) -> Result<Option<bool>, WebhooksError> {
        const OPERATION: &str = "list the webhook events";
        let call = second_factor::validated(self.call(OPERATION, Method::GET, &["events"]));
        match self.send(OPERATION, call).await {
            Ok(reply) => Ok(second_factor::compliant(&reply)),
            Err(WebhooksError::SecondFactor(_)) => Ok(Some(false)),
            Err(error) => Err(error),
        }
    }

    /// Registers `wanted`, with the signature in `x-ms-signature`, where nothing is registered yet.
    ///
    /// A lost answer is not asked for again: the repeat could not tell our own registration from somebody else's.
    pub async fn create(&self, wanted: &Wanted) -> Result<(), WebhooksError> {
        const OPERATION: &str = "register the webhook";
        let call = self.call(OPERATION, Method::POST, &[]);
        let call = call.json(wire::write(wanted));
        self.send(OPERATION, call).await.map(drop)
    }

    /// Registers `wanted`, with the signature in `x-ms-signature`, in place of what is registered.
    pub async fn update(&self, wanted: &Wanted) -> Result<(), WebhooksError> {
        const OPERATION: &str = "change the webhook registration";
        let call = self.call(OPERATION, Method::PUT, &[]);
        let call = call.json(wire::write(wanted));
        self.send(OPERATION, call).await.map(drop)
    }

    /// Asks for a test event; gives what to ask for its report with.
    pub async fn send_test(&self) -> Result<Uuid, WebhooksError> {
        const OPERATION: &str = "ask for a test event";
        let ask = self.ask(OPERATION, Method::POST, &["validationEvents"]);
        let reply = retry::until(Instant::now() + SILENT_WAIT, ask).await?;
        wire::correlation(&reply.body).ok_or(WebhooksError::Malformed {
            operation: OPERATION,
            member: "correlationId",
        })
    }

    /// How the test event `id` fares. `None` if Partner Center does not know of it yet, or after a week no more.
    pub async fn test(&self, id: Uuid) -> Result<Option<TestReport>, WebhooksError> {
        const OPERATION: &str = "ask about the test event";
        let path = ["validationEvents", &id.to_string()];
        match self.ask(OPERATION, Method::GET, &path).await {
            Ok(reply) => {
                let report = wire::report(&reply.body).ok_or(WebhooksError::Malformed {
                    operation: OPERATION,
                    member: "status",
                })?;
                Ok(Some(report))
            }
            Err(WebhooksError::NotRegistered(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn ask(
        &self,
        operation: &'static str,
        method: Method,
        path: &[&str],
    ) -> Result<Reply, WebhooksError> {
        self.send(operation, self.call(operation, method, path))
            .await
    }

    fn call(&self, operation: &'static str, method: Method, path: &[&str]) -> Call {
        let url = below(&self.registration, path);
        let id = || {
            let id = Uuid::new_v4().to_string();
            HeaderValue::try_from(id).expect("a UUID is ASCII")
        };
        Call::new(
            Upstream::PartnerCenter,
            operation,
            method,
            url,
            &self.audience,
        )
        .header(REQUEST_ID, id())
        .header(CORRELATION_ID, id())
    }

    async fn send(&self, operation: &'static str, call: Call) -> Result<Reply, WebhooksError> {
        let sent = self.transport.send(call, self.tokens.as_ref()).await;
        sent.map_err(|source| meaning(operation, source))
    }
}

fn registration(operation: &'static str, reply: &Reply) -> Result<Registration, WebhooksError> {
    wire::read(&reply.body).map_err(|member| WebhooksError::Malformed { operation, member })
}

/// What a failed call means.
fn meaning(operation: &'static str, source: CallError) -> WebhooksError {
    if let CallError::Paused { after, .. } = source {
        return WebhooksError::TooManyTests { after, source };
    }
    let Some(refusal) = source.refusal() else {
        return WebhooksError::Call { operation, source };
    };
    match refusal.status {
        _ if second_factor::is_missing(&source) => WebhooksError::SecondFactor(source),
        StatusCode::UNAUTHORIZED => WebhooksError::NotTaken(source),
        StatusCode::FORBIDDEN => WebhooksError::Forbidden(source),
        StatusCode::NOT_FOUND => WebhooksError::NotRegistered(source),
        StatusCode::CONFLICT => WebhooksError::AlreadyRegistered(source),
        StatusCode::TOO_MANY_REQUESTS => WebhooksError::TooManyTests {
            after: refusal.retry_after.unwrap_or(BETWEEN_TESTS),
            source,
        },
        _ => WebhooksError::Call { operation, source },
    }
}

/// `base` with more path segments.
fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    url.path_segments_mut()
        .expect("an https address has path segments")
        .pop_if_empty()
        .extend(segments);
    url
}
