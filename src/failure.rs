//! What to do about a failure, and how to print one with its causes.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// What to do about a failure. Decided where the failure is understood; read by the retry loop,
/// the HTTP answer, the timer and the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The same request may succeed later, not before `after` if given.
    Retry {
        /// The wait the other side asked for (`Retry-After`).
        after: Option<Duration>,
    },
    /// The same request will fail the same way. New data has to arrive first.
    Permanent,
    /// Our credentials, permissions or settings are wrong. A person has to act.
    Misconfigured,
}

impl Disposition {
    /// A failure that may pass by itself, with no wait asked for.
    pub const RETRY: Self = Self::Retry { after: None };
}

/// Implemented by every error that can reach a retry loop or an answer.
pub trait Classify: Error {
    /// What to do about this failure.
    fn disposition(&self) -> Disposition;
}

/// Prints an error and all its causes on one line, outermost first.
pub struct Chain<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Chain;

    #[derive(Debug, thiserror::Error)]
    #[error("reading the settings")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn a_chain_prints_every_cause_once() {
        let error = Outer("x".parse::<u8>().unwrap_err());
        assert_eq!(
            Chain(&error).to_string(),
            "reading the settings: invalid digit found in string"
        );
    }
}
