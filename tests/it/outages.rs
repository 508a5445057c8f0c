//! Outages longer than anybody waits for an answer. The office carries on meanwhile; afterwards nobody touches a record,
//! sends an event again or starts anything, and both sides come in step.

mod consent;
mod dataverse;
mod half;
mod key_vault;
mod night;
mod partner_center;
mod storage;
mod webhook;

use std::time::{Duration, Instant};

use sandbox::deliveries::{Outcome, REFERRAL_CREATED, REFERRAL_UPDATED, Raised};
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::storage::Message;
use sandbox::{Effect, Fault, Service};
use serde_json::{Value, json};

use crate::rig::{BOUND, IMPATIENT, Rig};

const QUEUE: &str = "referral-retry";
const CONTAINER: &str = "referral-connector";

/// Ten deliveries to a program that repeats its own calls each time, and what waits after them.
const LONG: Duration = Duration::from_mins(2);

/// A partner at work: events are delivered, and three referrals are in step with their leads.
struct Office {
    rig: Rig,
    known: Vec<String>,
}

impl Office {
    async fn open() -> Self {
        let settings = [IMPATIENT[0], ("SYNC_MODE", "two-way")];
        let rig = Rig::start(&settings).await;
        let mut webhook = rig.host.function_url("ReferralWebhook").unwrap();
        let key = rig.host.function_key();
        webhook.query_pairs_mut().append_pair("code", key);
        let events = [REFERRAL_CREATED, REFERRAL_UPDATED];
        let partner_center = &rig.world().partner_center;
        partner_center.lock().register(webhook, &events, true);
        let mut office = Self {
            rig,
            known: Vec::new(),
        };
        let arrived: Vec<_> = (0..3).map(|_| office.receives_a_referral()).collect();
        let (known, events): (_, Vec<_>) = arrived.into_iter().unzip();
        office.known = known;
        for delivered in office.delivered(&events).await {
            assert_eq!(answers(&delivered), [(Some(200), "synced".to_owned())]);
        }
        office.has_converged().await;
        office
    }

    /// A referral comes. Gives its id and its event.
    fn receives_a_referral(&self) -> (String, u64) {
        let world = self.rig.world();
        let now = world.clock.now().strftime("%Y-%m-%dT%H:%M:%S%.7fZ");
        let referral = ReferralBuilder::new()
            .company("Fabrikam")
            .deal(25_000, "EUR")
            .set("/updatedDateTime", now.to_string());
        world.create_referral(referral).unwrap()
    }

    /// Everything fails that `service` is asked.
    fn loses(&self, service: Service, effect: Effect) {
        self.rig.world().faults.add(Fault::new(service, effect));
    }

    /// What happens during an outage: three referrals come, one is renamed, and one is renamed while a seller changes what
    /// it is worth. Gives the events. A seller's change alone makes none: it is of the lead that nobody tells us about.
    fn carries_on(&self) -> Vec<u64> {
        let mut events: Vec<_> = (0..3).map(|_| self.receives_a_referral().1).collect();
        let name = json!({ "customerProfile": { "name": "Fabrikam International" } });
        for id in &self.known[..2] {
            events.push(self.rig.world().edit_referral(id, &name).unwrap());
        }
        for id in &self.known[1..] {
            self.rig
                .seller_edits(id, &json!({ "estimatedamount": 31_000 }));
        }
        events
    }

    /// The events, each as soon as Partner Center is done with it.
    async fn delivered(&self, events: &[u64]) -> Vec<Raised> {
        let mut all = Vec::new();
        for event in events {
            let raised = self.rig.world().settled(*event, LONG).await.unwrap();
            assert_eq!(raised.outcome, Outcome::Delivered, "{raised:?}");
            all.push(raised);
        }
        all
    }

    /// Each of the events was taken at its first delivery, and parked.
    async fn parks(&self, events: &[u64]) {
        for delivered in self.delivered(events).await {
            assert_eq!(answers(&delivered), [(Some(200), "parked".to_owned())]);
        }
    }

    /// Waits until each parked referral has been tried so often, its event included, without waiting for the delays.
    async fn is_tried(&self, often: u64) {
        let attempts = |message: &Message| {
            let job: Value = serde_json::from_str(&message.text).unwrap();
            job["attempts"].as_u64().unwrap()
        };
        self.releasing(|parked| {
            !parked.is_empty() && parked.iter().all(|it| often <= attempts(it))
        })
        .await;
    }

    /// Shows what is parked again and again, as its time comes, until `holds` of it.
    async fn releasing(&self, holds: impl Fn(&[Message]) -> bool) {
        let storage = &self.rig.world().storage;
        let begun = Instant::now();
        loop {
            let parked = storage.messages(QUEUE).await.unwrap();
            if holds(&parked) {
                return;
            }
            assert!(begun.elapsed() < LONG, "{parked:#?}");
            storage.release(QUEUE).await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until nothing is parked any more and the timer finds nothing more that no event told.
    async fn converges(&self) {
        let begun = Instant::now();
        loop {
            self.releasing(<[Message]>::is_empty).await;
            let report = self.pass().await;
            if report["ended"] == "complete" && report["healed"] == Value::Null {
                break;
            }
            assert!(begun.elapsed() < LONG, "{report}");
        }
        self.has_converged().await;
        for id in &self.known[..2] {
            let name = &self.rig.lead(id).unwrap()["companyname"];
            assert_eq!(name, "Fabrikam International");
        }
        for id in &self.known[1..] {
            assert_eq!(self.rig.referral(id)["details"]["dealValue"], 31_000);
        }
    }

    /// Both sides say the same of every referral, nothing waits, nothing was given up and there is nothing more to write.
    async fn has_converged(&self) {
        let rig = &self.rig;
        self.pass().await;
        rig.forget_requests();
        let report = self.pass().await;
        assert_eq!(report["code"], "reconciled", "{report}");
        assert_eq!(report["ended"], "complete", "{report}");
        for nothing in ["healed", "error"] {
            assert_eq!(report[nothing], Value::Null, "{report}");
        }
        for nothing in ["parked", "dead_lettered", "refused", "poisoned"] {
            assert_eq!(report[nothing], 0, "{report}");
        }
        assert_eq!(rig.writes().len(), 0);

        let referrals = rig.world().partner_center.lock().referrals();
        assert_eq!(rig.leads().len(), referrals.len());
        for referral in referrals {
            let id = referral["id"].as_str().unwrap();
            let lead = rig.lead(id).unwrap();
            assert_eq!(lead["companyname"], referral["customerProfile"]["name"]);
            assert_eq!(referral["externalReferenceId"], id);
            let dataverse = &rig.world().dataverse;
            let amount = dataverse
                .lock()
                .amount(id.parse().unwrap(), "estimatedamount");
            let value = referral["details"]["dealValue"].as_i64().unwrap();
            assert_eq!(amount, Some(value.into()), "{}", self.story_of(id));
        }
        let storage = &rig.world().storage;
        for queue in [QUEUE, "referral-retry-poison"] {
            assert_eq!(storage.messages(queue).await.unwrap(), []);
        }
        let letters = storage.blobs(CONTAINER, "dead-letters/").await.unwrap();
        assert!(letters.is_empty(), "{letters:?}");
    }

    /// What the timer's next pass reports.
    async fn pass(&self) -> Value {
        let run = self.rig.host.run_timer("ReferralReconcile").await.unwrap();
        self.line_of(&run.id.to_string()).await
    }

    /// The line of the call of this id.
    async fn line_of(&self, id: &str) -> Value {
        let is_its = |line: &Value| line["invocation.id"] == id;
        let of = |rig: &Rig| rig.log_lines().into_iter().find(is_its);
        self.rig.until(|rig| of(rig).is_some()).await;
        of(&self.rig).unwrap()
    }

    /// What was logged about a referral.
    fn story_of(&self, id: &str) -> String {
        let lines = self.rig.host.logs().into_iter();
        let about = lines.filter(|line| line.text.contains(id));
        about.map(|line| line.text + "\n").collect()
    }

    /// How often this word was logged.
    fn count(&self, code: &str) -> usize {
        let lines = self.rig.log_lines();
        lines.iter().filter(|line| line["code"] == code).count()
    }
}

/// What each delivery of an event was answered.
fn answers(raised: &Raised) -> Vec<(Option<u16>, String)> {
    let attempts = raised.attempts.iter();
    let code = |body: &Option<String>| {
        let body: Value = serde_json::from_str(body.as_deref()?).ok()?;
        Some(body["code"].as_str()?.to_owned())
    };
    attempts
        .map(|it| (it.status, code(&it.answer).unwrap_or_default()))
        .collect()
}
