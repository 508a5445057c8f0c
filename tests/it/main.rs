//! The integration tests: one program, a module per concern. They drive the unmodified program over HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose preparation fails has failed"
)]

mod access;
mod architecture;
mod attacks;
mod attacks_certificates;
mod columns;
mod command_line;
mod credentials;
mod custom_handler;
mod dataverse;
mod duplicates;
mod flow;
mod forgeries;
mod fuzzing;
mod host_files;
mod kill;
mod links;
mod logs;
mod main_job;
mod mapping_file;
mod mapping_rules;
mod modes;
mod monitoring;
mod outages;
mod package;
mod packing;
mod parallel;
mod parking;
mod partner_center;
mod program;
mod raw;
mod reconcile;
mod renewal;
mod rig;
mod sellers;
mod settings;
mod shapes;
mod steady_state;
mod storage;
mod sync;
#[cfg(target_os = "linux")]
mod terminal;
mod traces;
mod transport;
mod warnings;
mod wycheproof;
