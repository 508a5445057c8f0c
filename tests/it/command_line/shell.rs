//! What the program does for the shell around it: completion, manual, colours.

use std::collections::BTreeMap;

use sandbox::Sandbox;
use sandbox::partner_center::ReferralBuilder;

use crate::program::{self, Run};
use crate::rig::overlay;

async fn run(arguments: &[&str]) -> Run {
    program::run(arguments, &BTreeMap::new()).await
}

#[tokio::test]
async fn every_shell_gets_a_script_that_knows_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(&["completions", shell]).await;
        assert_eq!((script.exit, script.stderr.as_str()), (0, ""), "{shell}");
        for word in ["dead-letters", "certificate-url", "reconcile"] {
            assert!(script.stdout.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run(&["completions", "tcsh"]).await.exit, 64);
}

#[tokio::test]
async fn bash_takes_its_script_and_completes_a_command() {
    let script = run(&["completions", "bash"]).await.stdout;
    let ask = "COMP_WORDS=(referral-connector dead); COMP_CWORD=1; \
               _referral__connector referral-connector dead referral-connector; echo \"${COMPREPLY[*]}\"";
    let bash = tokio::process::Command::new("bash")
        .args(["--norc", "-c", &format!("{script}\n{ask}")])
        .output();
    let answer = bash.await.unwrap();
    assert!(answer.status.success(), "{answer:?}");
    assert_eq!(
        String::from_utf8_lossy(&answer.stdout).trim(),
        "dead-letters"
    );
}

#[tokio::test]
async fn each_command_has_a_manual_page_under_its_own_name() {
    let whole = run(&["man"]).await;
    assert_eq!((whole.exit, whole.stderr.as_str()), (0, ""));
    assert!(
        whole.stdout.contains(".TH referral-connector 1"),
        "{whole:?}"
    );
    let page = run(&["man", "dead-letters", "retry"]).await;
    let title = ".TH referral-connector-dead-letters-retry 1";
    assert!(page.stdout.contains(title), "{page:?}");
    assert!(
        page.stdout.contains("Every letter about a referral"),
        "{page:?}"
    );
    let none = run(&["man", "synchronise"]).await;
    assert_eq!((none.exit, none.stdout.as_str()), (64, ""));
    assert!(none.stderr.contains("--help"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_for_terminals_and_never_for_those_who_want_none() {
    let sandbox = Sandbox::start().await.unwrap();
    let partner_center = &sandbox.world().partner_center;
    let seeded = partner_center.lock().seed_referral(ReferralBuilder::new());
    seeded.unwrap();
    let escape = '\u{1b}';
    for (settings, coloured) in [
        (&[][..], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let environment = overlay(sandbox.settings(), settings);
        let table = program::run(&["check"], &environment).await;
        assert_eq!(table.exit, 0, "{table:?}");
        assert_eq!(
            table.stdout.contains(escape),
            coloured,
            "{settings:?}: {table:?}"
        );
        assert_eq!(table.stderr, "");
    }
    let forced = overlay(sandbox.settings(), &[("CLICOLOR_FORCE", "1")]);
    let object = program::run(&["check", "--json"], &forced).await;
    assert!(!object.stdout.contains(escape), "{object:?}");
}
