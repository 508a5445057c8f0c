//! Secrets as JSON, in and out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::Secret;

/// The body of a write.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    pub(super) value: String,
    pub(super) content_type: Option<String>,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) attributes: Attributes,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Attributes {
    pub(super) enabled: Option<bool>,
    pub(super) nbf: Option<i64>,
    pub(super) exp: Option<i64>,
}

impl Wanted {
    pub(super) fn of(value: &str) -> Self {
        Self {
            value: value.to_owned(),
            content_type: None,
            tags: BTreeMap::new(),
            attributes: Attributes::default(),
        }
    }
}

/// Reads the body of a write; the error is the vault's message.
pub(super) fn parse(body: &[u8]) -> Result<Wanted, String> {
    serde_json::from_slice(body)
        .map_err(|error| format!("Request body not specified or not valid: {error}"))
}

/// A secret with its value.
pub(super) fn bundle(vault: &Url, name: &str, secret: &Secret) -> Value {
    let mut bundle = item(vault, name, Some(&secret.version), secret);
    bundle["value"] = Value::from(secret.value.as_str());
    bundle
}

/// A secret without its value, under the id of one version or of the secret.
pub(super) fn item(vault: &Url, name: &str, version: Option<&str>, secret: &Secret) -> Value {
    let version = version.map(|it| format!("/{it}")).unwrap_or_default();
    let mut item = json!({
        "id": format!("{vault}secrets/{name}{version}"),
        "attributes": attributes(secret),
    });
    if let Some(content_type) = &secret.content_type {
        item["contentType"] = Value::from(content_type.as_str());
    }
    if !secret.tags.is_empty() {
        item["tags"] = json!(secret.tags);
    }
    item
}

fn attributes(secret: &Secret) -> Value {
    let created = secret.created.as_second();
    let mut attributes = json!({
        "enabled": secret.enabled,
        "created": created,
        "updated": created,
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": 90,
    });
    for (name, value) in [("nbf", secret.not_before), ("exp", secret.expires)] {
        if let Some(value) = value {
            attributes[name] = Value::from(value);
        }
    }
    attributes
}
