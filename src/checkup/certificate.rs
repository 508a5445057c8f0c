//! The certificate that signs events now: fetched, judged as a delivery's is, and when each one of its chain ends.

use jiff::{SignedDuration, Timestamp};

use super::{Finding, Visit};
use crate::callback::examination::{self, Check, Evidence, Examination, Member, Online, Outcome};
use crate::failure::Chain;

const SIGNING_CERTIFICATE: &str = "signing_certificate";
const CERTIFICATE_CHAIN: &str = "certificate_chain";

pub(super) const CODES: &[&str] = &[SIGNING_CERTIFICATE, CERTIFICATE_CHAIN];

/// How long before its end the signer's own certificate is worth a warning. Microsoft replaces it in time, at the same address.
const SIGNER_ENDS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The same for those above it, which a setting may name.
const ISSUER_ENDS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How the certificate's address is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Given,
    Delivered,
    Documented,
}

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let (url, known) = address(visit).await;
    let config = &visit.app.config;
    let online = match Online::new(&config.callback, config.outbound_ca.as_deref()) {
        Ok(online) => online,
        Err(error) => {
            let advice = "put OUTBOUND_CA_FILE right";
            let detail = Chain(&error).to_string();
            return vec![Finding::failed(SIGNING_CERTIFICATE, detail, advice)];
        }
    };
    let evidence = Evidence::certificate_at(&url, Timestamp::now());
    let examined = examination::examine(&config.callback, &evidence, Some(&online)).await;
    let mut findings = vec![judged(&url, known, &examined)];
    findings.extend(ends(&examined.chain, evidence.at));
    findings
}

async fn address(visit: &Visit<'_>) -> (String, Known) {
    if let Some(given) = visit.certificate_url {
        return (given.to_string(), Known::Given);
    }
    // That it cannot be read is the storage topic's to tell.
    if let Ok(Some(seen)) = visit.app.seen.read().await {
        return (seen.url, Known::Delivered);
    }
    let urls = &visit.app.config.callback.certificate_urls;
    let likely = urls
        .likely()
        .next()
        .expect("a list without an entry is refused");
    (likely, Known::Documented)
}

/// The first thing against the certificate, or that there is none.
fn judged(url: &str, known: Known, examined: &Examination) -> Finding {
    let against = examined
        .checks
        .iter()
        .find_map(|check| match check.outcome {
            Outcome::Failed(code) | Outcome::Unavailable(code) => Some((check, code)),
            Outcome::Ok | Outcome::Skipped => None,
        });
    let finding = match against {
        None => Finding::ok(SIGNING_CERTIFICATE, accepted(&examined.checks, known)),
        Some((_, "certificate_unavailable")) if known == Known::Documented => Finding::warning(
            SIGNING_CERTIFICATE,
            "there was no delivery yet, and at the documented address there is no certificate",
            "send a test event, or name the address with --certificate-url, then run the check again",
        ),
        Some((check, code)) => Finding::failed(
            SIGNING_CERTIFICATE,
            format!("{code}: {}", check.detail),
            advice(code),
        ),
    };
    finding.about(url)
}

fn accepted(checks: &[Check], known: Known) -> String {
    let summary = checks.iter().find(|check| check.name == "certificate");
    let summary = summary.map_or("", |check| check.detail.as_str());
    let source = match known {
        Known::Given => "at the given address",
        Known::Delivered => "which the last delivery named",
        Known::Documented => "at the documented address; there was no delivery yet",
    };
    format!("would be accepted: {summary} ({source})")
}

/// What would admit the certificate, if anything may.
fn advice(code: &str) -> &'static str {
    match code {
        "organization" => "if that organisation is Microsoft's, put it into CALLBACK_ORGANIZATION",
        "subject" => "if that name is Partner Center's, let CALLBACK_SUBJECTS match it",
        "extended_key_usage" => "let CALLBACK_EXTENDED_KEY_USAGES name only what it has",
        "certificate_url_refused" => {
            "if that host is Microsoft's, add the address to CALLBACK_CERTIFICATE_URLS"
        }
        "chain_untrusted" => {
            "if its root is Microsoft's, trust it with CALLBACK_TRUST_ANCHORS and CALLBACK_TRUST_ANCHORS_PEM, or put the missing intermediate into CALLBACK_INTERMEDIATES_PEM"
        }
        "chain_unavailable" => {
            "let this machine reach the hosts of CALLBACK_AIA_HOSTS, or put the intermediates into CALLBACK_INTERMEDIATES_PEM"
        }
        "revocation_unavailable" => {
            "let this machine reach the hosts of CALLBACK_CRL_HOSTS, or set CALLBACK_REVOCATION to soft"
        }
        "certificate_unavailable" => {
            "let this machine reach the address; if it has moved, see the log for the one that deliveries name now"
        }
        "certificate_revoked" => {
            "nothing by a setting: deliveries signed with it are refused until Microsoft signs with another"
        }
        _ => "run `referral-connector verify` with a captured delivery, and report what it says",
    }
}

/// A line for each certificate of the chain.
fn ends(chain: &[Member], now: Timestamp) -> impl Iterator<Item = Finding> {
    let last = chain.len().saturating_sub(1);
    chain.iter().enumerate().map(move |(place, member)| {
        let warned = if place == 0 { SIGNER_ENDS } else { ISSUER_ENDS };
        let detail = format!("valid until {}", member.until);
        let finding = if member.until.duration_since(now) < warned {
            let advice = match place {
                0 => "nothing yet: Microsoft renews it at the same address; look again when it has ended",
                _ if place == last => {
                    "find out which root follows it, and trust that one too (CALLBACK_TRUST_ANCHORS, CALLBACK_TRUST_ANCHORS_PEM)"
                }
                _ => {
                    "see that its successor can be fetched from CALLBACK_AIA_HOSTS, or put it into CALLBACK_INTERMEDIATES_PEM"
                }
            };
            Finding::warning(CERTIFICATE_CHAIN, detail, advice)
        } else {
            Finding::ok(CERTIFICATE_CHAIN, detail)
        };
        finding.about(&member.name).until(member.until)
    })
}
