//! Which lead column holds which part of a referral. One table; reading, writing, merging and the documentation
//! follow from it.

pub mod columns;
mod contact;
mod kind;
mod project;
mod raw;
pub mod status;

pub use columns::{ROWS, Row, Rule, Unit, columns, unit};
pub use kind::{classify, passes};
pub use project::{Loss, LossReason, Projection, project};
pub use raw::{raw, said, standing};

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
