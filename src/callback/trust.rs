//! Whether a signer's certificate leads to somebody we trust, asking its issuers' hosts when something is missing.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::anchors::TrustAnchors;
use super::certificate::Certificate;
use super::chain::{self, ChainError, Found};
use super::fetch::FetchError;
use super::issuers::Issuers;
use super::link::Link;
use super::now::Now;
use super::policy::KeyPurpose;
use super::signer::{Signer, Trust};

/// Fetches for one chain.
const MOST_FETCHES: usize = 8;
/// How long a verdict against a chain is believed before it is looked for again.
const REFUSAL_LASTS: Duration = Duration::from_mins(1);
/// The same when a fetch failed.
const FAILURE_LASTS: Duration = Duration::from_secs(10);

/// Judges chains and remembers the verdicts with the signers.
pub(super) struct Judge {
    anchors: TrustAnchors,
    intermediates: Vec<Link>,
    wanted: Vec<KeyPurpose>,
    issuers: Option<Issuers>,
}

impl Judge {
    /// Trusts `anchors`, tries `intermediates` first, and asks `issuers`, unless the network is off limits.
    pub(super) fn new(
        anchors: TrustAnchors,
        intermediates: Vec<Link>,
        wanted: Vec<KeyPurpose>,
        issuers: Option<Issuers>,
    ) -> Self {
        Self {
            anchors,
            intermediates,
            wanted,
            issuers,
        }
    }

    /// The verdict on `signer`, from memory when it still holds.
    pub(super) async fn trust(&self, signer: &Signer, now: Now) -> Trust {
        if let Some(trust) = remembered(signer, now) {
            return trust;
        }
        let _judging = signer.judging.lock().await;
        // Somebody else may have reached it while we waited.
        if let Some(trust) = remembered(signer, now) {
            return trust;
        }
        let trust = self.judge(&signer.certificate, now).await;
        signer.set_trust(trust.clone(), now);
        trust
    }

    /// The verdict on `certificate`, reached afresh.
    pub(super) async fn judge(&self, certificate: &Certificate, now: Now) -> Trust {
        let leaf = certificate.link()?;
        let mut pool = [self.intermediates.as_slice(), certificate.companions()].concat();
        if let Some(issuers) = &self.issuers {
            pool.extend(issuers.known(now.time));
        }
        let mut asked = HashSet::new();
        let mut failed = None;
        loop {
            let found = chain::find(leaf, &pool, &self.anchors, &self.wanted, now.time);
            let (error, reached) = match found {
                Found::Trusted(path) => return Ok(Arc::new(path)),
                Found::Nothing { error, reached } => (error, reached),
            };
            let before = asked.len();
            let mut more = Vec::new();
            for link in reached {
                match self.ask(link, &mut asked, now).await {
                    Ok(links) => more.extend(links),
                    Err(error) => failed = Some(error),
                }
            }
            if asked.len() == before {
                return Err(failed.map_or(error, ChainError::Unavailable));
            }
            for link in more {
                if !pool.iter().any(|it| it.is(&link)) {
                    pool.push(link);
                }
            }
        }
    }

    /// Certificates from the first address of `link` that answers, of those that were not `asked` before.
    async fn ask(
        &self,
        link: &Link,
        asked: &mut HashSet<Url>,
        now: Now,
    ) -> Result<Vec<Link>, FetchError> {
        let mut result = Ok(Vec::new());
        let Some(issuers) = &self.issuers else {
            return result;
        };
        for url in link.issuer_addresses() {
            let Some(url) = issuers.admit(url) else {
                continue;
            };
            if asked.len() == MOST_FETCHES || !asked.insert(url.clone()) {
                continue;
            }
            result = issuers.fetch(&url, now).await;
            if result.as_ref().is_ok_and(|links| !links.is_empty()) {
                break;
            }
        }
        result
    }
}

/// The verdict that `signer` carries, unless it is too old or time has passed one of its certificates.
fn remembered(signer: &Signer, now: Now) -> Option<Trust> {
    let (trust, at) = signer.trust()?;
    let age = now.instant.saturating_duration_since(at.instant);
    let holds = match &trust {
        Ok(path) => path.check_validity(now.time).is_ok(),
        Err(ChainError::Unavailable(_)) => age < FAILURE_LASTS,
        Err(_) => age < REFUSAL_LASTS,
    };
    holds.then_some(trust)
}
