//! A simulation of the connector: the product's own planning, syncing, parking and reconciling run against systems in memory,
//! on one thread, in an order of events that follows from a number, the *seed*. People edit both sides, take back, close, merge
//! and delete; requests are refused, lost, done without an answer, done late; instances die between any two effects; blobs
//! vanish, events come twice, late or never. Every write is judged when it takes effect, and when nothing happens any more both
//! sides must agree, or somebody must have been told.
//!
//! The same seed gives the same run, on every machine.

mod agenda;
mod dataverse;
mod decisions;
mod field;
mod flights;
mod habits;
mod instances;
mod invariants;
mod judge;
mod kinds;
mod known;
mod ledger;
mod listing;
mod parallel;
mod partner_center;
mod people;
mod scenario;
mod storage;
mod traffic;
mod universe;
mod verdict;
mod weather;

pub use instances::Variant;
pub use kinds::KINDS;
pub use parallel::{first_failure, parallel};
pub use scenario::{Run, Setup, simulate};
pub use weather::Weather;
