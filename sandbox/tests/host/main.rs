//! The rules of the Functions host, shown with a handler that does what it is told.

mod app;
mod indexing;
mod life;
mod queues;
mod triggers;
mod wire;

use std::time::Duration;

/// The longest wait for anything.
const BOUND: Duration = Duration::from_secs(10);
