//! The systems we call: how requests are sent, repeated and judged, and a client for each API.

pub mod calls;
pub mod dataverse;
pub mod error;
pub mod flow;
pub(crate) mod key_vault;
pub mod own_webhook;
mod pace;
pub mod partner_center;
pub mod receiver;
pub mod retry;
mod second_factor;
pub mod storage;
pub mod transport;
pub mod webhooks;

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
    /// Keeps what the connector remembers, and what it does later.
    Storage,
    /// Takes referrals in place of Dataverse.
    Flow,
    /// Is told of warnings, if the settings name anybody.
    Receiver,
    /// Takes traces.
    ApplicationInsights,
    /// The connector's own webhook, from outside.
    OwnWebhook,
}

impl Upstream {
    /// How many there are.
    pub const COUNT: usize = 10;

    /// All of them, in their own order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::EntraId,
        Self::KeyVault,
        Self::PartnerCenter,
        Self::Dataverse,
        Self::ManagedIdentity,
        Self::Storage,
        Self::Flow,
        Self::Receiver,
        Self::ApplicationInsights,
        Self::OwnWebhook,
    ];

    /// How many requests to it one instance has under way at once. Dataverse takes 52 from one user for all instances.
    pub const fn parallel(self) -> usize {
        match self {
            Self::Storage => 32,
            Self::Dataverse => 16,
            Self::PartnerCenter | Self::Flow => 8,
            Self::EntraId
            | Self::KeyVault
            | Self::ManagedIdentity
            | Self::Receiver
            | Self::ApplicationInsights
            | Self::OwnWebhook => 4,
        }
    }

    /// Whether it is told which trace a request belongs to: the administrator's own systems, which can show it in their
    /// telemetry. Nobody else learns how our calls hang together.
    pub const fn is_told_traces(self) -> bool {
        matches!(self, Self::Dataverse | Self::Flow)
    }

    /// One `snake_case` word, for log fields.
    pub const fn word(self) -> &'static str {
        match self {
            Self::EntraId => "entra_id",
            Self::KeyVault => "key_vault",
            Self::PartnerCenter => "partner_center",
            Self::Dataverse => "dataverse",
            Self::ManagedIdentity => "managed_identity",
            Self::Storage => "storage",
            Self::Flow => "flow",
            Self::Receiver => "receiver",
            Self::ApplicationInsights => "application_insights",
            Self::OwnWebhook => "own_webhook",
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
            Self::Storage => "the storage account",
            Self::Flow => "the flow",
            Self::Receiver => "whoever is told of warnings",
            Self::ApplicationInsights => "Application Insights",
            Self::OwnWebhook => "the webhook's address",
        })
    }
}
