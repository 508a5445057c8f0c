//! Discovery documents and the key set.

use axum::{
    Json,
    extract::{Path, State as Shared},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::{TENANT_ID, jwt, refusal::Refusal};
use crate::world::{Service, SharedWorld};

pub(super) async fn v1(
    Shared(world): Shared<SharedWorld>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(&world, &headers, &tenant, |issuing| {
        let issuer = format!("https://sts.windows.net/{issuing}/");
        document(&world, &tenant, "oauth2", "discovery/keys", &issuer)
    })
}

pub(super) async fn v2(
    Shared(world): Shared<SharedWorld>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(&world, &headers, &tenant, |issuing| {
        let issuer = format!("https://login.microsoftonline.com/{issuing}/v2.0");
        let (path, keys) = ("oauth2/v2.0", "discovery/v2.0/keys");
        let mut document = document(&world, &tenant, path, keys, &issuer);
        let base = world.url(Service::Entra);
        document["device_authorization_endpoint"] =
            format!("{base}{tenant}/{path}/devicecode").into();
        document
    })
}

pub(super) async fn keys(
    Shared(world): Shared<SharedWorld>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(&world, &headers, &tenant, |issuing| {
        jwt::key_set(&format!("https://login.microsoftonline.com/{issuing}/v2.0"))
    })
}

/// What `document` makes of the tenant as it stands in an issuer. Shared endpoints leave its place open.
fn answer(
    world: &SharedWorld,
    headers: &HeaderMap,
    tenant: &str,
    document: impl FnOnce(&str) -> Value,
) -> Response {
    if matches!(tenant, "common" | "organizations") {
        return Json(document("{tenantid}")).into_response();
    }
    let id = world
        .entra
        .lock()
        .tenants
        .get(&tenant.to_ascii_lowercase())
        .cloned();
    match id {
        Some(id) => Json(document(&id)).into_response(),
        None => Refusal::unknown_tenant(tenant).response(
            headers,
            world.url(Service::Entra),
            world.clock.now(),
        ),
    }
}

pub(super) async fn instance(Shared(world): Shared<SharedWorld>) -> Json<Value> {
    let base = world.url(Service::Entra);
    let host = format!("127.0.0.1:{}", base.port().unwrap_or(443));
    Json(json!({
        "tenant_discovery_endpoint":
            format!("{base}{TENANT_ID}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{
            "preferred_network": host,
            "preferred_cache": host,
            "aliases": [host],
        }],
    }))
}

fn document(world: &SharedWorld, tenant: &str, path: &str, keys: &str, issuer: &str) -> Value {
    let base = world.url(Service::Entra);
    json!({
        "token_endpoint": format!("{base}{tenant}/{path}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "jwks_uri": format!("{base}{tenant}/{keys}"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "authorization_endpoint": format!("{base}{tenant}/{path}/authorize"),
    })
}
