//! The integration tests: one program, a module per concern. They drive the unmodified program over HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose preparation fails has failed"
)]

mod access;
mod architecture;
mod credentials;
mod dataverse;
mod forgeries;
mod host_files;
mod kill;
mod logs;
mod main_job;
mod mapping_rules;
mod modes;
mod parallel;
mod partner_center;
mod rig;
mod sellers;
mod settings;
mod shapes;
mod steady_state;
mod sync;
mod transport;
mod wycheproof;
