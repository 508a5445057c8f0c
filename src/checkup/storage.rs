//! The storage account: whether the connector may do there what it has to. A small blob is written and deleted again, and the
//! container and the queue are made if they are not there.

use super::{Finding, Visit};
use crate::upstream::storage::RETRY_QUEUE;

const BLOBS: &str = "blobs";
const QUEUE: &str = "queue";

pub(super) const CODES: &[&str] = &[BLOBS, QUEUE];

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let storage = &visit.app.storage;
    vec![
        Finding::of(BLOBS, storage.blobs().probe().await, |()| {
            "can be written, read and deleted".to_owned()
        }),
        Finding::of(QUEUE, storage.queue(RETRY_QUEUE).probe().await, |()| {
            format!("{RETRY_QUEUE} is there")
        }),
    ]
}
