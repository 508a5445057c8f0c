//! What will need a person is told once, and once more when it is over, to the log and to whoever the settings name.

mod sources;

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use sandbox::host::{Host, HostOptions, Invocation, Wire};
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Effect, Fault, Sandbox, Service};
use serde_json::{Value, json};

use crate::rig::{APP_ROOT, CONNECTOR, Rig, overlay};

/// What lets one post to the receiver.
const KEY: &str = "planted-key-of-the-receiver";
const DATES: &str = "acceptance_dates";

/// A rig whose settings name the sandbox's receiver.
async fn told(settings: &[(&str, &str)]) -> Rig {
    let sandbox = Sandbox::start().await.unwrap();
    let url = address(&sandbox);
    let mut all = vec![("WARNING_WEBHOOK_URL", url.as_str()), ("RUST_LOG", "trace")];
    all.extend_from_slice(settings);
    Rig::with(sandbox, Wire::Proxying, &all).await
}

fn address(sandbox: &Sandbox) -> String {
    let url = sandbox.url(Service::Receiver);
    format!("{url}workflows/1/invoke?sig={KEY}")
}

async fn run(rig: &Rig, timer: &str) -> Invocation {
    let run = rig.host.run_timer(timer).await.unwrap();
    assert!(run.succeeded(), "{run:?}");
    run
}

/// Every message that came, in order, the refused ones too.
fn messages(rig: &Rig) -> Vec<Value> {
    let posted = rig.world().requests.of(Service::Receiver);
    posted.into_iter().filter_map(|it| it.body).collect()
}

/// What the messages say under `member` (`raised` or `over`) about this `code`.
fn items(rig: &Rig, member: &str, code: &str) -> Vec<Value> {
    let items = messages(rig).into_iter().flat_map(|message| {
        let items = message[member].as_array().cloned();
        items.unwrap_or_default()
    });
    items.filter(|it| it["code"] == code).collect()
}

/// The log's lines with this code word about this cause.
fn logged(rig: &Rig, code: &str, cause: &str) -> usize {
    let lines = rig.log_lines().into_iter();
    lines
        .filter(|it| it["code"] == code && it["cause"] == cause)
        .count()
}

/// Puts a referral into Partner Center that ends in so many hours.
fn ending(rig: &Rig, hours: i64) -> String {
    let end = Timestamp::now() + SignedDuration::from_hours(hours);
    let end = format!("{end:.0}");
    rig.seed(ReferralBuilder::new().set("/expirationDateTime", end.as_str()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cause_is_told_once_and_once_more_when_it_is_over() {
    let rig = told(&[]).await;
    let id = ending(&rig, 50);
    ending(&rig, 150);
    assert_eq!(rig.created(&id).await.code(), "synced");
    for _ in 0..2 {
        run(&rig, "TokenRenewal").await;
    }
    let raised = items(&rig, "raised", DATES);
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert_eq!(
        (&raised[0]["about"], &raised[0]["level"]),
        (&json!(id), &json!("warning"))
    );
    assert_eq!(
        raised[0]["deadline"],
        rig.referral(&id)["expirationDateTime"]
    );
    let link = raised[0]["links"][1]["url"].as_str().unwrap();
    assert!(
        link.ends_with(&format!("main.aspx?pagetype=entityrecord&etn=lead&id={id}")),
        "{link}"
    );
    assert_eq!(items(&rig, "over", DATES), Vec::<Value>::new());
    let accepted = json!({ "status": "Active", "substatus": "Accepted" });
    rig.partner_center_edits(&id, &accepted);
    for _ in 0..2 {
        run(&rig, "TokenRenewal").await;
    }
    let over = items(&rig, "over", DATES);
    assert_eq!(over.len(), 1, "{over:?}");
    assert_eq!(
        (&over[0]["id"], &over[0]["ranOut"]),
        (&raised[0]["id"], &json!(false))
    );
    assert_eq!(items(&rig, "raised", DATES).len(), 1);
    for (code, count) in [
        ("warning_raised", 1),
        ("warning_stands", 1),
        ("warning_over", 1),
    ] {
        rig.lines(code).await;
        assert_eq!(logged(&rig, code, DATES), count, "{code}");
    }
    for line in rig.host.logs() {
        assert!(!line.text.contains(KEY), "{}", line.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_fails_no_run_and_is_told_the_next_time() {
    let rig = told(&[]).await;
    let id = ending(&rig, 50);
    let fails = |effect| {
        rig.world()
            .faults
            .add(Fault::new(Service::Receiver, effect));
    };
    fails(Effect::status(500));
    run(&rig, "TokenRenewal").await;
    rig.world().faults.clear();
    fails(Effect::Hang);
    let begun = Instant::now();
    run(&rig, "TokenRenewal").await;
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(rig.lines("warnings_not_sent").await.len(), 2);
    rig.world().faults.clear();
    rig.forget_requests();
    run(&rig, "TokenRenewal").await;
    let raised = items(&rig, "raised", DATES);
    assert_eq!(raised.len(), 1);
    assert_eq!(raised[0]["about"], json!(id));
    assert_eq!(logged(&rig, "warning_raised", DATES), 1);
    rig.forget_requests();
    run(&rig, "TokenRenewal").await;
    assert_eq!(items(&rig, "raised", DATES), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_tell_it_once() {
    let rig = told(&[]).await;
    let url = address(&rig.sandbox);
    let settings = overlay(rig.sandbox.settings(), &[("WARNING_WEBHOOK_URL", &url)]);
    let mut options = HostOptions::new(APP_ROOT, settings);
    options.executable = Some(CONNECTOR.into());
    let other = Host::start(options).await.unwrap();
    ending(&rig, 50);
    for _ in 0..3 {
        let (here, there) = tokio::join!(
            rig.host.run_timer("TokenRenewal"),
            other.run_timer("TokenRenewal")
        );
        assert!(here.unwrap().succeeded() && there.unwrap().succeeded());
    }
    assert_eq!(items(&rig, "raised", DATES).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teams_workflow_gets_cards() {
    let rig = told(&[("WARNING_WEBHOOK_FORMAT", "adaptive-card")]).await;
    let id = ending(&rig, 50);
    run(&rig, "TokenRenewal").await;
    let messages = messages(&rig);
    let attachment = &messages[0]["attachments"][0];
    assert_eq!(messages[0]["type"], "message");
    assert_eq!(
        attachment["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    assert!(
        attachment["content"].to_string().contains(&id),
        "{attachment}"
    );
    let sent = rig.world().requests.of(Service::Receiver);
    assert_eq!(sent[0].headers["content-type"], "application/json");
    assert_eq!(sent[0].status, Some(202));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_comes_once_a_week() {
    let rig = told(&[("WARNING_DIGEST", "weekly")]).await;
    let id = ending(&rig, 150);
    assert_eq!(rig.created(&id).await.code(), "synced");
    rig.until_blob("activity.json", |it| it["synced"] == 1)
        .await;
    let digests = |rig: &Rig| {
        let messages = messages(rig).into_iter().map(|mut it| it["digest"].take());
        messages.filter(Value::is_object).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        run(&rig, "TokenRenewal").await;
    }
    let [digest] = &digests(&rig)[..] else {
        panic!("one digest: {:?}", messages(&rig))
    };
    assert_eq!(
        (&digest["synced"], &digest["since"]),
        (&json!(1), &Value::Null)
    );
    let ends = digest["ends"].as_array().unwrap();
    let of_referral =
        json!({ "code": DATES, "about": null, "at": rig.referral(&id)["expirationDateTime"] });
    assert!(ends.contains(&of_referral), "{ends:?}");
    let week_ago = Timestamp::now() - SignedDuration::from_hours(7 * 24);
    rig.change_blob("warnings.json", |it| {
        it["digest"]["at"] = json!(week_ago.to_string());
    })
    .await;
    run(&rig, "TokenRenewal").await;
    let digests = digests(&rig);
    assert_eq!(digests.len(), 2);
    assert_eq!(
        (&digests[1]["synced"], digests[1]["since"].is_string()),
        (&json!(0), true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_receiver_warnings_are_in_the_log_alone() {
    let rig = Rig::start(&[]).await;
    ending(&rig, 50);
    run(&rig, "TokenRenewal").await;
    rig.lines("warning_raised").await;
    assert_eq!(logged(&rig, "warning_raised", DATES), 1);
    assert_eq!(messages(&rig), Vec::<Value>::new());
}
