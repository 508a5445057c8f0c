//! Certificates of issuers, fetched from where certificates say they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use url::Url;

use super::allow_list::AllowedHosts;
use super::encoding;
use super::fetch::{FetchError, Fetcher, Limits};
use super::link::Link;
use super::now::Now;

/// Addresses kept.
const MOST_ADDRESSES: usize = 64;
/// Certificates at one address.
const MOST_CERTIFICATES: usize = 8;
/// How long a failure is believed.
const FAILURE_LASTS: Duration = Duration::from_secs(30);

/// Issuers' certificates by address, each kept until it expires.
pub(super) struct Issuers {
    hosts: AllowedHosts,
    fetcher: Arc<Fetcher>,
    known: Mutex<HashMap<String, Known>>,
}

enum Known {
    Links(Vec<Link>),
    Failure(FetchError, Instant),
}

impl Issuers {
    pub(super) fn new(hosts: AllowedHosts, fetcher: Arc<Fetcher>) -> Self {
        Self {
            hosts,
            fetcher,
            known: Mutex::default(),
        }
    }

    /// `address` as one that may be fetched.
    pub(super) fn admit(&self, address: &str) -> Option<Url> {
        self.hosts.admit(address)
    }

    /// Every certificate fetched so far that is valid at `now`.
    pub(super) fn known(&self, now: Timestamp) -> Vec<Link> {
        self.lock()
            .values()
            .filter_map(|known| match known {
                Known::Links(links) => Some(links),
                Known::Failure(..) => None,
            })
            .flatten()
            .filter(|link| link.check_validity(now).is_ok())
            .cloned()
            .collect()
    }

    /// Fetches what is at `url`, unless it is known. A file that holds no usable certificate counts as empty.
    pub(super) async fn fetch(&self, url: &Url, now: Now) -> Result<Vec<Link>, FetchError> {
        if let Some(known) = self.look_up(url, now) {
            return known;
        }
        let fetched = self.fetcher.get(url, Limits::CERTIFICATE).await;
        let links = fetched.map(|bytes| {
            let files = encoding::certificates(&bytes, MOST_CERTIFICATES).unwrap_or_default();
            let links = files.iter().filter_map(|der| Link::read(der).ok());
            links.collect::<Vec<_>>()
        });
        let known = match &links {
            Ok(links) => Known::Links(links.clone()),
            Err(error) => Known::Failure(error.clone(), now.instant),
        };
        self.keep(url, known);
        links
    }

    /// What is known about `url`, if it still holds.
    fn look_up(&self, url: &Url, now: Now) -> Option<Result<Vec<Link>, FetchError>> {
        match self.lock().get(url.as_str())? {
            Known::Links(links) => links
                .iter()
                .any(|link| link.check_validity(now.time).is_ok())
                .then(|| Ok(links.clone())),
            Known::Failure(error, at) => {
                let fresh = now.instant.saturating_duration_since(*at) < FAILURE_LASTS;
                fresh.then(|| Err(error.clone()))
            }
        }
    }

    /// Keeps `known`, dropping a failure rather than certificates when there is no room.
    fn keep(&self, url: &Url, known: Known) {
        let mut all = self.lock();
        if all.len() >= MOST_ADDRESSES && !all.contains_key(url.as_str()) {
            let worst = all
                .iter()
                .min_by_key(|(_, it)| matches!(it, Known::Links(links) if !links.is_empty()))
                .map(|(key, _)| key.clone());
            worst.and_then(|key| all.remove(&key));
        }
        all.insert(url.as_str().to_owned(), known);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
