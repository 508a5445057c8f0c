//! Partner Center sends events and does not answer.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_partner_center_that_cannot_be_read_are_kept_until_it_can() {
    let office = Office::open().await;
    office.loses(Service::PartnerCenter, Effect::status(503));
    let events = office.carries_on();
    office.parks(&events).await;
    office.is_tried(2).await;
    office.rig.world().faults.clear();
    office.converges().await;
    assert_eq!(office.count("misconfigured"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_center_that_never_answers_holds_no_event_up_for_longer_than_its_budget() {
    let office = Office::open().await;
    office.loses(Service::PartnerCenter, Effect::Hang);
    let begun = Instant::now();
    let events = office.carries_on();
    office.parks(&events).await;
    assert!(begun.elapsed() < BOUND);
    office.rig.world().faults.clear();
    office.converges().await;
}
