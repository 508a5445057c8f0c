//! Test events: followed attempt by attempt, at two a minute.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_is_not_delivered_is_told_attempt_by_attempt() {
    let rig = Rig::start(&[]).await;
    let url = address(&rig);
    let run = register_with(&rig, &["--url", &url, "--no-test"], &[(KEY, "wrong")]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    let run = register(&rig, &["--test"]).await;
    assert_eq!(run.exit, 1, "{run:?}");
    let attempts = run.stdout.lines().filter(|it| it.starts_with("attempt"));
    let attempts: Vec<_> = attempts.collect();
    assert_eq!(attempts.len(), 10, "{run:?}");
    assert!(
        attempts.iter().all(|it| it.contains("Unauthorized")),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("not delivered, in 10 attempts"),
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_answers_at_is_told_as_such() {
    let rig = Rig::start(&[]).await;
    let silent = "http://127.0.0.1:1/api/ReferralWebhook";
    let run = register(&rig, &["--url", silent, "--no-test"]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    let run = register(&rig, &["--test", "--json"]).await;
    assert_eq!(run.exit, 1, "{run:?}");
    let test = run.json()["test"].clone();
    assert_eq!(test["outcome"], "failed");
    let attempts = test["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 10);
    assert!(
        attempts.iter().all(|it| it["systemError"] == true),
        "{test}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_test_within_a_minute_says_when_it_may_be_sent() {
    let rig = Rig::start(&[]).await;
    registered(&rig).await;
    for _ in 0..2 {
        assert_eq!(register(&rig, &["--test"]).await.exit, 0);
    }
    let run = register(&rig, &["--test", "--wait", "5", "--json"]).await;
    assert_eq!(
        (run.exit, &run.json()["test"]["outcome"]),
        (75, &"untested".into())
    );
    assert!(run.stderr.contains("two tests a minute"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_partner_center_asks_for_is_waited_and_told() {
    let rig = Rig::start(&[]).await;
    registered(&rig).await;
    let mut busy =
        Fault::new(Service::PartnerCenter, Effect::throttled(11)).path("validationEvents");
    busy.times = Some(1);
    rig.world().faults.add(busy);
    let run = register(&rig, &["--test"]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(run.stderr.contains("waiting 11 s"), "{run:?}");
    assert!(run.stdout.contains("delivered"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_without_a_report_in_time_is_no_failure_of_the_webhook() {
    let rig = Rig::start(&[]).await;
    registered(&rig).await;
    let mut options = rig.world().deliveries.lock().options().clone();
    options.paused = true;
    rig.world().deliveries.lock().set_options(options);
    let run = register(&rig, &["--test", "--wait", "4"]).await;
    assert_eq!(run.exit, 75, "{run:?}");
    assert!(run.stderr.contains("did not tell within 4 s"), "{run:?}");
}
