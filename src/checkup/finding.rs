//! One line of the check-up.

use std::time::Duration;

use jiff::Timestamp;

use crate::failure::{Chain, Classify, Disposition};

/// What was found out about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable `snake_case` word for what was looked at, explained in `docs/checkup.md`.
    pub code: &'static str,
    /// Which one, if there are several: an id, a setting, a secret's name, a host. No personal data.
    pub about: Option<String>,
    /// How it is.
    pub level: Level,
    /// What was found, one plain sentence.
    pub detail: String,
    /// The one thing to do; never missing unless all is well.
    pub advice: Option<String>,
    /// When it ends, or turns from a warning into a failure.
    pub deadline: Option<Timestamp>,
    /// Whether it may be well again by itself: nothing can be concluded from it yet.
    pub passing: bool,
}

/// How something is. The worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All is well.
    Ok,
    /// It works, but not for ever, or not as somebody may expect.
    Warning,
    /// It does not work.
    Failed,
}

impl Level {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

impl Finding {
    /// All is well.
    pub fn ok(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            about: None,
            level: Level::Ok,
            detail: detail.into(),
            advice: None,
            deadline: None,
            passing: false,
        }
    }

    /// It works, but `advice` should be followed.
    pub fn warning(
        code: &'static str,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Warning,
            advice: Some(advice.into()),
            ..Self::ok(code, detail)
        }
    }

    /// It does not work until `advice` is followed.
    pub fn failed(
        code: &'static str,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Failed,
            ..Self::warning(code, detail, advice)
        }
    }

    /// It could not be done, for the reason that `error` tells.
    pub fn error(code: &'static str, error: &impl Classify) -> Self {
        let disposition = error.disposition();
        let advice = match disposition {
            Disposition::Retry { .. } => {
                "nothing yet: this may pass; run the check again in some minutes"
            }
            Disposition::Permanent => {
                "report this with the line above: the answer was not understood"
            }
            Disposition::Misconfigured => {
                "put the credential or permission named above right, then run the check again"
            }
        };
        Self {
            passing: matches!(disposition, Disposition::Retry { .. }),
            ..Self::failed(code, Chain(error).to_string(), advice)
        }
    }

    /// It could not be looked at, for a reason that somebody else finds too: nothing is known of it.
    pub fn unseen(code: &'static str, error: &impl Classify) -> Self {
        let advice = "see what the lines above say of the system that refused";
        Self {
            passing: true,
            ..Self::warning(code, Chain(error).to_string(), advice)
        }
    }

    /// It was not looked at, for want of a sign-in to Partner Center: nothing is known of it.
    pub fn unasked(code: &'static str) -> Self {
        let detail = "not looked at: there is no sign-in to Partner Center to ask with";
        let advice =
            "put right what the lines consent and refresh_token say, then run the check again";
        Self {
            passing: true,
            ..Self::warning(code, detail, advice)
        }
    }

    /// What `tried` came to: what `found` says of it, or its error.
    pub fn of<T, E: Classify>(
        code: &'static str,
        tried: Result<T, E>,
        found: impl FnOnce(T) -> String,
    ) -> Self {
        match tried {
            Ok(value) => Self::ok(code, found(value)),
            Err(error) => Self::error(code, &error),
        }
    }

    /// Whether a person has to be told of it. A failure that may pass by itself is not: what it keeps from working shows
    /// by other signs if it lasts.
    pub fn is_bad(&self) -> bool {
        self.level != Level::Ok && !self.passing
    }

    /// The same, about this one of several.
    #[must_use]
    pub fn about(mut self, which: impl Into<String>) -> Self {
        self.about = Some(which.into());
        self
    }

    /// The same, with an end.
    #[must_use]
    pub const fn until(mut self, deadline: Timestamp) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

/// Whole days in `duration`.
pub(super) fn days(duration: Duration) -> u64 {
    duration.as_secs() / (24 * 60 * 60)
}
