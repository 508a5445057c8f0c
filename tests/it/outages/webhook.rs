//! Partner Center's registration is lost: no event comes any more.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn without_any_webhook_the_timer_alone_finds_the_edits_of_both_sides() {
    let office = Office::open().await;
    office.rig.world().partner_center.lock().unregister();
    for event in office.carries_on() {
        let raised = office.rig.world().settled(event, LONG).await.unwrap();
        assert_eq!(raised.outcome, Outcome::Recorded);
    }
    let synced = office.count("synced");
    let report = office.pass().await;
    let healed = report["healed"].as_str().unwrap();
    assert!(healed.contains("created=3"), "{report}");
    office.converges().await;
    assert_eq!(office.count("synced"), synced, "no event came");
}
