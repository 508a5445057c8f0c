//! Who signed a delivery: nothing is done with one before this module says that Partner Center did.

mod address;
pub mod allow_list;
pub mod certificate;
pub mod claim;
pub mod encoding;
pub mod link;
pub mod pattern;
pub mod policy;
pub mod profile;
pub mod public_key;
pub mod signature;
mod subject;
pub mod validity;

#[cfg(test)]
pub(crate) mod minting;
