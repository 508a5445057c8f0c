//! Which lead column holds which part of a referral. One table, which a file can change; reading, writing, merging and the
//! documentation follow from it.

pub mod columns;
mod contact;
pub mod file;
mod kind;
mod mirror;
mod path;
mod project;
mod raw;
mod recipe;
pub mod status;
mod summary;
mod table;
mod template;

pub use columns::{Rule, Unit};
pub use kind::{classify, passes};
pub use mirror::{REFERRALS, answer_by, cut, mirror, status as status_words};
pub use path::Path;
pub use project::{Loss, LossReason, Projection, project};
pub use recipe::{Fixed, Map, Origin, Recipe, UnknownPart};
pub use table::{DEFAULT, Mapping, OwnerRule, Row};
pub use template::Template;

use summary::summary;

pub use raw::{raw, said, standing};

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
