//! The composition root: from the configuration to everything a delivery, a timer or a command needs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::callback::Callback;
use crate::config::{Config, ConfigError};
use crate::credentials::{self, Credentials, Renewal};
use crate::failure::Chain;
use crate::sync::dead_letters::DeadLetters;
use crate::sync::options::SyncOptions;
use crate::sync::park::Desk;
use crate::sync::reconcile::Reconciler;
use crate::sync::world::{SystemClock, World};
use crate::sync::{Flights, Replays, Syncer};
use crate::upstream::dataverse::Dataverse;
use crate::upstream::partner_center::PartnerCenter;
use crate::upstream::storage::{POISON_QUEUE, RETRY_QUEUE, Storage};
use crate::upstream::transport::Transport;

/// How many deliveries are worked on at once. More are told to come again: memory stays bounded under a flood.
const DELIVERIES: u32 = 256;

/// Everything, put together.
pub struct App {
    /// Says who may call the webhook.
    pub callback: Callback,
    /// Says what a sync would do.
    pub syncer: Syncer,
    /// Syncs referrals, each at most once at a time.
    pub flights: Flights,
    /// Takes referrals through a sync and keeps those that do not get through.
    pub desk: Arc<Desk>,
    /// Finds what no event told.
    pub reconciler: Reconciler,
    /// What waits for a person.
    pub letters: DeadLetters,
    /// Which events need no sync, because they have just had one.
    pub replays: Replays,
    /// Renews the Partner Center credential.
    pub renewal: Renewal,
    /// One permit for each delivery in progress.
    pub deliveries: Semaphore,
    /// What a sync may do.
    pub options: SyncOptions,
    /// The referrals API.
    pub partner_center: PartnerCenter,
    /// The lead table.
    pub dataverse: Dataverse,
    /// The storage account.
    pub storage: Storage,
    /// What a sync touches: the referrals, the leads, and what is kept in the storage account.
    pub world: World,
}

impl App {
    /// Builds every client. Nothing is sent yet; what cannot be built is a problem of the settings.
    pub fn build(config: Config) -> Result<Self, ConfigError> {
        let transport = Transport::new(config.outbound_ca.as_deref())
            .map_err(|error| problem("OUTBOUND_CA_FILE", &error))?;
        let Credentials {
            partner_center,
            dataverse,
            storage,
            renewal,
        } = credentials::build(&config, &transport);
        let partner_center =
            PartnerCenter::new(&config.partner_center, transport.clone(), partner_center);
        let storage = Storage::new(&config.storage, storage, transport.clone());
        let dataverse = Dataverse::new(&config.dataverse, transport, dataverse);
        let callback = Callback::new(&config.callback, config.outbound_ca.as_deref())
            .map_err(|error| problem("OUTBOUND_CA_FILE", &error))?;
        let world = World {
            referrals: Arc::new(partner_center.clone()),
            leads: Arc::new(dataverse.clone()),
            blobs: Arc::new(storage.blobs()),
            later: Arc::new(storage.queue(RETRY_QUEUE)),
            clock: Arc::new(SystemClock),
        };
        let syncer = Syncer::new(world.clone(), config.sync.options.clone());
        let flights = Flights::new(syncer.clone());
        let desk = Desk::new(&world, Arc::new(flights.clone()), config.sync.retry);
        let desk = Arc::new(desk);
        let poison = Arc::new(storage.queue(POISON_QUEUE));
        let kept = config.sync.state_kept;
        Ok(Self {
            callback,
            reconciler: Reconciler::new(world.clone(), Arc::clone(&desk), poison, kept),
            desk,
            letters: DeadLetters::new(Arc::clone(&world.blobs)),
            syncer,
            flights,
            replays: Replays::default(),
            renewal,
            deliveries: Semaphore::new(DELIVERIES as usize),
            options: config.sync.options,
            partner_center,
            dataverse,
            storage,
            world,
        })
    }

    /// Parks what is still being synced, and waits for that.
    pub async fn park_the_rest(&self) {
        self.desk.close();
        self.desk.idle().await;
    }

    /// Waits until no delivery and no sync is under way and nothing is being parked, for at most `bound`; says whether it
    /// came to that.
    pub async fn drain(&self, bound: Duration) -> bool {
        let quiet = async {
            // The semaphore is never closed: either way nothing is in progress any more.
            let _ = self.deliveries.acquire_many(DELIVERIES).await;
            let synced = self.flights.drain(bound).await;
            self.desk.idle().await;
            synced
        };
        tokio::time::timeout(bound, quiet).await.unwrap_or(false)
    }
}

fn problem(setting: &str, error: &dyn std::error::Error) -> ConfigError {
    ConfigError {
        problems: vec![format!("{setting}: {}", Chain(error))],
    }
}
