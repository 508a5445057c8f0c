//! One queue through its REST API.

use std::time::Duration;

use anyhow::Context as _;
use axum::http::{Method, StatusCode};
use jiff::{Timestamp, fmt::strtime, tz::TimeZone};
use roxmltree::{Document, Node};

use super::client::{Call, Client, succeeded};

/// A queue of one account.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    client: Client,
    name: String,
}

/// A message that was taken from the queue and is hidden from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) id: String,
    /// What proves that we took it. Every update gives a new one.
    pub(crate) receipt: String,
    /// As it was sent, still encoded.
    pub(crate) text: String,
    /// How often it was taken, this time included.
    pub(crate) dequeue_count: u32,
    pub(crate) inserted: Timestamp,
    /// `None` is never.
    pub(crate) expires: Option<Timestamp>,
    pub(crate) visible: Timestamp,
}

impl Queue {
    pub(crate) fn new(client: Client, name: &str) -> Self {
        Self {
            client,
            name: name.to_owned(),
        }
    }

    /// The queue of this other name in the same account.
    pub(crate) fn beside(&self, name: &str) -> Self {
        Self::new(self.client.clone(), name)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Adds a message as it is, to a queue that is made if it is missing.
    pub(crate) async fn send(&self, text: &str) -> anyhow::Result<()> {
        let answer = self.client.send(self.message(text)).await?;
        if answer.status() != StatusCode::NOT_FOUND {
            return succeeded(answer).map(drop);
        }
        let made = self
            .client
            .send(Call::new(Method::PUT, &*self.name))
            .await?;
        succeeded(made).with_context(|| format!("make the queue {}", self.name))?;
        let answer = self.client.send(self.message(text)).await?;
        succeeded(answer).map(drop)
    }

    fn message(&self, text: &str) -> Call {
        let text = escaped(text);
        let body = format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>");
        Call::new(Method::POST, format!("{}/messages", self.name))
            .header("content-type", "application/xml")
            .body(body)
    }

    /// Up to `most` messages, hidden for whole seconds; none if there is no such queue.
    pub(crate) async fn take(&self, most: u32, hidden: Duration) -> anyhow::Result<Vec<Taken>> {
        let call = Call::new(Method::GET, format!("{}/messages", self.name))
            .query("numofmessages", most.to_string())
            .query("visibilitytimeout", hidden.as_secs().to_string());
        let answer = self.client.send(call).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        let answer = succeeded(answer)?;
        let text = std::str::from_utf8(answer.body()).context("read the list of messages")?;
        let list = Document::parse(text.trim_start_matches('\u{feff}'))?;
        let messages = list.root_element().children().filter(Node::is_element);
        messages.map(taken).collect()
    }

    /// Hides a message for whole seconds from now on; it may show again sooner or later than before.
    pub(crate) async fn hide(&self, message: &mut Taken, hidden: Duration) -> anyhow::Result<()> {
        let call = self
            .one(Method::PUT, message)
            .query("visibilitytimeout", hidden.as_secs().to_string());
        let answer = succeeded(self.client.send(call).await?)?;
        let header = |name| answer.headers().get(name).and_then(|it| it.to_str().ok());
        let receipt = header("x-ms-popreceipt").context("the answer has no pop receipt")?;
        receipt.clone_into(&mut message.receipt);
        Ok(())
    }

    /// Removes a message. One that is gone, or that somebody else took since, is left to them.
    pub(crate) async fn delete(&self, message: &Taken) -> anyhow::Result<()> {
        let answer = self.client.send(self.one(Method::DELETE, message)).await?;
        match answer.status() {
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => Ok(()),
            _ => succeeded(answer).map(drop),
        }
    }

    fn one(&self, method: Method, message: &Taken) -> Call {
        Call::new(method, format!("{}/messages/{}", self.name, message.id))
            .query("popreceipt", &*message.receipt)
    }
}

fn taken(message: Node<'_, '_>) -> anyhow::Result<Taken> {
    let child = |name: &str| {
        let found = message.children().find(|it| it.has_tag_name(name));
        found.with_context(|| format!("the message has no {name}"))
    };
    let text = |name: &str| anyhow::Ok(child(name)?.text().unwrap_or_default().to_owned());
    let time = |name: &str| {
        let time = strtime::parse("%a, %d %b %Y %H:%M:%S GMT", text(name)?)?;
        // What never expires does so at the end of the year 9999, which is no moment here any more.
        let time = time.to_datetime()?.to_zoned(TimeZone::UTC);
        anyhow::Ok(time.map(|time| time.timestamp()).ok())
    };
    Ok(Taken {
        id: text("MessageId")?,
        receipt: text("PopReceipt")?,
        text: text("MessageText")?,
        dequeue_count: text("DequeueCount")?.parse()?,
        inserted: time("InsertionTime")?.context("the message was never inserted")?,
        expires: time("ExpirationTime")?,
        visible: time("TimeNextVisible")?.context("the message is never visible")?,
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
