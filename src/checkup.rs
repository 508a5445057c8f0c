//! The check-up: whether the connector could work as it is set up, and what ends soon.
//!
//! A topic is one file below `checkup/` and one line of `topics`. All topics are looked into at once, each for a limited
//! time.

mod acceptance;
mod backlog;
mod behind;
mod certificate;
mod clock;
mod consent;
mod credentials;
mod dataverse;
mod finding;
mod flow;
mod mapping;
mod own_webhook;
mod partner_center;
pub(crate) mod reach;
mod referrals;
pub(crate) mod registration;
mod seen;
mod settings;
mod storage;

use std::time::Duration;

use futures_util::future::{self, BoxFuture};
use tokio::time::Instant;
use url::Url;

use crate::app::App;
use crate::upstream::retry;

pub use behind::EVENT_ARRIVAL;
pub use finding::{Finding, Level};
pub use seen::{Seen, SeenCertificate};
pub use settings::wrong as wrong_settings;

/// How long one topic is looked into unless the caller says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How much longer than its calls a topic may take: for what it still has to say about the call that came to no end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The topic of the webhook's registration.
pub const REGISTRATION: &str = "registration";

/// The code of a topic that came to no end in time.
pub const UNFINISHED: &str = "check_unfinished";

/// Who is going to read the findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A person who asked for them: everything is tried out.
    Full,
    /// Nobody right now: only what changes nothing, and needs nobody to watch it.
    Unattended,
    /// Nobody, every few minutes: only what costs next to nothing.
    Often,
}

/// What a check-up is to cover, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Who is going to read the findings.
    pub scope: Scope,
    /// How long one topic is looked into.
    pub patience: Duration,
}

impl From<Scope> for Terms {
    fn from(scope: Scope) -> Self {
        Self {
            scope,
            patience: PATIENCE,
        }
    }
}

/// What a topic has to go by.
struct Visit<'a> {
    app: &'a App,
    /// Where the reader says that the signing certificate is.
    certificate_url: Option<&'a Url>,
}

/// One file below `checkup/`.
pub struct Topic {
    /// Its name.
    pub word: &'static str,
    /// Every code it finds something under.
    pub codes: &'static [&'static str],
    /// The narrowest scope it belongs to.
    pub scope: Scope,
    findings: for<'a> fn(&'a Visit<'a>) -> BoxFuture<'a, Vec<Finding>>,
}

/// The topic of module `$word`: its `findings(&Visit<'_>)`, under its `CODES`.
macro_rules! topic {
    ($word:ident, $scope:ident) => {
        Topic {
            word: stringify!($word),
            codes: $word::CODES,
            scope: Scope::$scope,
            findings: |visit| Box::pin($word::findings(visit)),
        }
    };
}

/// Every topic, in the order in which a person best reads about them, each with the narrowest scope it belongs to.
fn topics() -> impl Iterator<Item = Topic> {
    [
        topic!(settings, Unattended),
        topic!(credentials, Unattended),
        topic!(consent, Unattended),
        topic!(partner_center, Unattended),
        topic!(reach, Full),
        topic!(referrals, Full),
        topic!(registration, Unattended),
        topic!(own_webhook, Full),
        topic!(dataverse, Unattended),
        topic!(flow, Unattended),
        topic!(mapping, Unattended),
        topic!(certificate, Unattended),
        topic!(storage, Full),
        topic!(backlog, Unattended),
        topic!(behind, Often),
        topic!(acceptance, Unattended),
        topic!(clock, Unattended),
    ]
    .into_iter()
}

/// The topic that finds something under `code`.
pub fn topic_of(code: &str) -> Option<Topic> {
    topics().find(|topic| topic.codes.contains(&code))
}

/// Every code a finding can have, the words of `docs/checkup.md`.
pub fn codes() -> impl Iterator<Item = &'static str> {
    let of_topics = topics().flat_map(|topic| topic.codes);
    of_topics.copied().chain([UNFINISHED])
}

/// Looks into every topic of `terms` and gives what was found, in the order of the topics.
pub async fn look(app: &App, terms: impl Into<Terms>) -> Vec<Finding> {
    look_at(app, terms, None).await
}

/// The same, for a reader who knows better than the last delivery and the documentation where the signing certificate is.
pub async fn look_at(
    app: &App,
    terms: impl Into<Terms>,
    certificate_url: Option<&Url>,
) -> Vec<Finding> {
    let terms = terms.into();
    let visit = Visit {
        app,
        certificate_url,
    };
    let wanted = |topic: &Topic| terms.scope <= topic.scope;
    let looks = topics()
        .filter(wanted)
        .map(|topic| look_into(topic, &visit, terms.patience));
    future::join_all(looks).await.concat()
}

/// Looks into the webhook's registration alone.
pub async fn look_at_registration(app: &App, patience: Duration) -> Vec<Finding> {
    let visit = Visit {
        app,
        certificate_url: None,
    };
    let looks = topics()
        .filter(|topic| topic.word == REGISTRATION)
        .map(|topic| look_into(topic, &visit, patience));
    future::join_all(looks).await.concat()
}

async fn look_into(topic: Topic, visit: &Visit<'_>, patience: Duration) -> Vec<Finding> {
    let findings = bounded(topic.word, patience, (topic.findings)(visit)).await;
    let known = |it: &Finding| topic.codes.contains(&it.code) || it.code == UNFINISHED;
    debug_assert!(findings.iter().all(known), "{findings:?}");
    findings
}

/// What `findings` come to, whose calls are to be over when `patience` ends.
async fn bounded(
    topic: &str,
    patience: Duration,
    findings: impl Future<Output = Vec<Finding>>,
) -> Vec<Finding> {
    let end = Instant::now() + patience;
    let findings = tokio::time::timeout_at(end + LAST_WORDS, retry::until(end, findings)).await;
    findings.unwrap_or_else(|_| vec![unfinished(topic, patience)])
}

fn unfinished(topic: &str, patience: Duration) -> Finding {
    let detail = format!(
        "{topic} was not looked into to the end within {} s",
        patience.as_secs()
    );
    let advice = "run the check again with a longer --timeout; if that does not help, see whether this machine's network lets it out";
    Finding {
        passing: true,
        ..Finding::failed(UNFINISHED, detail, advice).about(topic)
    }
}

#[cfg(test)]
mod tests;
