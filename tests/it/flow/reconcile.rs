//! The timer finds for a flow what no event told.

use super::*;

/// Lets the timer fire, and gives what the pass logged.
async fn pass(rig: &Rig) -> Value {
    let run = rig.host.run_timer("ReferralReconcile").await.unwrap();
    assert!(run.succeeded(), "{run:?}");
    let id = run.id.to_string();
    let is_its = |line: &Value| line["invocation.id"] == *id;
    rig.until(|rig| rig.log_lines().iter().any(is_its)).await;
    let mut lines = rig.log_lines();
    lines.retain(is_its);
    lines.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_that_no_event_told_of_is_found_and_handed_over_once() {
    let rig = rig(&[]).await;
    let old = "2025-11-02T09:00:00.1234567Z";
    let id = rig.seed(ReferralBuilder::new().set("/updatedDateTime", old));
    let log = pass(&rig).await;
    assert_eq!(
        (&log["healed"], &log["leads"]),
        (&"posted=1".into(), &0.into())
    );
    assert_eq!(named(&rig, &id), *record(&rig, &id).unwrap());
    for _ in 0..2 {
        let log = pass(&rig).await;
        assert_eq!(log["healed"], Value::Null, "{log}");
    }
    assert_eq!(runs(&rig).len(), 1);

    rig.partner_center_edits(&id, &json!({ "details": { "notes": "News" } }));
    let log = pass(&rig).await;
    assert_eq!(log["healed"], "posted=1", "{log}");
    assert_eq!(runs(&rig).len(), 2);
    assert_eq!(rig.requests(Service::Dataverse), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_leaves_alone_what_an_event_told() {
    let rig = rig(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    rig.forget_requests();
    let log = pass(&rig).await;
    assert_eq!((&log["in_step"], &log["healed"]), (&1.into(), &Value::Null));
    assert_eq!((runs(&rig).len(), rig.writes().len()), (1, 0));
}
