//! Keeps Microsoft Partner Center co-sell referrals and Dynamics 365 leads in step.

pub mod app;
pub mod callback;
pub mod checkup;
pub mod cli;
pub mod config;
pub mod credentials;
pub mod event;
pub mod failure;
pub mod ids;
pub mod lead;
pub mod mapping;
pub mod provision;
pub mod referral;
pub mod registration;
mod roots;
pub mod server;
pub mod sync;
pub mod telemetry;
pub mod text;
mod thread_safety;
pub mod trace;
pub mod upstream;
pub mod warnings;
