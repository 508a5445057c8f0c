//! `erase`: nothing is kept about a referral any more, and the referral and its lead are as they were.

use sandbox::partner_center::ReferralBuilder;
use sandbox::{Effect, Fault, Service};
use serde_json::{Value, json};

use crate::program::{self, Run};
use crate::rig::{Rig, overlay};

const CONTAINER: &str = "referral-connector";
const QUEUE: &str = "referral-retry";
const POISON: &str = "referral-retry-poison";

async fn erase(rig: &Rig, arguments: &[&str]) -> Run {
    let mut all = vec!["erase"];
    all.extend(arguments);
    let run = program::run(&all, &rig.sandbox.settings()).await;
    let text = run.text();
    assert!(
        !text.contains("Tailspin") && !text.contains("Miriam"),
        "{text}"
    );
    run
}

/// The names of the connector's blobs in folders: those beside them are about the whole app.
async fn blobs(rig: &Rig) -> Vec<String> {
    let mut names = rig.world().storage.blobs(CONTAINER, "").await.unwrap();
    names.retain(|name| name.contains('/'));
    names.sort();
    names
}

async fn put(rig: &Rig, name: &str, content: &Value) {
    let storage = &rig.world().storage;
    let put = storage.put_blob(CONTAINER, name, content.to_string());
    put.await.unwrap();
}

async fn messages(rig: &Rig, queue: &str) -> usize {
    rig.world().storage.messages(queue).await.unwrap().len()
}

/// A rig whose function app is stopped, with two referrals about which everything is kept that can be.
async fn everything_kept() -> (Rig, String, String) {
    let rig = Rig::start(&[]).await;
    let mut ids = Vec::new();
    for name in ["Tailspin Toys", "Wide World Importers"] {
        let lead = rig.seed_lead(&json!({ "companyname": name }));
        let referral = ReferralBuilder::new().set("/externalReferenceId", lead.as_str());
        let id = rig.seed(referral);
        assert_eq!(rig.created(&id).await.code(), "synced");
        ids.push(id);
    }
    rig.host.stop().await;
    for id in &ids {
        put(&rig, &format!("state-unreadable/{id}.json"), &json!("?")).await;
        put(
            &rig,
            &format!("dead-letters/{id}.json"),
            &json!({ "format": 9 }),
        )
        .await;
        let letter = json!({ "message": format!("about {}", id.to_uppercase()) });
        let name = format!("dead-letters/message-{}.json", uuid::Uuid::new_v4());
        put(&rig, &name, &letter).await;
        for queue in [QUEUE, POISON] {
            let storage = &rig.world().storage;
            storage
                .send(queue, &format!("{{\"referral\":\"{id}\"}}"))
                .await
                .unwrap();
        }
    }
    put(
        &rig,
        "reconcile/cursor.json",
        &json!({ "settled": { &*ids[0]: [null, null] } }),
    )
    .await;
    let [id, other] = <[String; 2]>::try_from(ids).unwrap();
    (rig, id, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_about_a_referral_is_removed_and_nothing_about_another() {
    let (rig, id, other) = everything_kept().await;
    let before = blobs(&rig).await;
    let (referral, leads) = (rig.referral(&id), rig.leads());

    let look = erase(&rig, &[&id, "--dry-run"]).await;
    assert_eq!(look.exit, 0, "{look:?}");
    assert_eq!(look.stdout.matches("would remove").count(), 7, "{look:?}");
    assert_eq!(blobs(&rig).await, before);
    assert_eq!(
        (messages(&rig, QUEUE).await, messages(&rig, POISON).await),
        (2, 2)
    );

    let run = erase(&rig, &[&id, "--yes"]).await;
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    for text in [
        "removed    a message in queue referral-retry",
        "removed    a message in queue referral-retry-poison",
        "removed    blob by-lead/",
        "removed    blob dead-letters/message-",
        "blob reconcile/cursor.json names the referral's id",
        "untouched  the lead in Dynamics 365",
    ] {
        assert!(run.stdout.contains(text), "{text}: {run:?}");
    }
    let after = blobs(&rig).await;
    assert_eq!(before.len() - after.len(), 5, "{after:#?}");
    assert!(!after.iter().any(|name| name.contains(&id)), "{after:#?}");
    for folder in ["state", "state-unreadable", "dead-letters"] {
        let name = format!("{folder}/{other}.json");
        assert!(after.contains(&name), "{name}: {after:#?}");
    }
    assert_eq!(
        (messages(&rig, QUEUE).await, messages(&rig, POISON).await),
        (1, 1)
    );
    assert_eq!((rig.referral(&id), rig.leads()), (referral, leads));

    let again = erase(&rig, &[&id, "--yes", "--json"]).await;
    assert_eq!(again.json()["removed"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_be_asked_it_has_to_be_confirmed_by_a_switch() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    let run = erase(&rig, &[&id]).await;
    assert_eq!(run.exit, 64, "{run:?}");
    assert!(run.stderr.contains("--yes"), "{run:?}");
    assert_eq!(blobs(&rig).await, [format!("state/{id}.json")]);
    let unknown = "00000000-0000-0000-0000-000000000000";
    let nothing = erase(&rig, &[unknown, "--yes"]).await;
    assert_eq!(nothing.exit, 0, "{nothing:?}");
    assert!(
        nothing.stdout.starts_with("nothing is kept about"),
        "{nothing:?}"
    );
    assert_eq!(erase(&rig, &["Tailwind", "--yes"]).await.exit, 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_referral_is_synced_with_its_own_lead_when_it_changes_again() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    assert_eq!(erase(&rig, &[&id, "--yes"]).await.exit, 0);
    rig.partner_center_edits(&id, &json!({ "name": "A new name" }));
    assert_eq!(rig.updated(&id).await.code(), "synced");
    assert_eq!(rig.leads().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_account_that_fails_half_way_asks_for_another_go() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    let fault = Fault::new(Service::Storage, Effect::status(503)).method("DELETE");
    rig.world().faults.add(fault);
    let run = erase(&rig, &[&id, "--yes"]).await;
    assert_eq!(run.exit, 75, "{run:?}");
    assert!(run.stderr.contains("run the command again"), "{run:?}");
    rig.world().faults.clear();
    let settings = overlay(rig.sandbox.settings(), &[]);
    let run = program::run(&["erase", &id, "--yes"], &settings).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert_eq!(blobs(&rig).await, Vec::<String>::new());
}
