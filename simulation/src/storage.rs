//! The storage account in memory: blobs under versions, and the queue of referrals to look at later.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use referral_connector::ids::ETag;
use referral_connector::upstream::storage::{
    Blob, Blobs, Listing, Presumed, Put, Queue, StorageCause, StorageError, Taken,
};

use crate::agenda::after;
use crate::instances::Client;
use crate::universe::{Contents, Failed, Request, Service};

/// The account.
#[derive(Default)]
pub(crate) struct Storage {
    pub(crate) blobs: BTreeMap<String, (Blob, Timestamp)>,
    pub(crate) messages: BTreeMap<u64, Message>,
    numbers: u64,
}

/// A message of the queue.
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) shows: Timestamp,
    pub(crate) receipt: u64,
    /// How often it was taken.
    pub(crate) taken: u32,
}

/// How many blobs a page of a listing holds.
const PAGE: usize = 2;

impl Storage {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Makes something of blob `name` that nobody can read.
    pub(crate) fn garble(&mut self, name: &str) {
        let version = ETag::new(format!("\"0x{:08X}\"", self.number()));
        if let Some((blob, _)) = self.blobs.get_mut(name) {
            blob.content = Bytes::from_static(b"{\"format\": 1, \"salt");
            blob.version = version;
        }
    }

    /// Whether what a write presumes is so.
    fn holds(&self, name: &str, presumed: Option<&Option<ETag>>) -> bool {
        let version = self.blobs.get(name).map(|(blob, _)| &blob.version);
        presumed.is_none_or(|presumed| presumed.as_ref() == version)
    }
}

impl Contents {
    fn put_blob(&mut self, name: &str, content: Bytes, presumed: Option<&Option<ETag>>) -> Put {
        if !self.storage.holds(name, presumed) {
            self.count("storage: 412");
            self.tell(|| format!("blob {name} refused: 412"));
            return Put::Changed;
        }
        self.tell(|| format!("saves {name}: {}", String::from_utf8_lossy(&content)));
        let version = ETag::new(format!("\"0x{:08X}\"", self.storage.number()));
        let blob = Blob {
            content,
            version: version.clone(),
        };
        let now = self.now();
        self.ledger.saved(name);
        self.storage.blobs.insert(name.to_owned(), (blob, now));
        Put::Done(version)
    }

    fn delete_blob(&mut self, name: &str, version: Option<&ETag>) -> bool {
        let found = self.storage.blobs.get(name);
        let fits = found.is_some_and(|(blob, _)| version.is_none_or(|it| *it == blob.version));
        if fits {
            self.storage.blobs.remove(name);
        }
        fits
    }

    fn list_blobs(&self, prefix: &str, marker: Option<&str>) -> Listing {
        let names = self.storage.blobs.iter();
        let mut names = names.filter(|(name, _)| {
            name.starts_with(prefix) && marker.is_none_or(|it| name.as_str() >= it)
        });
        let page = names.by_ref().take(PAGE);
        let names_and_times = page.map(|(name, (_, written))| (name.clone(), Some(*written)));
        Listing {
            names: names_and_times.collect(),
            next: names.next().map(|(name, _)| name.clone()),
        }
    }

    fn send_message(&mut self, text: String, delay: Duration) {
        let (id, receipt) = (self.storage.number(), self.storage.number());
        let shows = after(self.now(), delay);
        self.tell(|| format!("queues for {shows}: {text}"));
        let message = Message {
            text,
            shows,
            receipt,
            taken: 0,
        };
        self.storage.messages.insert(id, message);
        self.expect_worker(delay);
    }

    fn take_messages(&mut self, most: u8, hidden: Duration) -> Vec<Taken> {
        let now = self.now();
        let mut taken = Vec::new();
        let mut receipt = self.storage.number();
        for (id, message) in &mut self.storage.messages {
            if message.shows > now || taken.len() >= usize::from(most) {
                continue;
            }
            receipt += 1;
            message.shows = after(now, hidden);
            message.receipt = receipt;
            message.taken += 1;
            taken.push(Taken {
                id: id.to_string(),
                receipt: receipt.to_string(),
                text: message.text.clone(),
            });
        }
        self.storage.numbers = receipt;
        if !taken.is_empty() {
            self.expect_worker(hidden);
        }
        taken
    }

    fn remove_message(&mut self, taken: &Taken) {
        let Ok(id) = taken.id.parse::<u64>() else {
            return;
        };
        let message = self.storage.messages.get(&id);
        if message.is_some_and(|it| it.receipt.to_string() == taken.receipt) {
            self.storage.messages.remove(&id);
        }
    }
}

fn failed(operation: &'static str, name: &str, failed: Failed) -> StorageError {
    StorageError {
        operation,
        name: name.to_owned(),
        cause: match failed {
            Failed::Refused => StorageCause::Failed {
                status: StatusCode::SERVICE_UNAVAILABLE,
                after: None,
            },
            Failed::Unanswered => StorageCause::Unreachable,
        },
    }
}

impl Client {
    fn of_storage(&self, what: &'static str) -> Request {
        Request {
            service: Service::Storage,
            what,
            group: self.group,
        }
    }
}

#[async_trait]
impl Blobs for Client {
    async fn get(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        let (own, shown) = (name.to_owned(), name.to_owned());
        self.universe
            .ask(
                self.of_storage("storage: read a blob"),
                move |it, run| {
                    it.ledger.loads(run, &own);
                    let found = it.storage.blobs.get(&own);
                    Ok(found.map(|(blob, _)| blob.clone()))
                },
                move |why| Err(failed("read", &shown, why)),
            )
            .await
    }

    async fn put(
        &self,
        name: &str,
        content: Bytes,
        presumed: Presumed<'_>,
    ) -> Result<Put, StorageError> {
        let (own, shown) = (name.to_owned(), name.to_owned());
        let presumed = match presumed {
            Presumed::Absent => Some(None),
            Presumed::Version(version) => Some(Some(version.clone())),
            Presumed::Nothing => None,
        };
        self.universe
            .ask(
                self.of_storage("storage: write a blob"),
                move |it, _| Ok(it.put_blob(&own, content, presumed.as_ref())),
                move |why| Err(failed("write", &shown, why)),
            )
            .await
    }

    async fn delete(&self, name: &str, version: Option<&ETag>) -> Result<bool, StorageError> {
        let (own, shown) = (name.to_owned(), name.to_owned());
        let version = version.cloned();
        self.universe
            .ask(
                self.of_storage("storage: delete a blob"),
                move |it, _| Ok(it.delete_blob(&own, version.as_ref())),
                move |why| Err(failed("delete", &shown, why)),
            )
            .await
    }

    async fn list(&self, prefix: &str, marker: Option<&str>) -> Result<Listing, StorageError> {
        let (own, shown) = (prefix.to_owned(), prefix.to_owned());
        let marker = marker.map(str::to_owned);
        self.universe
            .ask(
                self.of_storage("storage: list blobs"),
                move |it, _| Ok(it.list_blobs(&own, marker.as_deref())),
                move |why| Err(failed("list", &shown, why)),
            )
            .await
    }
}

#[async_trait]
impl Queue for Client {
    async fn send(&self, text: &str, delay: Duration) -> Result<(), StorageError> {
        let text = text.to_owned();
        self.universe
            .ask(
                self.of_storage("storage: queue a message"),
                move |it, _| {
                    it.send_message(text, delay);
                    Ok(())
                },
                |why| Err(failed("send to", "the queue", why)),
            )
            .await
    }

    async fn take(&self, most: u8, hidden: Duration) -> Result<Vec<Taken>, StorageError> {
        self.universe
            .ask(
                self.of_storage("storage: take messages"),
                move |it, _| Ok(it.take_messages(most, hidden)),
                |why| Err(failed("take from", "the queue", why)),
            )
            .await
    }

    async fn remove(&self, taken: &Taken) -> Result<(), StorageError> {
        let taken = taken.clone();
        self.universe
            .ask(
                self.of_storage("storage: remove a message"),
                move |it, _| {
                    it.remove_message(&taken);
                    Ok(())
                },
                |why| Err(failed("remove from", "the queue", why)),
            )
            .await
    }
}
