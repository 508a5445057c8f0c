//! Which syncs are under way: for each referral at most one runs and one waits, whoever asks.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::error::{SyncCause, SyncError};
use super::flow::Courier;
use super::park::Syncs;
use super::{SyncReport, Syncer};
use crate::failure::Chain;
use crate::ids::ReferralId;
use crate::trace;

/// What tells copies of one event from other events: the SHA-256 digest of the body.
pub type Digest = [u8; 32];

/// What everybody who shares a run gets.
pub type Shared = Result<Arc<SyncReport>, Arc<SyncError>>;

type Work =
    dyn Fn(ReferralId, Instant) -> BoxFuture<'static, Result<SyncReport, SyncError>> + Send + Sync;

/// Runs syncs, each in a task of its own: a caller that hangs up never cuts one in two.
///
/// A run answers the question "is the referral in step as of when I asked?" only for those who asked before it began to
/// read. So a caller joins the run that waits, and the one that runs only with a copy of an event it already answers.
#[derive(Clone)]
pub struct Flights {
    work: Arc<Work>,
    slots: Arc<Mutex<HashMap<ReferralId, Slot>>>,
    /// How many referrals have a run.
    busy: watch::Sender<usize>,
}

struct Slot {
    running: Run,
    waiting: Option<Run>,
}

struct Run {
    /// The events it answers.
    digests: Vec<Digest>,
    /// The latest any of its callers waits.
    deadline: Instant,
    result: watch::Sender<Option<Shared>>,
}

impl Flights {
    /// Runs the syncs of `syncer`.
    pub fn new(syncer: Syncer) -> Self {
        Self::of(move |id, deadline| {
            let syncer = syncer.clone();
            Box::pin(async move { syncer.sync(id, deadline).await })
        })
    }

    /// Runs the hand-overs of `courier`. Each takes the time it needs, whoever waits for it.
    pub fn to_a_flow(courier: Courier) -> Self {
        Self::of(move |id, _| {
            let courier = courier.clone();
            Box::pin(async move { courier.sync(id).await })
        })
    }

    fn of(
        work: impl Fn(ReferralId, Instant) -> BoxFuture<'static, Result<SyncReport, SyncError>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            work: Arc::new(work),
            slots: Arc::default(),
            busy: watch::Sender::new(0),
        }
    }

    /// Syncs referral `id`, or shares a sync that answers the same. `digest` is of the event that asks, if one does.
    ///
    /// Waits until `deadline`, and then the sync goes on alone.
    pub async fn sync(&self, id: ReferralId, digest: Option<Digest>, deadline: Instant) -> Shared {
        let mut result = self.board(id, digest, deadline);
        let finished = timeout_at(deadline, result.wait_for(Option::is_some));
        match finished.await {
            Ok(Ok(shared)) => shared
                .clone()
                .unwrap_or_else(|| failed(id, SyncCause::Stopped)),
            Ok(Err(_)) => failed(id, SyncCause::Stopped),
            Err(_) => failed(id, SyncCause::Unfinished),
        }
    }

    /// Waits until no sync is under way, at most `patience`. `false` if some still are.
    pub async fn drain(&self, patience: Duration) -> bool {
        let mut busy = self.busy.subscribe();
        let idle = busy.wait_for(|busy| *busy == 0);
        matches!(timeout(patience, idle).await, Ok(Ok(_)))
    }

    /// Finds or starts the run that answers this caller.
    fn board(
        &self,
        id: ReferralId,
        digest: Option<Digest>,
        deadline: Instant,
    ) -> watch::Receiver<Option<Shared>> {
        let mut slots = self.slots();
        match slots.entry(id) {
            Entry::Vacant(vacant) => {
                let run = Run::new(digest, deadline);
                let result = run.result.subscribe();
                vacant.insert(Slot {
                    running: run,
                    waiting: None,
                });
                self.busy.send_replace(slots.len());
                drop(slots);
                let flights = self.clone();
                let work = async move { flights.fly(id, deadline).await };
                tokio::spawn(trace::carried(trace::current(), work));
                result
            }
            Entry::Occupied(mut occupied) => occupied.get_mut().join(digest, deadline),
        }
    }

    /// Runs what waits for `id` until nothing does.
    async fn fly(&self, id: ReferralId, first_deadline: Instant) {
        let mut deadline = first_deadline;
        loop {
            // A task inside the task: a panic of the work ends here.
            let work = trace::carried(trace::current(), (self.work)(id, deadline));
            let shared = match tokio::spawn(work).await {
                Ok(Ok(report)) => Ok(Arc::new(report)),
                Ok(Err(error)) => Err(Arc::new(error)),
                Err(panic) => {
                    tracing::error!(
                        code = "sync_panicked",
                        referral.id = %id,
                        error = %Chain(&panic),
                        "a bug: the program panicked while it synced the referral, which is tried again"
                    );
                    failed(id, SyncCause::Stopped)
                }
            };
            match self.land(id, shared) {
                Some(next) => deadline = next,
                None => return,
            }
        }
    }

    /// Hands out the result of the run of `id` and lets the waiting one run. Gives the deadline of that one.
    fn land(&self, id: ReferralId, shared: Shared) -> Option<Instant> {
        let mut slots = self.slots();
        let slot = slots.get_mut(&id)?;
        if slot.running.result.receiver_count() == 0
            && let Ok(report) = &shared
        {
            // Whoever asked has answered that it is not done yet, and nothing is reported twice.
            report.log_reports(id);
        }
        slot.running.result.send_replace(Some(shared));
        if let Some(next) = slot.waiting.take() {
            slot.running = next;
            return Some(slot.running.deadline);
        }
        slots.remove(&id);
        self.busy.send_replace(slots.len());
        None
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<ReferralId, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Syncs for Flights {
    async fn sync(&self, id: ReferralId, digest: Option<Digest>, deadline: Instant) -> Shared {
        Self::sync(self, id, digest, deadline).await
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights")
            .field("busy", &*self.busy.borrow())
            .finish_non_exhaustive()
    }
}

impl Slot {
    fn join(
        &mut self,
        digest: Option<Digest>,
        deadline: Instant,
    ) -> watch::Receiver<Option<Shared>> {
        if digest.is_some_and(|digest| self.running.digests.contains(&digest)) {
            return self.running.result.subscribe();
        }
        let run = self.waiting.get_or_insert_with(|| Run::new(None, deadline));
        run.deadline = run.deadline.max(deadline);
        run.digests
            .extend(digest.filter(|digest| !run.digests.contains(digest)));
        run.result.subscribe()
    }
}

impl Run {
    fn new(digest: Option<Digest>, deadline: Instant) -> Self {
        Self {
            digests: digest.into_iter().collect(),
            deadline,
            result: watch::Sender::new(None),
        }
    }
}

fn failed(id: ReferralId, cause: SyncCause) -> Shared {
    Err(Arc::new(SyncError {
        referral: id,
        cause,
        calls: Vec::new(),
    }))
}

#[cfg(test)]
mod tests;
