//! The sandbox, slow and strict, with one instance of the connector behind the host stand-in.

use std::fs;
use std::time::{Duration, Instant};

use sandbox::host::{Host, HostOptions};
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Effect, Fault, Record, Sandbox, Service, World};
use serde_json::json;

use crate::{LATENCY, LIMITS, REFERRALS};

const CONNECTOR: &str = env!("CARGO_BIN_EXE_referral-connector");
const APP_ROOT: &str = env!("CARGO_MANIFEST_DIR");
const QUEUE: &str = "referral-retry";
const POISON: &str = "referral-retry-poison";
const CONTAINER: &str = "referral-connector";
/// How long it may take until nothing is parked any more.
const QUIET: Duration = Duration::from_mins(10);

pub(crate) struct Scene {
    sandbox: Sandbox,
    pub(crate) host: Host,
    pub(crate) referrals: Vec<String>,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let mut options = HostOptions::new(APP_ROOT, sandbox.settings());
        options.executable = Some(CONNECTOR.into());
        let host = Host::start(options).await.unwrap();
        let world = sandbox.world();
        let millis = u64::try_from(LATENCY.as_millis()).unwrap();
        {
            let mut dataverse = world.dataverse.lock();
            dataverse.switches.limits = Some(LIMITS);
            // So long a request counts as running.
            dataverse.switches.execution_milliseconds = millis;
        }
        for service in Service::ALL {
            if service != Service::Dataverse {
                world.faults.add(Fault::new(service, Effect::Delay(millis)));
            }
        }
        let seed = |n| {
            let referral = ReferralBuilder::new().company(&company(n));
            world.partner_center.lock().seed_referral(referral).unwrap()
        };
        Self {
            referrals: (0..REFERRALS).map(seed).collect(),
            host,
            sandbox,
        }
    }

    pub(crate) fn world(&self) -> &World {
        self.sandbox.world()
    }

    /// Somebody edits `referral` in Partner Center, for the time number `edit`.
    pub(crate) fn edit(&self, referral: &str, edit: usize) {
        let change = json!({ "customerProfile": { "name": company(edit) } });
        let (world, now) = (self.world(), self.world().clock.now());
        let edited = world.partner_center.lock().edit(referral, &change, now);
        edited.unwrap();
    }

    /// Waits until nothing is parked any more, without waiting out how long.
    pub(crate) async fn drain(&self) {
        let storage = &self.world().storage;
        let begun = Instant::now();
        loop {
            storage.release(QUEUE).await.unwrap();
            let parked = storage.messages(QUEUE).await.unwrap().len();
            if parked == 0 {
                return;
            }
            assert!(begun.elapsed() < QUIET, "{parked} are still parked");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Every referral has its one lead, with its latest values; nothing was put aside.
    pub(crate) async fn assert_nothing_is_lost(&self) {
        let world = self.world();
        assert_eq!(world.dataverse.lock().leads().len(), REFERRALS);
        for id in &self.referrals {
            let lead = world.dataverse.lock().lead(id.parse().unwrap()).unwrap();
            let referral = world.partner_center.lock().referral(id).unwrap();
            assert_eq!(lead["companyname"], referral["customerProfile"]["name"]);
            assert_eq!(referral["externalReferenceId"], **id);
        }
        let letters = world.storage.blobs(CONTAINER, "dead-letters/").await;
        assert_eq!(letters.unwrap(), [""; 0]);
        assert_eq!(world.storage.messages(POISON).await.unwrap(), []);
    }

    /// Every request that the connector made.
    pub(crate) fn requests(&self) -> Vec<Record> {
        self.world().requests.all()
    }

    /// The most memory that the connector ever had resident, in megabytes.
    pub(crate) fn peak_memory(&self) -> f64 {
        let pid = self.host.pid().unwrap();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|it| it.starts_with("VmHWM:"));
        let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
        kilobytes.parse::<f64>().unwrap() * 1024.0 / 1e6
    }
}

fn company(n: usize) -> String {
    format!("Company {n}")
}
