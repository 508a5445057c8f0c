//! Syncs between a simulated Partner Center and a simulated organisation, over HTTPS.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose preparation fails has failed"
)]

mod creation;
mod remembered;
mod trouble;
mod updates;
mod way_back;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use referral_connector::app::App;
use referral_connector::config::Config;
use referral_connector::ids::{LeadId, ReferralId};
use referral_connector::sync::plan::Outcome;
use referral_connector::sync::{Flights, SyncError, SyncReport, Syncer};
use referral_connector::upstream::storage::RETRY_QUEUE;
use sandbox::entra::{CLIENT_ID, CLIENT_SECRET, TENANT_ID};
use sandbox::partner_center::ReferralBuilder;
use sandbox::{Sandbox, Service};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

const LINK: &str = "link";
const TWO_WAY: &str = "two-way";

/// Both sides, and a connector between them.
struct Scene {
    sandbox: Sandbox,
    settings: BTreeMap<String, String>,
    syncer: Syncer,
}

impl Scene {
    async fn start(mode: &str) -> Self {
        Self::with(&[("SYNC_MODE", mode)]).await
    }

    async fn with(changes: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let mut settings = sandbox.settings();
        let own = [
            ("AZURE_CREDENTIAL", "client_secret"),
            ("AZURE_TENANT_ID", TENANT_ID),
            ("AZURE_CLIENT_ID", CLIENT_ID),
            ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
        ];
        let all = own.iter().chain(changes);
        settings.extend(all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let syncer = connector(&settings);
        Self {
            sandbox,
            settings,
            syncer,
        }
    }

    /// Another instance, which shares nothing with the first.
    fn another(&self) -> Syncer {
        connector(&self.settings)
    }

    fn seed(&self, referral: ReferralBuilder) -> ReferralId {
        self.seed_value(referral.build())
    }

    fn seed_value(&self, referral: Value) -> ReferralId {
        let mut partner_center = self.sandbox.world().partner_center.lock();
        let id = partner_center.seed_referral(referral).unwrap();
        id.parse().unwrap()
    }

    /// A seller enters a lead, long ago.
    fn seed_lead(&self, columns: &Value) -> LeadId {
        let long_ago: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut dataverse = self.sandbox.world().dataverse.lock();
        LeadId::new(dataverse.seed_lead(columns, long_ago).unwrap())
    }

    fn edit_lead(&self, id: LeadId, columns: &Value) {
        let now = self.sandbox.world().clock.now();
        let mut dataverse = self.sandbox.world().dataverse.lock();
        dataverse.edit_lead(id.uuid(), columns, now).unwrap();
    }

    fn edit_referral(&self, id: ReferralId, change: &Value) {
        let world = self.sandbox.world();
        world.edit_referral(&id.to_string(), change).unwrap();
    }

    fn referral(&self, id: ReferralId) -> Value {
        let partner_center = self.sandbox.world().partner_center.lock();
        partner_center.referral(&id.to_string()).unwrap()
    }

    fn lead(&self, id: LeadId) -> Value {
        let dataverse = self.sandbox.world().dataverse.lock();
        dataverse.lead(id.uuid()).unwrap()
    }

    fn leads(&self) -> usize {
        self.sandbox.world().dataverse.lock().leads().len()
    }

    /// The headlines of a lead's notes.
    fn notes(&self, id: LeadId) -> Vec<String> {
        let notes = self.sandbox.world().dataverse.lock().notes(id.uuid());
        let subjects = notes.iter().map(|note| note["subject"].as_str().unwrap());
        subjects.map(str::to_owned).collect()
    }

    /// How many looks at referrals are queued.
    async fn queued(&self) -> usize {
        let storage = &self.sandbox.world().storage;
        storage.messages(RETRY_QUEUE).await.unwrap().len()
    }

    async fn try_sync(&self, id: ReferralId) -> Result<SyncReport, SyncError> {
        self.syncer.sync(id, soon()).await
    }

    async fn sync(&self, id: ReferralId) -> SyncReport {
        self.try_sync(id).await.unwrap()
    }

    /// Syncs once more, and gives the requests that took, as `GET leads`.
    async fn requests_of_sync(&self, id: ReferralId) -> Vec<String> {
        self.sandbox.world().requests.clear();
        self.sync(id).await;
        self.requests()
    }

    /// What both sides were asked since the log was cleared, as `PATCH leads`.
    fn requests(&self) -> Vec<String> {
        let sides = [Service::Dataverse, Service::PartnerCenter];
        let mut records = self.sandbox.world().requests.all();
        records.retain(|record| sides.contains(&record.service));
        let line = |record: &sandbox::Record| {
            let set = record.path.trim_end_matches(|end| end != '(' && end != '/');
            let set = set.trim_end_matches(['(', '/']).rsplit('/').next().unwrap();
            format!("{} {set}", record.method)
        };
        records.iter().map(line).collect()
    }

    fn sent(&self, method: &str) -> usize {
        let requests = self.requests();
        let sent = requests.iter().filter(|line| line.starts_with(method));
        sent.count()
    }
}

fn connector(settings: &BTreeMap<String, String>) -> Syncer {
    let config = Config::read(&|name| settings.get(name).cloned()).unwrap();
    let app = App::build(config).unwrap();
    Syncer::new(app.world, app.options)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn words(report: &SyncReport) -> Vec<String> {
    report.reports.iter().map(ToString::to_string).collect()
}
