//! Partner Center: the referral API of `api.partner.microsoft.com` and the webhook registration API of
//! `api.partnercenter.microsoft.com`, on one port. Each takes tokens for its own audience only.
//!
//! Referrals are kept as the JSON documents that are sent, members nobody knows included.

pub mod builder;
pub mod effects;
mod list;
mod odata;
mod patch;
mod referrals;
mod refused;
mod registration;
pub mod sample;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use anyhow::Context as _;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use serde_json::{Map, Value};
use url::Url;
use uuid::Uuid;

pub use builder::ReferralBuilder;
pub use list::{ListOptions, NextLink};
pub use registration::Registration;

use crate::deliveries::{Event, REFERRAL_CREATED, REFERRAL_UPDATED, SignatureHeader};
use crate::entra::Claims;
use crate::world::{SharedWorld, World};
use refused::Refused;

/// The word on a caller's second factor.
const IS_MFA_COMPLIANT: HeaderName = HeaderName::from_static("ismfacompliant");

/// One referral.
#[derive(Clone, Debug)]
struct Stored {
    document: Map<String, Value>,
    /// Listed, but refused when it is read or written.
    denied: bool,
}

impl Stored {
    fn etag(&self) -> Option<&str> {
        self.document.get("eTag")?.as_str()
    }

    fn is_closed(&self) -> bool {
        self.document.get("status").and_then(Value::as_str) == Some("Closed")
    }
}

/// Referrals and the webhook registration.
#[derive(Debug, Default)]
pub struct State {
    referrals: Vec<Stored>,
    /// Versions given out so far.
    versions: u32,
    registration: Option<Registration>,
    tests: Vec<registration::Test>,
    /// How lists are served.
    pub list: ListOptions,
    /// The users, by name, who have no role for referrals.
    pub without_role: BTreeSet<String>,
    /// Whether users may come without a second factor, as everywhere before the enforcement of 2026.
    pub second_factor_is_optional: bool,
    /// Whether lists do without the header `isMfaCompliant`, which a request asks for with `ValidateMfa`.
    pub silent_about_second_factor: bool,
    /// Whether the user has none of the roles for the webhook registration.
    pub webhooks_denied: bool,
    /// Events that one cannot register for here, although there are such.
    pub withheld_events: BTreeSet<String>,
}

impl State {
    /// Puts a referral there as it is, in place of one with the same id, and gives its id. Only a missing
    /// eTag is filled in. No event is raised.
    pub fn seed_referral(&mut self, referral: impl Into<Value>) -> anyhow::Result<String> {
        let Value::Object(mut document) = referral.into() else {
            anyhow::bail!("a referral is a JSON object");
        };
        let id = document.get("id").and_then(Value::as_str);
        let id = id
            .context("find the id of the referral to seed")?
            .to_owned();
        if !document.contains_key("eTag") {
            let etag = self.next_etag(Timestamp::now());
            document.insert("eTag".to_owned(), etag.into());
        }
        self.remove(&id);
        self.referrals.push(Stored {
            document,
            denied: false,
        });
        Ok(id)
    }

    /// The referral as it is sent now.
    pub fn referral(&self, id: &str) -> Option<Value> {
        Some(Value::Object(self.find(id)?.document.clone()))
    }

    /// Every referral, in the order in which they came.
    pub fn referrals(&self) -> Vec<Value> {
        let documents = self.referrals.iter().map(|it| it.document.clone());
        documents.map(Value::Object).collect()
    }

    /// Merges `change` into a referral (JSON Merge Patch), as a person with every right would. Gives the
    /// time of the change.
    pub fn edit(&mut self, id: &str, change: &Value, now: Timestamp) -> anyhow::Result<Timestamp> {
        let referral = self.find(id).with_context(|| unknown(id))?;
        let mut document = Value::Object(referral.document.clone());
        merge(&mut document, change);
        let Value::Object(document) = document else {
            anyhow::bail!("a change of referral {id} is a JSON object");
        };
        let (_, changed) = self.store(id, document, now).with_context(|| unknown(id))?;
        Ok(changed)
    }

    /// `answer`, with the word on the caller's second factor that the request asks for.
    fn judged(&self, claims: &Claims, headers: &HeaderMap, mut answer: Response) -> Response {
        let asked = headers.get("validatemfa").is_some_and(|it| it == "true");
        if asked && !self.silent_about_second_factor {
            let word = if claims.has_mfa() { "true" } else { "false" };
            refused::set(&mut answer, IS_MFA_COMPLIANT, word);
        }
        answer
    }

    /// Lists a referral but refuses to read or write it, or allows it again.
    pub fn deny(&mut self, id: &str, denied: bool) -> anyhow::Result<()> {
        let place = self.place(id).with_context(|| unknown(id))?;
        self.referrals[place].denied = denied;
        Ok(())
    }

    /// Takes a referral away, as if it had never been; says whether it was there.
    pub fn remove(&mut self, id: &str) -> bool {
        let place = self.place(id);
        if let Some(place) = place {
            self.referrals.remove(place);
        }
        place.is_some()
    }

    /// The tenant's registration.
    pub fn registration(&self) -> Option<&Registration> {
        self.registration.as_ref()
    }

    /// Registers a webhook without asking the API.
    pub fn register(&mut self, url: Url, events: &[&str], ms_signature: bool) {
        self.registration = Some(Registration {
            subscriber: Uuid::new_v4(),
            url,
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            ms_signature,
        });
    }

    /// Forgets the registration.
    pub fn unregister(&mut self) {
        self.registration = None;
    }

    /// Where events of this name go, and in which header they carry their signature.
    pub(crate) fn receiver(&self, event: &str) -> Option<(Url, SignatureHeader)> {
        let registration = self.registration.as_ref()?;
        let header = if registration.ms_signature {
            SignatureHeader::MsSignature
        } else {
            SignatureHeader::Authorization
        };
        let wanted = registration.events.iter().any(|wanted| wanted == event);
        wanted.then(|| (registration.url.clone(), header))
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.referrals.iter().position(|it| {
            let own = it.document.get("id").and_then(Value::as_str);
            own.is_some_and(|own| own.eq_ignore_ascii_case(id))
        })
    }

    fn find(&self, id: &str) -> Option<&Stored> {
        self.referrals.get(self.place(id)?)
    }

    /// Makes `document` the referral's next version: new eTag, later `updatedDateTime`.
    fn store(
        &mut self,
        id: &str,
        mut document: Map<String, Value>,
        now: Timestamp,
    ) -> Option<(Map<String, Value>, Timestamp)> {
        let place = self.place(id)?;
        let before = self.referrals[place].document.get("updatedDateTime");
        let before = before
            .and_then(Value::as_str)
            .and_then(|it| it.parse().ok());
        let changed = later(now, before);
        let etag = self.next_etag(changed);
        document.insert("eTag".to_owned(), etag.into());
        document.insert("updatedDateTime".to_owned(), wire_time(changed).into());
        self.referrals[place].document.clone_from(&document);
        Some((document, changed))
    }

    /// A new eTag, its quotes inside.
    fn next_etag(&mut self, now: Timestamp) -> String {
        self.versions += 1;
        format!(
            "\"{:08x}-0000-0000-0000-{:08x}0000\"",
            self.versions,
            now.as_second()
        )
    }
}

fn unknown(id: &str) -> String {
    format!("find referral {id}")
}

/// `now` in Partner Center's steps of 100 ns, but always after `before`.
fn later(now: Timestamp, before: Option<Timestamp>) -> Timestamp {
    let step = SignedDuration::from_nanos(100);
    let steps = TimestampRound::new()
        .smallest(Unit::Nanosecond)
        .increment(100);
    let now = now.round(steps).unwrap_or(now);
    match before {
        Some(before) if before >= now => before + step,
        _ => now,
    }
}

/// A moment as the API writes it: seven fractional digits and `Z`.
pub(crate) fn wire_time(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string()
}

/// JSON Merge Patch (RFC 7396).
pub(crate) fn merge(target: &mut Value, change: &Value) {
    let Value::Object(change) = change else {
        *target = change.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else {
        return;
    };
    for (name, value) in change {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

impl World {
    /// Somebody sends the partner a new referral: seeds it and raises `referral-created`. Gives its id and
    /// the event's number.
    pub fn create_referral(&self, referral: impl Into<Value>) -> anyhow::Result<(String, u64)> {
        let id = self.partner_center.lock().seed_referral(referral)?;
        let event = Event::referral(REFERRAL_CREATED, &id, self.clock.now());
        let number = self.raise(event);
        Ok((id, number))
    }

    /// A person edits a referral in Partner Center: a new version, and `referral-updated`. Gives the
    /// event's number.
    pub fn edit_referral(&self, id: &str, change: &Value) -> anyhow::Result<u64> {
        let changed = self
            .partner_center
            .lock()
            .edit(id, change, self.clock.now())?;
        Ok(self.raise(Event::referral(REFERRAL_UPDATED, id, changed)))
    }

    /// A referral is closed with this substatus, `Expired` included. Gives the event's number.
    pub fn close_referral(&self, id: &str, substatus: &str) -> anyhow::Result<u64> {
        let closed = wire_time(self.clock.now());
        let change = serde_json::json!({
            "status": "Closed",
            "substatus": substatus,
            "closedDateTime": closed,
        });
        self.edit_referral(id, &change)
    }
}

/// The service's routes.
pub fn router(world: SharedWorld) -> Router {
    let referral = get(referrals::read)
        .patch(referrals::modify)
        .put(referrals::replace);
    let registration = get(registration::view)
        .post(registration::create)
        .put(registration::update);
    Router::new()
        .route("/v1.0/engagements/referrals", get(referrals::list))
        .route("/v1.0/engagements/referrals/{id}", referral)
        .route("/webhooks/v1/registration", registration)
        .route(
            "/webhooks/v1/registration/events",
            get(registration::events),
        )
        .route(
            "/webhooks/v1/registration/validationEvents",
            post(registration::test),
        )
        .route(
            "/webhooks/v1/registration/validationEvents/{correlation}",
            get(registration::test_result),
        )
        .fallback(async || Refused::not_found())
        .method_not_allowed_fallback(async || Refused::method())
        .layer(middleware::from_fn(correlate))
        .with_state(world)
}

/// Adds the headers by which Microsoft's support finds a request.
async fn correlate(request: Request, next: Next) -> Response {
    let client = HeaderName::from_static("client-request-id");
    let given = request.headers().get(&client).cloned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let id = Uuid::new_v4().to_string();
    let header = |text: &str| HeaderValue::from_str(text).expect("ids and times are ASCII");
    headers.insert("request-id", header(&id));
    headers.insert(client, given.unwrap_or_else(|| header(&id)));
    headers.insert("timestamp", header(&wire_time(Timestamp::now())));
    let diagnostic = HeaderValue::from_static("{\"ServerInfo\":{\"DataCenter\":\"Sandbox\"}}");
    headers.insert("x-ms-ags-diagnostic", diagnostic);
    response
}
