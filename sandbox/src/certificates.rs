//! The signing authority: its certificates, the host of the leaves, and the hosts of issuers and
//! revocation lists.

use axum::Router;

use crate::world::{SharedWorld, Urls};

/// The keys and certificates that sign events.
#[derive(Debug)]
pub struct State {}

impl State {
    /// An authority whose certificates name the hosts in `urls`.
    #[expect(clippy::unnecessary_wraps, reason = "making keys can fail")]
    pub fn new(_urls: &Urls) -> anyhow::Result<Self> {
        Ok(Self {})
    }
}

/// The routes of [`crate::Service::CertificateHost`]: `/cert/*.cer`.
pub fn router(world: SharedWorld) -> Router {
    Router::new().with_state(world)
}

/// The routes of [`crate::Service::AuthorityHost`]: issuer certificates and revocation lists.
pub fn authority_router(world: SharedWorld) -> Router {
    Router::new().with_state(world)
}
