//! The storage account: blobs under preconditions and messages that show later, in Azurite, behind faults.

mod blobs;
mod failures;
mod identity;
mod queues;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use referral_connector::config::Config;
use referral_connector::credentials;
use referral_connector::ids::ETag;
use referral_connector::upstream::Transport;
use referral_connector::upstream::storage::{
    BlobStore, Blobs, POISON_QUEUE, Presumed, Put, RETRY_QUEUE, Storage, StorageQueue,
};
use sandbox::requests::Record;
use sandbox::{Fault, Sandbox, Service};

/// A connector's storage in a sandbox.
struct Kept {
    sandbox: Sandbox,
    storage: Storage,
    blobs: BlobStore,
    later: StorageQueue,
}

impl Kept {
    async fn start() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let storage = storage(&sandbox, &[]);
        Self {
            blobs: storage.blobs(),
            later: storage.queue(RETRY_QUEUE),
            storage,
            sandbox,
        }
    }

    async fn write(&self, name: &str, content: &'static str, presumed: Presumed<'_>) -> Put {
        let content = Bytes::from_static(content.as_bytes());
        self.blobs.put(name, content, presumed).await.unwrap()
    }

    /// Writes a new blob, and gives its version.
    async fn wrote(&self, name: &str, content: &'static str) -> ETag {
        match self.write(name, content, Presumed::Absent).await {
            Put::Done(version) => version,
            Put::Changed => panic!("{name} was there"),
        }
    }

    async fn read(&self, name: &str) -> Option<Bytes> {
        let blob = self.blobs.get(name).await.unwrap();
        blob.map(|it| it.content)
    }

    fn fault(&self, fault: Fault) {
        self.sandbox.world().faults.add(fault);
    }

    fn requests(&self) -> Vec<Record> {
        self.sandbox.world().requests.of(Service::Storage)
    }
}

/// The storage that the sandbox's settings name, with `changes`; an empty value unsets one.
fn storage(sandbox: &Sandbox, changes: &[(&str, &str)]) -> Storage {
    let mut settings: BTreeMap<String, String> = sandbox.settings();
    for (name, value) in changes {
        settings.insert((*name).to_owned(), (*value).to_owned());
    }
    let config = Config::read(&|name| settings.get(name).cloned()).unwrap();
    let transport = Transport::new(config.outbound_ca.as_deref()).unwrap();
    let access = credentials::build(&config, &transport).storage;
    Storage::new(&config.storage, access, transport)
}

const SOON: Duration = Duration::from_secs(1);

#[tokio::test]
async fn the_container_and_the_queue_are_made_by_whoever_writes_first() {
    let it = Kept::start().await;
    assert_eq!(it.read("state/1.json").await, None);
    assert!(it.blobs.list("", None).await.unwrap().names.is_empty());
    assert!(take(&it.later).await.is_empty());
    assert!(it.requests().iter().all(|it| it.method == "GET"));

    it.wrote("state/1.json", "{}").await;
    send(&it.later, "first").await;
    let made = it.requests();
    let creations = made.iter().filter(|it| it.status == Some(201)).count();
    assert_eq!(creations, 4, "{made:#?}");

    it.wrote("state/2.json", "{}").await;
    send(&it.later, "second").await;
    assert_eq!(it.requests().len(), made.len() + 2);
}

#[tokio::test]
async fn a_probe_leaves_nothing_but_the_places_themselves() {
    let it = Kept::start().await;
    for _ in 0..2 {
        it.blobs.probe().await.unwrap();
        it.later.probe().await.unwrap();
    }
    assert!(it.blobs.list("", None).await.unwrap().names.is_empty());
    assert!(take(&it.later).await.is_empty());
    let poison = it.storage.queue(POISON_QUEUE);
    assert!(take(&poison).await.is_empty());
}

async fn send(queue: &StorageQueue, text: &str) {
    use referral_connector::upstream::storage::Queue;
    queue.send(text, Duration::ZERO).await.unwrap();
}

async fn take(queue: &StorageQueue) -> Vec<String> {
    use referral_connector::upstream::storage::Queue;
    let taken = queue.take(32, Duration::from_mins(1)).await.unwrap();
    taken.into_iter().map(|it| it.text).collect()
}
