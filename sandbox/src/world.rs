//! What one sandbox holds: the clock, the request log, the faults, and the state of every service.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    certificates, clock::Clock, dataverse, deliveries, entra, faults::Faults, flow, identity,
    insights, key_vault, partner_center, requests::RequestLog, storage::Storage,
};

/// The world as the services share it.
pub type SharedWorld = Arc<World>;

/// Everything that exists in one sandbox.
pub struct World {
    /// The time every service reads.
    pub clock: Clock,
    /// Every request that reached a service.
    pub requests: RequestLog,
    /// What goes wrong next.
    pub faults: Faults,
    /// Entra ID: who may have a token, and which were issued.
    pub entra: Guarded<entra::State>,
    /// The managed identity of the app.
    pub identity: Guarded<identity::State>,
    /// Key Vault: the secrets.
    pub key_vault: Guarded<key_vault::State>,
    /// Partner Center: referrals and the webhook registration.
    pub partner_center: Guarded<partner_center::State>,
    /// Dataverse: leads, notes, currencies, metadata.
    pub dataverse: Guarded<dataverse::State>,
    /// The authority whose certificates sign events, and what its hosts publish.
    pub certificates: Guarded<certificates::State>,
    /// The events sent to the registered webhook, attempt by attempt.
    pub deliveries: Guarded<deliveries::State>,
    /// The flow that may take referrals in place of Dataverse.
    pub flow: Guarded<flow::State>,
    /// Application Insights: what was sent to it.
    pub insights: Guarded<insights::State>,
    /// The storage account: blobs and queues.
    pub storage: Storage,
    urls: Urls,
}

impl World {
    /// A world whose services listen at `urls`, with this storage account.
    pub fn new(urls: Urls, storage: Storage) -> anyhow::Result<Self> {
        Ok(Self {
            clock: Clock::default(),
            requests: RequestLog::default(),
            faults: Faults::default(),
            entra: Guarded::new(entra::State::new(&urls)),
            identity: Guarded::default(),
            key_vault: Guarded::default(),
            partner_center: Guarded::default(),
            dataverse: Guarded::default(),
            certificates: Guarded::new(certificates::State::new(&urls)?),
            deliveries: Guarded::default(),
            flow: Guarded::default(),
            insights: Guarded::default(),
            storage,
            urls,
        })
    }

    /// The base URL of `service`, with a trailing slash; of the storage's two, the blobs'.
    pub fn url(&self, service: Service) -> &Url {
        self.urls.of(service)
    }
}

/// A simulated system. Each listens on its own port of 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Service {
    /// Microsoft Entra ID, `login.microsoftonline.com`.
    Entra,
    /// The managed identity endpoint of App Service; plain HTTP, as there.
    Identity,
    /// One key vault, `<name>.vault.azure.net`.
    KeyVault,
    /// Partner Center: the engagements API and the webhook registration API.
    PartnerCenter,
    /// One Dataverse organisation, `<org>.crm.dynamics.com`.
    Dataverse,
    /// The host of the event signing certificates, `/cert/*.cer`.
    CertificateHost,
    /// The hosts named inside certificates: issuers (AIA) and revocation lists. Plain HTTP, as there.
    AuthorityHost,
    /// A flow with an HTTP trigger, at `*.logic.azure.com`.
    Flow,
    /// Whoever is told of warnings, such as a Teams workflow.
    Receiver,
    /// Application Insights, `*.in.applicationinsights.azure.com`.
    Insights,
    /// The app's storage account, blobs and queues. Plain HTTP, as an emulator is.
    Storage,
}

impl Service {
    /// All of them, in the order in which they start.
    pub const ALL: [Self; 11] = [
        Self::Entra,
        Self::Identity,
        Self::KeyVault,
        Self::PartnerCenter,
        Self::Dataverse,
        Self::CertificateHost,
        Self::AuthorityHost,
        Self::Flow,
        Self::Receiver,
        Self::Insights,
        Self::Storage,
    ];

    /// Whether the service speaks TLS; the others are plain HTTP where they are real, or emulated by others, too.
    pub fn is_tls(self) -> bool {
        !matches!(self, Self::Identity | Self::AuthorityHost | Self::Storage)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Entra => "Entra ID",
            Self::Identity => "managed identity",
            Self::KeyVault => "Key Vault",
            Self::PartnerCenter => "Partner Center",
            Self::Dataverse => "Dataverse",
            Self::CertificateHost => "certificate host",
            Self::AuthorityHost => "authority host",
            Self::Flow => "flow",
            Self::Receiver => "receiver of warnings",
            Self::Insights => "Application Insights",
            Self::Storage => "storage",
        })
    }
}

/// Where each service listens.
#[derive(Clone, Debug)]
pub struct Urls(BTreeMap<Service, Url>);

impl Urls {
    pub(crate) fn new(urls: BTreeMap<Service, Url>) -> Self {
        Self(urls)
    }

    /// The base URL of `service`, with a trailing slash.
    pub fn of(&self, service: Service) -> &Url {
        self.0
            .get(&service)
            .expect("every service is bound before a world is made")
    }
}

/// State behind a lock that a panicking test does not poison for the next reader.
#[derive(Debug, Default)]
pub struct Guarded<T>(Mutex<T>);

impl<T> Guarded<T> {
    /// Puts `value` behind a lock.
    pub fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// The value, locked. Never hold it across an await.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        lock(&self.0)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
