//! The systems we call: how requests are sent, repeated and judged, and a client for each API.

pub mod calls;
pub mod dataverse;
pub mod error;
pub(crate) mod key_vault;
pub mod partner_center;
pub mod retry;
pub mod storage;
pub mod transport;

pub(crate) mod azure;
mod wire;

use std::fmt;

pub use error::{CallError, Refusal};
pub use transport::{Call, Reply, Transport, TransportError};

/// A system we call. Each has its own `Retry-After`, and its own durations in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Upstream {
    /// Issues access tokens.
    EntraId,
    /// Keeps the Partner Center refresh token.
    KeyVault,
    /// Has the referrals.
    PartnerCenter,
    /// Has the leads.
    Dataverse,
    /// Issues access tokens to the function app's own identity.
    ManagedIdentity,
}

impl Upstream {
    /// How many there are.
    pub const COUNT: usize = 5;

    /// One `snake_case` word, for log fields.
    pub const fn word(self) -> &'static str {
        match self {
            Self::EntraId => "entra_id",
            Self::KeyVault => "key_vault",
            Self::PartnerCenter => "partner_center",
            Self::Dataverse => "dataverse",
            Self::ManagedIdentity => "managed_identity",
        }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EntraId => "Entra ID",
            Self::KeyVault => "Key Vault",
            Self::PartnerCenter => "Partner Center",
            Self::Dataverse => "Dataverse",
            Self::ManagedIdentity => "the managed identity endpoint",
        })
    }
}
