//! Microsoft Entra ID: the endpoints that give out tokens, and the tokens.

mod access;

use axum::http::HeaderMap;

pub use access::{Claims, Unauthorized};

use crate::world::World;

/// Tenants, applications, users, and the tokens issued to them.
#[derive(Debug, Default)]
pub struct State {
    issued: access::Issued,
}

impl World {
    /// The claims of the bearer token in `headers`, when it was issued here for `audience` and is
    /// still valid.
    pub fn authorize(&self, headers: &HeaderMap, audience: &str) -> Result<Claims, Unauthorized> {
        let now = self.clock.now();
        self.entra.lock().issued.check(headers, audience, now)
    }
}
