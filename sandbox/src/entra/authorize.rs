//! The authorize endpoint. The user signs in and agrees at once, unless told to decline; with a second factor if the
//! application or the tenant demands one and the user has it.

use std::collections::HashMap;

use axum::{
    extract::{Path, Query, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};
use jiff::{SignedDuration, Timestamp};
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::{
    State,
    directory::{Code, SignIn},
    jwt,
    refusal::{Refusal, correlation_id},
    scope,
};
use crate::world::{SharedWorld, World};

const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

type Parameters = HashMap<String, String>;

pub(super) async fn v2(
    Shared(world): Shared<SharedWorld>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    Query(query): Query<Parameters>,
) -> Response {
    let scope = query.get("scope").cloned();
    answer(&world, &tenant, &headers, &query, scope)
}

/// The first endpoint names a resource where the second names scopes, and always gives refresh tokens.
pub(super) async fn v1(
    Shared(world): Shared<SharedWorld>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    Query(query): Query<Parameters>,
) -> Response {
    let resource = query.get("resource").map(|it| format!(" {it}/.default"));
    let scope = format!("openid offline_access{}", resource.unwrap_or_default());
    answer(&world, &tenant, &headers, &query, Some(scope))
}

fn answer(
    world: &World,
    tenant: &str,
    headers: &HeaderMap,
    query: &Parameters,
    scope: Option<String>,
) -> Response {
    let now = world.clock.now();
    let describe = |it: &Refusal| it.description(Uuid::new_v4(), &correlation_id(headers), now);
    let redirect = match redirect(world, tenant, query) {
        Ok(redirect) => redirect,
        // Never sent to an address nobody registered: the user reads it.
        Err(refusal) => return page(StatusCode::BAD_REQUEST, &describe(&refusal)),
    };
    let mut fields = match code(world, query, scope, &redirect, now) {
        Ok(code) => vec![("code", code)],
        Err(it) => vec![
            ("error", it.error.to_owned()),
            ("error_description", describe(&it)),
        ],
    };
    if let Some(state) = query.get("state") {
        fields.push(("state", state.clone()));
    }
    if let Ok(mut url) = Url::parse(&redirect.uri) {
        return back(
            query.get("response_mode").map(String::as_str),
            &mut url,
            &fields,
        );
    }
    page(StatusCode::BAD_REQUEST, "the redirect URI is not a URL")
}

/// Where the browser goes back to.
struct Redirect {
    uri: String,
    single_page: bool,
}

/// The address to go back to: one that the application registered, for a user of the tenant.
fn redirect(world: &World, tenant: &str, query: &Parameters) -> Result<Redirect, Refusal> {
    let client = query
        .get("client_id")
        .ok_or_else(|| Refusal::missing("client_id"))?;
    let entra = world.entra.lock();
    let (tenant, app) = entra.find(tenant, client)?;
    let uri = query
        .get("redirect_uri")
        .or(app.redirect_uris.first())
        .ok_or_else(|| Refusal::missing("redirect_uri"))?;
    let single_page = app
        .redirects_to(uri)
        .ok_or_else(|| Refusal::redirect_not_registered(uri, client))?;
    let name = &entra.browser;
    let user = entra.users.get(name);
    let user = user.ok_or_else(|| Refusal::unknown_user(name))?;
    if user.tenant != tenant {
        return Err(Refusal::other_tenant(name, &tenant, client));
    }
    Ok(Redirect {
        uri: uri.clone(),
        single_page,
    })
}

fn code(
    world: &World,
    query: &Parameters,
    scope: Option<String>,
    redirect: &Redirect,
    now: Timestamp,
) -> Result<String, Refusal> {
    let response_type = query
        .get("response_type")
        .ok_or_else(|| Refusal::missing("response_type"))?;
    if response_type != "code" {
        return Err(Refusal::unsupported_response_type(response_type));
    }
    let scope = scope.ok_or_else(|| Refusal::missing("scope"))?;
    scope::parse(&scope)?;
    let challenge = challenge(query)?;
    let mut entra = world.entra.lock();
    if entra.declines_consent {
        return Err(Refusal::consent_declined());
    }
    let code = jwt::opaque("1.AX0A", 320);
    let kept = Code {
        sign_in: sign_in(&entra, query),
        client: query.get("client_id").cloned().unwrap_or_default(),
        redirect_uri: redirect.uri.clone(),
        single_page: redirect.single_page,
        challenge,
        scope,
        expires: now.checked_add(CODE_LIFE).unwrap_or(Timestamp::MAX),
        used: false,
    };
    entra.codes.insert(code.clone(), kept);
    Ok(code)
}

/// The user of the browser signs in. A session is not enough for a second factor: it has to be demanded.
fn sign_in(entra: &State, query: &Parameters) -> SignIn {
    let demanded = query.get("amr_values").is_some_and(|it| it == "mfa");
    let has_one = entra
        .users
        .get(&entra.browser)
        .is_some_and(|it| it.second_factor);
    SignIn {
        user: entra.browser.clone(),
        mfa: has_one && (demanded || entra.mfa_required),
        nonce: query.get("nonce").cloned(),
    }
}

/// The S256 digest that the code's verifier must have.
fn challenge(query: &Parameters) -> Result<Option<String>, Refusal> {
    let Some(challenge) = query.get("code_challenge") else {
        return Ok(None);
    };
    match query
        .get("code_challenge_method")
        .map_or("plain", String::as_str)
    {
        "S256" => Ok(Some(challenge.clone())),
        "plain" => Ok(Some(jwt::sha256(challenge))),
        _ => Err(Refusal::code_verifier()),
    }
}

fn back(mode: Option<&str>, url: &mut Url, fields: &[(&str, String)]) -> Response {
    match mode {
        Some("form_post") => return post_back(url, fields),
        Some("fragment") => {
            let text = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish();
            url.set_fragment(Some(&text));
        }
        _ => {
            url.query_pairs_mut().extend_pairs(fields);
        }
    }
    (StatusCode::FOUND, [(header::LOCATION, url.as_str())]).into_response()
}

/// A page whose form the browser posts at once.
fn post_back(url: &Url, fields: &[(&str, String)]) -> Response {
    let input = |(name, value): &(&str, String)| {
        let value = escape(value);
        format!(r#"<input type="hidden" name="{name}" value="{value}"/>"#)
    };
    let inputs = fields.iter().map(input).collect::<Vec<_>>().concat();
    let action = escape(url.as_str());
    Html(format!(
        r#"<html><head><title>Working...</title></head><body><form method="POST" name="hiddenform" action="{action}">{inputs}</form><script>document.forms[0].submit();</script></body></html>"#
    ))
    .into_response()
}

fn page(status: StatusCode, text: &str) -> Response {
    let html = format!(
        "<html><head><title>Sign in to your account</title></head><body>{}</body></html>",
        escape(text)
    );
    (status, Html(html)).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
