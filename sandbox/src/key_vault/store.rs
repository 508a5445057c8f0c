//! The vault's secrets, version by version.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::wire::Wanted;

/// One version of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// The version's id, 32 hexadecimal digits.
    pub version: String,
    /// The value.
    pub value: String,
    /// What the writer said it is.
    pub content_type: Option<String>,
    /// The writer's labels.
    pub tags: BTreeMap<String, String>,
    /// Whether it may be read.
    pub enabled: bool,
    /// When it starts to count, in Unix seconds; kept, not enforced, as in a real vault.
    pub not_before: Option<i64>,
    /// When it ends, in Unix seconds; kept, not enforced, as in a real vault.
    pub expires: Option<i64>,
    /// When it was written.
    pub created: Timestamp,
}

/// One vault. Names are compared without regard to case.
#[derive(Debug, Default)]
pub struct State {
    secrets: BTreeMap<String, Vec<Secret>>,
    pub(super) get_is_forbidden: bool,
    pub(super) set_is_forbidden: bool,
}

impl State {
    /// The value of the newest version of `name`.
    pub fn secret(&self, name: &str) -> Option<&str> {
        self.versions(name).last().map(|it| it.value.as_str())
    }

    /// All versions of `name`, the oldest first.
    pub fn versions(&self, name: &str) -> &[Secret] {
        self.secrets
            .get(&name.to_ascii_lowercase())
            .map_or(&[], Vec::as_slice)
    }

    /// Writes a new version of `name`, past every check.
    pub fn put(&mut self, name: &str, value: &str, now: Timestamp) {
        self.add(name, Wanted::of(value), now);
    }

    /// Notes when the newest version of `name` ends.
    pub fn note_end(&mut self, name: &str, end: Timestamp) {
        let versions = self.secrets.get_mut(&name.to_ascii_lowercase());
        if let Some(newest) = versions.and_then(|it| it.last_mut()) {
            newest.expires = Some(end.as_second());
        }
    }

    /// Takes `name` away with all its versions.
    pub fn remove(&mut self, name: &str) {
        self.secrets.remove(&name.to_ascii_lowercase());
    }

    /// Disables or enables all versions of `name`.
    pub fn enable(&mut self, name: &str, enabled: bool) {
        let versions = self.secrets.get_mut(&name.to_ascii_lowercase());
        for secret in versions.into_iter().flatten() {
            secret.enabled = enabled;
        }
    }

    /// Whether reading is refused for lack of a role.
    pub fn forbid_get(&mut self, forbidden: bool) {
        self.get_is_forbidden = forbidden;
    }

    /// Whether writing is refused for lack of a role.
    pub fn forbid_set(&mut self, forbidden: bool) {
        self.set_is_forbidden = forbidden;
    }

    pub(super) fn latest(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.secrets
            .iter()
            .filter_map(|(name, versions)| Some((name.as_str(), versions.last()?)))
    }

    pub(super) fn add(&mut self, name: &str, wanted: Wanted, now: Timestamp) -> &Secret {
        let attributes = wanted.attributes;
        self.secrets
            .entry(name.to_ascii_lowercase())
            .or_default()
            .push_mut(Secret {
                version: Uuid::new_v4().simple().to_string(),
                value: wanted.value,
                content_type: wanted.content_type,
                tags: wanted.tags,
                enabled: attributes.enabled.unwrap_or(true),
                not_before: attributes.nbf,
                expires: attributes.exp,
                created: now,
            })
    }
}
