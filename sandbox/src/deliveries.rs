//! Deliveries: the events Partner Center sends to the registered webhook.
//!
//! Every event is recorded. It is sent when a registration asks for its kind, up to ten times
//! (Partner Center, "Webhooks", retries), by a task that runs as long as the sandbox does.

mod delivery;
mod dispatcher;
mod event;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use tokio::sync::Notify;
use url::Url;

pub use delivery::{Answer, Delivery, SignatureForm, SignatureHeader, send};
pub(crate) use dispatcher::dispatch;
pub use event::{
    Event, REFERRAL_CREATED, REFERRAL_UPDATED, RELATED_REFERRAL_CREATED, RELATED_REFERRAL_UPDATED,
    TEST_CREATED,
};

use crate::world::World;

/// How events are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How often an event is sent before it is given up.
    pub attempts: usize,
    /// The pause between two attempts. Partner Center documents none.
    pub spacing: Duration,
    /// How long an answer may take.
    pub patience: Duration,
    /// How the signature is written.
    pub signature_form: SignatureForm,
    /// Holds everything back until it is unset: events stay pending.
    pub paused: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            attempts: 10,
            spacing: Duration::from_millis(50),
            patience: Duration::from_secs(30),
            signature_form: SignatureForm::Prefixed,
            paused: false,
        }
    }
}

/// An event and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Raised {
    /// Its number in this sandbox.
    pub id: u64,
    /// What it says.
    pub event: Event,
    /// When it was raised.
    pub raised: Timestamp,
    /// Where it is sent; `None` when no registration asks for it.
    #[serde(serialize_with = "address")]
    pub target: Option<Url>,
    /// Where its signature travels.
    pub signature_header: SignatureHeader,
    /// Every attempt so far.
    pub attempts: Vec<Attempt>,
    /// How far it is.
    pub outcome: Outcome,
}

/// One attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// When it began.
    pub started: Timestamp,
    /// The answer's status; `None` when none came.
    pub status: Option<u16>,
    /// The answer's body.
    pub answer: Option<String>,
    /// Why no answer came.
    pub error: Option<String>,
}

impl Attempt {
    fn is_success(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }
}

/// How far a raised event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Nobody registered for it: only recorded.
    Recorded,
    /// To be sent.
    Pending,
    /// Being sent, or between two attempts.
    Sending,
    /// Accepted with a 2xx.
    Delivered,
    /// Every attempt failed; it is never tried again.
    GivenUp,
}

impl Outcome {
    /// Whether nothing more happens to the event.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Sending)
    }
}

/// The events raised so far, attempt by attempt.
#[derive(Debug, Default)]
pub struct State {
    options: Options,
    raised: Vec<Raised>,
    wake: Arc<Notify>,
}

impl State {
    /// How events are sent.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Changes how events are sent, from the next attempt on.
    pub fn set_options(&mut self, options: Options) {
        self.options = options;
        self.wake.notify_one();
    }

    /// Every event, in the order in which they were raised.
    pub fn all(&self) -> &[Raised] {
        &self.raised
    }

    /// The event of this number.
    pub fn raised(&self, id: u64) -> Option<&Raised> {
        self.raised.get(usize::try_from(id).ok()?)
    }

    fn record(
        &mut self,
        event: Event,
        now: Timestamp,
        receiver: Option<(Url, SignatureHeader)>,
    ) -> u64 {
        let id = self.raised.len() as u64;
        let (target, signature_header) = receiver.unzip();
        self.raised.push(Raised {
            id,
            event,
            raised: now,
            outcome: match target {
                Some(_) => Outcome::Pending,
                None => Outcome::Recorded,
            },
            target,
            signature_header: signature_header.unwrap_or_default(),
            attempts: Vec::new(),
        });
        self.wake.notify_one();
        id
    }

    fn take_due(&mut self) -> Vec<u64> {
        if self.options.paused {
            return Vec::new();
        }
        let due = |it: &&mut Raised| it.outcome == Outcome::Pending;
        self.raised
            .iter_mut()
            .filter(due)
            .map(|raised| {
                raised.outcome = Outcome::Sending;
                raised.id
            })
            .collect()
    }

    /// Notes an attempt and says how the event goes on.
    fn attempted(&mut self, id: u64, attempt: Attempt) -> Outcome {
        let (limit, paused) = (self.options.attempts, self.options.paused);
        let place = usize::try_from(id).unwrap_or(usize::MAX);
        let Some(raised) = self.raised.get_mut(place) else {
            return Outcome::GivenUp;
        };
        raised.outcome = match (attempt.is_success(), raised.attempts.len() + 1 >= limit) {
            (true, _) => Outcome::Delivered,
            (false, true) => Outcome::GivenUp,
            (false, false) if paused => Outcome::Pending,
            (false, false) => Outcome::Sending,
        };
        raised.attempts.push(attempt);
        raised.outcome
    }
}

#[expect(clippy::ref_option, reason = "the form that serde calls")]
fn address<S: Serializer>(url: &Option<Url>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(Url::as_str).serialize(serializer)
}

impl World {
    /// Records `event`, and has it sent if the registration asks for its kind. Gives its number.
    pub fn raise(&self, event: Event) -> u64 {
        let receiver = self.partner_center.lock().receiver(&event.event_name);
        self.deliveries
            .lock()
            .record(event, self.clock.now(), receiver)
    }

    /// `event` as Partner Center would send it now: signed by its signer, in the header that the
    /// registration asks for.
    pub fn delivery(&self, event: &Event) -> anyhow::Result<Delivery> {
        let receiver = self.partner_center.lock().receiver(&event.event_name);
        let header = receiver.map(|(_, header)| header).unwrap_or_default();
        let form = self.deliveries.lock().options.signature_form;
        let certificates = self.certificates.lock();
        let url = certificates.signer_url();
        Delivery::signed(event.body(), certificates.signer(), &url, (header, form))
    }

    /// The event `id` once nothing more happens to it, waiting at most `bound`.
    pub async fn settled(&self, id: u64, bound: Duration) -> anyhow::Result<Raised> {
        let deadline = tokio::time::Instant::now() + bound;
        loop {
            let raised = self.deliveries.lock().raised(id).cloned();
            match raised {
                Some(raised) if raised.outcome.is_final() => return Ok(raised),
                None => bail!("no event {id} was raised"),
                Some(raised) if tokio::time::Instant::now() >= deadline => bail!(
                    "event {id} is still {:?} after {} attempts and {bound:?}",
                    raised.outcome,
                    raised.attempts.len()
                ),
                Some(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}
