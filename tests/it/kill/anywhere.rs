//! SIGKILL at random moments while two instances are at work and people edit both sides.
//!
//! The times between kills, and who does what next, follow from one number, which is printed; `KILL_SEED` sets it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use sandbox::deliveries::{Event, REFERRAL_CREATED, REFERRAL_UPDATED};
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Sandbox, Service, World};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::edits::{Edits, Field, Side};
use super::instances::Instances;
use crate::rig::IMPATIENT;

/// How many edits there are of each side.
const EDITS: [usize; 2] = [30, 50];
/// How long they may take on a busy machine.
const LOAD: Duration = Duration::from_mins(1);
/// Every answer of every service takes so long, so that most kills fall between two requests of a run.
const LATENCY: Duration = Duration::from_millis(30);
const REFERRALS: usize = 30;
/// How often each instance is killed at least.
const KILLS: usize = 2;
const QUEUE: &str = "referral-retry";
const POISON: &str = "referral-retry-poison";
/// How long it may take until nothing waits any more: the writes that a killed run had announced may be under way until half
/// a minute after its end, and the longest runs have a minute.
const QUIET: Duration = Duration::from_secs(150);

struct Scene {
    sandbox: Sandbox,
    instances: Instances,
    edits: Edits,
    referrals: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn at_random_moments_under_load_nothing_is_lost_doubled_or_left_different() {
    let seed = seed();
    tell(&format!("KILL_SEED={seed}"));
    let mut chance = Rng::with_seed(seed);
    let scene = Arc::new(Scene::start().await);

    let kills = scene.load(&mut chance).await;
    scene.become_quiet().await;
    scene.assert_whole().await;
    // Nobody but Partner Center edited these, and it told of each edit: what was accepted was done.
    for referral in scene.untouched_by_sellers() {
        assert_eq!(scene.edits.differences(scene.world(), referral), [""; 0]);
    }

    scene.look_at_each(&mut chance).await;
    scene.become_quiet().await;
    scene.assert_whole().await;
    for referral in &scene.referrals {
        assert_eq!(scene.edits.differences(scene.world(), referral), [""; 0]);
    }
    assert_eq!(scene.edits.lost(scene.world()), [""; 0], "edits were lost");

    scene.world().requests.clear();
    scene.look_at_each(&mut chance).await;
    assert_eq!(scene.writes(), [""; 0], "writes without a difference");
    let accepted = scene.instances.accepted();
    let parked = accepted.iter().filter(|code| *code == "parked").count();
    tell(&format!(
        "{kills} kills, {EDITS:?} edits, {} events, {parked} of them parked",
        accepted.len(),
    ));
    assert!(kills >= 2 * KILLS);
}

impl Scene {
    async fn start() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let two_way = ("SYNC_MODE", "two-way");
        let instances = Instances::start(&sandbox, &[IMPATIENT[0], two_way]).await;
        sandbox.world().faults.set_latency(LATENCY);
        let seed = |_| {
            let referral = ReferralBuilder::new().deal(48_000, "EUR");
            let mut partner_center = sandbox.world().partner_center.lock();
            partner_center.seed_referral(referral).unwrap()
        };
        let referrals = (0..REFERRALS).map(seed).collect();
        Self {
            instances,
            edits: Edits::default(),
            referrals,
            sandbox,
        }
    }

    fn world(&self) -> &World {
        self.sandbox.world()
    }

    /// Every other one.
    fn untouched_by_sellers(&self) -> impl Iterator<Item = &String> {
        self.referrals.iter().step_by(2)
    }

    /// Everything at once, until all is edited and all deliveries are accepted. Gives how many kills there were.
    async fn load(self: &Arc<Self>, chance: &mut Rng) -> usize {
        let over = Arc::new(AtomicBool::new(false));
        let mut killers = JoinSet::new();
        for index in 0..2 {
            let over = Arc::clone(&over);
            killers.spawn(Arc::clone(self).kill(index, over, chance.fork()));
        }
        let sellers = tokio::spawn(Arc::clone(self).sell(chance.fork()));
        let partner = tokio::spawn(Arc::clone(self).partner(chance.fork()));
        let work = async { tokio::try_join!(sellers, partner).unwrap() };
        let deliveries = timeout(LOAD, work).await.expect("the edits are made").1;
        over.store(true, Ordering::Relaxed);
        let kills = killers.join_all().await.into_iter().sum();
        deliveries.join_all().await;
        kills
    }

    /// Kills instance `index` again and again: now and then with its host.
    async fn kill(self: Arc<Self>, index: usize, over: Arc<AtomicBool>, mut chance: Rng) -> usize {
        let mut kills = 0;
        while kills < KILLS || !over.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(chance.u64(500..2500))).await;
            if chance.u8(..3) == 0 {
                self.instances.kill_instance(index).await;
            } else {
                self.instances.kill_program(index).await;
            }
            kills += 1;
        }
        kills
    }

    /// Sellers edit every other lead, once it is there.
    async fn sell(self: Arc<Self>, mut chance: Rng) {
        while self.edits.count(Side::Lead) < EDITS[0] {
            sleep(Duration::from_millis(chance.u64(20..120))).await;
            let referral = &self.referrals[chance.usize(..REFERRALS / 2) * 2 + 1];
            let field = chance.choice(Field::ALL).unwrap();
            self.edits.make(self.world(), referral, field, Side::Lead);
        }
    }

    /// Partner Center tells of every referral, and of every edit of one: at times twice, and in any order.
    async fn partner(self: Arc<Self>, mut chance: Rng) -> JoinSet<()> {
        let mut deliveries = JoinSet::new();
        let mut known = 0;
        while known < REFERRALS || self.edits.count(Side::Referral) < EDITS[1] {
            sleep(Duration::from_millis(chance.u64(20..120))).await;
            let is_new = known == 0 || known < REFERRALS && chance.bool();
            let (name, referral) = if is_new {
                known += 1;
                (REFERRAL_CREATED, &self.referrals[known - 1])
            } else {
                let referral = &self.referrals[chance.usize(..known)];
                let field = chance.choice(Field::ALL).unwrap();
                self.edits
                    .make(self.world(), referral, field, Side::Referral);
                (REFERRAL_UPDATED, referral)
            };
            let copies = if chance.u8(..4) == 0 { 2 } else { 1 };
            self.tell_of(name, referral, copies, &mut chance, &mut deliveries);
        }
        deliveries
    }

    /// Sends an event about `referral`, so many times at once.
    fn tell_of(
        self: &Arc<Self>,
        name: &str,
        referral: &str,
        copies: usize,
        chance: &mut Rng,
        deliveries: &mut JoinSet<()>,
    ) {
        let event = Event::referral(name, referral, self.world().clock.now());
        let delivery = Arc::new(self.world().delivery(&event).unwrap());
        let first = chance.usize(..2);
        for copy in 0..copies {
            let (scene, delivery) = (Arc::clone(self), Arc::clone(&delivery));
            deliveries.spawn(async move { scene.instances.deliver(&delivery, first + copy).await });
        }
    }

    /// One event about each referral.
    async fn look_at_each(self: &Arc<Self>, chance: &mut Rng) {
        let mut deliveries = JoinSet::new();
        for referral in &self.referrals {
            self.tell_of(REFERRAL_UPDATED, referral, 1, chance, &mut deliveries);
            sleep(Duration::from_millis(20)).await;
        }
        deliveries.join_all().await;
    }

    /// Waits until nothing is parked any more. What waits for its time need not, and what was in the hands of one killed
    /// program after another is put back by the timer.
    async fn become_quiet(&self) {
        let storage = &self.world().storage;
        let begun = Instant::now();
        loop {
            if !storage.messages(POISON).await.unwrap().is_empty() {
                let host = self.instances.host(0).await;
                let run = host.run_timer("ReferralReconcile").await.unwrap();
                assert!(run.succeeded(), "{run:?}");
            }
            storage.release(QUEUE).await.unwrap();
            let waiting = storage.messages(QUEUE).await.unwrap();
            if waiting.is_empty() {
                return;
            }
            assert!(begun.elapsed() < QUIET, "still parked: {waiting:#?}");
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// One lead for each referral, linked; nothing was given up or put aside.
    async fn assert_whole(&self) {
        let world = self.world();
        assert_eq!(world.dataverse.lock().leads().len(), REFERRALS);
        for id in &self.referrals {
            let lead = world.dataverse.lock().lead(id.parse().unwrap());
            assert!(lead.is_some(), "{id} has no lead");
            let referral = world.partner_center.lock().referral(id).unwrap();
            assert_eq!(referral["externalReferenceId"], **id);
        }
        let letters = world.storage.blobs("referral-connector", "dead-letters/");
        assert_eq!(letters.await.unwrap(), [""; 0]);
        assert_eq!(world.storage.messages(POISON).await.unwrap(), []);
    }

    /// Every request that could have changed something on either side.
    fn writes(&self) -> Vec<String> {
        let requests = self.world().requests.all();
        let sides = [Service::Dataverse, Service::PartnerCenter];
        let writes = requests
            .into_iter()
            .filter(|it| sides.contains(&it.service) && it.method != "GET");
        writes.map(|it| it.line()).collect()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a failure is repeated with its seed"
)]
fn seed() -> u64 {
    let given = std::env::var("KILL_SEED").ok();
    given.map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap())
}

#[expect(
    clippy::print_stdout,
    reason = "whoever looks into a failure has to repeat it"
)]
fn tell(what: &str) {
    println!("{what}");
}
