//! The connector's blobs: small, in one container, written under `ETags`.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::Etag;
use azure_storage_blob::models::{
    BlobClientDeleteOptions, BlobClientUploadOptions, BlobContainerClientListBlobsOptions,
    DeleteSnapshotsOptionType,
};
use azure_storage_blob::{
    BlobClient, BlobClientOptions, BlobContainerClient, BlobContainerClientOptions,
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use jiff::Timestamp;

use super::account::{Account, Failure};
use super::cause::{StorageCause, StorageError};
use super::{Blob, Blobs, Listing, Presumed, Put};
use crate::ids::ETag;
use crate::upstream::azure::AzureHttp;

/// How many names one page of a listing has at most: five thousand could be longer than what is read of an answer.
const PAGE: i32 = 500;
/// The codes of an answer that says that there is no such blob.
const NO_BLOB: &[&str] = &["BlobNotFound", NO_CONTAINER];
const NO_CONTAINER: &str = "ContainerNotFound";
const WRITE: &str = "write blob";

/// The blobs of one container.
#[derive(Clone)]
pub struct BlobStore {
    account: Arc<Account>,
    container: String,
}

#[async_trait]
impl Blobs for BlobStore {
    async fn get(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        const OPERATION: &str = "read blob";
        let download = |http| async move {
            let answer = self.blob(&http, name)?.download(None).await?;
            let version = answer.properties.etag;
            Ok((answer.body.collect().await?, version))
        };
        match self.account.perform(OPERATION, download).await {
            Ok((content, Some(version))) => Ok(Some(Blob {
                content,
                version: ETag::new(version),
            })),
            Ok((_, None)) => Err(StorageCause::Unreadable.of(OPERATION, name)),
            Err(failure) if failure.is(NO_BLOB) => Ok(None),
            Err(failure) => Err(failure.cause.of(OPERATION, name)),
        }
    }

    async fn put(
        &self,
        name: &str,
        content: Bytes,
        presumed: Presumed<'_>,
    ) -> Result<Put, StorageError> {
        let mut written = self.upload(name, &content, presumed).await;
        if written.as_ref().is_err_and(|it| it.is(&[NO_CONTAINER])) {
            self.create_container().await?;
            written = self.upload(name, &content, presumed).await;
        }
        match written {
            Ok(Some(version)) => Ok(Put::Done(version)),
            Ok(None) => Err(StorageCause::Unreadable.of(WRITE, name)),
            Err(failure) if refutes(&failure, presumed) => {
                if failure.attempts > 1 {
                    return self.settled(name, &content).await;
                }
                Ok(Put::Changed)
            }
            Err(failure) => Err(failure.cause.of(WRITE, name)),
        }
    }

    async fn delete(&self, name: &str, version: Option<&ETag>) -> Result<bool, StorageError> {
        const OPERATION: &str = "delete blob";
        let delete = |http| async move {
            let options = BlobClientDeleteOptions {
                if_match: version.map(etag),
                delete_snapshots: Some(DeleteSnapshotsOptionType::Include),
                ..BlobClientDeleteOptions::default()
            };
            self.blob(&http, name)?.delete(Some(options)).await
        };
        match self.account.perform(OPERATION, delete).await {
            Ok(_) => Ok(true),
            // Sent more than once, it is gone by the one whose answer did not come.
            Err(failure) if failure.is(NO_BLOB) => Ok(failure.attempts > 1),
            Err(failure) if version.is_some() && is_status(&failure, &[412]) => Ok(false),
            Err(failure) => Err(failure.cause.of(OPERATION, name)),
        }
    }

    async fn list(&self, prefix: &str, marker: Option<&str>) -> Result<Listing, StorageError> {
        const OPERATION: &str = "list blobs";
        let list = |http| async move {
            let options = BlobContainerClientListBlobsOptions {
                prefix: Some(prefix.to_owned()),
                marker: marker.map(str::to_owned),
                maxresults: Some(PAGE),
                ..BlobContainerClientListBlobsOptions::default()
            };
            let mut pages = self
                .container(&http)?
                .list_blobs(Some(options))?
                .into_pages();
            pages
                .try_next()
                .await?
                .map(azure_core::http::Response::into_model)
                .transpose()
        };
        let page = match self.account.perform(OPERATION, list).await {
            Ok(page) => page.unwrap_or_default(),
            Err(failure) if failure.is(&[NO_CONTAINER]) => return Ok(Listing::default()),
            Err(failure) => return Err(failure.cause.of(OPERATION, prefix)),
        };
        let named = |item: azure_storage_blob::models::BlobItem| {
            let written = item.properties.and_then(|it| it.last_modified);
            let written = written.and_then(|it| Timestamp::from_second(it.unix_timestamp()).ok());
            Some((item.name?, written))
        };
        Ok(Listing {
            names: page.blob_items.into_iter().filter_map(named).collect(),
            next: page.next_marker.filter(|it| !it.is_empty()),
        })
    }
}

impl BlobStore {
    pub(super) const fn new(account: Arc<Account>, container: String) -> Self {
        Self { account, container }
    }

    /// Writes, reads and deletes a blob, as every sync will.
    pub async fn probe(&self) -> Result<(), StorageError> {
        const NAME: &str = "check.json";
        let content = Bytes::from_static(b"{}");
        self.put(NAME, content, Presumed::Nothing).await?;
        self.get(NAME).await?;
        self.delete(NAME, None).await?;
        Ok(())
    }

    /// Writes once, repeats after lost answers included; gives the new version.
    async fn upload(
        &self,
        name: &str,
        content: &Bytes,
        presumed: Presumed<'_>,
    ) -> Result<Option<ETag>, Failure> {
        let upload = |http| async move {
            let (if_match, if_none_match) = match presumed {
                Presumed::Absent => (None, Some(Etag::from("*"))),
                Presumed::Version(version) => (Some(etag(version)), None),
                Presumed::Nothing => (None, None),
            };
            let options = BlobClientUploadOptions {
                if_match,
                if_none_match,
                blob_content_type: Some("application/json".to_owned()),
                ..BlobClientUploadOptions::default()
            };
            let client = self.blob(&http, name)?;
            client.upload(content.clone().into(), Some(options)).await
        };
        let written = self.account.perform(WRITE, upload).await?;
        Ok(written.etag.map(ETag::new))
    }

    /// What became of a write that was repeated and then refused: it was our own if the blob holds just that.
    async fn settled(&self, name: &str, content: &Bytes) -> Result<Put, StorageError> {
        Ok(match self.get(name).await? {
            Some(blob) if blob.content == *content => Put::Done(blob.version),
            _ => Put::Changed,
        })
    }

    async fn create_container(&self) -> Result<(), StorageError> {
        const OPERATION: &str = "create container";
        let create = |http| async move { self.container(&http)?.create(None).await };
        match self.account.perform(OPERATION, create).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is(&["ContainerAlreadyExists"]) => Ok(()),
            Err(failure) => Err(failure.cause.of(OPERATION, &self.container)),
        }
    }

    fn container(&self, http: &Arc<AzureHttp>) -> azure_core::Result<BlobContainerClient> {
        let url = self
            .account
            .address(&self.account.blobs, [self.container.as_str()])?;
        let options = BlobContainerClientOptions {
            client_options: http.options(),
            ..BlobContainerClientOptions::default()
        };
        BlobContainerClient::new(url, self.account.credential(), Some(options))
    }

    fn blob(&self, http: &Arc<AzureHttp>, name: &str) -> azure_core::Result<BlobClient> {
        let path = std::iter::once(self.container.as_str()).chain(name.split('/'));
        let url = self.account.address(&self.account.blobs, path)?;
        let options = BlobClientOptions {
            client_options: http.options(),
            ..BlobClientOptions::default()
        };
        BlobClient::new(url, self.account.credential(), Some(options))
    }
}

fn etag(version: &ETag) -> Etag {
    Etag::from(version.as_str())
}

/// Whether the answer says that what a write presumed does not hold, and not that the blob cannot be written now.
fn refutes(failure: &Failure, presumed: Presumed<'_>) -> bool {
    let expected: &[&str] = match presumed {
        Presumed::Absent => &["BlobAlreadyExists", "ConditionNotMet"],
        Presumed::Version(_) => &["ConditionNotMet", "BlobNotFound"],
        Presumed::Nothing => return false,
    };
    failure.is(expected) || failure.code.is_none() && is_status(failure, &[409, 412])
}

fn is_status(failure: &Failure, statuses: &[u16]) -> bool {
    failure
        .status
        .is_some_and(|it| statuses.contains(&it.as_u16()))
}
