//! A system that can be read and not written.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_fail_for_long_are_made_once_they_can_be() {
    let office = Office::open().await;
    for service in [Service::Dataverse, Service::PartnerCenter] {
        let refused = Fault::new(service, Effect::status(503)).method("PATCH");
        office.rig.world().faults.add(refused);
    }
    let events = office.carries_on();
    office.parks(&events).await;
    office.is_tried(2).await;
    office.rig.world().faults.clear();
    // Nobody knows whether a write that ended so was done, for as long as it could be.
    let referrals = office.rig.world().partner_center.lock().referrals();
    for referral in referrals {
        let id = referral["id"].as_str().unwrap();
        office.rig.outlast_intentions(id).await;
    }
    office.converges().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_whose_answers_are_lost_for_long_are_made_once() {
    let office = Office::open().await;
    for service in [Service::Dataverse, Service::PartnerCenter, Service::Storage] {
        for method in ["PATCH", "PUT"] {
            let cut = Fault::new(service, Effect::Cut).method(method).after();
            office.rig.world().faults.add(cut);
        }
    }
    let events = office.carries_on();
    office.delivered(&events).await;
    office.rig.world().faults.clear();
    office.converges().await;
}
