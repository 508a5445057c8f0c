//! Azure Key Vault: the secrets of one vault, with its authentication challenge.

mod refusal;
mod store;
mod wire;

use axum::{
    Json, Router,
    extract::{Path, Query, State as Shared},
    http::{HeaderMap, Uri},
    routing::get,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use refusal::Refusal;
pub use store::{Secret, State};

use crate::{
    Claims,
    entra::VAULT,
    world::{Service, SharedWorld, World},
};

/// The `api-version` values the vault knows.
const VERSIONS: [&str; 10] = [
    "7.0",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "7.5",
    "7.6",
    "2025-06-01-preview",
    "2025-07-01",
    "2026-01-01-preview",
];

/// The greatest size of a secret, in bytes.
const VALUE_LIMIT: usize = 25 * 1024;

/// The service's routes.
pub fn router(world: SharedWorld) -> Router {
    Router::new()
        .route("/secrets", get(list))
        .route("/secrets/{name}", get(latest).put(set))
        .route("/secrets/{name}/", get(latest).put(set))
        .route("/secrets/{name}/versions", get(versions))
        .route("/secrets/{name}/{version}", get(version))
        .with_state(world)
}

#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "api-version")]
    api_version: Option<String>,
    maxresults: Option<usize>,
    #[serde(rename = "$skiptoken")]
    skip: Option<usize>,
}

type Answer = Result<Json<Value>, Refusal>;

async fn latest(
    Shared(world): Shared<SharedWorld>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answer {
    read(&world, &headers, &asked, &name, None)
}

async fn version(
    Shared(world): Shared<SharedWorld>,
    Path((name, version)): Path<(String, String)>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answer {
    read(&world, &headers, &asked, &name, Some(&version))
}

fn read(
    world: &World,
    headers: &HeaderMap,
    asked: &Asked,
    name: &str,
    version: Option<&str>,
) -> Answer {
    let caller = enter(world, headers, asked, Some(name))?;
    let vault = world.key_vault.lock();
    if vault.get_is_forbidden {
        return Err(Refusal::forbidden(&caller, "getSecret", name));
    }
    let secret = vault
        .versions(name)
        .iter()
        .rev()
        .find(|it| version.is_none_or(|wanted| it.version == wanted))
        .ok_or_else(|| Refusal::not_found(name, version))?;
    if !secret.enabled {
        return Err(Refusal::disabled());
    }
    Ok(Json(wire::bundle(
        world.url(Service::KeyVault),
        name,
        secret,
    )))
}

async fn set(
    Shared(world): Shared<SharedWorld>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
    body: Bytes,
) -> Answer {
    let caller = enter(&world, &headers, &asked, Some(&name))?;
    let now = world.clock.now();
    let mut vault = world.key_vault.lock();
    if vault.set_is_forbidden {
        return Err(Refusal::forbidden(&caller, "setSecret", &name));
    }
    let wanted = wire::parse(&body).map_err(|text| Refusal::bad_parameter(&text))?;
    if wanted.value.len() > VALUE_LIMIT {
        return Err(Refusal::bad_parameter(
            "The value is longer than 25600 bytes.",
        ));
    }
    let secret = vault.add(&name, wanted, now);
    Ok(Json(wire::bundle(
        world.url(Service::KeyVault),
        &name,
        secret,
    )))
}

async fn versions(
    Shared(world): Shared<SharedWorld>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answer {
    let caller = enter(&world, &headers, &asked, Some(&name))?;
    let vault = world.key_vault.lock();
    if vault.get_is_forbidden {
        return Err(Refusal::forbidden(&caller, "readMetadata", &name));
    }
    let base = world.url(Service::KeyVault);
    let items = vault.versions(&name).iter();
    let items = items.map(|it| wire::item(base, &name, Some(&it.version), it));
    Ok(page(base, &uri.to_string(), &asked, items))
}

async fn list(
    Shared(world): Shared<SharedWorld>,
    uri: Uri,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answer {
    let caller = enter(&world, &headers, &asked, None)?;
    let vault = world.key_vault.lock();
    if vault.get_is_forbidden {
        return Err(Refusal::forbidden(&caller, "readMetadata", ""));
    }
    let base = world.url(Service::KeyVault);
    let items = vault
        .latest()
        .map(|(name, it)| wire::item(base, name, None, it));
    Ok(page(base, &uri.to_string(), &asked, items))
}

fn page(base: &Url, uri: &str, asked: &Asked, items: impl Iterator<Item = Value>) -> Json<Value> {
    let size = asked.maxresults.unwrap_or(25).clamp(1, 25);
    let skip = asked.skip.unwrap_or(0);
    let mut items = items.skip(skip);
    let value: Vec<Value> = items.by_ref().take(size).collect();
    let next = items.next().and_then(|_| {
        let mut next = base.join(uri).ok()?;
        let version = asked.api_version.as_deref().unwrap_or_default();
        next.query_pairs_mut()
            .clear()
            .append_pair("api-version", version)
            .append_pair("$skiptoken", &(skip + size).to_string())
            .append_pair("maxresults", &size.to_string());
        Some(next.to_string())
    });
    Json(json!({ "value": value, "nextLink": next }))
}

/// What every operation checks first: the caller, the version, the name.
fn enter(
    world: &World,
    headers: &HeaderMap,
    asked: &Asked,
    name: Option<&str>,
) -> Result<Claims, Refusal> {
    let caller = world
        .authorize(headers, VAULT)
        .map_err(|it| Refusal::challenge(world.url(Service::Entra), &it))?;
    match asked.api_version.as_deref() {
        None => return Err(Refusal::bad_parameter("api-version must be specified")),
        Some(it) if !VERSIONS.contains(&it) => {
            let text = format!(
                "The specified version ({it}) is not recognized. Consider using the latest supported \
                 version (7.6)."
            );
            return Err(Refusal::bad_parameter(&text));
        }
        Some(_) => {}
    }
    let allowed = |it: &str| {
        (1..=127).contains(&it.len()) && it.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    match name {
        Some(name) if !allowed(name) => {
            let text = format!("The request URI contains an invalid name: {name}");
            Err(Refusal::bad_parameter(&text))
        }
        _ => Ok(caller),
    }
}
