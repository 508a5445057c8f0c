//! The Dataverse client against a simulated organisation, over HTTPS.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose preparation fails has failed"
)]

mod changed;
mod failures;
mod leads;
mod organisation;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use referral_connector::config::DataverseConfig;
use referral_connector::credentials::{AccessToken, TokenError, TokenSource};
use referral_connector::ids::LeadId;
use referral_connector::lead::{Column, ColumnKind, Lead, Value};
use referral_connector::mapping;
use referral_connector::upstream::Transport;
use referral_connector::upstream::dataverse::Dataverse;
use sandbox::dataverse::State;
use sandbox::requests::Record;
use sandbox::{Sandbox, Service};
use uuid::Uuid;

/// An organisation, and a client that may use it.
struct Organisation {
    sandbox: Sandbox,
    dataverse: Dataverse,
}

/// A token fetched once.
struct Fixed(AccessToken);

impl TokenSource for Fixed {
    fn token(&self, _: &str) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        let token = self.0.clone();
        Box::pin(async { Ok(token) })
    }
}

impl Organisation {
    /// A client that knows the mapped columns.
    async fn start() -> Self {
        Self::mapping(mapping::Mapping::shipped().columns()).await
    }

    /// A client that knows `columns`.
    async fn mapping(columns: impl IntoIterator<Item = (Column, ColumnKind)>) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let authority = std::fs::read(sandbox.ca_file()).unwrap();
        let url = sandbox.url(Service::Dataverse);
        let dataverse = Dataverse::new(
            &DataverseConfig {
                url,
                column_prefix: "pcref".parse().unwrap(),
            },
            Transport::new(Some(&authority)).unwrap(),
            Arc::new(Fixed(token(&sandbox).await)),
            columns,
        );
        Self { sandbox, dataverse }
    }

    /// What the organisation holds, under `change`.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.sandbox.world().dataverse.lock())
    }

    /// A lead that a seller entered, with `columns` as the Web API writes them.
    fn seed(&self, columns: &serde_json::Value) -> LeadId {
        let now = self.sandbox.world().clock.now();
        LeadId::new(self.with(|state| state.seed_lead(columns, now)).unwrap())
    }

    fn merge(&self, from: LeadId, into: LeadId) {
        let now = self.sandbox.world().clock.now();
        self.with(|state| state.merge_leads(from.uuid(), into.uuid(), now))
            .unwrap();
    }

    /// The lead as the client reads it.
    async fn read(&self, id: LeadId) -> Lead {
        self.dataverse.lead(id).await.unwrap().unwrap()
    }

    fn requests(&self) -> Vec<Record> {
        self.sandbox.world().requests.of(Service::Dataverse)
    }

    /// The requests that reached the organisation with `method`.
    fn sent(&self, method: &str) -> Vec<Record> {
        let mut sent = self.requests();
        sent.retain(|record| record.method == method);
        sent
    }
}

/// A token from the managed identity's endpoint, which is plain HTTP.
async fn token(sandbox: &Sandbox) -> AccessToken {
    let settings = sandbox.settings();
    let mut url = url::Url::parse(&settings["IDENTITY_ENDPOINT"]).unwrap();
    url.query_pairs_mut()
        .append_pair("api-version", "2019-08-01")
        .append_pair("resource", sandbox.url(Service::Dataverse).as_str());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .get(url)
        .header("x-identity-header", &settings["IDENTITY_HEADER"]);
    let text = request.send().await.unwrap().text().await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    let token = answer["access_token"].as_str().expect(&text);
    AccessToken::new(token, Duration::from_hours(1)).unwrap()
}

fn column(name: &'static str) -> Column {
    Column::named(name)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn fresh() -> LeadId {
    LeadId::new(Uuid::new_v4())
}

/// Lets the client's clock run ahead.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
