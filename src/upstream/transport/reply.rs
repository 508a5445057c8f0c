//! What an upstream answered.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::upstream::Upstream;

/// An answer that the call takes for one, fully read. Its `Debug` leaves the body out.
pub struct Reply {
    /// The status, 200 to 299 unless refusals are answers too.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    pub(in crate::upstream) upstream: Upstream,
    pub(in crate::upstream) operation: &'static str,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("upstream", &self.upstream)
            .field("operation", &self.operation)
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
