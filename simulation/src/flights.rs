//! Which syncs of one instance are under way: for each referral one runs and one waits. The product does the same on threads
//! and the machine's clock, which have no place here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use referral_connector::ids::ReferralId;
use referral_connector::sync::flight::{Digest, Shared};
use referral_connector::sync::park::Syncs;
use referral_connector::sync::{SyncCause, SyncError, Syncer};
use tokio::time::Instant;

use crate::agenda::{Answer, Group, Slot};
use crate::universe::Universe;

/// The syncs of one instance.
pub(crate) struct Flights {
    syncer: Syncer,
    universe: Universe,
    group: Group,
    slots: Arc<Mutex<BTreeMap<ReferralId, Flight>>>,
}

/// The syncs of one referral.
#[derive(Default)]
struct Flight {
    running: Vec<Waiter>,
    /// What the running one answers.
    digests: Vec<Digest>,
    waiting: Vec<Waiter>,
    next_digests: Vec<Digest>,
}

struct Waiter {
    slot: Arc<Slot<Shared>>,
    deadline: Timestamp,
}

impl Flights {
    pub(crate) fn new(syncer: Syncer, universe: Universe, group: Group) -> Self {
        Self {
            syncer,
            universe,
            group,
            slots: Arc::default(),
        }
    }

    fn begin(&self, id: ReferralId, deadline: Timestamp) {
        let group = self.group;
        let (syncer, universe, slots) = (
            self.syncer.clone(),
            self.universe.clone(),
            Arc::clone(&self.slots),
        );
        let work = async move {
            let mut deadline = deadline;
            loop {
                let result = syncer.sync_until(id, deadline).await;
                let shared = result.map(Arc::new).map_err(Arc::new);
                universe.with(|it| it.book_result(id, group, &shared));
                let mut slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
                let flight = slots.entry(id).or_default();
                for waiter in flight.running.drain(..) {
                    waiter.slot.fill(shared.clone());
                }
                flight.running = std::mem::take(&mut flight.waiting);
                flight.digests = std::mem::take(&mut flight.next_digests);
                let Some(latest) = flight.running.iter().map(|it| it.deadline).max() else {
                    slots.remove(&id);
                    break;
                };
                deadline = latest;
            }
        };
        self.universe.with(|it| it.begin(group, Box::pin(work)));
    }
}

#[async_trait]
impl Syncs for Flights {
    async fn sync(&self, id: ReferralId, digest: Option<Digest>, deadline: Instant) -> Shared {
        let (now, deadline) = self
            .universe
            .with(|it| (it.now(), it.instances.moment(deadline)));
        let slot = Slot::new();
        let answer = Answer(Arc::clone(&slot));
        let patience = Duration::try_from(deadline.duration_since(now)).unwrap_or_default();
        let begins = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            let begins = !slots.contains_key(&id);
            let flight = slots.entry(id).or_default();
            let waiter = Waiter {
                slot: Arc::clone(&slot),
                deadline,
            };
            let is_copy = digest.is_some_and(|it| flight.digests.contains(&it));
            if begins || is_copy {
                flight.running.push(waiter);
                flight.digests.extend(digest);
            } else {
                flight.waiting.push(waiter);
                flight.next_digests.extend(digest);
            }
            begins
        };
        if begins {
            self.begin(id, deadline);
        }
        self.universe.with(|it| {
            it.after(patience, move |_| {
                slot.fill(Err(Arc::new(SyncError {
                    referral: id,
                    cause: SyncCause::Unfinished,
                    calls: Vec::new(),
                })));
            });
        });
        answer.await
    }
}
