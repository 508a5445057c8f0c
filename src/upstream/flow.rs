//! A flow of the administrator's own, started by its HTTP trigger (Power Automate or Logic Apps): it takes a referral and says
//! which record it wrote.

mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use secrecy::ExposeSecret;
use url::Url;
use uuid::Uuid;

use super::partner_center::Document;
use super::{Call, CallError, Reply, Transport, Upstream};
use crate::config::FlowConfig;
use crate::credentials::{TokenError, TokenSource};
use crate::failure::{Classify, Disposition};
use crate::ids::{RecordId, ReferralId};

/// How long a flow may take to answer. Its platform ends a request after 120 seconds.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(100);

/// A flow that recognises this does nothing twice (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// What the flow's run history can be searched for.
const TRACKING_ID: HeaderName = HeaderName::from_static("x-ms-client-tracking-id");

/// The flow at `FLOW_URL`. Its `Debug` leaves the address out: its query is a key.
#[derive(Clone)]
pub struct Flow {
    url: Url,
    audience: Option<String>,
    transport: Transport,
    tokens: Arc<dyn TokenSource>,
}

/// What a flow is given.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<'a> {
    /// The referral as it is now.
    pub document: &'a Document,
    /// Whether the flow was given it before.
    pub known: bool,
    /// The record that the flow said it wrote.
    pub record: Option<&'a RecordId>,
}

impl Parcel<'_> {
    /// The same for the same version of the same referral, always.
    pub fn key(&self) -> Uuid {
        let referral = &self.document.referral;
        Uuid::new_v5(&referral.id.uuid(), referral.etag.as_str().as_bytes())
    }
}

/// Why the flow did not take a referral.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// There is none, or it is switched off.
    #[error(
        "there is no flow at FLOW_URL, or it is switched off: switch it on, or set the address that its trigger shows"
    )]
    Absent {
        /// The refusal.
        #[source]
        source: CallError,
    },
    /// It does not let us in.
    #[error(
        "the flow does not let us in: set the address that its trigger shows, with its signature, or FLOW_AUDIENCE if it wants a sign-in"
    )]
    Denied {
        /// The refusal.
        #[source]
        source: CallError,
    },
    /// Its trigger has another schema.
    #[error("the flow's trigger does not take what it is sent: give it the schema of docs/flow.md")]
    Schema {
        /// The refusal.
        #[source]
        source: CallError,
    },
    /// It did not take this referral.
    #[error("handing referral {id} to the flow")]
    Post {
        /// The referral.
        id: ReferralId,
        /// What happened.
        #[source]
        source: CallError,
    },
}

impl Classify for FlowError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Absent { .. } | Self::Denied { .. } | Self::Schema { .. } => {
                Disposition::Misconfigured
            }
            Self::Post { source, .. } => source.disposition(),
        }
    }
}

impl Flow {
    /// The flow that `config` names.
    pub fn new(config: &FlowConfig, transport: Transport, tokens: Arc<dyn TokenSource>) -> Self {
        let url = Url::parse(config.url.expose_secret()).expect("the settings were checked");
        Self {
            url,
            audience: config.audience.clone(),
            transport,
            tokens,
        }
    }

    /// Where the flow is, without path and query.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Signs in for it; `false` if no sign-in is wanted. The flow itself is not called: calling it is running it.
    pub async fn sign_in(&self) -> Result<bool, TokenError> {
        let Some(audience) = &self.audience else {
            return Ok(false);
        };
        self.tokens.token(audience).await.map(|_| true)
    }

    /// Hands `parcel` over, and gives the record that the flow says it wrote.
    ///
    /// After a lost answer it is not sent again here: whether a run of the flow was begun, and goes on, cannot be told.
    pub async fn post(&self, parcel: &Parcel<'_>) -> Result<Option<RecordId>, FlowError> {
        let id = parcel.document.referral.id;
        let post = |source| refused(id, source);
        let reply = self.send(self.call(parcel)).await.map_err(post)?;
        wire::answer(&reply.body).map_err(|_| post(reply.not_json()))
    }

    fn call(&self, parcel: &Parcel<'_>) -> Call {
        let text = |id: String| HeaderValue::try_from(id).expect("a UUID is ASCII");
        let id = parcel.document.referral.id;
        Call::new(
            Upstream::Flow,
            "hand over a referral",
            Method::POST,
            self.url.clone(),
            self.audience.as_deref().unwrap_or_default(),
        )
        .header(IDEMPOTENCY_KEY, text(parcel.key().to_string()))
        .header(TRACKING_ID, text(id.to_string()))
        .json(wire::body(parcel))
        .patient(ANSWER_LIMIT)
    }

    async fn send(&self, call: Call) -> Result<Reply, CallError> {
        match self.audience {
            Some(_) => self.transport.send(call, self.tokens.as_ref()).await,
            None => self.transport.send_anonymously(call).await,
        }
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}

/// What a failed hand-over means. The platform's own codes say more than its statuses, which a flow may send as well.
fn refused(id: ReferralId, source: CallError) -> FlowError {
    let Some(refusal) = source.refusal() else {
        return FlowError::Post { id, source };
    };
    if refusal.has_code("TriggerInputSchemaMismatch") {
        return FlowError::Schema { source };
    }
    let switched_off = ["WorkflowTriggerIsNotEnabled", "WorkflowDisabled"];
    let is_off = switched_off.iter().any(|code| refusal.has_code(code));
    match refusal.status.as_u16() {
        404 | 405 | 410 => FlowError::Absent { source },
        _ if is_off => FlowError::Absent { source },
        401 | 403 => FlowError::Denied { source },
        _ => FlowError::Post { id, source },
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::upstream::Refusal;

    fn judged(status: u16, code: &str) -> FlowError {
        let source = CallError::Refused {
            upstream: Upstream::Flow,
            operation: "hand over a referral",
            refusal: Box::new(Refusal {
                status: StatusCode::from_u16(status).unwrap(),
                is_document: true,
                codes: vec![code.to_owned()],
                retry_after: None,
                request_id: None,
            }),
        };
        refused(ReferralId::new(Uuid::nil()), source)
    }

    #[test]
    fn a_person_is_asked_for_where_only_the_flow_or_its_address_can_be_put_right() {
        for (status, code) in [
            (404, "WorkflowNotFound"),
            (410, ""),
            (400, "WorkflowTriggerIsNotEnabled"),
            (401, "DirectApiAuthorizationRequired"),
            (403, "MisMatchingOAuthClaims"),
            (400, "TriggerInputSchemaMismatch"),
        ] {
            let error = judged(status, code);
            let disposition = error.disposition();
            assert_eq!(disposition, Disposition::Misconfigured, "{status} {code}");
            assert!(!matches!(error, FlowError::Post { .. }), "{status} {code}");
        }
    }

    #[test]
    fn what_the_flow_itself_answers_is_about_this_referral() {
        for (status, disposition) in [
            (400, Disposition::Permanent),
            (422, Disposition::Permanent),
            (429, Disposition::RETRY),
            (500, Disposition::RETRY),
            (502, Disposition::RETRY),
            (504, Disposition::RETRY),
        ] {
            let error = judged(status, "NoResponse");
            assert_eq!(error.disposition(), disposition, "{status}");
        }
    }
}
