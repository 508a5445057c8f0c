//! Deliveries: the events Partner Center sends to the registered webhook.

/// The events sent so far, attempt by attempt.
#[derive(Debug, Default)]
pub struct State {}
