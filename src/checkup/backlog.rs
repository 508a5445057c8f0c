//! What waits in the queues.

use super::{Finding, Visit};
use crate::upstream::storage::{POISON_QUEUE, RETRY_QUEUE};

const WAITING: &str = "waiting";
const POISON: &str = "poison";

pub(super) const CODES: &[&str] = &[WAITING, POISON];

/// More waiting referrals than one bad hour leaves behind.
const MANY: u64 = 20;

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let app = visit.app;
    let (queue, poison) = (
        app.storage.queue(RETRY_QUEUE),
        app.storage.queue(POISON_QUEUE),
    );
    let (waiting, poison) = tokio::join!(queue.depth(), poison.depth());
    vec![
        match waiting {
            Ok(0) => Finding::ok(WAITING, "no referral waits to be tried again"),
            Ok(count) if count <= MANY => Finding::ok(
                WAITING,
                format!("referrals that wait to be tried again: {count}"),
            ),
            Ok(count) => Finding::warning(
                WAITING,
                format!("referrals that wait to be tried again: {count}"),
                "see in the log, under `parked`, what they wait for",
            ),
            Err(error) => Finding::error(WAITING, &error),
        },
        match poison {
            Ok(0) => Finding::ok(POISON, "no message has failed again and again"),
            Ok(count) => Finding::warning(
                POISON,
                format!("messages that failed again and again without an answer: {count}"),
                "see in the log what ended the program; each becomes a dead letter by itself at the next reconcile",
            ),
            Err(error) => Finding::error(POISON, &error),
        },
    ]
}
