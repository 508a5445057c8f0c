//! Blobs in memory, for tests.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;

use crate::ids::ETag;
use crate::upstream::storage::{Blob, Blobs, Listing, Presumed, Put, StorageCause, StorageError};

/// Blobs under `ETags`, as a storage account keeps them.
#[derive(Debug, Default)]
pub(crate) struct Drawer(Mutex<Contents>);

#[derive(Debug, Default)]
struct Contents {
    blobs: BTreeMap<String, Blob>,
    writes: u64,
    stuck: bool,
}

impl Drawer {
    /// What blob `name` holds.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let contents = self.0.lock().unwrap();
        let blob = contents.blobs.get(name)?;
        Some(String::from_utf8(blob.content.to_vec()).unwrap())
    }

    /// Has blob `name` hold `text`.
    pub(crate) fn set(&self, name: &str, text: impl Into<Bytes>) {
        self.0.lock().unwrap().set(name, text.into());
    }

    /// How many writes there were.
    pub(crate) fn writes(&self) -> u64 {
        self.0.lock().unwrap().writes
    }

    /// Whether everything fails from now on.
    pub(crate) fn jam(&self, stuck: bool) {
        self.0.lock().unwrap().stuck = stuck;
    }

    fn open(
        &self,
        operation: &'static str,
        name: &str,
    ) -> Result<std::sync::MutexGuard<'_, Contents>, StorageError> {
        let contents = self.0.lock().unwrap();
        if contents.stuck {
            return Err(StorageError {
                operation,
                name: name.to_owned(),
                cause: StorageCause::Unreachable,
            });
        }
        Ok(contents)
    }
}

impl Contents {
    fn set(&mut self, name: &str, content: Bytes) -> ETag {
        self.writes += 1;
        let version = ETag::new(format!("\"{}\"", self.writes));
        let blob = Blob {
            content,
            version: version.clone(),
        };
        self.blobs.insert(name.to_owned(), blob);
        version
    }

    fn has(&self, name: &str, version: &ETag) -> bool {
        self.blobs
            .get(name)
            .is_some_and(|blob| blob.version == *version)
    }
}

#[async_trait]
impl Blobs for Drawer {
    async fn get(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        Ok(self.open("read", name)?.blobs.get(name).cloned())
    }

    async fn put(
        &self,
        name: &str,
        content: Bytes,
        presumed: Presumed<'_>,
    ) -> Result<Put, StorageError> {
        let mut contents = self.open("write", name)?;
        let holds = match presumed {
            Presumed::Absent => !contents.blobs.contains_key(name),
            Presumed::Version(version) => contents.has(name, version),
            Presumed::Nothing => true,
        };
        if !holds {
            return Ok(Put::Changed);
        }
        Ok(Put::Done(contents.set(name, content)))
    }

    async fn delete(&self, name: &str, version: Option<&ETag>) -> Result<bool, StorageError> {
        let mut contents = self.open("delete", name)?;
        if version.is_some_and(|version| !contents.has(name, version)) {
            return Ok(false);
        }
        Ok(contents.blobs.remove(name).is_some())
    }

    async fn list(&self, prefix: &str, _marker: Option<&str>) -> Result<Listing, StorageError> {
        let contents = self.open("list", prefix)?;
        let names = contents
            .blobs
            .keys()
            .filter(|name| name.starts_with(prefix));
        Ok(Listing {
            names: names.map(|name| (name.clone(), None)).collect(),
            next: None,
        })
    }
}
