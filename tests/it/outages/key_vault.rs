//! Key Vault does not answer, and an instance starts that has no token yet.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_starts_without_the_vault_keeps_every_event_until_it_is_back() {
    let office = Office::open().await;
    office.loses(Service::KeyVault, Effect::status(503));
    office.rig.host.restart().await.unwrap();
    let events = office.carries_on();
    office.parks(&events).await;
    let renewal = office.rig.host.run_timer("TokenRenewal").await.unwrap();
    assert!(!renewal.succeeded());
    office.is_tried(2).await;

    office.rig.world().faults.clear();
    let renewal = office.rig.host.run_timer("TokenRenewal").await.unwrap();
    assert!(renewal.succeeded(), "{renewal:?}");
    office.converges().await;
    // It is no missing permission, and asks for nobody.
    assert_eq!(office.count("misconfigured"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_has_its_tokens_does_not_notice() {
    let office = Office::open().await;
    office.loses(Service::KeyVault, Effect::status(503));
    for delivered in office.delivered(&office.carries_on()).await {
        assert_eq!(answers(&delivered), [(Some(200), "synced".to_owned())]);
    }
    office.converges().await;
}
