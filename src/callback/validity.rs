//! When a certificate is valid, to the second and with both ends included (RFC 5280, section 4.1.2.5).

use jiff::Timestamp;
use x509_parser::prelude::X509Certificate;

/// The seconds from which and up to which a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    from: i64,
    to: i64,
}

impl Validity {
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Self {
        let validity = certificate.validity();
        Self {
            from: validity.not_before.timestamp(),
            to: validity.not_after.timestamp(),
        }
    }

    /// The last second.
    pub(super) fn until(&self) -> Timestamp {
        moment(self.to)
    }

    pub(super) fn check(&self, now: Timestamp) -> Result<(), ValidityError> {
        if now.as_second() < self.from {
            Err(ValidityError::NotYet {
                from: moment(self.from),
            })
        } else if now.as_second() > self.to {
            Err(ValidityError::Expired {
                to: moment(self.to),
            })
        } else {
            Ok(())
        }
    }
}

fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

/// A certificate is outside its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidityError {
    /// It is not valid yet.
    #[error("the certificate is valid only from {from}")]
    NotYet {
        /// Its first second.
        from: Timestamp,
    },
    /// It has expired.
    #[error("the certificate was valid only until {to}")]
    Expired {
        /// Its last second.
        to: Timestamp,
    },
}

impl ValidityError {
    /// The word for the log.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotYet { .. } => "certificate_not_yet_valid",
            Self::Expired { .. } => "certificate_expired",
        }
    }
}
