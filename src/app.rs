//! The composition root: from the configuration to everything a delivery, a timer or a command needs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::callback::Callback;
use crate::checkup::SeenCertificate;
use crate::config::{Config, ConfigError, MappingFile, TargetConfig};
use crate::credentials::{self, Credentials, Renewal, Standing};
use crate::failure::Chain;
use crate::sync::dead_letters::DeadLetters;
use crate::sync::flow::{Courier, NoLeads};
use crate::sync::options::SyncOptions;
use crate::sync::park::Desk;
use crate::sync::reconcile::Reconciler;
use crate::sync::world::{Leads, SystemClock, World};
use crate::sync::{Flights, Replays, Syncer};
use crate::telemetry::insights::Insights;
use crate::upstream::dataverse::Dataverse;
use crate::upstream::flow::Flow;
use crate::upstream::own_webhook::OwnWebhook;
use crate::upstream::partner_center::PartnerCenter;
use crate::upstream::storage::{POISON_QUEUE, RETRY_QUEUE, Storage};
use crate::upstream::transport::Transport;
use crate::upstream::webhooks::Webhooks;
use crate::warnings::{Sender, Warnings};

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
    /// Tells of what will need a person.
    pub warnings: Warnings,
    /// Renews the Partner Center credential.
    pub renewal: Renewal,
    /// What the sign-in to Partner Center is seen to be.
    pub standing: Standing,
    /// One permit for each delivery in progress.
    pub deliveries: Semaphore,
    /// What a sync may do.
    pub options: SyncOptions,
    /// Where the rules of the mapping come from.
    pub mapping_file: MappingFile,
    /// The referrals API.
    pub partner_center: PartnerCenter,
    /// Where referrals go.
    pub destination: Destination,
    /// Where traces go, if anywhere.
    pub insights: Option<Insights>,
    /// Where events go.
    pub webhooks: Webhooks,
    /// Who answers where events go.
    pub own_webhook: OwnWebhook,
    /// The storage account.
    pub storage: Storage,
    /// Where the last delivery said that its certificate is.
    pub seen: SeenCertificate,
    /// The settings all of this was built from.
    pub config: Config,
    /// What a sync touches: the referrals, the leads, and what is kept in the storage account.
    pub world: World,
}

/// Where referrals go.
#[derive(Clone)]
pub enum Destination {
    /// Into the lead table.
    Dataverse(Dataverse),
    /// To a flow.
    Flow(Flow),
}

impl App {
    /// The lead table, unless a flow takes the referrals.
    pub fn dataverse(&self) -> Option<&Dataverse> {
        match &self.destination {
            Destination::Dataverse(dataverse) => Some(dataverse),
            Destination::Flow(_) => None,
        }
    }

    /// Builds every client. Nothing is sent yet; what cannot be built is a problem of the settings.
    pub fn build(config: Config) -> Result<Self, ConfigError> {
        let transport = Transport::new(config.outbound_ca.as_deref())
            .map_err(|error| problem("OUTBOUND_CA_FILE", &error))?;
        let Credentials {
            partner_center,
            azure,
            storage,
            renewal,
            standing,
        } = credentials::build(&config, &transport);
        let webhooks = Webhooks::new(
            &config.partner_center,
            transport.clone(),
            Arc::clone(&partner_center),
        );
        let own_webhook = OwnWebhook::new(transport.clone());
        let partner_center =
            PartnerCenter::new(&config.partner_center, transport.clone(), partner_center);
        let storage = Storage::new(&config.storage, storage, transport.clone());
        let insights = config.insights.as_ref();
        let insights = insights.map(|it| Insights::new(it, transport.clone(), Arc::clone(&azure)));
        let destination = match &config.target {
            TargetConfig::Dataverse(it) => {
                let mapped = config.sync.options.mapping.columns();
                Destination::Dataverse(Dataverse::new(it, transport.clone(), azure, mapped))
            }
            TargetConfig::Flow(it) => Destination::Flow(Flow::new(it, transport.clone(), azure)),
        };
        let callback = Callback::new(&config.callback, config.outbound_ca.as_deref())
            .map_err(|error| problem("OUTBOUND_CA_FILE", &error))?;
        let world = World {
            referrals: Arc::new(partner_center.clone()),
            leads: destination.leads(),
            blobs: Arc::new(storage.blobs()),
            later: Arc::new(storage.queue(RETRY_QUEUE)),
            clock: Arc::new(SystemClock),
        };
        let sender = Sender {
            environment: config.sync.environment.clone(),
            dataverse: config.target.environment().cloned(),
        };
        let warnings = Warnings::new(&config.warning, sender, &world, &transport);
        let options = config.sync.options.clone();
        let syncer = Syncer::new(world.clone(), options.clone());
        let flights = destination.flights(&partner_center, &world, &syncer, &options);
        let desk = Desk::new(&world, Arc::new(flights.clone()), config.sync.retry);
        let desk = Arc::new(desk);
        let poison = Arc::new(storage.queue(POISON_QUEUE));
        let kept = config.sync.state_kept;
        let mut reconciler = Reconciler::new(world.clone(), Arc::clone(&desk), poison, kept);
        if let Destination::Flow(_) = destination {
            reconciler = reconciler.to_a_flow();
        }
        Ok(Self {
            callback,
            reconciler,
            desk,
            letters: DeadLetters::new(Arc::clone(&world.blobs)),
            syncer,
            flights,
            replays: Replays::default(),
            warnings,
            renewal,
            standing,
            deliveries: Semaphore::new(DELIVERIES as usize),
            options,
            mapping_file: config.sync.mapping_file.clone(),
            partner_center,
            destination,
            insights,
            webhooks,
            own_webhook,
            storage,
            seen: SeenCertificate::new(Arc::clone(&world.blobs)),
            config,
            world,
        })
    }

    /// Writes down what this instance does, for ever.
    pub async fn keep_activity(&self) {
        let blobs = self.world.blobs.as_ref();
        self.desk.activity().keep(blobs).await;
    }

    /// Writes down what this instance did and did not write down yet. It is no loss if that fails.
    pub async fn save_activity(&self) {
        let now = self.world.clock.now();
        let saving = self.desk.activity().save(self.world.blobs.as_ref(), now);
        if let Err(error) = saving.await {
            tracing::debug!(error = %Chain(&error), "what was done last could not be written down");
        }
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

impl Destination {
    fn leads(&self) -> Arc<dyn Leads> {
        match self {
            Self::Dataverse(dataverse) => Arc::new(dataverse.clone()),
            Self::Flow(_) => Arc::new(NoLeads),
        }
    }

    fn flights(
        &self,
        partner_center: &PartnerCenter,
        world: &World,
        syncer: &Syncer,
        options: &SyncOptions,
    ) -> Flights {
        match self {
            Self::Dataverse(_) => Flights::new(syncer.clone()),
            Self::Flow(flow) => {
                let (from, to) = (partner_center.clone(), flow.clone());
                Flights::to_a_flow(Courier::new(from, to, world, options.clone()))
            }
        }
    }
}

fn problem(setting: &str, error: &dyn std::error::Error) -> ConfigError {
    ConfigError {
        problems: vec![format!("{setting}: {}", Chain(error))],
    }
}
