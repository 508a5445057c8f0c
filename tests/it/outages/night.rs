//! Everything at once.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_night_on_which_one_system_after_the_other_fails_and_the_program_is_killed() {
    let office = Office::open().await;
    let mut events = office.carries_on();
    for service in [
        Service::Dataverse,
        Service::KeyVault,
        Service::Entra,
        Service::PartnerCenter,
        Service::Identity,
    ] {
        office.rig.world().faults.clear();
        office.loses(service, Effect::status(503));
        events.push(office.receives_a_referral().1);
        office.rig.host.restart().await.unwrap();
        events.push(office.receives_a_referral().1);
        office.delivered(&events).await;
    }
    office.rig.world().faults.clear();
    office.converges().await;
}
