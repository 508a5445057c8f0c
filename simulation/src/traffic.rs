//! What reaches the connector: events, messages of the queue, and administrators.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use referral_connector::ids::{ETag, ReferralId};
use referral_connector::sync::flight::{Digest, Shared};
use referral_connector::sync::options::Mode;
use referral_connector::sync::park::Disposal;
use referral_connector::sync::plan::Outcome;
use referral_connector::upstream::storage::Queue;
use uuid::Uuid;

use crate::agenda::{Group, after};
use crate::instances::{Client, Instance};
use crate::ledger::Acknowledged;
use crate::universe::{Contents, Universe};
use crate::weather::{happens, underway};

/// How long the connector takes at most to answer an event.
const EVENT_BUDGET: Duration = Duration::from_secs(8);
/// How long it takes at most for a message of the queue.
const MESSAGE_BUDGET: Duration = Duration::from_mins(1);
/// How long Partner Center waits for an answer, and the host for its handler.
const PATIENCE: Duration = Duration::from_secs(100);
/// How often Partner Center tries.
const ATTEMPTS: u32 = 10;
/// How long the host hides a message it took.
const HIDDEN: Duration = Duration::from_mins(10);
/// How often a message is taken before the host puts it away.
const MOST_TAKEN: u32 = 5;

/// An event about a change of a referral.
#[derive(Clone)]
struct Event {
    referral: ReferralId,
    version: ETag,
    digest: Digest,
    attempt: u32,
}

impl Contents {
    /// Partner Center tells of a change.
    pub(crate) fn announce(&mut self, id: ReferralId) {
        let version = self.referral(id).etag.clone();
        self.raise(id, version);
    }

    /// All partners' events are signed alike: one of a referral that Partner Center does not show us.
    pub(crate) fn announce_foreign(&mut self) {
        self.count("event: of another partner");
        self.raise(ReferralId::new(Uuid::from_u128(0xf0e1)), ETag::new("\"\""));
    }

    fn raise(&mut self, id: ReferralId, version: ETag) {
        let number = self.ledger.number();
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&number.to_be_bytes());
        let event = Event {
            referral: id,
            version,
            digest,
            attempt: 1,
        };
        self.count("event: raised");
        if happens(&mut self.chance, self.weather.dropped) {
            self.count("fault: an event is dropped");
            return;
        }
        self.deliver_later(event.clone());
        if happens(&mut self.chance, self.weather.doubled) {
            self.count("fault: an event comes twice");
            self.deliver_later(event);
        }
    }

    fn deliver_later(&mut self, event: Event) {
        let delay = if happens(&mut self.chance, self.weather.delayed) {
            self.count("fault: an event comes late");
            Duration::from_secs(self.chance.u64(1..4_000))
        } else {
            underway(&mut self.chance)
        };
        self.after(delay, move |it| it.deliver(event));
    }

    fn deliver(&mut self, event: Event) {
        let answered = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&answered);
        let again = event.clone();
        self.after(PATIENCE, move |it| {
            if !seen.load(Ordering::Relaxed) {
                it.redeliver(again);
            }
        });
        let Some(instance) = self.any_instance() else {
            return;
        };
        self.count("event: delivered");
        self.tell(|| {
            let (group, attempt) = (instance.group, event.attempt);
            format!(
                "event to instance {group}, attempt {attempt}: {}",
                event.version
            )
        });
        let deadline = self.instances.instant(after(self.now(), EVENT_BUDGET));
        let Some(universe) = self.instances.universe.clone() else {
            return;
        };
        let work = {
            let instance = Arc::clone(&instance);
            async move {
                let disposal = instance
                    .desk
                    .event(event.referral, event.digest, deadline)
                    .await;
                let is_answered = universe.with(|it| it.book_event(&event, &disposal));
                answered.store(is_answered, Ordering::Relaxed);
            }
        };
        self.begin(instance.group, Box::pin(work));
    }

    fn redeliver(&mut self, event: Event) {
        if event.attempt >= ATTEMPTS {
            self.tell(|| "Partner Center gives an event up".to_owned());
            return;
        }
        let event = Event {
            attempt: event.attempt + 1,
            ..event
        };
        let pause = Duration::from_secs(self.chance.u64(10..1_000));
        self.after(pause, move |it| it.deliver(event));
    }

    /// Whether the event was answered with success.
    fn book_event(&mut self, event: &Event, disposal: &Disposal) -> bool {
        let word = word(disposal);
        self.count(word);
        self.tell(|| format!("{word}: {disposal:?}"));
        let is_kept = !matches!(disposal, Disposal::NotKept { .. });
        // What we may not see is nobody's business.
        let is_ours = match disposal {
            Disposal::Absent(_) => false,
            Disposal::Done(report) => report.outcome != Outcome::NotOurs,
            _ => self.partner_center.referrals.contains_key(&event.referral),
        };
        if is_kept && is_ours {
            self.ledger.acknowledged.push(Acknowledged {
                referral: event.referral,
                version: event.version.clone(),
            });
        }
        is_kept
    }

    /// Books what a run reported.
    pub(crate) fn book_result(&mut self, id: ReferralId, group: Group, shared: &Shared) {
        match shared {
            Ok(report) => {
                let reports = report.reports.iter().map(ToString::to_string);
                let all = self.ledger.reports.entry(id).or_default();
                all.extend(reports);
                self.ledger.known.extend(report.lead);
                let run = self.agenda.running();
                self.ledger.ended(run, id);
                // A run that may not read the referral learns nothing that it could remember.
                if report.outcome == Outcome::NotOurs {
                    let version = self.referral(id).etag.to_string();
                    self.ledger.worked_off.insert(id, version);
                } else if matches!(self.instances.mode(group), Mode::Inbound | Mode::Link) {
                    let now = self.now();
                    self.ledger.one_way.insert(id, now);
                }
                self.tell(|| format!("run ends: {:?} {:?}", report.outcome, report.reports));
            }
            Err(error) => {
                let cause = error.cause.word();
                self.tell(|| format!("run fails: {cause}: {:?}", error.cause));
            }
        }
    }

    /// The host looks into the queue once the messages of now have come to show.
    pub(crate) fn expect_worker(&mut self, delay: Duration) {
        let a_little = Duration::from_millis(self.chance.u64(1..2_000));
        self.after(delay + a_little, Self::work_on_queue);
    }

    fn work_on_queue(&mut self) {
        let Some(instance) = self.any_instance() else {
            return self.expect_worker(PATIENCE);
        };
        let Some(universe) = self.instances.universe.clone() else {
            return;
        };
        let group = instance.group;
        let client = Client::of_host(universe.clone(), group);
        let work = async move {
            let Ok(taken) = client.take(1, HIDDEN).await else {
                universe.with(|it| it.expect_worker(PATIENCE));
                return;
            };
            for message in taken {
                let is_settled = settle(&universe, &instance, &message.id, &message.text).await;
                if is_settled && client.remove(&message).await.is_ok() {
                    universe.with(|it| it.count("queue: a message is settled"));
                }
            }
        };
        self.begin(group, Box::pin(work));
    }
}

/// Takes one message through; whether it may be removed.
async fn settle(universe: &Universe, instance: &Instance, id: &str, text: &str) -> bool {
    let number: u64 = id.parse().unwrap_or_default();
    let (deadline, is_poisoned) = universe.with(|it| {
        it.tell(|| format!("message to instance {}: {text}", instance.group));
        let taken = it.storage.messages.get(&number).map_or(0, |it| it.taken);
        let deadline = it.instances.instant(after(it.now(), MESSAGE_BUDGET));
        (deadline, taken > MOST_TAKEN)
    });
    let message = Uuid::from_u128(u128::from(number));
    let disposal = if is_poisoned {
        universe.with(|it| it.count("queue: a message is poisoned"));
        instance.desk.poisoned(text, message, deadline).await
    } else {
        instance.desk.retry(text, message, deadline).await
    };
    universe.with(|it| {
        it.count(word(&disposal));
        it.tell(|| format!("{}: {disposal:?}", word(&disposal)));
    });
    !matches!(disposal, Disposal::NotKept { .. })
}

const fn word(disposal: &Disposal) -> &'static str {
    match disposal {
        Disposal::Done(_) => "answer: done",
        Disposal::Absent(_) => "answer: absent",
        Disposal::Parked { .. } => "answer: parked",
        Disposal::DeadLettered(_) => "answer: dead-lettered",
        Disposal::NotKept { .. } => "answer: not kept",
    }
}

/// What an administrator, or the machinery below, does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Disturbance {
    Mode(Mode),
    Restart,
    OneMore,
    LostBlob,
    GarbledBlob,
}

impl Contents {
    pub(crate) fn disturb(&mut self, disturbance: Disturbance) {
        self.tell(|| format!("{disturbance:?}"));
        match disturbance {
            Disturbance::Mode(mode) => {
                self.count("administrator: another mode");
                let now = self.now();
                if mode != self.instances.settings.mode {
                    self.ledger.modes.push((now, mode));
                }
                self.instances.settings.mode = mode;
                self.restart();
            }
            Disturbance::Restart => {
                self.count("administrator: restarts");
                self.restart();
            }
            Disturbance::OneMore => {
                self.count("platform: one more instance");
                self.start_instance();
            }
            Disturbance::LostBlob | Disturbance::GarbledBlob => self.spoil(disturbance),
        }
    }

    fn spoil(&mut self, disturbance: Disturbance) {
        let names = self.storage.blobs.keys();
        let names: Vec<String> = names
            .filter(|it| it.starts_with("state/"))
            .cloned()
            .collect();
        if names.is_empty() {
            return;
        }
        let name = &names[self.chance.usize(..names.len())];
        let referral = name.trim_start_matches("state/").trim_end_matches(".json");
        if let Ok(id) = referral.parse() {
            self.ledger.forgotten.insert(id);
        }
        if matches!(disturbance, Disturbance::LostBlob) {
            self.count("storage: a blob is lost");
            self.storage.blobs.remove(name);
        } else {
            self.count("storage: a blob is garbled");
            self.storage.garble(name);
        }
    }
}
