//! Keeps one referral and its lead in step.

pub mod options;
pub mod plan;
