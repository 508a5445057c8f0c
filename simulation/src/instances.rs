//! Instances of the connector. What they share is what is in the storage account, and nothing in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use referral_connector::sync::Syncer;
use referral_connector::sync::options::{Mode, SyncOptions};
use referral_connector::sync::park::Desk;
use referral_connector::sync::park::policy::RetryRules;
use referral_connector::sync::world::{Clock, World};
use tokio::time::Instant;
use uuid::Uuid;

use crate::agenda::Group;
use crate::flights::Flights;
use crate::universe::{Contents, Universe};

/// What an instance is given instead of the world as it is: a faulty variant of it, or the same.
pub type Variant = fn(World) -> World;

/// How patiently parked referrals are tried: sooner than the settings' defaults, for as long.
const RULES: RetryRules = RetryRules {
    first: Duration::from_secs(15),
    longest: Duration::from_mins(10),
    limit: Duration::from_hours(7 * 24),
};

/// How long it takes the host to notice that an instance is gone which looked after the queue.
const LOST: Duration = Duration::from_mins(1);

/// The instances there are.
pub(crate) struct Instances {
    /// What holds these, until the end.
    pub(crate) universe: Option<Universe>,
    /// The administrator's choices, as a new instance reads them.
    pub(crate) settings: SyncOptions,
    alive: Vec<Arc<Instance>>,
    options: BTreeMap<Group, SyncOptions>,
    /// The instances that send values and began after others which did not, with when the choice
    /// of those and theirs was made.
    switched: BTreeMap<Group, (Timestamp, Timestamp)>,
    variant: Variant,
    /// Where the moments of the executing machine and of the simulation meet.
    epoch: (Instant, Timestamp),
    last: Group,
}

/// One of them.
pub(crate) struct Instance {
    pub(crate) group: Group,
    pub(crate) desk: Desk,
}

/// What one instance sees of the universe.
pub(crate) struct Client {
    pub(crate) universe: Universe,
    pub(crate) group: Group,
    /// By how many seconds its clock is wrong.
    skew: i64,
}

impl Client {
    /// What the host asks for `group`.
    pub(crate) fn of_host(universe: Universe, group: Group) -> Self {
        Self {
            universe,
            group,
            skew: 0,
        }
    }
}

impl Instances {
    pub(crate) fn new(settings: SyncOptions, variant: Variant, now: Timestamp) -> Self {
        Self {
            universe: None,
            settings,
            alive: Vec::new(),
            options: BTreeMap::new(),
            switched: BTreeMap::new(),
            variant,
            epoch: (Instant::now(), now),
            last: 0,
        }
    }

    /// What instance `group` was told when it began.
    pub(crate) fn options(&self, group: Group) -> &SyncOptions {
        self.options.get(&group).unwrap_or(&self.settings)
    }

    pub(crate) fn mode(&self, group: Group) -> Mode {
        self.options(group).mode
    }

    /// From when on values went one way, and since when they go both ways, if they did not always and do for `group`.
    pub(crate) fn two_way_since(&self, group: Group) -> Option<(Timestamp, Timestamp)> {
        self.switched.get(&group).copied()
    }

    /// `moment` as code that waits by the executing machine's clock knows it.
    pub(crate) fn instant(&self, moment: Timestamp) -> Instant {
        let (instant, start) = self.epoch;
        let since = Duration::try_from(moment.duration_since(start)).unwrap_or_default();
        instant + since
    }

    /// The other way.
    pub(crate) fn moment(&self, instant: Instant) -> Timestamp {
        let (epoch, start) = self.epoch;
        let since = SignedDuration::try_from(instant.saturating_duration_since(epoch));
        start + since.unwrap_or_default()
    }
}

impl Contents {
    /// Starts one more instance.
    pub(crate) fn start_instance(&mut self) {
        let Some(universe) = self.instances.universe.clone() else {
            return;
        };
        self.instances.last += 1;
        let group = self.instances.last;
        let most = self.weather.skew;
        let skew = self.chance.i64(-most..=most);
        let client = Arc::new(Client {
            universe: universe.clone(),
            group,
            skew,
        });
        let world = World {
            referrals: Arc::<Client>::clone(&client),
            leads: Arc::<Client>::clone(&client),
            blobs: Arc::<Client>::clone(&client),
            later: Arc::<Client>::clone(&client),
            clock: client,
        };
        let world = (self.instances.variant)(world);
        let settings = self.instances.settings.clone();
        self.tell(|| format!("instance {group} starts in mode {}", settings.mode));
        self.instances.options.insert(group, settings.clone());
        // Observing leaves no trace: what was agreed before is agreed after.
        let modes = self.ledger.modes.iter();
        let acting: Vec<_> = modes.filter(|(_, mode)| *mode != Mode::Observe).collect();
        if let [.., (before, was), (since, Mode::TwoWay)] = &acting[..]
            && *was != Mode::TwoWay
        {
            self.instances.switched.insert(group, (*before, *since));
        }
        let mut ids = fastrand::Rng::with_seed(self.chance.u64(..));
        let ids = move || Uuid::from_u128(ids.u128(..));
        let syncer = Syncer::new(world.clone(), settings).with_ids(ids);
        let flights = Arc::new(Flights::new(syncer, universe, group));
        let desk = Desk::new(&world, flights, RULES);
        self.instances
            .alive
            .push(Arc::new(Instance { group, desk }));
    }

    /// Ends `group` in the middle of whatever it does. Another instance starts some time later.
    pub(crate) fn crash(&mut self, group: Group) {
        self.tell(|| format!("instance {group} dies"));
        self.agenda.stop(group);
        self.expect_worker(LOST);
        if self.instances.alive.iter().any(|it| it.group == group) {
            self.retire(group);
        }
    }

    /// Gives `group` nothing new to do, and starts another instance instead.
    pub(crate) fn retire(&mut self, group: Group) {
        self.instances.alive.retain(|it| it.group != group);
        let pause = Duration::from_millis(self.chance.u64(100..60_000));
        self.after(pause, Self::start_instance);
    }

    /// Replaces every instance, one after the other: new settings.
    pub(crate) fn restart(&mut self) {
        let groups: Vec<Group> = self.instances.alive.iter().map(|it| it.group).collect();
        for group in groups {
            let later = Duration::from_millis(self.chance.u64(0..20_000));
            self.after(later, move |it| it.retire(group));
        }
    }

    /// One of the instances that are there.
    pub(crate) fn any_instance(&mut self) -> Option<Arc<Instance>> {
        let alive = &self.instances.alive;
        (!alive.is_empty()).then(|| Arc::clone(&alive[self.chance.usize(..alive.len())]))
    }

    /// Lets go of everything that holds the universe itself.
    pub(crate) fn end(&mut self) {
        self.instances.universe = None;
        self.instances.alive.clear();
    }
}

#[async_trait]
impl Clock for Client {
    fn now(&self) -> Timestamp {
        let now = self.universe.with(|it| it.now());
        now + SignedDuration::from_secs(self.skew)
    }

    async fn sleep(&self, duration: Duration) {
        self.universe.wait(duration).await;
    }
}
