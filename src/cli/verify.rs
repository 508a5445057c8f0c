//! `referral-connector verify`: why a captured delivery is accepted or refused.

mod capture;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::output::{Tone, show, toned, watched};
use crate::callback::TrustAnchors;
use crate::callback::examination::{Check, Online, Outcome, examine};
use crate::callback::link::Link;
use crate::callback::pattern::NamePattern;
use crate::config::CallbackConfig;

/// Exit codes: refused, unusable arguments (`EX_USAGE`), and something that could not be fetched (`EX_UNAVAILABLE`).
const REFUSED: u8 = 1;
const USAGE: u8 = 64;
const UNAVAILABLE: u8 = 69;

/// The checks in the order in which the server makes them: the first that fails gives the code.
const SERVER_ORDER: [&str; 11] = [
    "headers",
    "algorithm",
    "certificate_url",
    "certificate",
    "key_usage",
    "validity",
    "signature",
    "chain",
    "organization",
    "subject",
    "revocation",
];

/// Explain why a captured delivery is accepted or refused
///
/// Takes the delivery through every check the webhook makes, by the same settings, without stopping at the first that
/// fails. With nothing but a certificate, its chain is judged alone.
#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    /// The delivery's body, byte for byte
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The delivery's headers, one `Name: value` a line
    #[arg(long, value_name = "FILE")]
    headers: Option<PathBuf>,
    /// The signature in base64, instead of the headers' one
    #[arg(long, value_name = "BASE64")]
    signature: Option<String>,
    /// The signature's algorithm, instead of the headers' one [default with --signature: rsa-sha256]
    #[arg(long)]
    algorithm: Option<String>,
    /// The signer's certificate in DER or PEM, instead of the one at the claimed address
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// PEM of issuers' certificates, instead of `CALLBACK_INTERMEDIATES_PEM`
    #[arg(long, value_name = "FILE")]
    intermediates: Option<PathBuf>,
    /// PEM of the only roots to trust, instead of `CALLBACK_TRUST_ANCHORS`
    #[arg(long, value_name = "FILE")]
    trust_anchors: Option<PathBuf>,
    /// The moment to judge by, such as 2026-11-22T10:00:00Z [default: now]
    #[arg(long, value_name = "RFC3339")]
    at: Option<Timestamp>,
    /// The organisation to expect, instead of `CALLBACK_ORGANIZATION`
    #[arg(long)]
    organization: Option<String>,
    /// The host name to expect, one `*` allowed, instead of `CALLBACK_SUBJECTS`
    #[arg(long)]
    subject: Option<NamePattern>,
    /// Fetch what is missing: the certificate, its issuers', revocation lists
    #[arg(long)]
    fetch: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Examines what `args` name by the settings of this process.
pub(super) async fn run(args: VerifyArgs) -> ExitCode {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let explaining = explain(&args, &super::environment, &mut out, &mut err);
    let exit = watched("judging the delivery", explaining).await;
    show(&out, &err);
    ExitCode::from(exit)
}

/// Prints every check to `out`, or to `err` why there is nothing to check; gives the exit code.
async fn explain(
    args: &VerifyArgs,
    get: &dyn Fn(&str) -> Option<String>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    // A reader that has gone away has seen enough: what cannot be printed changes no verdict.
    match Report::make(args, get).await {
        Ok(report) => {
            let _ = report.print(args.json, out);
            report.exit
        }
        Err(Unusable(why)) => {
            let _ = writeln!(err, "error: {why}");
            USAGE
        }
    }
}

/// The arguments, a file or a setting cannot be used.
struct Unusable(String);

struct Report {
    checks: Vec<Check>,
    code: &'static str,
    exit: u8,
    alone: bool,
}

impl Report {
    async fn make(
        args: &VerifyArgs,
        get: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Unusable> {
        let config = config(args, get)?;
        let evidence = capture::evidence(args)?;
        let online = args.fetch.then(|| online(&config, get)).transpose()?;
        let examination = examine(&config, &evidence, online.as_ref()).await;
        Ok(Self::of(examination.checks, args))
    }

    /// A delivery is authentic when every check passed that has to. A certificate alone is judged by its chain: whose it
    /// should be is asked only when the arguments say so.
    fn of(checks: Vec<Check>, args: &VerifyArgs) -> Self {
        let alone = args.body.is_none();
        let counts = |name: &str| match name {
            "organization" => !alone || args.organization.is_some(),
            "subject" => !alone || args.subject.is_some(),
            _ => true,
        };
        let ordered: Vec<&Check> = SERVER_ORDER
            .iter()
            .filter(|name| counts(name))
            .filter_map(|name| checks.iter().find(|check| check.name == *name))
            .collect();
        let refused: Vec<&'static str> = ordered.iter().filter_map(|it| failure(it)).collect();
        let unavailable = ordered.iter().find_map(|it| missing(it));
        let (code, exit) = match (first_code(&refused, alone), unavailable) {
            (Some(code), _) => (code, REFUSED),
            (None, Some(code)) => (code, UNAVAILABLE),
            (None, None) => ("authentic", 0),
        };
        Self {
            checks,
            code,
            exit,
            alone,
        }
    }

    fn verdict(&self) -> &'static str {
        if self.exit == 0 {
            "authentic"
        } else {
            "refused"
        }
    }

    fn toned_verdict(&self) -> String {
        let tone = if self.exit == 0 {
            Tone::Good
        } else {
            Tone::Bad
        };
        toned(tone, self.verdict())
    }

    fn print(&self, json: bool, out: &mut dyn Write) -> io::Result<()> {
        if json {
            self.print_json(out)
        } else {
            self.print_text(out)
        }
    }

    fn print_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for check in &self.checks {
            let word = toned(tone(check.outcome), &format!("{:<8}", word(check.outcome)));
            writeln!(out, "{word}{:<16}{}", check.name, check.detail)?;
        }
        match (self.exit, self.alone) {
            (0, true) => writeln!(
                out,
                "{} (its chain alone was judged, not whose it is)",
                self.toned_verdict()
            ),
            _ => writeln!(out, "{} ({})", self.toned_verdict(), self.code),
        }
    }

    fn print_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let checks = self.checks.iter().map(|check| CheckWire {
            check: check.name,
            result: word(check.outcome),
            detail: &check.detail,
        });
        let wire = ReportWire {
            verdict: self.verdict(),
            code: self.code,
            checks: checks.collect(),
        };
        serde_json::to_writer(&mut *out, &wire)?;
        writeln!(out)
    }
}

#[derive(Serialize)]
struct ReportWire<'a> {
    verdict: &'static str,
    code: &'static str,
    checks: Vec<CheckWire<'a>>,
}

#[derive(Serialize)]
struct CheckWire<'a> {
    check: &'static str,
    result: &'static str,
    detail: &'a str,
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Failed(_) | Outcome::Unavailable(_) => "failed",
        Outcome::Skipped => "skipped",
    }
}

fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Ok => Tone::Good,
        Outcome::Failed(_) | Outcome::Unavailable(_) => Tone::Bad,
        Outcome::Skipped => Tone::Faint,
    }
}

fn failure(check: &Check) -> Option<&'static str> {
    match check.outcome {
        Outcome::Failed(code) => Some(code),
        _ => None,
    }
}

fn missing(check: &Check) -> Option<&'static str> {
    match check.outcome {
        Outcome::Unavailable(code) => Some(code),
        _ => None,
    }
}

/// The code the server would have logged for what was `refused`, in its order: what a setting would admit comes last, and has a word of
/// its own when it is all there is against a delivery.
fn first_code(refused: &[&'static str], alone: bool) -> Option<&'static str> {
    let grave = refused.iter().copied().find(|code| !is_policy(code));
    match (grave, refused.first().copied()) {
        (Some(code), _) => Some(code),
        (None, Some(_)) if !alone => Some("policy_mismatch"),
        (None, first) => first,
    }
}

fn is_policy(code: &str) -> bool {
    matches!(code, "organization" | "subject" | "extended_key_usage")
}

/// The settings, with what the arguments put in their place.
fn config(
    args: &VerifyArgs,
    get: &dyn Fn(&str) -> Option<String>,
) -> Result<CallbackConfig, Unusable> {
    let mut config =
        CallbackConfig::read_alone(get).map_err(|error| Unusable(error.to_string()))?;
    if let Some(path) = &args.intermediates {
        config.intermediates = links(path, Link::read)?;
    }
    if let Some(path) = &args.trust_anchors {
        config.anchors = TrustAnchors {
            mozilla: false,
            own: links(path, Link::read_anchor)?,
        };
    }
    if let Some(organization) = &args.organization {
        config.policy.organization.clone_from(organization);
    }
    if let Some(subject) = &args.subject {
        config.policy.subjects = vec![subject.clone()];
    }
    Ok(config)
}

/// The usable certificates in the file at `path`. Those that may not take part in a chain are as good as absent.
fn links(
    path: &Path,
    read: fn(&[u8]) -> Result<Link, crate::callback::link::LinkError>,
) -> Result<Vec<Link>, Unusable> {
    Link::read_usable(&bytes(path)?, read)
        .map_err(|error| Unusable(format!("{}: {error}", path.display())))
}

fn online(
    config: &CallbackConfig,
    get: &dyn Fn(&str) -> Option<String>,
) -> Result<Online, Unusable> {
    let authorities = get("OUTBOUND_CA_FILE")
        .filter(|path| !path.trim().is_empty())
        .map(|path| bytes(Path::new(path.trim())))
        .transpose()?;
    Online::new(config, authorities.as_deref())
        .map_err(|error| Unusable(format!("OUTBOUND_CA_FILE cannot be used: {error}")))
}

fn bytes(path: &Path) -> Result<Vec<u8>, Unusable> {
    fs::read(path).map_err(|error| {
        Unusable(format!(
            "the file {} cannot be read: {error}",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests;
