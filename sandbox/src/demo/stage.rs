//! The sandbox, the host and the connector together, and what one event does to them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sandbox::deliveries::{self, Delivery, Raised};
use sandbox::host::{Host, HostOptions, LogLine};
use sandbox::settings::REFRESH_TOKEN_SECRET;
use sandbox::{Record, Sandbox, Service, SharedWorld};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::connector;

/// The function that receives events.
const WEBHOOK: &str = "ReferralWebhook";
/// How long an event may take from Partner Center to the answer that ends it, and a command to its end.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// The pause between two looks at a delivery.
const PAUSE: Duration = Duration::from_millis(20);

/// Everything that runs.
pub(super) struct Stage {
    pub(super) sandbox: Sandbox,
    pub(super) host: Host,
    /// The connector's program, and the settings it is given.
    pub(super) binary: PathBuf,
    pub(super) settings: BTreeMap<String, String>,
    /// Where Partner Center sends its events: the webhook with its key.
    pub(super) webhook: Url,
}

/// The answer to a delivery.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// What the world holds at one moment.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) referral: Value,
    pub(super) lead: Value,
    pub(super) notes: Vec<Value>,
    pub(super) leads: usize,
    pub(super) requests: usize,
    pub(super) log_lines: usize,
    pub(super) events: usize,
}

impl Stage {
    /// Starts all three. Nobody has consented yet, and no webhook is registered.
    pub(super) async fn set(sandbox: Sandbox) -> Result<Self> {
        let binary = connector::build().await?;
        sandbox
            .world()
            .key_vault
            .lock()
            .remove(REFRESH_TOKEN_SECRET);
        let settings = sandbox.settings();
        let mut of_the_host = settings.clone();
        of_the_host.insert("LOG_FORMAT".to_owned(), "text".to_owned());
        let mut options = HostOptions::new(connector::workspace(), of_the_host);
        options.executable = Some(binary.clone());
        let host = Host::start(options).await.context("start the connector")?;
        let mut webhook = host.function_url(WEBHOOK)?;
        webhook
            .query_pairs_mut()
            .append_pair("code", host.function_key());
        Ok(Self {
            sandbox,
            host,
            binary,
            settings,
            webhook,
        })
    }

    pub(super) fn world(&self) -> &SharedWorld {
        self.sandbox.world()
    }

    /// The world as it is, seen from one referral.
    pub(super) fn moment(&self, referral: &str) -> Moment {
        let world = self.world();
        let leads = world.dataverse.lock().leads();
        let id = referral.parse().unwrap_or(Uuid::nil());
        let lead = world.dataverse.lock().lead(id);
        let notes = world.dataverse.lock().notes(id);
        Moment {
            referral: world
                .partner_center
                .lock()
                .referral(referral)
                .unwrap_or_default(),
            lead: lead.unwrap_or_default(),
            notes,
            leads: leads.len(),
            requests: world.requests.count(),
            log_lines: self.host.logs().len(),
            events: world.deliveries.lock().all().len(),
        }
    }

    /// The requests since a moment, in order of arrival.
    pub(super) fn requests_since(&self, moment: &Moment) -> Vec<Record> {
        self.world().requests.all().split_off(moment.requests)
    }

    /// The log lines since a moment.
    pub(super) fn log_since(&self, moment: &Moment) -> Vec<LogLine> {
        self.host.logs().split_off(moment.log_lines)
    }

    /// Waits until Partner Center has delivered an event it raised, or given it up.
    pub(super) async fn delivered(&self, event: u64) -> Result<Answer> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let raised = self.world().deliveries.lock().raised(event).cloned();
            let raised = raised.context("find the event that was raised")?;
            if raised.outcome.is_final() {
                let last = raised.attempts.last().context("the event was never sent")?;
                let status = last.status.with_context(|| {
                    format!(
                        "the webhook gave no answer: {}",
                        last.error.as_deref().unwrap_or("unknown")
                    )
                })?;
                return Ok(Answer {
                    status,
                    body: last.answer.clone().unwrap_or_default(),
                });
            }
            if Instant::now() > deadline {
                bail!("the event was not delivered within {PATIENCE:?}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until every event is delivered, the echoes of the connector's own writes included.
    pub(super) async fn settled(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self
            .world()
            .deliveries
            .lock()
            .all()
            .iter()
            .all(|it| it.outcome.is_final())
        {
            if Instant::now() > deadline {
                bail!("some events were not delivered within {PATIENCE:?}");
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// The events raised since a moment beside the one the step is about: the echoes of the connector's own writes.
    pub(super) fn echoes_since(&self, moment: &Moment, event: Option<u64>) -> Vec<Raised> {
        let raised = self.world().deliveries.lock().all()[moment.events..].to_vec();
        raised
            .into_iter()
            .filter(|it| Some(it.id) != event)
            .collect()
    }

    /// Sends a delivery that Partner Center did not raise.
    pub(super) async fn send(&self, delivery: &Delivery) -> Result<Answer> {
        let answer = deliveries::send(delivery, &self.webhook, PATIENCE).await?;
        Ok(Answer {
            status: answer.status,
            body: answer.body,
        })
    }
}

/// Whether a request asks for a token, a secret or business data, rather than for a certificate.
pub(super) fn is_business(record: &Record) -> bool {
    !matches!(
        record.service,
        Service::CertificateHost | Service::AuthorityHost
    )
}

/// Whether a request changes a lead or a referral.
pub(super) fn is_write(record: &Record) -> bool {
    matches!(record.service, Service::PartnerCenter | Service::Dataverse) && record.method != "GET"
}
