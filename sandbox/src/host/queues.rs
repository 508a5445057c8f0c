//! The queue trigger: polls the queue of a function, hands its messages to the handler, and does with each what the
//! verdict on the answer asks for.
//!
//! It follows `QueueListener`, `QueueProcessor` and `RandomizedExponentialBackoffStrategy` of
//! Microsoft.Azure.WebJobs.Extensions.Storage.Queues.

mod backoff;
mod config;
mod connection;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, sleep};

use super::console::Level;
use super::envelope::{Delivery, QueueMessage};
use super::function::{Function, Trigger};
use super::worker::State;
use super::{HostOptions, Shared, runs};
use crate::storage::queue::{Queue, Taken};

use backoff::Backoff;
pub(super) use config::QueuesJson;
pub use config::{MessageEncoding, Queues};
pub(super) use connection::HOST_AGENT;

/// The end of the name of the queue to which failed messages go.
const POISON: &str = "-poison";

/// One function's listener.
#[derive(Clone)]
pub(super) struct Listener {
    host: Arc<Shared>,
    function: Function,
    queue: Queue,
    /// Absent for a queue that is itself of poison messages: those stay hidden when they fail.
    poison: Option<Queue>,
    config: Queues,
    hidden: Duration,
}

/// The listeners of all queue functions; one whose connection cannot be used is left out, and said.
pub(super) fn listeners(host: &Arc<Shared>, options: &HostOptions) -> Vec<Listener> {
    let mut listeners = Vec::new();
    for function in &host.app.functions {
        let Trigger::Queue { queue, connection } = &function.trigger else {
            continue;
        };
        match connection::client(&options.settings, connection) {
            Ok(client) => listeners.push(Listener::new(
                host,
                function,
                Queue::new(client, queue),
                options,
            )),
            Err(error) => host.console.host(
                Level::Error,
                format!(
                    "The listener for function 'Functions.{}' was unable to start: {error:#}",
                    function.name
                ),
            ),
        }
    }
    listeners
}

impl Listener {
    fn new(host: &Arc<Shared>, function: &Function, queue: Queue, options: &HostOptions) -> Self {
        let poison = (!queue.name().ends_with(POISON))
            .then(|| queue.beside(&format!("{}{POISON}", queue.name())));
        let mut config = host.app.config.queues.clone();
        let polling = &options.polling;
        if let Some(longest) = polling.longest_pause {
            config.max_polling_interval = longest;
        }
        if let Some(after) = polling.failed_again_after {
            config.visibility_timeout = after;
        }
        Self {
            host: Arc::clone(host),
            function: function.clone(),
            queue,
            poison,
            config,
            hidden: polling.hidden,
        }
    }

    /// Polls until the host has stopped. What is being worked on ends with this future.
    pub(super) async fn listen(self) {
        let mut working = JoinSet::new();
        let mut backoff = Backoff::new(self.config.max_polling_interval);
        while self.host.state() != State::Stopped {
            let found = self.poll(&mut working).await;
            if found {
                backoff.reset();
                while working.len() > self.config.new_batch_threshold {
                    working.join_next().await;
                }
            } else {
                sleep(backoff.next()).await;
                while working.try_join_next().is_some() {}
            }
        }
    }

    /// Begins with a batch of messages; gives whether there were any.
    async fn poll(&self, working: &mut JoinSet<()>) -> bool {
        match self.queue.take(self.config.batch_size, self.hidden).await {
            Ok(messages) => {
                let found = !messages.is_empty();
                for message in messages {
                    working.spawn(self.clone().process(message));
                }
                found
            }
            Err(error) => {
                self.warn(
                    &format!("could not poll queue '{}'", self.queue.name()),
                    &error,
                );
                false
            }
        }
    }

    async fn process(self, mut message: Taken) {
        let id = message.id.clone();
        if let Err(error) = self.deliver(&mut message).await {
            self.warn(&format!("left queue message '{id}' hidden"), &error);
        }
    }

    async fn deliver(&self, message: &mut Taken) -> Result<()> {
        let is_last = message.dequeue_count >= self.config.max_dequeue_count;
        let is_beyond = message.dequeue_count > self.config.max_dequeue_count;
        let Some(text) = self.decoded(&message.text).filter(|_| !is_beyond) else {
            return self.give_up(message).await;
        };
        if self.run(text, message).await? {
            self.queue.delete(message).await
        } else if is_last {
            self.give_up(message).await
        } else if self.poison.is_some() {
            self.queue
                .hide(message, self.config.visibility_timeout)
                .await
        } else {
            Ok(())
        }
    }

    /// Runs the function with the message, which stays hidden meanwhile; gives whether the run succeeded.
    async fn run(&self, text: String, message: &mut Taken) -> Result<bool> {
        let delivery = Delivery {
            message: QueueMessage {
                text,
                id: message.id.parse().context("read the message's id")?,
                dequeue_count: message.dequeue_count,
                inserted: message.inserted,
            },
            receipt: message.receipt.clone(),
            expires: message.expires,
            visible: message.visible,
        };
        let half = self.hidden / 2;
        let mut renewals = interval_at(Instant::now() + half, half);
        let run = runs::deliver(&self.host, &self.function, &delivery);
        tokio::pin!(run);
        loop {
            tokio::select! {
                invocation = &mut run => return Ok(invocation?.succeeded()),
                _ = renewals.tick() => {
                    if let Err(error) = self.queue.hide(message, self.hidden).await {
                        let text = format!("could not keep queue message '{}' hidden", message.id);
                        self.warn(&text, &error);
                    }
                }
            }
        }
    }

    /// Moves a message to the poison queue, as it was sent.
    async fn give_up(&self, message: &Taken) -> Result<()> {
        let Some(poison) = &self.poison else {
            return Ok(());
        };
        let text = format!(
            "Message has reached MaxDequeueCount of {}. Moving message to queue '{}'.",
            self.config.max_dequeue_count,
            poison.name()
        );
        self.host.console.host(Level::Warning, text);
        poison.send(&message.text).await?;
        self.queue.delete(message).await
    }

    /// The text as the handler is to get it; `None` if it is not encoded as `host.json` says.
    fn decoded(&self, text: &str) -> Option<String> {
        match self.config.message_encoding {
            MessageEncoding::None => Some(text.to_owned()),
            MessageEncoding::Base64 => String::from_utf8(STANDARD.decode(text).ok()?).ok(),
        }
    }

    fn warn(&self, what: &str, error: &anyhow::Error) {
        let text = format!("Functions.{}: {what}: {error:#}", self.function.name);
        self.host.console.host(Level::Warning, text);
    }
}
