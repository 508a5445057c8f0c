//! What the receiver is told: ids, code words, plain sentences and links.

mod wire;

use bytes::Bytes;
use jiff::Timestamp;
use url::Url;
use uuid::Uuid;

use super::record::{Cause, Warning};
use crate::config::Format;

/// What the receiver is told at once.
#[derive(Clone, Debug)]
pub struct Message {
    /// Which connector tells it.
    pub sender: Sender,
    /// When it was made.
    pub at: Timestamp,
    /// What it tells.
    pub news: Vec<Item>,
    /// How things are, if that is told too.
    pub digest: Option<Digest>,
}

/// Which connector tells it.
#[derive(Clone, Debug)]
pub struct Sender {
    /// `SYNC_ENVIRONMENT`.
    pub environment: String,
    /// The Dynamics 365 environment, if leads go there.
    pub dataverse: Option<Url>,
}

/// One warning.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is about.
    pub cause: Cause,
    /// The warning; it may be over.
    pub warning: Warning,
    /// Where a person may want to go.
    pub links: Vec<Link>,
}

/// Where a person may want to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What is there.
    pub title: &'static str,
    /// The address.
    pub url: Url,
}

/// How things are.
#[derive(Clone, Debug)]
pub struct Digest {
    /// When it was told before.
    pub since: Option<Timestamp>,
    /// How often a referral was brought in step since.
    pub synced: u64,
    /// How many changes were healed since that no event had told.
    pub healed: u64,
    /// How many warnings were raised since.
    pub raised: u64,
    /// How many warnings were over since.
    pub over: u64,
    /// How many referrals wait to be synced.
    pub waiting: usize,
    /// What ends when, the first first.
    pub ends: Vec<End>,
}

/// Something that ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// What, as in a warning.
    pub cause: Cause,
}

impl Item {
    /// Its name, the same whenever it is told: a receiver can tell copies by it.
    pub fn id(&self) -> Uuid {
        let about = self.cause.about.as_deref().unwrap_or_default();
        let name = format!("{}\n{about}\n{}", self.cause.code, self.warning.since);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
    }

    /// Whether its date came before it was over: then nobody put it right.
    pub fn ran_out(&self) -> bool {
        let (over, deadline) = (self.warning.over, self.warning.deadline);
        over.zip(deadline)
            .is_some_and(|(over, deadline)| deadline <= over)
    }
}

impl Message {
    /// What to post.
    pub fn text(&self, format: Format) -> Bytes {
        match format {
            Format::Json => wire::object(self),
            Format::AdaptiveCard => wire::card(self),
        }
    }

    /// One line that says what it is about.
    fn title(&self) -> String {
        let over = self.news.iter().filter(|it| it.warning.over.is_some());
        let over = over.count();
        let raised = self.news.len() - over;
        let count = |count: usize, one: &str, many: &str| {
            (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
        };
        let parts = [
            count(raised, "warning", "warnings"),
            count(over, "is over", "are over"),
            self.digest.as_ref().map(|_| "the week".to_owned()),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        format!("Referral connector: {}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests;
