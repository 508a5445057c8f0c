//! Who signed a delivery: nothing is done with one before this module says that Partner Center did.
//!
//! The order is the defence. Headers and the certificate's address are judged before any connection is opened, the
//! certificate's own bytes before its signature, the signature before the chain, and only a chain that may matter makes us
//! ask issuers' hosts. Certificates and verdicts are remembered, so that a delivery costs one RSA verification.

mod address;
pub mod allow_list;
mod anchors;
mod budget;
mod cache;
pub mod certificate;
mod certificate_policies;
mod chain;
pub mod claim;
pub mod encoding;
mod error;
pub mod examination;
pub mod fetch;
mod issuers;
pub mod link;
mod now;
pub mod pattern;
pub mod policy;
pub mod profile;
pub mod public_key;
pub mod revocation;
pub mod signature;
mod signer;
mod subject;
mod trust;
pub mod validity;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use openssl::sha::sha256;
use tracing::{debug, warn};

use crate::config::CallbackConfig;
use crate::failure::Chain;
use allow_list::{CertificateUrl, CertificateUrls};
pub use anchors::TrustAnchors;
pub use cache::CertificateError;
use cache::{Cache, Held};
pub use chain::ChainError;
pub use claim::{Claim, ClaimError};
pub use error::{Answer, CallbackError};
use fetch::{Fetcher, Lookup, SystemLookup};
use issuers::Issuers;
pub use now::Now;
use revocation::{Revocation, Standing};
pub use revocation::{RevocationError, RevocationMode};
use signer::Signer;
use trust::Judge;

/// How long the whole check may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Decides which deliveries are Partner Center's. Clones share what they know.
#[derive(Clone)]
pub struct Callback(Arc<Inner>);

struct Inner {
    urls: CertificateUrls,
    cache: Cache,
    judge: Judge,
    revocation: Revocation,
}

/// The body of a delivery that Partner Center signed.
///
/// The field is private and [`Callback`] alone fills it in, so whatever takes a `&Verified` cannot be called with a body that
/// nobody checked.
#[derive(Clone, Debug)]
pub struct Verified(Bytes);

impl Verified {
    /// The bytes that were signed.
    pub fn body(&self) -> &[u8] {
        &self.0
    }

    /// SHA-256 of the body, by which identical copies are known.
    pub fn digest(&self) -> [u8; 32] {
        sha256(&self.0)
    }
}

impl Callback {
    /// Checks deliveries by the rules of `config`; `outbound_ca` is PEM of more authorities for TLS to certificate hosts.
    pub fn new(
        config: &CallbackConfig,
        outbound_ca: Option<&[u8]>,
    ) -> Result<Self, reqwest::Error> {
        Self::with_lookup(config, outbound_ca, Arc::new(SystemLookup))
    }

    /// The same, with another way from host names to addresses.
    pub fn with_lookup(
        config: &CallbackConfig,
        outbound_ca: Option<&[u8]>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, reqwest::Error> {
        let fetcher = Arc::new(fetcher(config, outbound_ca, lookup)?);
        let issuers = Issuers::new(config.issuer_hosts.clone(), Arc::clone(&fetcher));
        Ok(Self(Arc::new(Inner {
            urls: config.certificate_urls.clone(),
            cache: Cache::new(Arc::clone(&fetcher), config.policy.clone()),
            judge: judge(config, Some(issuers)),
            revocation: Revocation::new(
                config.revocation,
                config.revocation_hosts.clone(),
                fetcher,
            ),
        })))
    }

    /// What the headers claim. Opens no connection and needs no body, so it comes before reading one.
    pub fn claim(&self, headers: &HeaderMap) -> Result<Claim, CallbackError> {
        Ok(Claim::from_headers(headers, &self.0.urls)?)
    }

    /// Decides whether `claim` is true of `body`, within ten seconds.
    pub async fn verify(&self, claim: Claim, body: Bytes) -> Result<Verified, CallbackError> {
        tokio::time::timeout(DEADLINE, self.verify_at(&claim, body, Now::read()))
            .await
            .map_err(|_| CallbackError::Deadline)?
    }

    /// Reads the claim and decides about it.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Verified, CallbackError> {
        self.verify(self.claim(headers)?, body).await
    }

    async fn verify_at(
        &self,
        claim: &Claim,
        body: Bytes,
        now: Now,
    ) -> Result<Verified, CallbackError> {
        let by = self.signer(claim, &body, now).await?;
        let path = self
            .0
            .judge
            .trust(&by, now)
            .await
            .map_err(CallbackError::Chain)?;
        if let Some(mismatch) = by.certificate.mismatches().first() {
            return Err(CallbackError::PolicyMismatch {
                mismatch: mismatch.clone(),
                facts: by.certificate.summary().to_owned(),
            });
        }
        let standing = self.0.revocation.check(&path, now);
        if self.0.revocation.is_due(&path, now) {
            let this = self.clone();
            let path = Arc::clone(&path);
            tokio::spawn(async move { this.0.revocation.look_up(&path, now).await });
        }
        match standing.map_err(CallbackError::Revocation)? {
            // No first delivery after a start waits for the lists: nothing is wrong.
            Standing::Unknown(RevocationError::NotYet) => {
                debug!("a delivery is accepted before revocation has been looked up");
            }
            Standing::Unknown(error) => {
                warn!(error = %Chain(&error), "a delivery is accepted although revocation could not be checked");
            }
            Standing::NotChecked | Standing::Good => {}
        }
        self.confirm(&claim.certificate_url, now);
        Ok(Verified(body))
    }

    /// The signer at the claimed address whose key made the claimed signature.
    async fn signer(
        &self,
        claim: &Claim,
        body: &[u8],
        now: Now,
    ) -> Result<Arc<Signer>, CallbackError> {
        let url = &claim.certificate_url;
        let held = self.0.cache.obtain(url, now.instant).await?;
        let error = match matching(&held, claim, body, now) {
            Ok(signer) => return Ok(signer),
            Err(error) => error,
        };
        // Microsoft renews certificates under the same address: one more look tells a new key from a forgery.
        match self.0.cache.renew(url, &held, now.instant).await {
            Some(held) => matching(&held, claim, body, now),
            None => Err(error),
        }
    }

    /// Remembers that the address is genuine, and looks at it again in the background once a day.
    fn confirm(&self, url: &CertificateUrl, now: Now) {
        if self.0.cache.confirm(url, now.instant) {
            let (this, url) = (self.clone(), url.clone());
            tokio::spawn(async move {
                if let Ok(held) = this.0.cache.obtain(&url, now.instant).await {
                    this.0.cache.renew(&url, &held, now.instant).await;
                }
            });
        }
    }
}

/// The one of `held` that signed `body`; the error is the current one's.
fn matching(
    held: &Held,
    claim: &Claim,
    body: &[u8],
    now: Now,
) -> Result<Arc<Signer>, CallbackError> {
    let error = match signed_by(&held.current, claim, body, now) {
        Ok(()) => return Ok(Arc::clone(&held.current)),
        Err(error) => error,
    };
    held.previous
        .as_ref()
        .filter(|signer| signed_by(signer, claim, body, now).is_ok())
        .map(Arc::clone)
        .ok_or(error)
}

/// `signer`'s certificate is a signer's, is valid, and its key made the signature.
fn signed_by(signer: &Signer, claim: &Claim, body: &[u8], now: Now) -> Result<(), CallbackError> {
    let certificate = &signer.certificate;
    certificate.check_profile()?;
    certificate.check_key_usage()?;
    certificate.check_validity(now.time)?;
    certificate
        .link()
        .map_err(|error| CallbackError::Chain(error.into()))?;
    let genuine = certificate
        .key()
        .is_some_and(|key| signature::verify(key, claim.algorithm, body, &claim.signature));
    match (genuine, certificate.mismatches().first()) {
        (true, _) => Ok(()),
        (false, Some(mismatch)) => Err(CallbackError::Mismatch(mismatch.clone())),
        (false, None) => Err(CallbackError::Signature),
    }
}

fn fetcher(
    config: &CallbackConfig,
    outbound_ca: Option<&[u8]>,
    lookup: Arc<dyn Lookup>,
) -> Result<Fetcher, reqwest::Error> {
    let loopback = config
        .certificate_urls
        .loopback_origins()
        .chain(config.issuer_hosts.loopback_origins())
        .chain(config.revocation_hosts.loopback_origins())
        .map(str::to_owned);
    Fetcher::new(loopback, outbound_ca, lookup)
}

fn judge(config: &CallbackConfig, issuers: Option<Issuers>) -> Judge {
    Judge::new(
        config.anchors.clone(),
        config.intermediates.clone(),
        config.policy.extended_key_usages.clone(),
        issuers,
    )
}

#[cfg(test)]
mod hosting;
#[cfg(test)]
pub(crate) mod minting;
#[cfg(test)]
pub(crate) mod pkits;
#[cfg(test)]
mod tests;
