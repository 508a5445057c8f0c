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
    let report = office.pass().await;
    let healed = report["healed"].as_str().unwrap();
    assert!(healed.contains("created=3"), "{report}");
    office.converges().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_the_timer_finds_is_reported() {
    let office = Office::open().await;
    office.rig.world().partner_center.lock().unregister();
    let id = &office.known[0];
    office
        .rig
        .seller_edits(id, &json!({ "estimatedamount": 31_000 }));
    let value = json!({ "details": { "dealValue": 28_000 } });
    office.rig.partner_center_edits(id, &value);
    office.pass().await;
    let is_told =
        |line: &Value| line["referral.id"] == id.as_str() && line["reports"] == "differs:deal";
    let told = |rig: &Rig| rig.log_lines().iter().any(is_told);
    office.rig.until(told).await;
    assert_eq!(office.rig.referral(id)["details"]["dealValue"], 31_000);
}
