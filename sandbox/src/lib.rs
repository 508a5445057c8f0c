//! Simulates every system the referral connector talks to, over real HTTPS.
//!
//! One [`Sandbox`] is one world: Entra ID, the managed identity endpoint, Key Vault, Partner Center,
//! Dataverse, the hosts that publish signing certificates and a storage account, each on its own loopback port. The
//! connector meets them through its ordinary settings ([`Sandbox::settings`]). Nothing survives the
//! value: dropping it closes every port and forgets all state.

pub mod certificates;
pub mod clock;
pub mod control;
pub mod dataverse;
pub mod deliveries;
pub mod entra;
pub mod faults;
pub mod flow;
pub mod host;
pub mod identity;
pub mod insights;
pub mod key_vault;
pub mod partner_center;
pub mod receiver;
pub mod requests;
mod running;
mod server;
pub mod settings;
pub mod storage;
pub mod tls;
pub mod world;

pub use entra::{Claims, Unauthorized};
pub use faults::{Effect, Fault, When};
pub use requests::Record;
pub use running::{Options, Sandbox};
pub use server::Cut;
pub use world::{Guarded, Service, SharedWorld, Urls, World};
