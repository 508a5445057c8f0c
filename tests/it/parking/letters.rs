//! What only a person can help, and the command that shows it.

use crate::program::{self, Run};
use crate::rig::overlay;

use super::*;

async fn dead_letters(rig: &Rig, arguments: &[&str]) -> Run {
    let mut all = vec!["dead-letters"];
    all.extend(arguments);
    let run = program::run(&all, &rig.sandbox.settings()).await;
    let text = run.text();
    assert!(
        !text.contains("Tailspin") && !text.contains("Miriam"),
        "{text}"
    );
    run
}

/// A rig with a referral that Dynamics 365 refuses, and its id.
async fn refused() -> (Rig, String) {
    let rig = Rig::start(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    let words = "Miriam Okafor already has an account manager";
    rig.world().dataverse.lock().switches.plugin_refusal = Some(words.to_owned());
    let answer = rig.created(&id).await;
    assert_eq!((answer.status, answer.code()), (200, "dead_lettered"));
    assert_eq!(rig.log(&answer).await["level"], "ERROR");
    (rig, id)
}

fn relent(rig: &Rig) {
    rig.world().dataverse.lock().switches.plugin_refusal = None;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_synced_is_listed_with_its_reason_and_what_to_do() {
    let (rig, id) = refused().await;
    assert!(parked(&rig).await.is_empty());
    let list = dead_letters(&rig, &["list"]).await;
    assert_eq!((list.exit, list.stderr.as_str()), (0, ""), "{list:?}");
    let lines: Vec<_> = list.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].starts_with("LETTER") && lines[1].starts_with(&id));
    assert!(lines[1].contains("plug-in trace log"), "{}", lines[1]);

    let show = dead_letters(&rig, &["show", &id]).await;
    for text in [
        "to do",
        "attempts  1",
        "Dynamics 365 refused",
        "dead-letters retry",
    ] {
        assert!(show.stdout.contains(text), "{text}: {show:?}");
    }
    let show = dead_letters(&rig, &["show", &id, "--json"]).await.json();
    assert_eq!(
        (&show["referralId"], &show["attempts"]),
        (&id.into(), &1.into())
    );
    let list = dead_letters(&rig, &["list", "--json"]).await.json();
    assert_eq!(list["letters"], serde_json::json!([show]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_retried_goes_once_the_referral_is_in_step() {
    let (rig, id) = refused().await;
    relent(&rig);
    let retry = dead_letters(&rig, &["retry", &id]).await;
    assert_eq!((retry.exit, retry.stdout), (0, format!("{id}: queued\n")));
    rig.until(|rig| rig.lead(&id).is_some()).await;
    nothing_is_parked(&rig).await;
    assert_eq!(letters(&rig).await, Vec::<String>::new());
    let list = dead_letters(&rig, &["list"]).await;
    assert!(list.stdout.starts_with("no dead letters"), "{list:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_event_that_is_synced_takes_the_letter_away() {
    let (rig, id) = refused().await;
    relent(&rig);
    assert_eq!(rig.updated(&id).await.code(), "synced");
    assert_eq!(letters(&rig).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn syncing_a_referral_by_hand_takes_its_letter_away() {
    let (rig, id) = refused().await;
    let settings = rig.sandbox.settings();
    assert_eq!(program::run(&["sync", &id], &settings).await.exit, 1);
    assert_eq!(letters(&rig).await.len(), 1);
    relent(&rig);
    assert_eq!(program::run(&["sync", &id], &settings).await.exit, 0);
    assert_eq!(letters(&rig).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_letters_are_retried_at_once_and_one_that_fails_again_says_so() {
    let (rig, id) = refused().await;
    let retry = dead_letters(&rig, &["retry", "--all", "--json"]).await;
    assert_eq!(
        retry.json(),
        serde_json::json!({ "queued": [id], "missing": [] })
    );
    rig.until(|rig| count(rig, "dead_lettered") == 2).await;
    let show = dead_letters(&rig, &["show", &id, "--json"]).await.json();
    assert_eq!(show["attempts"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_dropped_without_touching_its_referral() {
    let (rig, id) = refused().await;
    rig.forget_requests();
    let dropped = dead_letters(&rig, &["drop", &id]).await;
    assert_eq!(
        (dropped.exit, dropped.stdout),
        (0, format!("{id}: dropped\n"))
    );
    let again = dead_letters(&rig, &["drop", &id]).await;
    assert_eq!(again.exit, 1);
    assert!(again.stderr.contains("no such dead letter"), "{again:?}");
    assert!(rig.requests(Service::Dataverse).is_empty());
    assert_eq!(dead_letters(&rig, &["show", &id]).await.exit, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_not_ours_is_shown_by_its_id_alone_and_sent_again_on_request() {
    let rig = Rig::start(&IMPATIENT).await;
    rig.world()
        .storage
        .send(QUEUE, "Miriam Okafor")
        .await
        .unwrap();
    rig.lines("dead_lettered").await;
    let list = dead_letters(&rig, &["list", "--json"]).await.json();
    let letter = list["letters"][0]["letter"].as_str().unwrap().to_owned();
    assert!(letter.starts_with("message-"), "{letter}");
    assert_eq!(dead_letters(&rig, &["show", &letter]).await.exit, 0);
    assert_eq!(dead_letters(&rig, &["retry", &letter]).await.exit, 0);
    rig.until(|rig| count(rig, "dead_lettered") == 2).await;
    assert_eq!(letters(&rig).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_storage_account_the_command_says_what_is_missing() {
    let sandbox = sandbox::Sandbox::start().await.unwrap();
    let broken = Fault::new(Service::Storage, Effect::status(503));
    sandbox.world().faults.add(broken);
    let run = program::run(&["dead-letters", "list"], &sandbox.settings()).await;
    assert_eq!((run.exit, run.stdout.as_str()), (75, ""), "{run:?}");
    let settings = overlay(sandbox.settings(), &[("AzureWebJobsStorage", "")]);
    let run = program::run(&["dead-letters", "list"], &settings).await;
    assert_eq!(run.exit, 64, "{run:?}");
}
