use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, FromArgMatches};
use serde_json::Value;
use tempfile::TempDir;

use super::{VerifyArgs, explain};
use crate::callback::minting::{Mint, Minted, other_key};

const BODY: &[u8] = b"{\"EventName\":\"test-created\"}";
const URL: &str =
    "https://3psostorageacct.blob.core.windows.net/cert/pcnotifications.microsoft.com.cer";
const AT: &str = "2026-09-21T14:13:20Z";

/// A captured delivery in a folder.
struct Capture {
    folder: TempDir,
    signer: Minted,
    settings: BTreeMap<&'static str, String>,
}

impl Capture {
    fn new() -> Self {
        let root = Mint::root("Root").self_signed();
        let authority = Mint::authority("Authority").by(&root);
        let signer = Mint::leaf().by(&authority);
        let capture = Self {
            folder: TempDir::new().unwrap(),
            signer,
            settings: BTreeMap::new(),
        };
        let signature = STANDARD.encode(capture.signer.sign(BODY));
        capture.write("body", BODY);
        capture.write("leaf.cer", capture.signer.der());
        capture.write("issuers.pem", authority.pem());
        capture.write("roots.pem", root.pem());
        capture.write(
            "headers",
            format!(
                "POST /api/ReferralWebhook HTTP/1.1\r\nHost: localhost\r\nAuthorization: Signature {signature}\r\n\
                 X-MS-Certificate-Url: {URL}\r\nX-MS-Signature-Algorithm: rsa-sha256\r\n\r\n"
            ),
        );
        capture
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the command prints and exits with; a word that names a file of the folder stands for its path.
    async fn run(&self, line: &str) -> (String, String, u8) {
        let words = line.split_whitespace().map(|word| {
            let path = self.path(word);
            if path.exists() {
                path.into_os_string()
            } else {
                word.into()
            }
        });
        let command = VerifyArgs::augment_args(clap::Command::new("verify")).no_binary_name(true);
        let matches = command.try_get_matches_from(words).unwrap();
        let args = VerifyArgs::from_arg_matches(&matches).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let get = |key: &str| self.settings.get(key).cloned();
        let exit = explain(&args, &get, &mut out, &mut err).await;
        (plain(&out), plain(&err), exit)
    }

    /// The result of each check, the code and the exit code of the whole delivery with `more` arguments.
    async fn judge(&self, line: &str) -> (BTreeMap<String, String>, String, u8) {
        let line = format!("{line} --json --at {AT}");
        let (out, err, exit) = self.run(&line).await;
        let json: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
        assert_eq!(
            json["verdict"],
            if exit == 0 { "authentic" } else { "refused" }
        );
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let checks = json["checks"].as_array().unwrap();
        let results = checks
            .iter()
            .map(|it| (text(&it["check"]), text(&it["result"])));
        (results.collect(), text(&json["code"]), exit)
    }
}

const WHOLE: &str = "--body body --headers headers --certificate leaf.cer --intermediates issuers.pem --trust-anchors roots.pem";
const ALONE: &str = "--certificate leaf.cer --intermediates issuers.pem --trust-anchors roots.pem";

fn failed(results: &BTreeMap<String, String>) -> Vec<&str> {
    let failed = results.iter().filter(|(_, result)| *result == "failed");
    failed.map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn an_authentic_delivery_passes_every_check_in_order() {
    let capture = Capture::new();
    let (results, code, exit) = capture.judge(WHOLE).await;
    assert_eq!((code.as_str(), exit), ("authentic", 0));
    assert!(failed(&results).is_empty());
    let (out, _, _) = capture.run(&format!("{WHOLE} --at {AT}")).await;
    let names: Vec<&str> = out
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .take(11)
        .collect();
    assert_eq!(
        names,
        [
            "headers",
            "algorithm",
            "certificate_url",
            "certificate",
            "chain",
            "validity",
            "key_usage",
            "organization",
            "subject",
            "revocation",
            "signature"
        ]
    );
    assert!(out.ends_with("authentic (authentic)\n"), "{out}");
}

#[tokio::test]
async fn everything_wrong_is_shown_at_once_and_the_code_is_the_servers() {
    let capture = Capture::new();
    capture.write("body", "{}");
    let bad = "X-MS-Signature-Algorithm: rsa-sha1\nX-MS-Certificate-Url: https://evil.example/a.cer\nx-ms-signature: AAAA\n";
    capture.write("headers", bad);
    let line = format!("{WHOLE} --algorithm rsa-sha256 --organization Fabrikam");
    let (results, code, exit) = capture.judge(&line).await;
    assert_eq!(
        failed(&results),
        ["certificate_url", "organization", "signature"]
    );
    assert_eq!((code.as_str(), exit), ("certificate_url_refused", 1));
}

#[tokio::test]
async fn each_check_fails_under_its_own_name() {
    let capture = Capture::new();
    let cases: [(&str, &[&str], &str); 5] = [
        ("--algorithm rsa-md5", &["algorithm"], "algorithm_unknown"),
        (
            "--algorithm rsa-sha512",
            &["signature"],
            "signature_mismatch",
        ),
        ("--signature !", &["headers"], "signature_malformed"),
        (
            "--organization Fabrikam",
            &["organization"],
            "policy_mismatch",
        ),
        (
            "--subject www.microsoft.com",
            &["subject"],
            "policy_mismatch",
        ),
    ];
    for (more, names, word) in cases {
        let (results, code, exit) = capture.judge(&format!("{WHOLE} {more}")).await;
        assert_eq!(failed(&results), names, "{more}");
        assert_eq!((code.as_str(), exit), (word, 1), "{more}");
    }
    capture.write(
        "issuers.pem",
        Mint::root("Other")
            .with_key(other_key(3))
            .self_signed()
            .pem(),
    );
    let (results, code, exit) = capture.judge(WHOLE).await;
    assert_eq!(failed(&results), ["chain"]);
    assert_eq!((code.as_str(), exit), ("chain_untrusted", 1));
}

#[tokio::test]
async fn a_certificate_alone_is_judged_by_its_chain() {
    let mut capture = Capture::new();
    capture
        .settings
        .insert("CALLBACK_ORGANIZATION", "Fabrikam".to_owned());
    let (results, code, exit) = capture.judge(ALONE).await;
    assert_eq!(failed(&results), ["organization"]);
    assert_eq!((code.as_str(), exit), ("authentic", 0));
    assert_eq!(results["signature"], "skipped");
    let asked = format!("{ALONE} --organization Contoso");
    let (_, code, exit) = capture.judge(&asked).await;
    assert_eq!((code.as_str(), exit), ("organization", 1));
}

#[tokio::test]
async fn the_moment_decides_about_validity() {
    let capture = Capture::new();
    let (out, _, exit) = capture
        .run(&format!("{WHOLE} --at 2031-01-01T00:00:00Z"))
        .await;
    assert_eq!(exit, 1);
    assert!(out.contains("failed  validity"), "{out}");
    assert!(out.ends_with("refused (certificate_expired)\n"), "{out}");
}

#[tokio::test]
async fn a_signature_can_be_given_without_headers() {
    let capture = Capture::new();
    let signature = STANDARD.encode(capture.signer.sign(BODY));
    let line = format!("--body body --signature {signature} {ALONE}");
    let (results, code, exit) = capture.judge(&line).await;
    assert_eq!((code.as_str(), exit), ("authentic", 0));
    assert_eq!(results["certificate_url"], "skipped");
    assert_eq!(results["signature"], "ok");
}

#[tokio::test]
async fn a_certificate_that_is_not_there_is_69() {
    let capture = Capture::new();
    let (results, code, exit) = capture.judge("--body body --headers headers").await;
    assert_eq!(failed(&results), ["certificate"]);
    assert_eq!((code.as_str(), exit), ("certificate_unavailable", 69));
}

#[tokio::test]
async fn fetching_asks_the_network_and_69_says_that_it_failed() {
    let mut capture = Capture::new();
    let closed = "http://127.0.0.1:1/cert/a.cer";
    capture
        .settings
        .insert("CALLBACK_CERTIFICATE_URLS", closed.to_owned());
    let headers = fs::read_to_string(capture.path("headers")).unwrap();
    capture.write("headers", headers.replace(URL, closed));
    let (_, code, exit) = capture.judge("--body body --headers headers --fetch").await;
    assert_eq!((code.as_str(), exit), ("certificate_unavailable", 69));
}

#[tokio::test]
async fn unusable_arguments_are_64_and_say_what_to_give() {
    let mut capture = Capture::new();
    capture.write("broken", "no header\n");
    let cases = [
        ("", "nothing to examine"),
        ("--body body", "--headers or --signature"),
        ("--headers headers --certificate leaf.cer", "--body"),
        ("--signature AAAA --certificate leaf.cer", "--body"),
        (
            "--algorithm rsa-sha256 --certificate leaf.cer",
            "--algorithm",
        ),
        ("--body body --signature AAAA", "--certificate"),
        ("--body nowhere --headers headers", "cannot be read"),
        (
            "--body body --headers broken --certificate leaf.cer",
            "line 1",
        ),
        (
            "--certificate leaf.cer --trust-anchors body",
            "neither DER nor PEM",
        ),
    ];
    for (line, why) in cases {
        let (out, err, exit) = capture.run(line).await;
        assert_eq!(exit, 64, "{line}");
        assert!(out.is_empty() && err.contains(why), "{line}: {err}");
    }
    capture
        .settings
        .insert("CALLBACK_REVOCATION", "perhaps".to_owned());
    let (_, err, exit) = capture.run("--certificate leaf.cer").await;
    assert_eq!(exit, 64);
    assert!(err.contains("CALLBACK_REVOCATION"), "{err}");
}

#[tokio::test]
async fn a_file_that_is_no_certificate_is_a_refusal_not_a_mistake() {
    let capture = Capture::new();
    capture.write("leaf.cer", "<html>");
    let (results, code, exit) = capture.judge(WHOLE).await;
    assert_eq!(failed(&results), ["certificate"]);
    assert_eq!(results["chain"], "skipped");
    assert_eq!((code.as_str(), exit), ("certificate_unreadable", 1));
}

/// What a pipe gets of it.
fn plain(text: &[u8]) -> String {
    let text = anstream::adapter::strip_bytes(text).into_vec();
    String::from_utf8(text).unwrap()
}
