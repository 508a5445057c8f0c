//! Empties the queue of messages that the host gave up on: nobody else ever looks there.

use std::time::Duration;

use uuid::Uuid;

use super::pass::Pass;
use super::rows::problem;
use crate::sync::park::Disposal;
use crate::upstream::storage::StorageError;

/// How many are taken at once.
const TAKEN: u8 = 16;
/// For how long they are hidden from another pass.
const HIDDEN: Duration = Duration::from_mins(2);

impl Pass<'_> {
    /// Moves poisoned messages into the dead letters. A message is removed only once its letter is stored.
    pub(super) async fn empty_poison(&mut self) -> Result<(), StorageError> {
        let queue = &self.reconciler.poison;
        while self.may_go_on() {
            let messages = queue.take(TAKEN, HIDDEN).await?;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                // The queue's ids are GUIDs.
                let id = message.id.parse();
                let id = id
                    .unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, message.id.as_bytes()));
                let ends = self.sync_ends();
                let disposal = self.reconciler.desk.poisoned(&message.text, id, ends).await;
                if let Disposal::NotKept { storage, .. } = disposal {
                    self.problem(problem(&storage));
                    self.brake.pull();
                    return Ok(());
                }
                queue.remove(&message).await?;
                self.report.poisoned += 1;
            }
        }
        Ok(())
    }
}
