//! A signer as the cache keeps it: the certificate, and what its chain was last found to be.

use std::sync::{Arc, Mutex, PoisonError};

use super::certificate::Certificate;
use super::chain::{ChainError, Path};
use super::now::Now;

/// What a chain was found to be.
pub(super) type Trust = Result<Arc<Path>, ChainError>;

/// A certificate, and the verdict on its chain, which costs too much to reach for every delivery.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) certificate: Certificate,
    trust: Mutex<Option<(Trust, Now)>>,
    /// Held by whoever reaches a verdict, so that only one does.
    pub(super) judging: tokio::sync::Mutex<()>,
}

impl Signer {
    pub(super) fn new(certificate: Certificate) -> Self {
        Self {
            certificate,
            trust: Mutex::new(None),
            judging: tokio::sync::Mutex::new(()),
        }
    }

    /// The last verdict and when it was reached.
    pub(super) fn trust(&self) -> Option<(Trust, Now)> {
        self.trust
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set_trust(&self, trust: Trust, now: Now) {
        *self.trust.lock().unwrap_or_else(PoisonError::into_inner) = Some((trust, now));
    }
}
