//! Why a call did not succeed, and what to do about it.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::Upstream;
use crate::credentials::TokenError;
use crate::failure::{Classify, Disposition};

/// Why an upstream did not do what it was asked. No text of it holds an address, a body or a token.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There was nothing to authenticate with.
    #[error("no access token to {operation} at {upstream}")]
    NoToken {
        /// Who was to be called.
        upstream: Upstream,
        /// For what.
        operation: &'static str,
        /// Why there is none.
        #[source]
        source: TokenError,
    },
    /// No answer came: no connection, or it broke.
    #[error("{upstream} could not be reached to {operation} ({attempts} attempts)")]
    Unreachable {
        /// Who was called.
        upstream: Upstream,
        /// For what.
        operation: &'static str,
        /// How often it was tried.
        attempts: u32,
        /// What the HTTP client said, without the address.
        #[source]
        source: reqwest::Error,
    },
    /// The time for this work was over before an answer came.
    #[error("no time left to {operation} at {upstream} ({attempts} attempts)")]
    OutOfTime {
        /// Who was called.
        upstream: Upstream,
        /// For what.
        operation: &'static str,
        /// How often it was tried.
        attempts: u32,
    },
    /// It asked all callers to wait longer than this work can.
    #[error("{upstream} asked to be left alone for another {} s, so we did not {operation}", after.as_secs_f64().ceil())]
    Paused {
        /// Who asked.
        upstream: Upstream,
        /// What was to be done.
        operation: &'static str,
        /// What is left of the wait it asked for.
        after: Duration,
    },
    /// It answered with a status that says no.
    #[error("{upstream} refused to {operation} with {refusal}")]
    Refused {
        /// Who answered.
        upstream: Upstream,
        /// For what.
        operation: &'static str,
        /// The answer.
        refusal: Box<Refusal>,
    },
    /// It answered with success and a body that is not JSON: something between us answered instead.
    #[error("{upstream} answered to {operation} with a body that is not JSON")]
    NotJson {
        /// Who answered.
        upstream: Upstream,
        /// For what.
        operation: &'static str,
    },
    /// It answered with success and a body of another shape than documented.
    #[error("{upstream} answered to {operation} with an unexpected shape at {path}")]
    Unreadable {
        /// Who answered.
        upstream: Upstream,
        /// For what.
        operation: &'static str,
        /// Where in the document, such as `value[3].id`; never its data.
        path: String,
    },
    /// It answered with more than we are willing to hold.
    #[error("{upstream} answered to {operation} with more than {limit} bytes")]
    TooLarge {
        /// Who answered.
        upstream: Upstream,
        /// For what.
        operation: &'static str,
        /// The most we take.
        limit: usize,
    },
}

/// A status that says no, with what the body told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// Whether the body was a JSON object: pages of proxies and gateways are not.
    pub is_document: bool,
    /// The error codes of the body, outermost first, such as `preconditionFailed`, `99918`.
    pub codes: Vec<String>,
    /// How long it asked us to wait.
    pub retry_after: Option<Duration>,
    /// Its name for this exchange, for Microsoft's support.
    pub request_id: Option<String>,
}

impl Refusal {
    /// The outermost error code, if the body had any.
    pub fn code(&self) -> Option<&str> {
        self.codes.first().map(String::as_str)
    }

    /// Whether any error code, outer or inner, is `code`, in any letter case.
    pub fn has_code(&self, code: &str) -> bool {
        self.codes.iter().any(|it| it.eq_ignore_ascii_case(code))
    }

    /// Whether it says no before anything was done. Not after a timeout, and not where the upstream itself failed.
    fn had_no_effect(&self) -> bool {
        self.status.is_client_error() && self.status != StatusCode::REQUEST_TIMEOUT
    }

    /// What to do about it, going by the status alone.
    pub fn disposition(&self) -> Disposition {
        match self.status.as_u16() {
            408 | 423 | 425 | 429 | 500 | 502 | 503 | 504 | 507 | 509 => Disposition::Retry {
                after: self.retry_after,
            },
            // A redirect is not followed: the configured address is not the API's.
            300..=399 | 401 | 403 | 407 => Disposition::Misconfigured,
            _ => Disposition::Permanent,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status.as_u16())?;
        if !self.codes.is_empty() {
            write!(f, ", code {}", self.codes.join("/"))?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl CallError {
    /// The upstream's own refusal, if that is what happened.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// Whether the upstream surely did nothing: repeating the request cannot do it twice.
    pub(crate) fn had_no_effect(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => source.is_connect() || source.is_builder(),
            Self::Refused { refusal, .. } => refusal.had_no_effect(),
            Self::NoToken { .. } | Self::Paused { .. } => true,
            Self::OutOfTime { attempts, .. } => *attempts == 0,
            _ => false,
        }
    }
}

impl Classify for CallError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::NoToken { source, .. } => source.disposition(),
            Self::Unreachable { source, .. } if source.is_builder() => Disposition::Misconfigured,
            Self::Unreachable { .. } | Self::OutOfTime { .. } | Self::NotJson { .. } => {
                Disposition::RETRY
            }
            Self::Paused { after, .. } => Disposition::Retry {
                after: Some(*after),
            },
            Self::Refused { refusal, .. } => refusal.disposition(),
            Self::Unreadable { .. } | Self::TooLarge { .. } => Disposition::Permanent,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_status_has_its_disposition() {
        let mut policy: BTreeMap<&str, Vec<u16>> = BTreeMap::new();
        for status in 300..=599 {
            let refusal = Refusal {
                is_document: false,
                status: StatusCode::from_u16(status).unwrap(),
                codes: Vec::new(),
                retry_after: None,
                request_id: None,
            };
            let answer = match refusal.disposition() {
                Disposition::Retry { .. } => "retry",
                Disposition::Misconfigured if status >= 400 => "misconfigured",
                Disposition::Misconfigured => "redirect",
                Disposition::Permanent => continue,
            };
            policy.entry(answer).or_default().push(status);
        }
        let redirects = policy.remove("redirect").unwrap();
        assert_eq!(redirects, (300..=399).collect::<Vec<_>>());
        let policy: Vec<_> = policy
            .iter()
            .map(|(answer, statuses)| format!("{answer}: {statuses:?}"))
            .collect();
        insta::assert_snapshot!(policy.join("\n"), @r"
        misconfigured: [401, 403, 407]
        retry: [408, 423, 425, 429, 500, 502, 503, 504, 507, 509]
        ");
    }

    #[test]
    fn a_refusal_tells_status_codes_and_request_but_nothing_else() {
        let error = CallError::Refused {
            upstream: Upstream::PartnerCenter,
            operation: "update referral",
            refusal: Box::new(Refusal {
                is_document: true,
                status: StatusCode::PRECONDITION_FAILED,
                codes: vec!["preconditionFailed".into(), "99918".into()],
                retry_after: None,
                request_id: Some("7a3d".into()),
            }),
        };
        assert_eq!(
            error.to_string(),
            "Partner Center refused to update referral with status 412, code preconditionFailed/99918 (request 7a3d)"
        );
        assert!(error.refusal().unwrap().has_code("PreconditionFailed"));
    }
}
