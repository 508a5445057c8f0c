//! Keeps one referral and its lead in step.

pub mod options;
