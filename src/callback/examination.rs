//! A captured delivery, taken through every check without stopping at the first that fails.

use std::error::Error;
use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;

use super::certificate::Certificate;
use super::chain::{ChainError, Path};
use super::claim::{self, ClaimError};
use super::fetch::{Fetcher, Limits, SystemLookup};
use super::issuers::Issuers;
use super::policy::Mismatch;
use super::revocation::{Revocation, RevocationError, RevocationMode, Standing};
use super::signature;
use super::{Now, fetcher, judge};
use crate::config::CallbackConfig;
use crate::failure::Chain;

/// What there is to examine.
#[derive(Debug)]
pub struct Evidence {
    /// The delivery's headers, or as many as there are.
    pub headers: HeaderMap,
    /// The headers are those of a whole delivery, so that a missing one counts.
    pub whole: bool,
    /// The body; without it there is no signature to verify.
    pub body: Option<Vec<u8>>,
    /// The file at the certificate's address; without it, it is fetched.
    pub certificate: Option<Vec<u8>>,
    /// When the delivery is judged to have arrived.
    pub at: Timestamp,
}

/// One check and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its stable name.
    pub name: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// Why, or what was found.
    pub detail: String,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Ok,
    /// It failed, under this code word.
    Failed(&'static str),
    /// It failed because something had to be fetched and could not be.
    Unavailable(&'static str),
    /// It was not reached.
    Skipped,
}

impl Evidence {
    /// Nothing but the certificate at `url`, to be judged as it is `at` this moment.
    pub fn certificate_at(url: &str, at: Timestamp) -> Self {
        let mut headers = HeaderMap::new();
        if let Ok(url) = url.parse() {
            headers.insert(claim::CERTIFICATE_URL, url);
        }
        Self {
            headers,
            whole: false,
            body: None,
            certificate: None,
            at,
        }
    }
}

/// What an examination came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examination {
    /// Every check, in the order in which they are reported.
    pub checks: Vec<Check>,
    /// The certificates of the trusted chain, the signer's first and the anchor last; none if there is no such chain.
    pub chain: Vec<Member>,
}

/// A certificate of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name it is for.
    pub name: String,
    /// Its last second.
    pub until: Timestamp,
}

/// Takes `evidence` through every check by the rules of `config`, in the order in which they are reported. The network is touched
/// only when `online` holds the authorities for it.
pub async fn examine(
    config: &CallbackConfig,
    evidence: &Evidence,
    online: Option<&Online>,
) -> Examination {
    let now = Now::at(evidence.at);
    let mut checks = header_checks(config, evidence);
    let file = file(config, evidence, online).await;
    let read = file.and_then(|bytes| {
        Certificate::read(&bytes, &config.policy)
            .map_err(|error| failed("certificate", "certificate_unreadable", &error))
    });
    let certificate = match read {
        Ok(certificate) => certificate,
        Err(check) => {
            checks.push(check);
            for name in [
                "chain",
                "validity",
                "key_usage",
                "organization",
                "subject",
                "revocation",
                "signature",
            ] {
                checks.push(skipped(name, "there is no certificate to judge"));
            }
            return Examination {
                checks,
                chain: Vec::new(),
            };
        }
    };
    checks.push(match certificate.check_profile() {
        Ok(()) => passed("certificate", certificate.summary()),
        Err(error) => failed("certificate", error.code(), &error),
    });
    let issuers =
        online.map(|it| Issuers::new(config.issuer_hosts.clone(), Arc::clone(&it.fetcher)));
    let trust = judge(config, issuers).judge(&certificate, now).await;
    checks.push(chain_check(&trust, online));
    checks.push(match certificate.check_validity(now.time) {
        Ok(()) => passed("validity", &format!("valid at {}", now.time)),
        Err(error) => failed("validity", error.code(), &error),
    });
    checks.push(key_usage_check(&certificate));
    checks.push(mismatch_check("organization", &certificate));
    checks.push(mismatch_check("subject", &certificate));
    let path = trust.ok();
    checks.push(revocation_check(config, path.as_deref(), online, now).await);
    checks.push(signature_check(evidence, &certificate));
    let chain = path.iter().flat_map(|path| path.links());
    let chain = chain.map(|link| Member {
        name: link.name(),
        until: link.until(),
    });
    Examination {
        checks,
        chain: chain.collect(),
    }
}

/// What is needed to touch the network.
pub struct Online {
    fetcher: Arc<Fetcher>,
}

impl Online {
    /// May fetch what `config` allows; `outbound_ca` is PEM of more authorities for TLS.
    pub fn new(
        config: &CallbackConfig,
        outbound_ca: Option<&[u8]>,
    ) -> Result<Self, reqwest::Error> {
        let fetcher = fetcher(config, outbound_ca, Arc::new(SystemLookup))?;
        Ok(Self {
            fetcher: Arc::new(fetcher),
        })
    }
}

fn header_checks(config: &CallbackConfig, evidence: &Evidence) -> Vec<Check> {
    let headers = &evidence.headers;
    let claimed =
        |name, result: Result<String, ClaimError>| match result {
            Ok(detail) => passed(name, &detail),
            Err(
                ClaimError::NoSignature | ClaimError::NoAlgorithm | ClaimError::NoCertificateUrl,
            ) if !evidence.whole => skipped(name, "not given"),
            Err(error) => failed(name, error.code(), &error),
        };
    let signature = claim::signature(headers);
    let algorithm = claim::algorithm(headers);
    let url = claim::certificate_url(headers, &config.certificate_urls);
    vec![
        claimed(
            "headers",
            signature.map(|it| format!("a signature of {} bytes", it.len())),
        ),
        claimed("algorithm", algorithm.map(|it| it.to_string())),
        claimed("certificate_url", url.map(|it| it.url().to_string())),
    ]
}

/// The certificate's file: given, or fetched from the claimed address.
async fn file(
    config: &CallbackConfig,
    evidence: &Evidence,
    online: Option<&Online>,
) -> Result<Vec<u8>, Check> {
    if let Some(bytes) = &evidence.certificate {
        return Ok(bytes.clone());
    }
    let Ok(url) = claim::certificate_url(&evidence.headers, &config.certificate_urls) else {
        return Err(skipped("certificate", "no address on the list is claimed"));
    };
    let Some(online) = online else {
        return Err(Check {
            name: "certificate",
            outcome: Outcome::Unavailable("certificate_unavailable"),
            detail: "no certificate is given, and the network is off limits without --fetch"
                .to_owned(),
        });
    };
    let fetched = online.fetcher.get(url.url(), Limits::CERTIFICATE).await;
    let bytes =
        fetched.map_err(|error| unavailable("certificate", "certificate_unavailable", &error))?;
    Ok(bytes.to_vec())
}

fn chain_check(trust: &Result<Arc<Path>, ChainError>, online: Option<&Online>) -> Check {
    match trust {
        Ok(path) => passed(
            "chain",
            &format!("{} certificates, the anchor included", path.len()),
        ),
        Err(error @ ChainError::Unavailable(_)) => unavailable("chain", "chain_unavailable", error),
        Err(error @ ChainError::NoIssuer) if online.is_none() => {
            let mut check = failed("chain", "chain_untrusted", error);
            check.detail += " (issuers' hosts are asked only with --fetch)";
            check
        }
        Err(error) => failed("chain", "chain_untrusted", error),
    }
}

fn key_usage_check(certificate: &Certificate) -> Check {
    if let Err(error) = certificate.check_key_usage() {
        return failed("key_usage", "key_usage", &error);
    }
    mismatch_check_of("key_usage", "extended_key_usage", certificate)
}

fn mismatch_check(name: &'static str, certificate: &Certificate) -> Check {
    mismatch_check_of(name, name, certificate)
}

fn mismatch_check_of(name: &'static str, code: &str, certificate: &Certificate) -> Check {
    let mut mismatches = certificate.mismatches().iter();
    match mismatches.find(|it| Mismatch::code(it) == code) {
        Some(mismatch) => failed(name, mismatch.code(), mismatch),
        None => passed(name, "as the settings expect"),
    }
}

async fn revocation_check(
    config: &CallbackConfig,
    path: Option<&Path>,
    online: Option<&Online>,
    now: Now,
) -> Check {
    let name = "revocation";
    let (Some(path), Some(online)) = (path, online) else {
        let why = if path.is_none() {
            "there is no trusted chain"
        } else {
            "looked up only with --fetch"
        };
        return skipped(name, why);
    };
    let hosts = config.revocation_hosts.clone();
    let revocation = Revocation::new(config.revocation, hosts, Arc::clone(&online.fetcher));
    if config.revocation != RevocationMode::Off {
        revocation.look_up(path, now).await;
    }
    match revocation.check(path, now) {
        Ok(Standing::NotChecked) => skipped(name, "CALLBACK_REVOCATION is off"),
        Ok(Standing::Good) => passed(name, "on no revocation list"),
        Ok(Standing::Unknown(error)) => skipped(
            name,
            &format!(
                "{} (accepted, as CALLBACK_REVOCATION is soft)",
                Chain(&error)
            ),
        ),
        Err(error @ RevocationError::Revoked) => failed(name, "certificate_revoked", &error),
        Err(error) => unavailable(name, "revocation_unavailable", &error),
    }
}

fn signature_check(evidence: &Evidence, certificate: &Certificate) -> Check {
    let name = "signature";
    let Some(body) = &evidence.body else {
        return skipped(name, "no body is given");
    };
    let headers = &evidence.headers;
    let (Ok(bytes), Ok(algorithm)) = (claim::signature(headers), claim::algorithm(headers)) else {
        return skipped(name, "no usable signature is claimed");
    };
    let Some(key) = certificate.key() else {
        return skipped(name, "the certificate's key may not be used");
    };
    if signature::verify(key, algorithm, body, &bytes) {
        passed(name, &format!("{algorithm} over {} bytes", body.len()))
    } else {
        Check {
            name,
            outcome: Outcome::Failed("signature_mismatch"),
            detail: format!(
                "these {} bytes were not signed with the certificate's key",
                body.len()
            ),
        }
    }
}

fn passed(name: &'static str, detail: &str) -> Check {
    Check {
        name,
        outcome: Outcome::Ok,
        detail: detail.to_owned(),
    }
}

fn skipped(name: &'static str, detail: &str) -> Check {
    Check {
        name,
        outcome: Outcome::Skipped,
        detail: detail.to_owned(),
    }
}

fn failed(name: &'static str, code: &'static str, error: &dyn Error) -> Check {
    Check {
        name,
        outcome: Outcome::Failed(code),
        detail: Chain(error).to_string(),
    }
}

fn unavailable(name: &'static str, code: &'static str, error: &dyn Error) -> Check {
    Check {
        name,
        outcome: Outcome::Unavailable(code),
        detail: Chain(error).to_string(),
    }
}
