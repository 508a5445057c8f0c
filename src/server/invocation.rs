//! One call by the host: its id and when it came.

use std::fmt;
use std::time::{Duration, Instant};

use http::HeaderMap;
use uuid::Uuid;

use crate::trace::{TRACEPARENT, Trace};

const INVOCATION_ID: &str = "x-azure-functions-invocationid";

/// One call by the host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Invocation {
    id: Uuid,
    received: Instant,
    trace: Trace,
}

impl Invocation {
    /// Takes the id the host gave. The forwarding host appends its own after a caller's, so the last one counts;
    /// a call without any gets an id of its own.
    pub(super) fn new(headers: &HeaderMap, received: Instant) -> Self {
        let id = headers
            .get_all(INVOCATION_ID)
            .iter()
            .next_back()
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.rsplit(',').next())
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or_else(Uuid::new_v4);
        let traceparent = headers.get_all(TRACEPARENT).iter().next_back();
        let traceparent = traceparent.and_then(|value| value.to_str().ok());
        Self {
            id,
            received,
            trace: Trace::of(traceparent, id),
        }
    }

    /// The trace it belongs to: the caller's if it named one, else its own, under the id the host gave.
    pub(super) const fn trace(&self) -> Trace {
        self.trace
    }

    /// How long ago the call came.
    pub(super) fn elapsed(&self) -> Duration {
        self.received.elapsed()
    }

    /// The moment `budget` after the call came.
    pub(super) fn deadline(&self, budget: Duration) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.received + budget)
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use http::{HeaderMap, HeaderValue};

    use super::{INVOCATION_ID, Invocation};

    fn id_of(values: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(INVOCATION_ID, HeaderValue::from_bytes(value).unwrap());
        }
        Invocation::new(&headers, Instant::now()).to_string()
    }

    #[test]
    fn the_hosts_own_id_comes_last() {
        let real = "9f0e4c1e-0000-4000-8000-000000000002";
        assert_eq!(id_of(&[format!("spoof, {real}").as_bytes()]), real);
        assert_eq!(id_of(&[b"spoof", real.as_bytes()]), real);
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        assert_ne!(id_of(&[b"\xff\xfe"]), id_of(&[b"\xff\xfe"]));
    }
}
