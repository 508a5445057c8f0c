//! Dynamics 365 does not answer.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_outlasts_ten_deliveries_costs_one_delivery_and_loses_nothing() {
    let office = Office::open().await;
    let options = office.rig.world().deliveries.lock().options().clone();
    let ten_deliveries = options.spacing * u32::try_from(options.attempts).unwrap();
    assert_eq!(options.attempts, 10);
    let begun = Instant::now();
    office.loses(Service::Dataverse, Effect::status(503));
    let events = office.carries_on();
    office.parks(&events).await;
    office.is_tried(4).await;
    assert!(ten_deliveries < begun.elapsed());
    let synced = office.count("synced");

    office.rig.world().faults.clear();
    office.converges().await;
    assert!(synced + events.len() <= office.count("synced"));
    assert_eq!(office.count("misconfigured"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_that_lasts_is_waited_out_as_long_as_asked() {
    let office = Office::open().await;
    office.loses(Service::Dataverse, Effect::throttled(20));
    let events = office.carries_on();
    office.parks(&events).await;
    for message in office.rig.world().storage.messages(QUEUE).await.unwrap() {
        assert!(10 < message.hidden_for().as_secs(), "{message:?}");
    }
    office.rig.world().faults.clear();
    office.converges().await;
}
