//! The app's storage account: Azurite behind a proxy that logs every request and lets it meet its fault.
//!
//! One Azurite process serves every sandbox of a process; each has an account of its own. Blobs and queues listen on
//! two ports, as they have two hosts in Azure; both are [`Service::Storage`](crate::Service::Storage).
//!
//! The methods of [`Storage`] go past the proxy: they are not logged and meet no faults.

mod account;
pub(crate) mod azurite;
pub(crate) mod client;
mod link;
mod proxy;
pub(crate) mod queue;
mod signature;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use roxmltree::Document;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

pub(crate) use account::{Account, Credentials};
use client::{Call, Client, Proof, succeeded};
pub(crate) use proxy::{blobs, queues, secure_blobs, secure_queues};
use queue::Queue;

use crate::world::World;

/// How long a signature lives that [`Storage::signed_connection_string`] has.
const SIGNATURE_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// The app setting that holds the connection string.
pub(crate) const CONNECTION: &str = "AzureWebJobsStorage";
const AGENT: &str = "sandbox";

/// The storage of one sandbox.
#[derive(Debug)]
pub struct Storage {
    account: Account,
    blobs: Client,
    queues: Client,
    blobs_url: Url,
    queues_url: Url,
    secure_blobs_url: Url,
    secure_queues_url: Url,
}

/// Where clients find the account, each without its name: over plain HTTP by its key or a signature, and over HTTPS by a
/// token too.
pub(crate) struct Addresses {
    pub(crate) blobs: Url,
    pub(crate) queues: Url,
    pub(crate) secure_blobs: Url,
    pub(crate) secure_queues: Url,
}

/// A message of a queue, hidden or not.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The queue's id of it.
    pub id: String,
    /// What it says, as it was sent.
    pub text: String,
    /// When it was sent.
    pub inserted: Timestamp,
    /// When the queue drops it; `None` is never.
    pub expires: Option<Timestamp>,
    /// From when on it can be taken.
    pub visible: Timestamp,
    /// How often it was taken.
    pub dequeue_count: u32,
}

impl Message {
    /// How long it stays hidden from now on; nothing when it can be taken.
    pub fn hidden_for(&self) -> Duration {
        let left = self.visible.duration_since(Timestamp::now());
        Duration::try_from(left).unwrap_or_default()
    }
}

impl Storage {
    /// `account`, which clients find at these addresses.
    pub(crate) fn new(account: Account, addresses: &Addresses) -> anyhow::Result<Self> {
        let client = |service| {
            let proof = Proof::Key(account.credentials.clone());
            anyhow::Ok(Client::new(account.below(service)?, proof, AGENT))
        };
        Ok(Self {
            blobs: client(&account.blobs)?,
            queues: client(&account.queues)?,
            blobs_url: account.below(&addresses.blobs)?,
            queues_url: account.below(&addresses.queues)?,
            secure_blobs_url: account.below(&addresses.secure_blobs)?,
            secure_queues_url: account.below(&addresses.secure_queues)?,
            account,
        })
    }

    /// The account's name.
    pub fn account_name(&self) -> &str {
        self.account.credentials.name()
    }

    /// Where clients find the blobs: the account's name included, without a trailing slash.
    pub fn blobs_url(&self) -> &Url {
        &self.blobs_url
    }

    /// Where clients find the queues: the account's name included, without a trailing slash.
    pub fn queues_url(&self) -> &Url {
        &self.queues_url
    }

    /// The connection string with the account's key.
    pub fn connection_string(&self) -> String {
        let (name, key) = (self.account_name(), self.account.key());
        format!(
            "DefaultEndpointsProtocol=http;AccountName={name};AccountKey={key};{}",
            self.endpoints()
        )
    }

    /// A connection string without the key: a signature (SAS) for everything in it, good for a day.
    pub fn signed_connection_string(&self) -> String {
        let end = Timestamp::now() + SIGNATURE_LIFE;
        let signature = signature::account_sas(&self.account.credentials, end);
        format!("{}SharedAccessSignature={signature}", self.endpoints())
    }

    /// The settings by which the app's managed identity opens the account, in place of a connection string.
    pub fn identity_settings(&self) -> BTreeMap<String, String> {
        [
            ("blobServiceUri", self.secure_blobs_url.as_str()),
            ("queueServiceUri", self.secure_queues_url.as_str()),
            ("credential", "managedidentity"),
        ]
        .map(|(name, value)| (format!("{CONNECTION}__{name}"), value.to_owned()))
        .into()
    }

    fn endpoints(&self) -> String {
        let (blobs, queues) = (&self.blobs_url, &self.queues_url);
        format!("BlobEndpoint={blobs};QueueEndpoint={queues};")
    }

    /// What blob `name` holds; `None` if it, or the container, is not there.
    pub async fn blob(&self, container: &str, name: &str) -> anyhow::Result<Option<Bytes>> {
        let call = Call::new(Method::GET, format!("{container}/{name}"));
        let answer = self.blobs.send(call).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(succeeded(answer)?.into_body()))
    }

    /// The names of the blobs that begin with `prefix`, in their order; none if there is no such container.
    pub async fn blobs(&self, container: &str, prefix: &str) -> anyhow::Result<Vec<String>> {
        let (mut names, mut marker) = (Vec::new(), String::new());
        loop {
            let call = Call::new(Method::GET, container)
                .query("restype", "container")
                .query("comp", "list")
                .query("prefix", prefix)
                .query("marker", &*marker);
            let answer = self.blobs.send(call).await?;
            if answer.status() == StatusCode::NOT_FOUND {
                return Ok(names);
            }
            let answer = succeeded(answer)?;
            let text = std::str::from_utf8(answer.body()).context("read the list of blobs")?;
            let list = Document::parse(text.trim_start_matches('\u{feff}'))?;
            let text = |tag: &'static str| {
                let found = list.descendants().filter(move |it| it.has_tag_name(tag));
                found.filter_map(|it| it.text().map(str::to_owned))
            };
            names.extend(text("Name"));
            match text("NextMarker").next() {
                Some(next) => marker = next,
                None => return Ok(names),
            }
        }
    }

    /// Writes blob `name`, whatever was there, in a container that is made if it is missing.
    pub async fn put_blob(
        &self,
        container: &str,
        name: &str,
        content: impl Into<Bytes>,
    ) -> anyhow::Result<()> {
        let made = Call::new(Method::PUT, container).query("restype", "container");
        let made = self.blobs.send(made).await?;
        if made.status() != StatusCode::CONFLICT {
            succeeded(made).with_context(|| format!("make the container {container}"))?;
        }
        let call = Call::new(Method::PUT, format!("{container}/{name}"))
            .header("x-ms-blob-type", "BlockBlob")
            .body(content);
        succeeded(self.blobs.send(call).await?).map(drop)
    }

    /// Deletes blob `name`. Gives whether it was there.
    pub async fn delete_blob(&self, container: &str, name: &str) -> anyhow::Result<bool> {
        let call = Call::new(Method::DELETE, format!("{container}/{name}"));
        let answer = self.blobs.send(call).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        succeeded(answer)?;
        Ok(true)
    }

    /// Adds a message as it is, to a queue that is made if it is missing.
    pub async fn send(&self, queue: &str, text: &str) -> anyhow::Result<()> {
        Queue::new(self.queues.clone(), queue).send(text).await
    }

    /// Every message of `queue`, hidden ones too, in the order in which they were sent; none if there is no such queue.
    pub async fn messages(&self, queue: &str) -> anyhow::Result<Vec<Message>> {
        let answer = self.ask("messages", queue).await?;
        serde_json::from_value(answer).context("read the list of messages")
    }

    /// Shows the messages that nobody took yet, however long their sender wanted them hidden. Gives how many. One that
    /// is being worked on, or waits after a failure, stays hidden.
    pub async fn release(&self, queue: &str) -> anyhow::Result<usize> {
        let answer = self.ask("release", queue).await?;
        serde_json::from_value(answer).context("read the number of messages")
    }

    async fn ask(&self, what: &str, queue: &str) -> anyhow::Result<Value> {
        let question = json!({ what: { "account": self.account_name(), "queue": queue } });
        std::sync::Arc::clone(&self.account.console)
            .ask(question)
            .await
    }
}

/// `AzureWebJobsStorage` of the app.
pub(crate) fn settings(world: &World) -> [(&'static str, String); 1] {
    [(CONNECTION, world.storage.connection_string())]
}
