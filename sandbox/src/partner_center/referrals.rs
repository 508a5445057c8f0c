//! The referral API: read one, list, patch, and the obsolete replace.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value};

use super::refused::{Refused, json_response, set};
use super::{Stored, list, patch};
use crate::deliveries::{Event, REFERRAL_UPDATED};
use crate::entra::{Claims, PARTNER_API};
use crate::world::{Service, SharedWorld, World};

type Answer = Result<Response, Refused>;

fn admit(world: &World, headers: &HeaderMap) -> Result<Claims, Refused> {
    let claims = world
        .authorize(headers, PARTNER_API)
        .map_err(|_| Refused::unauthenticated())?;
    if claims.is_app_only() {
        return Err(Refused::denied(
            "Referrals are read and written as a user only.",
        ));
    }
    let state = world.partner_center.lock();
    if !claims.has_mfa() && !state.second_factor_is_optional {
        return Err(Refused::without_second_factor());
    }
    let name = claims.upn.as_deref();
    if name.is_some_and(|name| state.without_role.contains(name)) {
        return Err(Refused::denied("Caller has no role for referrals."));
    }
    drop(state);
    Ok(claims)
}

pub(super) async fn list(
    Shared(world): Shared<SharedWorld>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let claims = admit(&world, &headers)?;
    let mut state = world.partner_center.lock();
    if state.list.refused {
        return Err(Refused::denied(
            "Caller is not authorized to list referrals.",
        ));
    }
    let documents: Vec<_> = state.referrals.iter().map(|it| &it.document).collect();
    let query = query.unwrap_or_default();
    let base = world.url(Service::PartnerCenter);
    let page = list::page(&documents, &query, &state.list, base)?;
    let edited = state.list.edited_between_pages.pop_front();
    let answer = state.judged(&claims, &headers, json_response(StatusCode::OK, &page));
    drop(state);
    if let Some(id) = edited {
        // A referral that was taken away in the meantime cannot be edited: nothing moves.
        let _ = world.edit_referral(&id, &Value::Object(Map::new()));
    }
    Ok(answer)
}

pub(super) async fn read(
    Shared(world): Shared<SharedWorld>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    admit(&world, &headers)?;
    let state = world.partner_center.lock();
    let referral = state.find(&id).ok_or_else(Refused::not_found)?;
    readable(referral)?;
    Ok(representation(&referral.document))
}

pub(super) async fn modify(
    Shared(world): Shared<SharedWorld>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    admit(&world, &headers)?;
    if !is_json(&headers) {
        return Err(Refused::media_type());
    }
    let document = write(&world, &id, &headers, |document| {
        patch::apply(document, &body)
    })?;
    let wanted = headers.get_all("prefer").iter();
    let wanted = wanted.filter_map(|value| value.to_str().ok());
    if wanted
        .flat_map(|it| it.split(','))
        .any(|it| it.trim() == "return=representation")
    {
        return Ok(representation(&document));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The obsolete PUT: `If-Match` is required, and whatever the body leaves out is lost.
pub(super) async fn replace(
    Shared(world): Shared<SharedWorld>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    admit(&world, &headers)?;
    if !is_json(&headers) {
        return Err(Refused::media_type());
    }
    if !headers.contains_key(header::IF_MATCH) {
        return Err(Refused::invalid("ETag", "If-Match is required."));
    }
    let document = write(&world, &id, &headers, |document| replaced(document, &body))?;
    Ok(representation(&document))
}

const READ_ONLY: [&str; 11] = [
    "acceptedDateTime",
    "closedDateTime",
    "createdDateTime",
    "direction",
    "engagementId",
    "expirationDateTime",
    "id",
    "links",
    "organizationId",
    "organizationName",
    "trackingInfo",
];

fn replaced(document: &Map<String, Value>, body: &[u8]) -> Result<Map<String, Value>, Refused> {
    let mut given: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
        Refused::invalid("body", format!("The referral cannot be read: {error}."))
    })?;
    for name in READ_ONLY {
        given.remove(name);
        if let Some(value) = document.get(name) {
            given.insert(name.to_owned(), value.clone());
        }
    }
    Ok(given)
}

/// Makes one accepted write: a new version of the referral, and the event that everybody gets, the writer too.
fn write(
    world: &World,
    id: &str,
    headers: &HeaderMap,
    change: impl FnOnce(&Map<String, Value>) -> Result<Map<String, Value>, Refused>,
) -> Result<Map<String, Value>, Refused> {
    let now = world.clock.now();
    let (document, changed) = {
        let mut state = world.partner_center.lock();
        let referral = state.find(id).ok_or_else(Refused::not_found)?;
        readable(referral)?;
        precondition(referral, headers)?;
        if referral.is_closed() {
            let message = "The referral is closed and cannot be changed.";
            return Err(Refused::invalid("status", message));
        }
        let document = change(&referral.document)?;
        state
            .store(id, document, now)
            .ok_or_else(Refused::not_found)?
    };
    // The id as the referral has it: the caller may have written it in other letters.
    let own = document.get("id").and_then(Value::as_str).unwrap_or(id);
    world.raise(Event::referral(REFERRAL_UPDATED, own, changed));
    Ok(document)
}

fn readable(referral: &Stored) -> Result<(), Refused> {
    if referral.denied {
        return Err(Refused::denied("Unauthorized referral access"));
    }
    Ok(())
}

/// The value is compared as it is, with the quotes inside: `"…"` fits, the same without quotes does not.
fn precondition(referral: &Stored, headers: &HeaderMap) -> Result<(), Refused> {
    let Some(wanted) = headers.get(header::IF_MATCH) else {
        return Ok(());
    };
    let fits = wanted == "*" || referral.etag().is_some_and(|etag| wanted == etag);
    if fits { Ok(()) } else { Err(Refused::stale()) }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

fn representation(document: &Map<String, Value>) -> Response {
    let mut response = json_response(StatusCode::OK, &Value::Object(document.clone()));
    if let Some(etag) = document.get("eTag").and_then(Value::as_str) {
        set(&mut response, header::ETAG, etag);
    }
    response
}
