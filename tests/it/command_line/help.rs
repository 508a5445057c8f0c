//! What the program says about itself.

use std::collections::BTreeMap;

use crate::program::{self, Run};

async fn run(arguments: &[&str]) -> Run {
    program::run(arguments, &BTreeMap::new()).await
}

#[tokio::test]
async fn the_help_names_every_command_and_needs_no_setting() {
    let help = run(&["--help"]).await;
    assert_eq!((help.exit, help.stderr.as_str()), (0, ""));
    for text in [
        "Partner Center",
        "Dynamics 365",
        "serve",
        "check",
        "consent",
        "sync",
        "verify",
        "dead-letters",
        "reconcile",
        "provision",
        "completions",
        "man",
        "register",
        "erase",
    ] {
        assert!(help.stdout.contains(text), "{text}: {}", help.stdout);
    }
}

#[tokio::test]
async fn the_help_of_each_command_says_what_it_does() {
    for (command, words) in [
        (
            "serve",
            &["FUNCTIONS_CUSTOMHANDLER_PORT", "127.0.0.1", "64", "--port"][..],
        ),
        (
            "check",
            &[
                "Only reads, but for the storage account",
                "0",
                "2",
                "--json",
            ],
        ),
        (
            "consent",
            &[
                "--no-browser",
                "--device-code",
                "--port",
                "75",
                "78",
                "--json",
            ],
        ),
        ("sync", &["SYNC_MODE", "GUID", "75", "78", "--json"]),
        (
            "provision",
            &[
                "--dry-run",
                "--yes",
                "--skip",
                "--application-id",
                "--prefix",
                "75",
                "78",
                "--json",
            ],
        ),
        ("erase", &["--dry-run", "--yes", "--json", "privacy.md"]),
        (
            "register",
            &[
                "--url",
                "--take-over",
                "--show",
                "REFERRAL_WEBHOOK_KEY",
                "78",
            ],
        ),
        ("reconcile", &["--since", "--all", "75", "78", "--json"]),
        (
            "dead-letters",
            &["list", "show", "retry", "drop", "75", "78", "--json"],
        ),
        (
            "verify",
            &[
                "--body",
                "--headers",
                "--certificate",
                "--trust-anchors",
                "--fetch",
                "--json",
            ],
        ),
    ] {
        let help = run(&[command, "--help"]).await;
        assert_eq!((help.exit, help.stderr.as_str()), (0, ""));
        for word in words {
            assert!(
                help.stdout.contains(word),
                "{command} {word}: {}",
                help.stdout
            );
        }
    }
}

#[tokio::test]
async fn what_is_not_understood_is_a_usage_error() {
    for arguments in [
        &[][..],
        &["serve", "--verbose"],
        &["serve", "--port", "65536"],
        &["synchronise"],
        &["sync"],
        &["sync", "not-a-guid"],
        &["check", "now"],
        &["verify", "--at", "yesterday"],
        &["reconcile", "now"],
        &["provision", "--prefix", "mscrm"],
        &["provision", "--dry-run", "--yes"],
        &["dead-letters", "show", "not-a-guid"],
        &["dead-letters", "retry"],
    ] {
        let answer = run(arguments).await;
        assert_eq!(answer.exit, 64, "{arguments:?}: {answer:?}");
        assert_eq!(answer.stdout, "", "{arguments:?}");
        assert!(
            answer.stderr.contains("--help"),
            "{arguments:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn the_version_is_the_packages() {
    let version = run(&["--version"]).await;
    assert_eq!(version.exit, 0);
    assert_eq!(
        version.stdout,
        format!("referral-connector {}\n", env!("CARGO_PKG_VERSION"))
    );
}
