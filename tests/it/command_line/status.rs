//! `status`: one screen that says what was done last, what waits and what ends when.

use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Effect, Fault, Sandbox, Service};
use serde_json::Value;

use crate::program::{self, Run};
use crate::rig::Rig;

async fn status(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let arguments = [&["status"], arguments].concat();
    let run = program::run(&arguments, &sandbox.settings()).await;
    let text = run.text();
    assert!(
        !text.contains("Tailspin") && !text.contains('@'),
        "personal data: {run:?}"
    );
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn one_screen_says_what_was_done_last_and_what_waits() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = status(&sandbox, &[]).await;
    assert_eq!(before.exit, 0, "{before:?}");
    assert!(before.stdout.contains("last event   never\n"), "{before:?}");
    assert!(before.stdout.contains("dead letters none\n"), "{before:?}");

    let rig = Rig::with(sandbox, sandbox::host::Wire::Proxying, &[]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    rig.until_blob("activity.json", |it| it["synced"] == 1)
        .await;
    let run = status(&rig.sandbox, &["--json"]).await;
    let value = run.json();
    assert!(
        value["lastEvent"].is_string() && value["lastSync"].is_string(),
        "{run:?}"
    );
    assert_eq!((&value["lag"], &value["parked"]), (&Value::Null, &0.into()));
    assert_eq!(value["deadLetters"], 0);
    let screen = status(&rig.sandbox, &[]).await;
    assert!(screen.stdout.contains("s ago\n"), "{screen:?}");
    assert!(screen.stdout.contains("lag          none\n"), "{screen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_storage_account_there_is_nothing_to_show() {
    let sandbox = Sandbox::start().await.unwrap();
    let down = Fault::new(Service::Storage, Effect::status(503));
    sandbox.world().faults.add(down);
    let run = status(&sandbox, &["--json"]).await;
    assert_eq!(run.exit, 75, "{run:?}");
    assert!(
        run.json()["error"]
            .as_str()
            .unwrap()
            .contains("storage account"),
        "{run:?}"
    );
}
