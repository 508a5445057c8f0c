//! One pass: a batch of each list in turn until all are at their ends, then the daily round.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::brake::Brake;
use super::cursor::{Cursor, Stored};
use super::report::{Ended, Problem, ReconcileReport};
use super::rows::{Settled, problem};
use super::sides::Side;
use super::told::{MOST, Told};
use super::{Reconciler, Scope};
use crate::failure::Classify;
use crate::ids::ReferralId;
use crate::sync::plan::Outcome;
use crate::upstream::retry;
use crate::upstream::storage::StorageError;

/// With less time left nothing is begun.
const RESERVE: SignedDuration = SignedDuration::from_secs(20);
/// How long one referral may take. Another instance waits as long before it touches what a crash left half written.
const SYNC_LIMIT: Duration = Duration::from_secs(30);
/// How long an event takes at most, usually seconds. What is younger may still be told.
const EVENT_TAKES: SignedDuration = SignedDuration::from_mins(2);

/// A pass under way.
pub(super) struct Pass<'a> {
    pub(super) reconciler: &'a Reconciler,
    pub(super) scope: Scope,
    pub(super) brake: Brake,
    pub(super) report: ReconcileReport,
    deadline: Timestamp,
    /// Healed changes that events should have told.
    untold: usize,
    told: Mutex<Vec<Told>>,
    /// What this pass parked. The other list may tell of the same referral.
    parked: Mutex<BTreeSet<ReferralId>>,
}

/// What a change was, for those who heal it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    /// When it was made.
    stamp: Option<Timestamp>,
    /// Whether events tell of such changes.
    has_event: bool,
}

impl<'a> Pass<'a> {
    pub(super) fn new(reconciler: &'a Reconciler, scope: Scope, deadline: Timestamp) -> Self {
        Self {
            reconciler,
            scope,
            brake: Brake::default(),
            report: ReconcileReport::default(),
            deadline,
            untold: 0,
            told: Mutex::default(),
            parked: Mutex::default(),
        }
    }

    pub(super) async fn run(mut self) -> ReconcileReport {
        let ends = Instant::now() + self.left();
        if let Err(error) = retry::until(ends, self.work()).await {
            self.trouble(&error);
        }
        let problem = self.brake.problem();
        self.report.problems.extend(problem);
        if self.report.ended != Ended::Overtaken
            && (self.brake.is_on() || !self.report.problems.is_empty())
        {
            self.report.ended = Ended::Trouble;
        }
        self.report.told = self
            .told
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        self.report
    }

    /// Notes what a person may want to know, as long as there is room.
    pub(super) fn tell(&self, it: Told) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if it.is_notable() && told.len() < MOST {
            told.push(it);
        }
    }

    pub(super) fn note_parked(&self, id: ReferralId) {
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        parked.insert(id);
    }

    pub(super) fn has_parked(&self, id: ReferralId) -> bool {
        let parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        parked.contains(&id)
    }

    async fn work(&mut self) -> Result<(), StorageError> {
        let mut stored = Stored::load(&self.reconciler.world).await?;
        let mut cursor = match self.scope {
            Scope::Continue => stored.cursor.clone(),
            Scope::Since(from) => Cursor::at(Some(from)),
            Scope::All => Cursor::at(None),
        };
        self.report.first_import = self.scope == Scope::Continue && cursor.referrals.first;
        self.empty_poison().await?;
        let mut sides = self.sides(&cursor).await?;
        while self.may_go_on() && !sides.iter().all(Side::has_ended) {
            for side in &mut sides {
                if self.may_go_on() && !side.has_ended() {
                    self.batch(side, &mut cursor).await;
                }
            }
            if !self.keep(&mut stored, &cursor).await? {
                return Ok(());
            }
        }
        if !sides.iter().all(Side::is_through) {
            self.report.ended = Ended::OutOfTime;
        }
        if self.scope == Scope::Continue {
            self.report.events_not_arriving = cursor.suspect(self.untold, self.now());
            self.round(&mut cursor).await?;
            self.keep(&mut stored, &cursor).await?;
        }
        Ok(())
    }

    /// Saves how far this pass has come. `false` if another one has taken over.
    async fn keep(&mut self, stored: &mut Stored, cursor: &Cursor) -> Result<bool, StorageError> {
        let world = &self.reconciler.world;
        if self.scope != Scope::Continue {
            // The leads that were made now are to be found by the passes to come. Should one be under way, it finds the user
            // when it makes a lead itself, and the daily round finds the rest.
            stored.cursor.users.extend(&cursor.users);
            stored.save(world).await?;
            return Ok(true);
        }
        stored.cursor.clone_from(cursor);
        let saved = stored.save(world).await?;
        if !saved {
            self.report.ended = Ended::Overtaken;
        }
        Ok(saved)
    }

    /// The next rows of `side`, each taken as far as it gets; then the cursor follows.
    async fn batch(&mut self, side: &mut Side, cursor: &mut Cursor) {
        let batch = match side.batch(&self.reconciler.world).await {
            Ok(batch) => batch,
            Err(error) => {
                // The other lists may be readable.
                side.fail();
                return self.trouble(&error);
            }
        };
        cursor.users.extend(batch.user);
        self.report.unreadable += batch.unreadable as u64;
        let position = side.position(cursor);
        let first = position.first;
        let found = self.settle(side, batch.rows, position).await;
        for it in &found {
            let of_referrals = side.is_of_referrals();
            let change = Change {
                stamp: it.row.mark.stamp,
                has_event: of_referrals,
            };
            if !matches!(it.settled, Settled::NotBegun) {
                let counter = if of_referrals {
                    &mut self.report.referrals
                } else {
                    &mut self.report.leads
                };
                *counter += 1;
            }
            self.count(&it.settled, (!first).then_some(change));
        }
        side.advance(&found, side.position(cursor));
    }

    /// Counts what became of a referral. `change` is what it was, if it is known and was made since the first import.
    pub(super) fn count(&mut self, settled: &Settled, change: Option<Change>) {
        let report = &mut self.report;
        match settled {
            Settled::Before | Settled::InStep => report.in_step += 1,
            Settled::PassedOver => report.passed_over += 1,
            Settled::Foreign | Settled::Done(Outcome::NotOurs) => report.refused += 1,
            Settled::Parked => report.parked += 1,
            Settled::DeadLettered => report.dead_lettered += 1,
            Settled::Done(outcome) if is_healing(*outcome) => self.healed(*outcome, change),
            Settled::Done(_) => report.unchanged += 1,
            Settled::NotBegun => {}
            Settled::Failed(problem) => self.problem(problem.clone()),
        }
    }

    fn healed(&mut self, outcome: Outcome, change: Option<Change>) {
        *self.report.healed.entry(outcome.word()).or_default() += 1;
        let Some((stamp, has_event)) = change.and_then(|it| Some((it.stamp?, it.has_event))) else {
            return;
        };
        if self.scope == Scope::Continue {
            let waited = self.now().duration_since(stamp);
            self.report.late = self.report.late.max(Some(waited));
            self.untold += usize::from(has_event && EVENT_TAKES <= waited);
        }
    }

    /// Whether anything more may be begun.
    pub(super) fn may_go_on(&self) -> bool {
        !self.brake.is_on()
            && !self.reconciler.desk.is_closed()
            && RESERVE <= self.deadline.duration_since(self.now())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.reconciler.world.clock.now()
    }

    /// When a sync that begins now has to be over.
    pub(super) fn sync_ends(&self) -> Instant {
        Instant::now() + self.left().min(SYNC_LIMIT)
    }

    fn left(&self) -> Duration {
        let left = self.deadline.duration_since(self.now());
        Duration::try_from(left).unwrap_or_default()
    }

    pub(super) fn trouble(&mut self, error: &(impl Classify + 'static)) {
        self.problem(problem(error));
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        if !self.report.problems.contains(&problem) {
            self.report.problems.push(problem);
        }
    }
}

/// Whether something was out of step.
fn is_healing(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Created
            | Outcome::Updated
            | Outcome::WrittenBack
            | Outcome::Linked
            | Outcome::Posted
    )
}
