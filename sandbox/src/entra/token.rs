//! The token endpoint: requests and answers of both versions.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State as Shared},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    Minted,
    refusal::Refusal,
    scope::{self, Wanted},
};
use crate::world::{Service, SharedWorld, World};

pub(super) async fn v2(
    Shared(world): Shared<SharedWorld>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&world, false, &tenant, &headers, &body)
}

pub(super) async fn v1(
    Shared(world): Shared<SharedWorld>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&world, true, &tenant, &headers, &body)
}

fn answer(
    world: &Arc<World>,
    v1: bool,
    tenant: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let now = world.clock.now();
    let request = Request::read(v1, headers, body, now);
    let granted = world.entra.lock().grant(tenant, &request);
    let mut response = match granted {
        Ok(granted) => Json(granted.body(v1)).into_response(),
        Err(refusal) => refusal.response(headers, world.url(Service::Entra), now),
    };
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store, no-cache"),
        (header::PRAGMA, "no-cache"),
    ] {
        response
            .headers_mut()
            .insert(name, header::HeaderValue::from_static(value));
    }
    response
}

/// A request as it was posted.
pub(super) struct Request {
    pub(super) v1: bool,
    form: HashMap<String, String>,
    /// Whether a page of another origin sent it, as a browser says.
    pub(super) cross_origin: bool,
    pub(super) now: Timestamp,
}

impl Request {
    pub(super) fn read(v1: bool, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Self {
        let mut form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        if let Some((id, secret)) = basic(headers) {
            form.entry("client_id".to_owned()).or_insert(id);
            form.entry("client_secret".to_owned()).or_insert(secret);
        }
        Self {
            v1,
            form,
            cross_origin: headers.contains_key(header::ORIGIN),
            now,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.form
            .get(name)
            .map(String::as_str)
            .filter(|it| !it.is_empty())
    }

    pub(super) fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }

    /// What is asked for: `resource` at the first endpoint, `scope` at the second, `before` (what the
    /// user signed in for) when neither is there.
    pub(super) fn wanted(&self, before: &str) -> Result<Wanted, Refusal> {
        let mut wanted = scope::parse(match self.get("scope") {
            Some(scope) if !self.v1 => scope,
            _ => before,
        })?;
        if self.v1 {
            wanted.offline = true;
            if let Some(resource) = self.get("resource") {
                wanted.resource = Some(resource.to_owned());
            }
        }
        Ok(wanted)
    }
}

/// Client id and secret of an HTTP Basic header; both are form-encoded inside it.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = BASE64.decode(value.strip_prefix("Basic ")?).ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    let text = |it: &str| {
        let pair = format!("={it}");
        let (_, value) = form_urlencoded::parse(pair.as_bytes()).next()?;
        Some(Cow::into_owned(value))
    };
    Some((text(id)?, text(secret)?))
}

/// Tokens to hand out.
pub(super) struct Granted {
    pub(super) access: Minted,
    pub(super) resource: String,
    pub(super) user: bool,
    pub(super) refresh: Option<String>,
    pub(super) id: Option<String>,
    pub(super) life: i64,
}

impl Granted {
    fn body(self, v1: bool) -> Value {
        let mut body = json!({ "token_type": "Bearer" });
        let number = |it: i64| {
            if v1 {
                Value::from(it.to_string())
            } else {
                Value::from(it)
            }
        };
        if self.user {
            body["scope"] = Value::from(if v1 {
                "user_impersonation".to_owned()
            } else {
                format!("{0}/user_impersonation {0}/.default", self.resource)
            });
        }
        body["expires_in"] = number(self.life);
        body["ext_expires_in"] = number(self.life);
        if v1 {
            body["expires_on"] = number(self.access.expires);
            body["not_before"] = number(self.access.not_before);
            body["resource"] = Value::from(self.resource);
        }
        body["access_token"] = Value::from(self.access.token);
        if let Some(refresh) = self.refresh {
            body["refresh_token"] = Value::from(refresh);
        }
        if let Some(id) = self.id {
            body["id_token"] = Value::from(id);
        }
        body
    }
}
