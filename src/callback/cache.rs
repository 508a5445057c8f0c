//! The signers we know, by the address of their certificate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::allow_list::CertificateUrl;
use super::budget::Budget;
use super::certificate::Certificate;
use super::encoding::EncodingError;
use super::fetch::{FetchError, Fetcher, Limits};
use super::policy::Policy;
use super::signer::Signer;

/// Addresses that never carried a verified signature: kept, and fetched a minute.
const MOST_UNVERIFIED: usize = 64;
const UNVERIFIED_A_MINUTE: usize = 10;
/// Addresses that did.
const MOST_VERIFIED: usize = 16;
/// Fetches at once, of each kind.
const AT_ONCE: usize = 2;
/// How long a failure is believed.
const FAILURE_LASTS: Duration = Duration::from_secs(5);
/// How long after one another an address is fetched again because a signature did not verify.
const BETWEEN_RENEWALS: Duration = Duration::from_mins(1);
/// How long a replaced certificate stays.
const OVERLAP: Duration = Duration::from_hours(24);
/// When a certificate is looked at again although nothing is wrong.
const FRESH: Duration = Duration::from_hours(24);

/// The signers known at an address.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// The one that is there now.
    pub(super) current: Arc<Signer>,
    /// The one that was there until less than a day ago.
    pub(super) previous: Option<Arc<Signer>>,
    version: u64,
}

/// Fetches certificates and keeps them: bounded, one fetch for everybody who waits, and nothing a stranger asks for ever
/// takes the place of something that has verified.
pub(super) struct Cache {
    fetcher: Arc<Fetcher>,
    policy: Policy,
    state: Mutex<State>,
    strangers: tokio::sync::Semaphore,
    known: tokio::sync::Semaphore,
}

struct State {
    entries: HashMap<String, Entry>,
    budget: Budget,
}

/// What is known about an address. `version` counts the fetches that ended.
struct Entry {
    current: Option<Arc<Signer>>,
    previous: Option<(Arc<Signer>, Instant)>,
    failure: Option<(CertificateError, Instant)>,
    tried: Option<Instant>,
    fetched: Option<Instant>,
    used: Instant,
    version: u64,
    verified: bool,
    fetching: Arc<tokio::sync::Mutex<()>>,
}

impl Cache {
    pub(super) fn new(fetcher: Arc<Fetcher>, policy: Policy) -> Self {
        Self {
            fetcher,
            policy,
            state: Mutex::new(State {
                entries: HashMap::new(),
                budget: Budget::per_minute(UNVERIFIED_A_MINUTE),
            }),
            strangers: tokio::sync::Semaphore::new(AT_ONCE),
            known: tokio::sync::Semaphore::new(AT_ONCE),
        }
    }

    /// The signers at `url`, fetched if there are none yet.
    pub(super) async fn obtain(
        &self,
        url: &CertificateUrl,
        now: Instant,
    ) -> Result<Held, CertificateError> {
        let version = {
            let mut state = self.state();
            if let Some(known) = state.look_up(url, now) {
                return known;
            }
            state.version(url)
        };
        self.fetch(url, version, now).await
    }

    /// The signers at `url` after another look, if `held` is outdated or the address has not been looked at for a while.
    pub(super) async fn renew(
        &self,
        url: &CertificateUrl,
        held: &Held,
        now: Instant,
    ) -> Option<Held> {
        let (version, recent) = {
            let state = self.state();
            let entry = state.entries.get(url.url().as_str());
            let tried = entry.and_then(|entry| entry.tried);
            let recent =
                tried.is_some_and(|at| now.saturating_duration_since(at) < BETWEEN_RENEWALS);
            (state.version(url), recent)
        };
        if version == held.version && recent {
            return None;
        }
        let renewed = self.fetch(url, held.version, now).await.ok()?;
        (renewed.version != held.version).then_some(renewed)
    }

    /// Remembers that a signature by a trusted signer at `url` verified. True when it is time to look at the address again.
    pub(super) fn confirm(&self, url: &CertificateUrl, now: Instant) -> bool {
        let mut state = self.state();
        let Some(entry) = state.entries.get_mut(url.url().as_str()) else {
            return false;
        };
        entry.used = now;
        let first = !entry.verified;
        entry.verified = true;
        let since = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        let old = since(entry.fetched).is_some_and(|age| age >= FRESH)
            && since(entry.tried).is_none_or(|age| age >= FRESH / 24);
        if first {
            state.bound_verified();
        }
        old
    }

    /// Fetches `url`, unless somebody has done so since `version`.
    async fn fetch(
        &self,
        url: &CertificateUrl,
        version: u64,
        now: Instant,
    ) -> Result<Held, CertificateError> {
        let gate = self.state().enter(url, now)?;
        let _fetching = gate.lock().await;
        {
            let mut state = self.state();
            if state.version(url) != version
                && let Some(known) = state.look_up(url, now)
            {
                return known;
            }
            state.spend(url, now)?;
        }
        let known = self.state().is_known(url);
        let slots = if known { &self.known } else { &self.strangers };
        let _slot = slots
            .acquire()
            .await
            .expect("the semaphores are never closed");
        let fetched = self.read(url).await;
        self.state().keep(url, fetched, now)
    }

    async fn read(&self, url: &CertificateUrl) -> Result<Signer, CertificateError> {
        let bytes = self.fetcher.get(url.url(), Limits::CERTIFICATE).await?;
        Ok(Signer::new(Certificate::read(&bytes, &self.policy)?))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn version(&self, url: &CertificateUrl) -> u64 {
        self.entries
            .get(url.url().as_str())
            .map_or(0, |entry| entry.version)
    }

    fn is_known(&self, url: &CertificateUrl) -> bool {
        let entry = self.entries.get(url.url().as_str());
        url.is_pinned() || entry.is_some_and(|entry| entry.verified)
    }

    /// What is known about `url`: signers, or a fresh failure.
    fn look_up(
        &mut self,
        url: &CertificateUrl,
        now: Instant,
    ) -> Option<Result<Held, CertificateError>> {
        let entry = self.entries.get_mut(url.url().as_str())?;
        entry.used = now;
        if let Some(current) = &entry.current {
            if let Some((_, replaced)) = &entry.previous
                && now.saturating_duration_since(*replaced) >= OVERLAP
            {
                entry.previous = None;
            }
            return Some(Ok(Held {
                current: Arc::clone(current),
                previous: entry.previous.as_ref().map(|(it, _)| Arc::clone(it)),
                version: entry.version,
            }));
        }
        let (error, failed) = entry.failure.as_ref()?;
        let fresh = now.saturating_duration_since(*failed) < FAILURE_LASTS;
        fresh.then(|| Err(error.clone()))
    }

    /// Takes one fetch from the strangers' budget, unless `url` has proven itself.
    fn spend(&mut self, url: &CertificateUrl, now: Instant) -> Result<(), CertificateError> {
        if !self.is_known(url) && !self.budget.take(now) {
            return Err(CertificateError::OverBudget);
        }
        if let Some(entry) = self.entries.get_mut(url.url().as_str()) {
            entry.tried = Some(now);
        }
        Ok(())
    }

    /// The lock under which `url` is fetched.
    fn enter(
        &mut self,
        url: &CertificateUrl,
        now: Instant,
    ) -> Result<Arc<tokio::sync::Mutex<()>>, CertificateError> {
        let key = url.url().as_str();
        if !self.entries.contains_key(key) {
            self.make_room()?;
            self.entries.insert(key.to_owned(), Entry::new(now));
        }
        Ok(Arc::clone(&self.entries[key].fetching))
    }

    /// Drops the unverified address that is worth least: one that failed before one that gave a certificate, the one unused for
    /// longest first, and none that somebody waits for.
    fn make_room(&mut self) -> Result<(), CertificateError> {
        let unverified = self.entries.values().filter(|it| !it.verified).count();
        if unverified < MOST_UNVERIFIED {
            return Ok(());
        }
        let worst = self
            .entries
            .iter()
            .filter(|(_, it)| !it.verified && Arc::strong_count(&it.fetching) == 1)
            .min_by_key(|(_, it)| (it.current.is_some(), it.used))
            .map(|(key, _)| key.clone())
            .ok_or(CertificateError::OverBudget)?;
        self.entries.remove(&worst);
        Ok(())
    }

    fn bound_verified(&mut self) {
        let verified = self.entries.iter().filter(|(_, it)| it.verified);
        if verified.clone().count() > MOST_VERIFIED {
            let oldest = verified
                .min_by_key(|(_, it)| it.used)
                .map(|(key, _)| key.clone());
            oldest.and_then(|key| self.entries.remove(&key));
        }
    }

    /// Keeps the result of a fetch. A failure never takes the place of a certificate.
    fn keep(
        &mut self,
        url: &CertificateUrl,
        fetched: Result<Signer, CertificateError>,
        now: Instant,
    ) -> Result<Held, CertificateError> {
        let key = url.url().as_str();
        let entry = self
            .entries
            .entry(key.to_owned())
            .or_insert_with(|| Entry::new(now));
        entry.version += 1;
        match fetched {
            Ok(signer) => entry.place(signer, now),
            Err(error) => entry.failure = Some((error, now)),
        }
        // The failure is this fetch's own, however long ago the fetch began.
        let failure = entry.failure.as_ref().map(|(error, _)| error.clone());
        match (self.look_up(url, now), failure) {
            (Some(known), _) => known,
            (None, Some(error)) => Err(error),
            (None, None) => Err(CertificateError::OverBudget),
        }
    }
}

impl Entry {
    fn new(now: Instant) -> Self {
        Self {
            current: None,
            previous: None,
            failure: None,
            tried: None,
            fetched: None,
            used: now,
            version: 0,
            verified: false,
            fetching: Arc::default(),
        }
    }

    fn place(&mut self, signer: Signer, now: Instant) {
        self.failure = None;
        self.fetched = Some(now);
        let Some(current) = &self.current else {
            self.current = Some(Arc::new(signer));
            return;
        };
        let same = current.certificate.fingerprint() == signer.certificate.fingerprint();
        let worse = signer.certificate.key().is_none() && current.certificate.key().is_some();
        if same || worse {
            return;
        }
        self.previous = Some((Arc::clone(current), now));
        self.current = Some(Arc::new(signer));
    }
}

/// Why there is no certificate.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CertificateError {
    /// It could not be fetched.
    #[error("the certificate could not be fetched")]
    Fetch(#[from] FetchError),
    /// It could, but is none.
    #[error("the certificate cannot be read")]
    Unreadable(#[from] EncodingError),
    /// Too many unknown addresses were asked for.
    #[error("too many certificate addresses that never verified were asked for in the last minute")]
    OverBudget,
}
