//! The Partner Center referrals API: read one referral, patch it, list what changed.

mod error;
mod query;
mod reach;
mod sample;
mod wire;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use tracing::debug;
use url::Url;
use uuid::Uuid;

pub use error::PartnerCenterError;
pub use query::{ListQuery, Order};
pub use reach::Reach;
pub use sample::Sampled;
pub use wire::{Fault, Parsed, referral as parse_referral};

use super::{Call, CallError, Reply, Transport, Upstream, second_factor};
use crate::config::PartnerCenterConfig;
use crate::credentials::TokenSource;
use crate::ids::{ETag, ReferralId};
use crate::referral::{Direction, PatchOperation, Referral, ReferralStatus};

/// Their name for our id of a request; documented as required.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
/// What Microsoft's own connector sends to follow a request through their services.
const CORRELATION_ID: HeaderName = HeaderName::from_static("ms-correlationid");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The referrals API, as the user who consented.
#[derive(Clone)]
pub struct PartnerCenter {
    referrals: Url,
    audience: String,
    transport: Transport,
    tokens: Arc<dyn TokenSource>,
}

/// A referral with everything that Partner Center says about it. Its `Debug` leaves that out.
pub struct Document {
    /// What we understand of it.
    pub referral: Referral,
    /// Where it was read.
    pub address: Url,
    /// The JSON object that was read.
    pub json: Bytes,
}

impl Document {
    /// SHA-256 of what it says but for its version, when that was made, and which record it names: what a flow that has
    /// been given it does not need to be given again.
    pub fn content(&self) -> [u8; 32] {
        wire::content(&self.json)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("id", &self.referral.id)
            .field("bytes", &self.json.len())
            .finish_non_exhaustive()
    }
}

/// What became of a patch.
#[derive(Clone, Debug, PartialEq)]
pub enum Patched {
    /// The referral holds the new values. As Partner Center stored it, if the answer says so.
    Done(Option<Box<Referral>>),
    /// The referral is no longer the version that was read; nothing was written.
    Changed,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// The referrals on it that could be read.
    pub rows: Vec<ListedReferral>,
    /// How many rows had no usable id.
    pub unreadable: usize,
    /// How to ask for the page after it, if there is one.
    pub next: Option<ListQuery>,
    /// Partner Center's clock when it answered, if it told.
    pub told_at: Option<Timestamp>,
}

/// What a list tells about a referral. A hint where to look: rows lack members, eTags among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedReferral {
    /// Its id.
    pub id: ReferralId,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When anything in it changed last.
    pub updated: Option<Timestamp>,
    /// When it expires unless it is answered.
    pub expires: Option<Timestamp>,
    /// Where it stands.
    pub status: ReferralStatus,
    /// Which way it went.
    pub direction: Direction,
}

impl PartnerCenter {
    /// The API at the configured address.
    pub fn new(
        config: &PartnerCenterConfig,
        transport: Transport,
        tokens: Arc<dyn TokenSource>,
    ) -> Self {
        Self {
            referrals: below(&config.api_url, "referrals"),
            audience: config.audience.clone(),
            transport,
            tokens,
        }
    }

    /// The referral as it is now, with the eTag its next write must present.
    pub async fn referral(&self, id: ReferralId) -> Result<Referral, PartnerCenterError> {
        self.document(id).await.map(|document| document.referral)
    }

    /// The same, with everything that Partner Center says about it.
    pub async fn document(&self, id: ReferralId) -> Result<Document, PartnerCenterError> {
        let call = self.call("read referral", Method::GET, self.url(id));
        let reply = self.send(call).await.map_err(|source| {
            let read = |source| PartnerCenterError::Read { id, source };
            about_referral(id, source, read)
        })?;
        let parsed = wire::referral(&reply.body).map_err(|fault| match fault {
            wire::Fault::NotJson => PartnerCenterError::Read {
                id,
                source: reply.not_json(),
            },
            wire::Fault::Member(member) => PartnerCenterError::Malformed { id, member },
        })?;
        if !parsed.malformed.is_empty() {
            debug!(referral.id = %id, members = ?parsed.malformed, "members of a referral that could not be read are taken as absent");
        }
        if parsed.value.id == id {
            Ok(Document {
                referral: parsed.value,
                address: self.url(id),
                json: reply.body,
            })
        } else {
            Err(PartnerCenterError::Malformed { id, member: "id" })
        }
    }

    /// Applies `operations`, all or none, if the referral is still the version `etag`.
    ///
    /// A lost answer is not asked for again: the repeat could not tell our own first write from somebody else's.
    pub async fn patch(
        &self,
        id: ReferralId,
        etag: &ETag,
        operations: &[PatchOperation],
    ) -> Result<Patched, PartnerCenterError> {
        let Ok(version) = HeaderValue::from_str(etag.as_str()) else {
            return Err(PartnerCenterError::Malformed { id, member: "eTag" });
        };
        let call = self
            .call("update referral", Method::PATCH, self.url(id))
            .header(http::header::IF_MATCH, version)
            .header(PREFER, HeaderValue::from_static("return=representation"))
            .json(wire::patch(operations))
            .once();
        match self.send(call).await {
            Ok(reply) => Ok(Patched::Done(stored(id, &reply))),
            Err(source) if lost_the_race(&source) => Ok(Patched::Changed),
            Err(source) => {
                let patch = |source| PartnerCenterError::Patch { id, source };
                Err(about_referral(id, source, patch))
            }
        }
    }

    /// One page of referrals; `page.next` asks for the page after it.
    pub async fn list(&self, query: &ListQuery) -> Result<Page, PartnerCenterError> {
        let reply = self.listed(query).await?;
        let page: wire::Page = reply.json().map_err(about_list)?;
        let count = page.value.0.len();
        let rows: Vec<_> = page.value.0.iter().filter_map(|it| wire::row(it)).collect();
        let next = match page.next_link.as_deref() {
            None => None,
            Some(link) => match query.after(link, count) {
                Some(next) => Some(next),
                None => return Err(PartnerCenterError::EndlessList),
            },
        };
        Ok(Page {
            unreadable: count - rows.len(),
            rows,
            next,
            told_at: reply.told_at(),
        })
    }

    /// Whether we may list referrals at all: the smallest read-only call.
    pub async fn probe(&self) -> Result<(), PartnerCenterError> {
        self.list(&ListQuery::default().top(1)).await.map(drop)
    }

    /// What Partner Center says about our second factor, if it says anything.
    pub async fn second_factor(&self) -> Result<Option<bool>, PartnerCenterError> {
        let call = second_factor::validated(self.list_call(&ListQuery::default().top(1)));
        match self.send(call).await {
            Ok(reply) => Ok(second_factor::compliant(&reply)),
            Err(error) if second_factor::is_missing(&error) => Ok(Some(false)),
            Err(error) => Err(about_list(error)),
        }
    }

    async fn listed(&self, query: &ListQuery) -> Result<Reply, PartnerCenterError> {
        self.send(self.list_call(query)).await.map_err(about_list)
    }

    fn list_call(&self, query: &ListQuery) -> Call {
        let mut url = self.referrals.clone();
        url.set_query(query.text().as_deref());
        self.call("list referrals", Method::GET, url)
    }

    fn url(&self, id: ReferralId) -> Url {
        below(&self.referrals, &id.to_string())
    }

    fn call(&self, operation: &'static str, method: Method, url: Url) -> Call {
        let id = Uuid::new_v4().to_string();
        let id = HeaderValue::try_from(id).expect("a UUID is ASCII");
        Call::new(
            Upstream::PartnerCenter,
            operation,
            method,
            url,
            &self.audience,
        )
        .header(CLIENT_REQUEST_ID, id.clone())
        .header(CORRELATION_ID, id)
    }

    async fn send(&self, call: Call) -> Result<Reply, CallError> {
        self.transport.send(call, self.tokens.as_ref()).await
    }
}

/// `base` with one more path segment.
fn below(base: &Url, segment: &str) -> Url {
    let mut url = base.clone();
    url.path_segments_mut()
        .expect("an https address has path segments")
        .pop_if_empty()
        .push(segment);
    url
}

/// The referral in the answer to a write, if there is one.
fn stored(id: ReferralId, reply: &Reply) -> Option<Box<Referral>> {
    let parsed = wire::referral(&reply.body).ok()?;
    (parsed.value.id == id).then(|| Box::new(parsed.value))
}

/// What a failed call about one referral means.
fn about_referral(
    id: ReferralId,
    source: CallError,
    otherwise: impl FnOnce(CallError) -> PartnerCenterError,
) -> PartnerCenterError {
    match source.refusal().map(|it| it.status) {
        _ if second_factor::is_missing(&source) => PartnerCenterError::SecondFactor { source },
        Some(StatusCode::NOT_FOUND | StatusCode::GONE) => PartnerCenterError::NotFound { id },
        Some(StatusCode::FORBIDDEN) => PartnerCenterError::Forbidden { id, source },
        _ => otherwise(source),
    }
}

/// What a failed list call means.
fn about_list(source: CallError) -> PartnerCenterError {
    match source.refusal().map(|it| it.status) {
        _ if second_factor::is_missing(&source) => PartnerCenterError::SecondFactor { source },
        Some(StatusCode::FORBIDDEN) => PartnerCenterError::ListForbidden { source },
        _ => PartnerCenterError::List { source },
    }
}

/// Whether a write was refused because the referral had changed. The codes have come with several statuses.
fn lost_the_race(error: &CallError) -> bool {
    const CODES: [&str; 3] = ["preconditionFailed", "resourceModified", "99918"];
    error.refusal().is_some_and(|refusal| {
        refusal.status == StatusCode::PRECONDITION_FAILED
            || CODES.iter().any(|code| refusal.has_code(code))
    })
}
