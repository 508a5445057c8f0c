//! Both sides in memory, for tests: rows with times, lists with their quirks, a clock, a desk whose syncs are told how to end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{ReconcileReport, Reconciler, Scope};
use crate::ids::{LeadId, ReferralId};
use crate::sync::drawer::Drawer;
use crate::sync::park::Desk;
use crate::sync::park::policy::RetryRules;
use crate::sync::state::State;
use crate::sync::state::store::States;
use crate::sync::world::{Clock, World};
use crate::upstream::storage::{Queue, StorageError, Taken};

mod lists;
mod syncs;

/// How many seconds a sync takes.
const SYNC_TAKES: i64 = 1;

/// So many minutes after nine o'clock on the day of every test.
pub(super) fn minute(number: u128) -> Timestamp {
    let nine: Timestamp = "2026-11-02T09:00:00Z".parse().unwrap();
    nine + SignedDuration::from_mins(i64::try_from(number).unwrap())
}

pub(super) fn referral(number: u128) -> ReferralId {
    ReferralId::new(Uuid::from_u128(number))
}

pub(super) fn lead(number: u128) -> LeadId {
    LeadId::new(Uuid::from_u128(number))
}

/// A partner and its sellers. Record `n` is a referral and the lead that is made for it.
#[derive(Clone)]
pub(super) struct Town {
    registry: Arc<Mutex<Registry>>,
    pub(super) blobs: Arc<Drawer>,
    /// The queue `referral-retry-poison`.
    pub(super) poison: Arc<Post>,
    /// The queue `referral-retry`.
    pub(super) later: Arc<Post>,
    desk: Arc<Mutex<Option<Arc<Desk>>>>,
}

pub(super) struct Registry {
    pub(super) now: Timestamp,
    pub(super) records: BTreeMap<u128, Record>,
    page_size: usize,
    links: bool,
    tells_time: bool,
    edited: VecDeque<u128>,
    edits: i64,
    /// How the syncs of these end.
    pub(super) fails: BTreeMap<u128, Fails>,
    /// Every referral that was synced, in order.
    pub(super) synced: Vec<u128>,
    /// How many requests the lists got.
    pub(super) lists: usize,
    pub(super) lists_fail: BTreeSet<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// `updatedDateTime` of the referral.
    pub(super) referral: Option<Timestamp>,
    /// `modifiedon` of the lead, once there is one.
    pub(super) lead: Option<Timestamp>,
    /// Of both.
    pub(super) version: i64,
    pub(super) closed: bool,
    /// Whether Partner Center has such a referral.
    pub(super) listed: bool,
}

/// How a sync does not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fails {
    ForNow,
    ForGood,
    Denied,
    NotOurs,
}

/// A queue in memory.
#[derive(Default)]
pub(super) struct Post(Mutex<Vec<Taken>>);

impl Town {
    pub(super) fn new() -> Self {
        Self {
            registry: Arc::new(Mutex::new(Registry {
                now: minute(24 * 60),
                records: BTreeMap::new(),
                page_size: 100,
                links: true,
                tells_time: true,
                edited: VecDeque::new(),
                edits: 0,
                fails: BTreeMap::new(),
                synced: Vec::new(),
                lists: 0,
                lists_fail: BTreeSet::new(),
            })),
            blobs: Arc::default(),
            poison: Arc::default(),
            later: Arc::default(),
            desk: Arc::default(),
        }
    }

    pub(super) fn world(&self) -> World {
        World {
            referrals: Arc::new(self.clone()),
            leads: Arc::new(self.clone()),
            blobs: Arc::clone(&self.blobs) as _,
            later: Arc::clone(&self.later) as _,
            clock: Arc::new(self.clone()),
        }
    }

    /// A pass of `scope` that has four minutes.
    pub(super) async fn pass(&self, scope: Scope) -> ReconcileReport {
        self.pass_for(scope, SignedDuration::from_mins(4)).await
    }

    pub(super) async fn pass_for(&self, scope: Scope, time: SignedDuration) -> ReconcileReport {
        let desk = {
            let mut desk = self.desk.lock().unwrap();
            Arc::clone(desk.get_or_insert_with(|| self.new_desk()))
        };
        let poison = Arc::clone(&self.poison) as _;
        let days = SignedDuration::from_hours(24 * 90);
        let reconciler = Reconciler::new(self.world(), desk, poison, days);
        let deadline = self.now() + time;
        reconciler.run_until(scope, deadline).await
    }

    fn new_desk(&self) -> Arc<Desk> {
        let rules = RetryRules {
            first: Duration::from_secs(15),
            longest: Duration::from_hours(1),
            limit: Duration::from_hours(7 * 24),
        };
        Arc::new(Desk::new(&self.world(), Arc::new(self.clone()), rules))
    }

    pub(super) fn open(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap()
    }

    pub(super) fn wait(&self, minutes: i64) {
        self.open().now += SignedDuration::from_mins(minutes);
    }

    pub(super) fn put(&self, number: u128, stamp: Timestamp) {
        self.put_at(number, Some(stamp));
    }

    /// A referral that was changed then. It has no lead yet.
    pub(super) fn put_at(&self, number: u128, stamp: Option<Timestamp>) {
        let record = Record {
            referral: stamp,
            lead: None,
            version: 1,
            closed: false,
            listed: true,
        };
        self.open().records.insert(number, record);
    }

    pub(super) fn change(&self, number: u128, change: impl FnOnce(&mut Record)) {
        change(self.open().records.get_mut(&number).unwrap());
    }

    /// Somebody changes the referral now.
    pub(super) fn touch(&self, number: u128) {
        self.open().touch(number);
    }

    /// A seller saves the lead now.
    pub(super) fn sell(&self, number: u128) {
        let mut registry = self.open();
        registry.edits += 1;
        let (now, edits) = (registry.now, registry.edits);
        let record = registry.records.get_mut(&number).unwrap();
        record.lead = Some(now);
        record.version += edits;
    }

    pub(super) fn edited_between_pages(&self, numbers: impl IntoIterator<Item = u128>) {
        self.open().edited.extend(numbers);
    }

    pub(super) fn links_are_missing(&self) {
        self.open().links = false;
    }

    pub(super) fn tells_no_time(&self) {
        self.open().tells_time = false;
    }

    pub(super) fn set_page_size(&self, size: usize) {
        self.open().page_size = size;
    }

    /// What was synced since this was asked last, in the order of the numbers.
    pub(super) fn synced(&self) -> Vec<u128> {
        let mut synced = std::mem::take(&mut self.open().synced);
        synced.sort_unstable();
        synced
    }

    pub(super) async fn state(&self, number: u128) -> Option<State> {
        let states = States::new(Arc::clone(&self.blobs) as _);
        states.load(referral(number)).await.unwrap().state
    }

    /// Has something else remembered of a referral than its sync does.
    pub(super) async fn remember(&self, number: u128, change: impl FnOnce(&mut State)) {
        let states = States::new(Arc::clone(&self.blobs) as _);
        let mut stored = states.load(referral(number)).await.unwrap();
        let mut state = stored.state.clone().unwrap();
        change(&mut state);
        states
            .save(referral(number), &state, &mut stored)
            .await
            .unwrap();
    }
}

impl Registry {
    fn touch(&mut self, number: u128) {
        self.edits += 1;
        let at = self.now + SignedDuration::from_nanos(100 * self.edits);
        if let Some(record) = self.records.get_mut(&number) {
            record.referral = Some(at);
        }
    }
}

#[async_trait]
impl Clock for Town {
    fn now(&self) -> Timestamp {
        self.open().now
    }

    async fn sleep(&self, duration: Duration) {
        self.open().now += SignedDuration::try_from(duration).unwrap();
    }
}

impl Post {
    pub(super) fn texts(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|it| it.text.clone())
            .collect()
    }
}

#[async_trait]
impl Queue for Post {
    async fn send(&self, text: &str, _: Duration) -> Result<(), StorageError> {
        let mut messages = self.0.lock().unwrap();
        let id = Uuid::from_u128(messages.len() as u128).to_string();
        messages.push(Taken {
            receipt: id.clone(),
            id,
            text: text.to_owned(),
        });
        Ok(())
    }

    async fn take(&self, most: u8, _: Duration) -> Result<Vec<Taken>, StorageError> {
        Ok(self
            .0
            .lock()
            .unwrap()
            .iter()
            .take(most.into())
            .cloned()
            .collect())
    }

    async fn remove(&self, taken: &Taken) -> Result<(), StorageError> {
        self.0.lock().unwrap().retain(|it| it.id != taken.id);
        Ok(())
    }
}
