//! The storage account does not answer: nothing can be kept, and so nothing is acknowledged.

use super::*;

impl Office {
    /// Waits until each of the events was sent so often in vain.
    async fn refuses(&self, events: &[u64], often: usize) {
        self.rig
            .until(|rig| {
                let deliveries = rig.world().deliveries.lock();
                let mut raised = events.iter().filter_map(|event| deliveries.raised(*event));
                raised.all(|it| often <= it.attempts.len())
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_storage_partner_center_keeps_the_events_and_delivers_them_again() {
    let office = Office::open().await;
    office.rig.forget_requests();
    office.loses(Service::Storage, Effect::status(503));
    let events = office.carries_on();
    office.refuses(&events, 2).await;
    assert_eq!(office.rig.writes().len(), 0, "nothing is remembered of it");
    assert_eq!(office.count("parked"), 0);

    office.rig.world().faults.clear();
    for delivered in office.delivered(&events).await {
        let answers = answers(&delivered);
        let (last, before) = answers.split_last().unwrap();
        assert_eq!(*last, (Some(200), "synced".to_owned()));
        let refused = |it: &(Option<u16>, String)| *it == (Some(503), "not_kept".to_owned());
        assert!(before.iter().all(refused), "{before:?}");
    }
    office.converges().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_partner_center_gave_up_on_are_found_by_the_timer() {
    let office = Office::open().await;
    office.loses(Service::Storage, Effect::status(403));
    for event in office.carries_on() {
        let raised = office.rig.world().settled(event, LONG).await.unwrap();
        assert_eq!(raised.outcome, Outcome::GivenUp);
        assert_eq!(answers(&raised).len(), 10);
    }
    let report = office.pass().await;
    assert_eq!(report["code"], "reconcile_failed", "{report}");

    office.rig.world().faults.clear();
    office.converges().await;
    assert_eq!(office.count("misconfigured"), 1);
    assert_eq!(office.count("resumed"), 1);
}
