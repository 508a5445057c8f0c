//! `verify`: why a captured delivery is accepted or refused.

use std::fs;
use std::path::PathBuf;

use sandbox::deliveries::{Delivery, Event};
use sandbox::{Sandbox, Service};
use tempfile::TempDir;
use uuid::Uuid;

use crate::program::{self, Run};

/// A delivery as somebody captured it, with the certificates that judge it.
struct Capture {
    sandbox: Sandbox,
    folder: TempDir,
}

impl Capture {
    async fn new(change: impl FnOnce(Delivery) -> Delivery) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let event = Event::test(Uuid::from_u128(1), sandbox.world().clock.now());
        let delivery = change(sandbox.world().delivery(&event).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut head = "POST /api/ReferralWebhook HTTP/1.1\r\n".to_owned();
        for (name, value) in &delivery.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        fs::write(folder.path().join("headers"), head + "\r\n").unwrap();
        fs::write(folder.path().join("body"), &delivery.body).unwrap();
        let certificates = sandbox.world().certificates.lock();
        fs::write(folder.path().join("root"), certificates.root_pem()).unwrap();
        fs::write(
            folder.path().join("issuers"),
            certificates.intermediate_pem(),
        )
        .unwrap();
        fs::write(
            folder.path().join("signer"),
            certificates.signer().der().unwrap(),
        )
        .unwrap();
        drop(certificates);
        Self { sandbox, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `verify` with these files and flags; a name with `@` before it is a file of the capture.
    async fn verify(&self, arguments: &[&str]) -> Run {
        let mut given = vec!["verify".to_owned()];
        given.extend(
            arguments
                .iter()
                .map(|argument| match argument.strip_prefix('@') {
                    Some(name) => self.file(name).display().to_string(),
                    None => (*argument).to_owned(),
                }),
        );
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        program::run(&given, &self.sandbox.settings()).await
    }
}

const DELIVERY: [&str; 4] = ["--headers", "@headers", "--body", "@body"];
const CERTIFICATES: [&str; 6] = [
    "--certificate",
    "@signer",
    "--intermediates",
    "@issuers",
    "--trust-anchors",
    "@root",
];

fn with(more: &[&'static str]) -> Vec<&'static str> {
    DELIVERY
        .into_iter()
        .chain(CERTIFICATES)
        .chain(more.iter().copied())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_genuine_delivery_is_authentic_and_nothing_is_fetched() {
    let capture = Capture::new(|delivery| delivery).await;
    let run = capture.verify(&with(&[])).await;
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    assert_eq!(
        run.stdout.lines().last(),
        Some("authentic (authentic)"),
        "{run:?}"
    );
    assert_eq!(capture.sandbox.world().requests.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_delivery_is_refused_for_its_signature() {
    let capture = Capture::new(|delivery| delivery.tampered()).await;
    let run = capture.verify(&with(&["--json"])).await;
    assert_eq!((run.exit, run.stderr.as_str()), (1, ""), "{run:?}");
    let report = run.json();
    assert_eq!(
        (&report["verdict"], &report["code"]),
        (&"refused".into(), &"signature_mismatch".into()),
        "{report}"
    );
    for check in report["checks"].as_array().unwrap() {
        let failed = check["check"] == "signature";
        assert_eq!(check["result"] == "failed", failed, "{check}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_address_off_the_list_is_refused_for_that() {
    let capture =
        Capture::new(|it| it.with_certificate_url("https://evil.invalid/cert/a.cer")).await;
    let run = capture.verify(&with(&["--json"])).await;
    assert_eq!(run.exit, 1, "{run:?}");
    assert_eq!(run.json()["code"], "certificate_url_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_fetched_when_asked_for() {
    let capture = Capture::new(|delivery| delivery).await;
    let mut arguments = DELIVERY.to_vec();
    arguments.push("--json");
    let run = capture.verify(&arguments).await;
    assert_eq!(run.exit, 69, "{run:?}");
    assert_eq!(capture.sandbox.world().requests.count(), 0);

    arguments.push("--fetch");
    let run = capture.verify(&arguments).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert_eq!(run.json()["verdict"], "authentic");
    let signer = capture.sandbox.world().certificates.lock().signer_url();
    let fetched = capture
        .sandbox
        .world()
        .requests
        .lines(Service::CertificateHost);
    assert_eq!(fetched, [format!("GET {}", signer.path())]);
    assert!(
        !capture
            .sandbox
            .world()
            .requests
            .of(Service::AuthorityHost)
            .is_empty()
    );
    assert!(
        capture
            .sandbox
            .world()
            .requests
            .of(Service::Entra)
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_check_is_told_to_a_script() {
    let capture = Capture::new(|delivery| delivery).await;
    let report = capture.verify(&with(&["--json"])).await.json();
    assert_eq!(
        (&report["verdict"], &report["code"]),
        (&"authentic".into(), &"authentic".into())
    );
    let checks = report["checks"].as_array().unwrap();
    let names: Vec<_> = checks
        .iter()
        .map(|check| check["check"].as_str().unwrap())
        .collect();
    for name in [
        "headers",
        "algorithm",
        "certificate_url",
        "certificate",
        "validity",
        "signature",
        "chain",
        "organization",
        "subject",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    for check in checks {
        assert!(
            ["ok", "skipped"].contains(&check["result"].as_str().unwrap()),
            "{check}"
        );
        assert!(check["detail"].is_string(), "{check}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_that_leave_nothing_to_examine_are_a_usage_error() {
    let capture = Capture::new(|delivery| delivery).await;
    for arguments in [
        &[][..],
        &["--body", "@body"],
        &["--headers", "@headers"],
        &["--signature", "AAAA"],
        &["--headers", "@missing", "--body", "@body"],
        &["--headers", "@body", "--body", "@body"],
    ] {
        let run = capture.verify(arguments).await;
        assert_eq!(
            (run.exit, run.stdout.as_str()),
            (64, ""),
            "{arguments:?}: {run:?}"
        );
        assert!(run.stderr.starts_with("error: "), "{arguments:?}: {run:?}");
    }
}
