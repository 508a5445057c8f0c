//! What every input gets: one code word, shared by the answer, the log line and the alerts.

use http::StatusCode;
use tracing::Level;

/// The word for how a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// The host asked whether we are there.
    Up,
    /// No such function here.
    NotFound,
    /// The webhook takes POST only.
    MethodNotAllowed,
    /// The body is larger than any event.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// The body is compressed.
    UnsupportedEncoding,
    /// Not a delivery from Partner Center. The log says what failed; the caller does not learn it.
    Refused,
    /// Genuinely signed, but by another certificate than the settings expect. The caller sees [`Code::Refused`].
    PolicyMismatch,
    /// The signing certificate cannot be fetched now.
    CertificateUnavailable,
    /// As many deliveries are in progress as we take at once.
    Busy,
    /// Authentic, but not an event we can read.
    Unreadable,
    /// The event an administrator asked Partner Center for.
    Test,
    /// An event, or a referral, that we do not act on.
    Ignored,
    /// A referral of another partner.
    NotOurs,
    /// The referral and its lead are in step.
    Synced,
    /// The same event, byte for byte, was synced minutes ago.
    Replayed,
    /// The referral cannot be synced now; it is kept in the queue and tried later.
    Parked,
    /// The referral was looked for too early; it is back in the queue.
    Early,
    /// Partner Center did not show the referral, twice.
    Absent,
    /// The referral cannot be synced as it is; a dead letter tells of it.
    DeadLettered,
    /// The referral can neither be synced nor kept for later.
    NotKept,
    /// The program failed on it.
    TryAgain,
    /// A setting is wrong: nothing can be done at all.
    Misconfigured,
    /// The timer did its work.
    Renewed,
    /// The timer could not do its work.
    RenewalFailed,
    /// The timer has looked for what no event told.
    Reconciled,
    /// It could not look at everything; it goes on the next time.
    ReconcileCutShort,
    /// It cannot look until a person puts something right.
    ReconcileFailed,
    /// The host sent a trigger we cannot read.
    BadEnvelope,
}

impl Code {
    /// The word itself.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::Refused => "refused",
            Self::PolicyMismatch => "policy_mismatch",
            Self::CertificateUnavailable => "certificate_unavailable",
            Self::Busy => "busy",
            Self::Unreadable => "unreadable",
            Self::Test => "test",
            Self::Ignored => "ignored",
            Self::NotOurs => "not_ours",
            Self::Synced => "synced",
            Self::Replayed => "replayed",
            Self::Parked => "parked",
            Self::Early => "early",
            Self::Absent => "absent",
            Self::DeadLettered => "dead_lettered",
            Self::NotKept => "not_kept",
            Self::TryAgain => "try_again",
            Self::Misconfigured => "misconfigured",
            Self::Renewed => "renewed",
            Self::RenewalFailed => "renewal_failed",
            Self::Reconciled => "reconciled",
            Self::ReconcileCutShort => "reconcile_cut_short",
            Self::ReconcileFailed => "reconcile_failed",
            Self::BadEnvelope => "bad_envelope",
        }
    }

    /// The word as a caller from outside sees it.
    pub(super) const fn outside(self) -> Self {
        match self {
            Self::PolicyMismatch => Self::Refused,
            other => other,
        }
    }

    /// The status the caller sees.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Up
            | Self::Test
            | Self::Ignored
            | Self::NotOurs
            | Self::Synced
            | Self::Replayed
            | Self::Parked
            | Self::Early
            | Self::Absent
            | Self::DeadLettered
            | Self::Renewed
            | Self::Reconciled
            | Self::ReconcileCutShort => StatusCode::OK,
            Self::Unreadable | Self::BadEnvelope => StatusCode::BAD_REQUEST,
            Self::Refused | Self::PolicyMismatch => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RenewalFailed | Self::ReconcileFailed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy
            | Self::CertificateUnavailable
            | Self::NotKept
            | Self::TryAgain
            | Self::Misconfigured => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// How loudly the call's log line speaks: an error asks for a person.
    pub(super) const fn level(self) -> Level {
        match self {
            Self::Up => Level::TRACE,
            Self::PolicyMismatch
            | Self::Unreadable
            | Self::DeadLettered
            | Self::NotKept
            | Self::Misconfigured
            | Self::RenewalFailed
            | Self::ReconcileFailed
            | Self::BadEnvelope => Level::ERROR,
            Self::Test
            | Self::Ignored
            | Self::NotOurs
            | Self::Synced
            | Self::Replayed
            | Self::Early
            | Self::Renewed
            | Self::Reconciled => Level::INFO,
            _ => Level::WARN,
        }
    }
}
