//! The webhook registration of the tenant, and the test events that prove it works.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

use super::refused::{OldRefused, json_response, throttled};
use crate::deliveries::{self, Event, Outcome, TEST_CREATED};
use crate::entra::{Claims, PARTNER_CENTER_API};
use crate::world::{SharedWorld, World};

/// The events one can register for.
const EVENTS: [&str; 12] = [
    "azure-fraud-event-detected",
    "granular-admin-relationship-activated",
    "granular-admin-relationship-approved",
    "granular-admin-relationship-terminated",
    "invoice-ready",
    deliveries::REFERRAL_CREATED,
    deliveries::REFERRAL_UPDATED,
    deliveries::RELATED_REFERRAL_CREATED,
    deliveries::RELATED_REFERRAL_UPDATED,
    "subscription-updated",
    TEST_CREATED,
    "usagerecords-thresholdExceeded",
];

const TESTS_A_MINUTE: usize = 2;
const TEST_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Where the tenant's events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its id.
    pub subscriber: Uuid,
    /// The webhook.
    pub url: Url,
    /// The events it wants.
    pub events: Vec<String>,
    /// Whether the signature travels in `x-ms-signature`.
    pub ms_signature: bool,
}

impl Registration {
    fn json(&self) -> Map<String, Value> {
        let mut json = Map::new();
        json.insert("WebhookUrl".to_owned(), self.url.as_str().into());
        json.insert("WebhookEvents".to_owned(), self.events.clone().into());
        let flag = self.ms_signature.into();
        json.insert("SignatureTokenToMsSignatureHeader".to_owned(), flag);
        json
    }

    fn answer(&self) -> Response {
        let mut json = self.json();
        json.insert(
            "SubscriberId".to_owned(),
            self.subscriber.to_string().into(),
        );
        json_response(StatusCode::OK, &Value::Object(json))
    }
}

/// A test event the partner asked for.
#[derive(Clone, Debug)]
pub(super) struct Test {
    correlation: Uuid,
    requested: Timestamp,
    partner: String,
    callback: Url,
    /// Its number among the deliveries, once raised.
    event: Option<u64>,
}

type Answer = Result<Response, OldRefused>;

fn admit(world: &World, headers: &HeaderMap) -> Result<Claims, OldRefused> {
    let claims = world.authorize(headers, PARTNER_CENTER_API).map_err(|_| {
        OldRefused::new(
            StatusCode::UNAUTHORIZED,
            "The access token is missing or not valid.",
        )
    })?;
    if !claims.is_app_only() && !claims.has_mfa() {
        return Err(OldRefused::without_second_factor());
    }
    if world.partner_center.lock().webhooks_denied {
        let message = "The caller has none of the roles for webhooks.";
        return Err(OldRefused::new(StatusCode::FORBIDDEN, message));
    }
    Ok(claims)
}

pub(super) async fn view(Shared(world): Shared<SharedWorld>, headers: HeaderMap) -> Answer {
    admit(&world, &headers)?;
    let state = world.partner_center.lock();
    let registration = state.registration.as_ref().ok_or_else(none)?;
    Ok(json_response(
        StatusCode::OK,
        &Value::Object(registration.json()),
    ))
}

pub(super) async fn create(
    Shared(world): Shared<SharedWorld>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    admit(&world, &headers)?;
    let mut state = world.partner_center.lock();
    let registration = parse(&body, Uuid::new_v4(), &state.withheld_events)?;
    if state.registration.is_some() {
        let message = "The partner already has a registration. Update it instead.";
        return Err(OldRefused::new(StatusCode::CONFLICT, message));
    }
    Ok(state.registration.insert(registration).answer())
}

pub(super) async fn update(
    Shared(world): Shared<SharedWorld>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    admit(&world, &headers)?;
    let mut state = world.partner_center.lock();
    let subscriber = state.registration.as_ref().ok_or_else(none)?.subscriber;
    let registration = parse(&body, subscriber, &state.withheld_events)?;
    Ok(state.registration.insert(registration).answer())
}

pub(super) async fn events(Shared(world): Shared<SharedWorld>, headers: HeaderMap) -> Answer {
    let claims = admit(&world, &headers)?;
    let state = world.partner_center.lock();
    let withheld = &state.withheld_events;
    let offered = EVENTS.iter().filter(|event| !withheld.contains(**event));
    let offered: Vec<_> = offered.collect();
    let answer = json_response(StatusCode::OK, &json!(offered));
    Ok(state.judged(&claims, &headers, answer))
}

/// Asks for a test event.
pub(super) async fn test(Shared(world): Shared<SharedWorld>, headers: HeaderMap) -> Answer {
    let claims = admit(&world, &headers)?;
    let now = world.clock.now();
    let correlation = Uuid::new_v4();
    {
        let mut state = world.partner_center.lock();
        let registration = state.registration.clone().ok_or_else(none)?;
        if !registration.events.iter().any(|it| it == TEST_CREATED) {
            let message = "The registration does not include test-created.";
            return Err(OldRefused::new(StatusCode::BAD_REQUEST, message));
        }
        if let Some(wait) = wait_for_next(&state.tests, now) {
            return Ok(throttled(wait.as_secs().unsigned_abs() + 1));
        }
        state.tests.push(Test {
            correlation,
            requested: now,
            partner: claims.tid,
            callback: registration.url,
            event: None,
        });
    }
    let event = world.raise(Event::test(correlation, now));
    let mut state = world.partner_center.lock();
    let mut tests = state.tests.iter_mut();
    if let Some(test) = tests.find(|it| it.correlation == correlation) {
        test.event = Some(event);
    }
    let body = json!({ "correlationId": correlation.to_string() });
    Ok(json_response(StatusCode::OK, &body))
}

/// How long until another test may be asked for; `None` when one may be now.
fn wait_for_next(tests: &[Test], now: Timestamp) -> Option<SignedDuration> {
    let minute = SignedDuration::from_mins(1);
    let ages = tests.iter().map(|it| now.duration_since(it.requested));
    let recent: Vec<_> = ages.filter(|age| *age < minute).collect();
    let full = recent.len() >= TESTS_A_MINUTE;
    full.then(|| minute - recent.first().copied().unwrap_or_default())
}

/// How a test event fared, attempt by attempt.
pub(super) async fn test_result(
    Shared(world): Shared<SharedWorld>,
    Path(correlation): Path<String>,
    headers: HeaderMap,
) -> Answer {
    admit(&world, &headers)?;
    let now = world.clock.now();
    let unknown = || OldRefused::new(StatusCode::NOT_FOUND, "No such validation event.");
    let correlation: Uuid = correlation.parse().map_err(|_| unknown())?;
    let test = {
        let state = world.partner_center.lock();
        let mut tests = state.tests.iter();
        tests.find(|it| it.correlation == correlation).cloned()
    };
    let test = test.filter(|it| now.duration_since(it.requested) < TEST_KEPT);
    let test = test.ok_or_else(unknown)?;
    let deliveries = world.deliveries.lock();
    let raised = test.event.and_then(|event| deliveries.raised(event));
    let status = match raised.map(|it| it.outcome) {
        Some(Outcome::Delivered) => "completed",
        Some(Outcome::GivenUp) => "failed",
        _ => "pending",
    };
    let attempts = raised.map(|it| it.attempts.as_slice()).unwrap_or_default();
    let body = json!({
        "correlationId": correlation.to_string(),
        "partnerId": test.partner,
        "status": status,
        "callbackUrl": test.callback.as_str(),
        "results": attempts.iter().map(result).collect::<Vec<_>>(),
    });
    Ok(json_response(StatusCode::OK, &body))
}

/// The status goes by its .NET name, the time without a zone.
fn result(attempt: &deliveries::Attempt) -> Value {
    let status = attempt.status.and_then(|it| StatusCode::from_u16(it).ok());
    let name = match status {
        Some(status) => match status.canonical_reason() {
            Some(reason) => reason.replace(' ', ""),
            None => status.as_str().to_owned(),
        },
        None => "0".to_owned(),
    };
    json!({
        "responseCode": name,
        "responseMessage": attempt.error.as_deref().unwrap_or_default(),
        "systemError": attempt.status.is_none(),
        "dateTimeUtc": attempt.started.strftime("%Y-%m-%dT%H:%M:%S%.7f").to_string(),
    })
}

fn none() -> OldRefused {
    OldRefused::new(StatusCode::NOT_FOUND, "The partner has no registration.")
}

/// A registration from a request's body. Members bind in any letter case.
fn parse(
    body: &[u8],
    subscriber: Uuid,
    withheld: &BTreeSet<String>,
) -> Result<Registration, OldRefused> {
    let invalid = |message: &str| OldRefused::new(StatusCode::BAD_REQUEST, message);
    let body: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| invalid("The body is not a JSON object."))?;
    let member = |name: &str| {
        let mut members = body.iter();
        let found = members.find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    };
    let url = member("WebhookUrl").and_then(Value::as_str);
    let url = url.and_then(|url| Url::parse(url).ok());
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    let events: Option<Vec<String>> =
        member("WebhookEvents")
            .and_then(Value::as_array)
            .and_then(|events| {
                events
                    .iter()
                    .map(|it| it.as_str().map(str::to_owned))
                    .collect()
            });
    let events = events.filter(|events| !events.is_empty());
    let events = events.ok_or_else(|| invalid("WebhookEvents is missing or empty."))?;
    if let Some(unknown) = events
        .iter()
        .find(|event| !EVENTS.contains(&event.as_str()) || withheld.contains(*event))
    {
        return Err(invalid(&format!("'{unknown}' is not an event.")));
    }
    let flag = member("SignatureTokenToMsSignatureHeader").and_then(Value::as_bool);
    Ok(Registration {
        subscriber,
        url: url.ok_or_else(|| invalid("WebhookUrl is not an absolute address."))?,
        events,
        ms_signature: flag.unwrap_or_default(),
    })
}
