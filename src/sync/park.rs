//! What becomes of a referral that was to be synced: it is done, it is parked in the queue `referral-retry`, or a dead
//! letter tells of it. Nothing is acknowledged before one of these holds.

pub mod job;
pub mod policy;

mod disposal;
mod gate;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

pub use disposal::{Disposal, Why};

use self::gate::{Admission, Gate, Slam};
use self::job::{ASKED, BadMessage, EVENT, Job, MISCONFIGURED, Word};
use self::policy::{LONGEST_DELAY, RetryRules, jitter};
use super::SyncReport;
use super::activity::Activity;
use super::dead_letters::{BROKEN, DeadLetters, FOREIGN, Letter, POISONED, Subject};
use super::error::{SyncCause, SyncError};
use super::flight::{Digest, Shared};
use super::world::{Clock, World};
use crate::failure::{Chain, Classify, Disposition};
use crate::ids::ReferralId;
use crate::upstream::retry;
use crate::upstream::storage::{Queue, StorageError};

/// What is kept of a budget for parking what was not synced within the rest.
const RESERVE: Duration = Duration::from_millis(1500);
/// It is not due yet.
pub const EARLY: &str = "early";
/// A newer version of this program wrote the message.
const NEWER: &str = "newer_message";

/// Syncs referrals: everything in [`super`], or a simulation's.
#[async_trait]
pub trait Syncs: Send + Sync {
    /// Syncs referral `id`, or shares a sync that answers the same, and waits for it until `deadline`. `digest` is of the
    /// event that asks, if one does.
    async fn sync(&self, id: ReferralId, digest: Option<Digest>, deadline: Instant) -> Shared;
}

/// Takes referrals through a sync and keeps those that do not get through.
pub struct Desk {
    syncs: Arc<dyn Syncs>,
    later: Arc<dyn Queue>,
    clock: Arc<dyn Clock>,
    letters: DeadLetters,
    rules: RetryRules,
    gate: Gate,
    /// What became of the referrals.
    activity: Arc<Activity>,
    /// Whether nobody waits for a sync any more.
    closing: watch::Sender<bool>,
    /// How many are being taken through.
    busy: watch::Sender<usize>,
}

impl Desk {
    /// A desk before `syncs` that keeps what fails in `world`.
    pub fn new(world: &World, syncs: Arc<dyn Syncs>, rules: RetryRules) -> Self {
        let letters = DeadLetters::new(Arc::clone(&world.blobs));
        Self::of(
            syncs,
            Arc::clone(&world.later),
            Arc::clone(&world.clock),
            letters,
            rules,
        )
    }

    fn of(
        syncs: Arc<dyn Syncs>,
        later: Arc<dyn Queue>,
        clock: Arc<dyn Clock>,
        letters: DeadLetters,
        rules: RetryRules,
    ) -> Self {
        Self {
            syncs,
            later,
            clock,
            letters,
            rules,
            gate: Gate::default(),
            activity: Arc::default(),
            closing: watch::Sender::new(false),
            busy: watch::Sender::new(0),
        }
    }

    /// Takes the referral of an event through. `digest` is of the event, so that copies share a sync.
    pub async fn event(&self, id: ReferralId, digest: Digest, deadline: Instant) -> Disposal {
        let job = Job::new(id, self.clock.now(), EVENT);
        self.take(job, Some(digest), deadline).await
    }

    /// Takes a referral through that nobody sent an event about.
    pub async fn again(&self, id: ReferralId, deadline: Instant) -> Disposal {
        let job = Job::new(id, self.clock.now(), EVENT);
        self.take(job, None, deadline).await
    }

    /// Takes a message of the queue through. The message may be removed unless it is [`Disposal::NotKept`].
    pub async fn retry(&self, text: &str, message: Uuid, deadline: Instant) -> Disposal {
        let now = self.clock.now();
        match Job::parse(text) {
            Ok(job) if job.is_early(now) => {
                let left = Duration::try_from(job.first_attempt.duration_since(now));
                let why = Why::word(EARLY);
                self.send(text, left.unwrap_or_default(), why, deadline)
                    .await
            }
            Ok(job) => self.take(job, None, deadline).await,
            Err(BadMessage::Newer { .. }) => {
                let why = Why::word(NEWER);
                self.send(text, self.rules.longest, why, deadline).await
            }
            Err(problem) => self.not_a_job(text, message, &problem, deadline).await,
        }
    }

    /// Takes a message of the queue of poisoned messages: a dead letter tells of it. A referral is tried once more, for what
    /// ended the program may have been the settings; its success clears the letter.
    pub async fn poisoned(&self, text: &str, message: Uuid, deadline: Instant) -> Disposal {
        let now = self.clock.now();
        let job = match Job::parse(text) {
            Ok(job) => job,
            Err(problem) => return self.not_a_job(text, message, &problem, deadline).await,
        };
        let why = Why::word(POISONED);
        let subject = Subject::Referral(job.referral);
        let found = retry::until(deadline, self.letters.get(subject)).await;
        let before = match found {
            Ok(letter) => letter.is_some_and(|letter| letter.why == POISONED),
            Err(storage) => return Disposal::NotKept { why, storage },
        };
        let buried = self
            .bury(Letter::poisoned(&job, now), why.clone(), deadline)
            .await;
        if before || !matches!(buried, Disposal::DeadLettered(_)) {
            return buried;
        }
        let job = Job::new(job.referral, now, ASKED);
        match self.park(&job, Duration::ZERO, why.clone(), deadline).await {
            Disposal::Parked { .. } => Disposal::DeadLettered(why),
            other => other,
        }
    }

    /// Whether nothing can be synced until a person puts something right: what comes is parked unseen.
    pub fn is_gated(&self) -> bool {
        self.gate.is_closed()
    }

    /// When a referral that was first tried then becomes a dead letter, if something passing stays in its way.
    pub fn gives_up(&self, first_attempt: Timestamp) -> Timestamp {
        let end = first_attempt.checked_add(self.rules.limit);
        end.unwrap_or(Timestamp::MAX)
    }

    /// What became of the referrals that were taken through.
    pub fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// Whether nobody waits for a sync any more.
    pub fn is_closed(&self) -> bool {
        *self.closing.borrow()
    }

    /// From now on nobody waits for a sync: what is not done is parked.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Waits until nothing is being taken through.
    pub async fn idle(&self) {
        let mut busy = self.busy.subscribe();
        // The sender is a field of this: it cannot be gone.
        let _ = busy.wait_for(|busy| *busy == 0).await;
    }

    async fn take(&self, job: Job, digest: Option<Digest>, deadline: Instant) -> Disposal {
        let _counted = Counted::new(&self.busy);
        let (id, since) = (job.referral, job.first_attempt);
        let disposal = self.take_through(job, digest, deadline).await;
        let now = self.clock.now();
        self.activity.disposed(id, since, &disposal, now);
        disposal
    }

    async fn take_through(
        &self,
        mut job: Job,
        digest: Option<Digest>,
        deadline: Instant,
    ) -> Disposal {
        let now = self.clock.now();
        // What was lost to wrong settings is nothing that was waited for in vain.
        if job.attempts == 0 || job.why == MISCONFIGURED {
            job.first_attempt = now;
        }
        if let Admission::Wait(closed_for) = self.gate.admit(now, self.rules.probe()) {
            let why = Why::word(MISCONFIGURED);
            let delay = self.unseen(&job, closed_for);
            return self.park(&job.unseen(), delay, why, deadline).await;
        }
        match self.sync(job.referral, digest, deadline).await {
            Ok(report) => self.done(&job, report, deadline).await,
            Err(error) => self.failed(job, error, deadline).await,
        }
    }

    async fn sync(&self, id: ReferralId, digest: Option<Digest>, deadline: Instant) -> Shared {
        let mut closing = self.closing.subscribe();
        let patience = deadline.checked_sub(RESERVE).unwrap_or(deadline);
        tokio::select! {
            biased;
            shared = self.syncs.sync(id, digest, patience) => shared,
            _ = closing.wait_for(|closing| *closing) => Err(Arc::new(SyncError {
                referral: id,
                cause: SyncCause::Unfinished,
                calls: Vec::new(),
            })),
        }
    }

    async fn done(&self, job: &Job, report: Arc<SyncReport>, deadline: Instant) -> Disposal {
        let id = job.referral;
        if let Some(closed_for) = self.gate.succeeded(id, self.clock.now()) {
            tracing::info!(
                code = "resumed",
                referral.id = %id,
                closed_s = closed_for.as_secs(),
                "referrals can be synced again; those that wait follow within minutes"
            );
        }
        if job.why == ASKED {
            let removal = self.letters.remove(Subject::Referral(id));
            if let Err(error) = retry::until(deadline, removal).await {
                // The referral is in step all the same; the letter can be dropped by hand.
                tracing::warn!(code = "letter_kept", referral.id = %id, error = %Chain(&error), "a dead letter that is settled could not be removed");
            }
        }
        Disposal::Done(report)
    }

    async fn failed(&self, job: Job, error: Arc<SyncError>, deadline: Instant) -> Disposal {
        let (now, id) = (self.clock.now(), job.referral);
        let word = error.cause.word();
        let looked_before = job.why == word;
        let job = job.tried(word);
        let why = Why {
            word: Word::Borrowed(word),
            error: Some(Arc::clone(&error)),
        };
        match error.disposition() {
            Disposition::Retry { .. }
                if matches!(error.cause, SyncCause::LookAgain) && looked_before =>
            {
                Disposal::Absent(why)
            }
            Disposition::Retry { .. } if self.rules.is_over(job.first_attempt, now) => {
                let letter = Letter::unsynced(&job, &error, true, now);
                self.bury(letter, why, deadline).await
            }
            Disposition::Retry { after } => {
                let delay = self
                    .rules
                    .delay(job.attempts, after, jitter(id, job.attempts));
                self.park(&job, delay, why, deadline).await
            }
            Disposition::Permanent => {
                let letter = Letter::unsynced(&job, &error, false, now);
                self.bury(letter, why, deadline).await
            }
            Disposition::Misconfigured => {
                let delay = self.misconfigured(&job, &error, now);
                let word = Word::Borrowed(MISCONFIGURED);
                let why = Why { word, ..why };
                self.park(&job.unseen(), delay, why, deadline).await
            }
        }
    }

    /// Closes the gate, and says for how long the referral waits. One alert for all who fail so.
    fn misconfigured(&self, job: &Job, error: &SyncError, now: Timestamp) -> Duration {
        let pause = self.rules.probe();
        match self.gate.failed(job.referral, now, pause) {
            Slam::Closed => {
                tracing::error!(
                    code = MISCONFIGURED,
                    referral.id = %job.referral,
                    error = %Chain(error),
                    "no referral can be synced until a person puts this right; all of them wait in the queue and follow by themselves"
                );
                // Others are to try before it does: the trouble may be its own.
                pause * 2
            }
            Slam::StillClosed(closed_for) => self.unseen(job, closed_for),
            Slam::Alone => self
                .rules
                .delay(job.attempts, None, jitter(job.referral, job.attempts)),
        }
    }

    fn unseen(&self, job: &Job, closed_for: Duration) -> Duration {
        let fraction = jitter(job.referral, job.attempts);
        self.rules.unseen(closed_for, fraction)
    }

    async fn park(&self, job: &Job, delay: Duration, why: Why, deadline: Instant) -> Disposal {
        self.send(&job.text(), delay, why, deadline).await
    }

    async fn send(&self, text: &str, delay: Duration, why: Why, deadline: Instant) -> Disposal {
        let delay = delay.min(LONGEST_DELAY);
        let until = self
            .clock
            .now()
            .checked_add(delay)
            .unwrap_or(Timestamp::MAX);
        match retry::until(deadline, self.later.send(text, delay)).await {
            Ok(()) => Disposal::Parked { until, why },
            Err(storage) => Disposal::NotKept { why, storage },
        }
    }

    async fn bury(&self, letter: Letter, why: Why, deadline: Instant) -> Disposal {
        match retry::until(deadline, self.letters.keep(letter)).await {
            Ok(()) => Disposal::DeadLettered(why),
            Err(storage) => Disposal::NotKept { why, storage },
        }
    }

    async fn not_a_job(
        &self,
        text: &str,
        message: Uuid,
        problem: &BadMessage,
        deadline: Instant,
    ) -> Disposal {
        let letter = Letter::message(message, text, problem, self.clock.now());
        let why = Why::word(match problem {
            BadMessage::Foreign | BadMessage::Newer { .. } => FOREIGN,
            BadMessage::Broken(_) => BROKEN,
        });
        self.bury(letter, why, deadline).await
    }
}

/// Queues a look at referral `id` for `at`, whatever becomes of it until then.
pub async fn look_again(world: &World, id: ReferralId, at: Timestamp) -> Result<(), StorageError> {
    let left = Duration::try_from(at.duration_since(world.clock.now())).unwrap_or_default();
    let job = Job::look_again(id, at);
    world.later.send(&job.text(), left.min(LONGEST_DELAY)).await
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}

/// Counts itself while it lives.
struct Counted<'a>(&'a watch::Sender<usize>);

impl<'a> Counted<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests;
