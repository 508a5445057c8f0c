//! The storage account: whether the connector may do there what it has to. A small blob and a message that nobody sees are written
//! and removed again, and the container and the queue are made if they are not there.

use super::{Finding, Visit};
use crate::upstream::storage::RETRY_QUEUE;

const BLOBS: &str = "blobs";
const QUEUE: &str = "queue";

pub(super) const CODES: &[&str] = &[BLOBS, QUEUE];

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let storage = &visit.app.storage;
    let (blobs, queue) = (storage.blobs(), storage.queue(RETRY_QUEUE));
    let (blobs, queue) = tokio::join!(blobs.probe(), queue.probe());
    vec![
        Finding::of(BLOBS, blobs, |()| {
            "can be written, read and deleted".to_owned()
        }),
        Finding::of(QUEUE, queue, |()| {
            format!("messages can be added to {RETRY_QUEUE} and removed")
        }),
    ]
}
