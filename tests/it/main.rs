//! The integration tests: one program, a module per concern.

mod credentials;
mod dataverse;
mod partner_center;
mod settings;
mod sync;
mod transport;
