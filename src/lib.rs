//! Keeps Microsoft Partner Center co-sell referrals and Dynamics 365 leads in step.

pub mod callback;
pub mod config;
pub mod credentials;
pub mod event;
pub mod failure;
pub mod ids;
pub mod lead;
pub mod mapping;
pub mod referral;
pub mod sync;
pub mod text;
pub mod upstream;
