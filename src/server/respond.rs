//! Turns a code word and what is known about a call into its answer and its one log line.

use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use serde_json::{Value, json};
use tracing::Level;

use super::code::Code;
use super::invocation::Invocation;
use crate::failure::Chain;
use crate::ids::{LeadId, ReferralId};
use crate::upstream::Upstream;
use crate::upstream::calls::CallRecord;

/// How a call ended, beside its answer: for whoever traces it.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) code: Code,
    pub(super) calls: Vec<CallRecord>,
}

/// A call's answer, and what its log line says beside the code word.
#[derive(Debug)]
pub(super) struct Answer {
    code: Code,
    /// The precise word behind the code, such as why a delivery was refused.
    pub(super) cause: Option<String>,
    /// The error with its causes.
    pub(super) error: Option<String>,
    /// The referral it was about.
    pub(super) referral: Option<ReferralId>,
    /// The lead it was about.
    pub(super) lead: Option<LeadId>,
    /// What was reported on the way, as code words.
    pub(super) reports: Vec<String>,
    /// Every call to an upstream.
    pub(super) calls: Vec<CallRecord>,
    /// What a trigger's answer says; an HTTP caller only ever gets the code word.
    pub(super) trigger: Option<Value>,
    /// How long the referral is parked.
    pub(super) parked: Option<Duration>,
    /// When the caller may come again.
    pub(super) retry_after: Option<Duration>,
}

impl Answer {
    /// An answer that says `code`.
    pub(super) fn new(code: Code) -> Self {
        Self {
            code,
            cause: None,
            error: None,
            referral: None,
            lead: None,
            reports: Vec::new(),
            calls: Vec::new(),
            trigger: None,
            parked: None,
            retry_after: None,
        }
    }

    /// Its code word.
    pub(super) const fn code(&self) -> Code {
        self.code
    }

    /// The same with the error behind it.
    pub(super) fn because(mut self, error: &dyn Error) -> Self {
        self.error = Some(Chain(error).to_string());
        self
    }

    /// Writes the call's one log line, then answers.
    pub(super) fn log_and_respond(self, invocation: &Invocation) -> Response {
        self.log(invocation);
        self.respond(invocation)
    }

    /// Answers without a log line.
    pub(super) fn respond(self, invocation: &Invocation) -> Response {
        let body = self.trigger.unwrap_or_else(|| {
            json!({ "code": self.code.outside().word(), "invocationId": invocation.to_string() })
        });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.code.status();
        response.extensions_mut().insert(Done {
            code: self.code,
            calls: self.calls,
        });
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.code == Code::MethodNotAllowed {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }

    fn log(&self, invocation: &Invocation) {
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    code = self.code.word(),
                    status = self.code.status().as_u16(),
                    invocation.id = %invocation,
                    trace.id = %invocation.trace(),
                    cause = self.cause.as_deref(),
                    referral.id = self.referral.map(|id| id.to_string()),
                    lead.id = self.lead.map(|id| id.to_string()),
                    reports = (!self.reports.is_empty()).then(|| self.reports.join(",")),
                    parked_s = self.parked.map(|wait| wait.as_secs()),
                    elapsed_ms = milliseconds(invocation.elapsed()),
                    entra_ms = spent(&self.calls, Upstream::EntraId),
                    identity_ms = spent(&self.calls, Upstream::ManagedIdentity),
                    key_vault_ms = spent(&self.calls, Upstream::KeyVault),
                    partner_center_ms = spent(&self.calls, Upstream::PartnerCenter),
                    dataverse_ms = spent(&self.calls, Upstream::Dataverse),
                    storage_ms = spent(&self.calls, Upstream::Storage),
                    flow_ms = spent(&self.calls, Upstream::Flow),
                    calls = self.calls.len(),
                    error = self.error.as_deref(),
                    "{}", self.sentence(),
                )
            };
        }
        match self.code.level() {
            Level::ERROR => line!(error),
            Level::WARN => line!(warn),
            _ => line!(info),
        }
    }

    /// A message that can be read alone.
    fn sentence(&self) -> String {
        match self.referral {
            Some(referral) => format!("referral {referral}: {}", self.code.word()),
            None => self.code.word().to_owned(),
        }
    }
}

/// Milliseconds spent waiting for `upstream`, if it was called at all. Calls at the same time count once.
fn spent(calls: &[CallRecord], upstream: Upstream) -> Option<u64> {
    let own = calls.iter().filter(|call| call.upstream == upstream);
    let mut spans: Vec<_> = own
        .map(|call| (call.began, call.began + call.elapsed))
        .collect();
    spans.sort_unstable();
    let mut counted = spans.first()?.0;
    let mut total = Duration::ZERO;
    for (began, ended) in spans {
        total += ended.saturating_duration_since(began.max(counted));
        counted = counted.max(ended);
    }
    Some(milliseconds(total))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::trace::SpanId;

    #[test]
    fn time_spent_waiting_counts_calls_at_the_same_time_once() {
        let start = Instant::now();
        let call = |upstream, began, elapsed| CallRecord {
            upstream,
            operation: "read",
            status: Some(200),
            began: start + Duration::from_millis(began),
            elapsed: Duration::from_millis(elapsed),
            attempt: 1,
            span: SpanId::random(),
        };
        let calls = [
            call(Upstream::Dataverse, 50, 10),
            call(Upstream::Dataverse, 0, 30),
            call(Upstream::Dataverse, 10, 5),
            call(Upstream::Dataverse, 20, 20),
            call(Upstream::EntraId, 0, 7),
        ];
        assert_eq!(spent(&calls, Upstream::Dataverse), Some(50));
        assert_eq!(spent(&calls, Upstream::EntraId), Some(7));
        assert_eq!(spent(&calls, Upstream::KeyVault), None);
    }
}
