//! The webhook registration: where Partner Center sends the tenant's events, which of them, and how they are signed.
//!
//! A tenant has one. It may be another product's, so it is compared before it is touched.

pub mod address;
pub mod drift;
pub mod plan;
pub mod record;
pub mod registrar;
pub mod trial;

use jiff::Timestamp;

pub use address::Address;

/// The events about referrals.
pub const REFERRAL_EVENTS: [&str; 4] = [
    "referral-created",
    "referral-updated",
    "related-referral-created",
    "related-referral-updated",
];

/// The event one can ask Partner Center for.
pub const TEST_EVENT: &str = "test-created";

/// What the connector wants to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where events go.
    pub address: Address,
    /// Which of them; [`TEST_EVENT`] among them.
    pub events: Vec<String>,
}

/// What is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Where events go.
    pub address: Address,
    /// Which of them.
    pub events: Vec<String>,
    /// Whether the signature travels in `x-ms-signature` instead of `Authorization`; `None` if that was not told.
    pub ms_signature: Option<bool>,
    /// Partner Center's id of it, if that was told.
    pub subscriber: Option<String>,
    /// When it was changed last, if that was told.
    pub modified: Option<Timestamp>,
}

impl Registration {
    /// Whether `event` is asked for.
    pub fn asks_for(&self, event: &str) -> bool {
        self.events.iter().any(|it| it.eq_ignore_ascii_case(event))
    }

    /// The events that are none of the connector's.
    pub fn foreign_events(&self) -> impl Iterator<Item = &str> {
        let own = |event: &str| {
            let mut known = REFERRAL_EVENTS.iter().chain([&TEST_EVENT]);
            known.any(|it| it.eq_ignore_ascii_case(event))
        };
        self.events
            .iter()
            .map(String::as_str)
            .filter(move |it| !own(it))
    }
}
