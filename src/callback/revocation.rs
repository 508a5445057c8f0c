//! Whether a certificate in a trusted chain has been revoked: looked up in the background, remembered as a verdict.

mod list;

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::{info, warn};

use super::allow_list::AllowedHosts;
use super::chain::Path;
use super::fetch::{FetchError, Fetcher, Limits};
use super::link::Link;
use super::now::Now;
use crate::failure::Chain;
pub use list::ListError;
use list::Said;

/// Certificates remembered.
const MOST_CERTIFICATES: usize = 64;
/// How often a list is looked at again: while it is good, and after a failure.
const BETWEEN_LOOKS: Duration = Duration::from_hours(6);
const BETWEEN_ATTEMPTS: Duration = Duration::from_mins(5);

/// What a certificate's revocation means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationMode {
    /// Nothing: it is not looked up.
    Off,
    /// A revoked certificate is refused; one whose list cannot be had is accepted with a warning.
    Soft,
    /// A certificate is refused for as long as no list says that it is good.
    Hard,
}

impl FromStr for RevocationMode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "soft" => Ok(Self::Soft),
            "hard" => Ok(Self::Hard),
            _ => Err("expected off, soft or hard"),
        }
    }
}

/// Verdicts by certificate. The lists themselves, megabytes each, are not kept.
pub(super) struct Revocation {
    mode: RevocationMode,
    hosts: AllowedHosts,
    fetcher: Arc<Fetcher>,
    known: Mutex<HashMap<[u8; 32], Known>>,
    looking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    /// What the newest list said.
    said: Option<Said>,
    /// Why the last look was in vain.
    failure: Option<RevocationError>,
    /// When the last look began.
    looked: Option<Instant>,
}

/// What is known about a chain's certificates.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// Lists are not looked at.
    NotChecked,
    /// None is on its issuer's current list.
    Good,
    /// At least one could not be looked up, or was not yet.
    Unknown(RevocationError),
}

impl Revocation {
    pub(super) fn new(mode: RevocationMode, hosts: AllowedHosts, fetcher: Arc<Fetcher>) -> Self {
        Self {
            mode,
            hosts,
            fetcher,
            known: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
        }
    }

    /// Judges `path` by what is known at `now`, without waiting for anything.
    pub(super) fn check(&self, path: &Path, now: Now) -> Result<Standing, RevocationError> {
        if self.mode == RevocationMode::Off {
            return Ok(Standing::NotChecked);
        }
        let mut unknown = None;
        let known = self.lock();
        for (link, _) in path.pairs() {
            let about = known.get(link.fingerprint());
            match about.and_then(|it| it.said) {
                Some(said) if said.revoked => return Err(RevocationError::Revoked),
                Some(said) if said.until >= now.time => {}
                _ => {
                    let failure = about.and_then(|it| it.failure.clone());
                    unknown = Some(failure.unwrap_or(RevocationError::NotYet));
                }
            }
        }
        match unknown {
            None => Ok(Standing::Good),
            Some(error) if self.mode == RevocationMode::Hard => Err(error),
            Some(error) => Ok(Standing::Unknown(error)),
        }
    }

    /// A certificate of `path` is due for a look.
    pub(super) fn is_due(&self, path: &Path, now: Now) -> bool {
        let known = self.lock();
        self.mode != RevocationMode::Off
            && path
                .pairs()
                .any(|(link, _)| due(known.get(link.fingerprint()), now))
    }

    /// Looks up every certificate of `path` that is due, unless somebody is at it. Minutes may pass.
    pub(super) async fn look_up(&self, path: &Path, now: Now) {
        let Ok(_looking) = self.looking.try_lock() else {
            return;
        };
        for (link, issuer) in path.pairs() {
            if !self.begin(link, now) {
                continue;
            }
            let result = self.ask(link, issuer, now.time).await;
            self.remember(link, result);
        }
    }

    /// Marks `link` as looked at, if it is due.
    fn begin(&self, link: &Link, now: Now) -> bool {
        let mut known = self.lock();
        if !due(known.get(link.fingerprint()), now) {
            return false;
        }
        if known.len() >= MOST_CERTIFICATES && !known.contains_key(link.fingerprint()) {
            let oldest = known.iter().min_by_key(|(_, it)| it.looked);
            let oldest = oldest.map(|(key, _)| *key);
            oldest.and_then(|key| known.remove(&key));
        }
        known.entry(*link.fingerprint()).or_default().looked = Some(now.instant);
        true
    }

    /// What the first list that may be believed says about `link`.
    async fn ask(
        &self,
        link: &Link,
        issuer: &Link,
        now: Timestamp,
    ) -> Result<Said, RevocationError> {
        let mut result = Err(RevocationError::NoAddress);
        for address in link.revocation_addresses() {
            let Some(url) = self.hosts.admit(address) else {
                continue;
            };
            result = match self.fetcher.get(&url, Limits::REVOCATION_LIST).await {
                Ok(bytes) => judged(bytes, address.clone(), link, issuer, now).await,
                Err(error) => Err(RevocationError::Fetch(error)),
            };
            if result.is_ok() {
                break;
            }
        }
        result
    }

    fn remember(&self, link: &Link, result: Result<Said, RevocationError>) {
        let mut known = self.lock();
        let about = known.entry(*link.fingerprint()).or_default();
        let older = |said: &Said| about.said.is_some_and(|before| said.made < before.made);
        match result {
            Ok(said) if older(&said) => about.failure = Some(ListError::Older.into()),
            Ok(said) => {
                if said.revoked {
                    warn!("a certificate of the callback's chain has been revoked");
                } else {
                    info!(until = %said.until, "a certificate of the callback's chain is on no revocation list");
                }
                about.said = Some(said);
                about.failure = None;
            }
            Err(error) => {
                warn!(
                    error = %Chain(&error),
                    "whether a certificate of the callback's chain was revoked could not be looked up"
                );
                about.failure = Some(error);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn due(known: Option<&Known>, now: Now) -> bool {
    let Some(Known {
        said,
        failure,
        looked: Some(looked),
    }) = known
    else {
        return true;
    };
    let current = said.is_some_and(|it| it.until >= now.time) && failure.is_none();
    let wait = if current {
        BETWEEN_LOOKS
    } else {
        BETWEEN_ATTEMPTS
    };
    now.instant.saturating_duration_since(*looked) >= wait
}

/// Reads a list beside the runtime: one of 8 MiB keeps a thread busy for a while.
async fn judged(
    bytes: bytes::Bytes,
    address: String,
    link: &Link,
    issuer: &Link,
    now: Timestamp,
) -> Result<Said, RevocationError> {
    let (link, issuer) = (link.clone(), issuer.clone());
    let read = move || list::read(&bytes, &address, &link, &issuer, now);
    let said = tokio::task::spawn_blocking(read).await;
    Ok(said.unwrap_or(Err(ListError::Unreadable))?)
}

/// Why a certificate is not known to be good.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RevocationError {
    /// Its issuer took it back.
    #[error("a certificate of the chain has been revoked")]
    Revoked,
    /// Nobody has looked yet.
    #[error("revocation has not been looked up yet")]
    NotYet,
    /// It names no list, or none at a host of `CALLBACK_CRL_HOSTS`.
    #[error("a certificate of the chain names no revocation list at a host of CALLBACK_CRL_HOSTS")]
    NoAddress,
    /// The list could not be fetched.
    #[error("a revocation list could not be fetched")]
    Fetch(#[source] FetchError),
    /// The list could, but says nothing.
    #[error("a revocation list cannot be used")]
    List(#[from] ListError),
}
