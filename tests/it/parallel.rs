//! Many deliveries at once.

use std::sync::Arc;

use futures_util::future::join_all;
use sandbox::Service;
use sandbox::deliveries::REFERRAL_CREATED;
use sandbox::partner_center::builder::ReferralBuilder;

use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_copies_of_one_event_make_one_lead_and_at_most_two_syncs() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let delivery = rig.event(REFERRAL_CREATED, &id);
    let answers = join_all((0..100).map(|_| rig.send(&delivery))).await;
    for answer in &answers {
        let late = answer.code() == "replayed";
        assert!(
            answer.status == 200 && (late || answer.code() == "synced"),
            "{answer:?}"
        );
    }
    assert_eq!(rig.leads().len(), 1);
    let lead_reads = format!("GET /api/data/v9.2/leads({id})");
    let reads = rig
        .requests(Service::Dataverse)
        .into_iter()
        .filter(|line| *line == lead_reads)
        .count();
    assert!(reads <= 2, "{reads} syncs ran");
}

#[tokio::test(flavor = "multi_thread")]
async fn different_events_on_one_referral_make_one_lead() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let events: Vec<_> = (0..40)
        .map(|n| rig.event(["referral-created", "referral-updated"][n % 2], &id))
        .collect();
    let answers = join_all(events.iter().map(|event| rig.send(event))).await;
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{answers:?}"
    );
    assert_eq!(rig.leads().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_at_once_make_one_lead() {
    let rig = Rig::start(&[]).await;
    let other = {
        let mut options =
            sandbox::host::HostOptions::new(crate::rig::APP_ROOT, rig.sandbox.settings());
        options.executable = Some(crate::rig::CONNECTOR.into());
        Arc::new(sandbox::host::Host::start(options).await.unwrap())
    };
    for _ in 0..10 {
        let id = rig.seed(ReferralBuilder::new());
        let delivery = rig.event(REFERRAL_CREATED, &id);
        let (here, there) = tokio::join!(rig.send(&delivery), crate::rig::post(&other, &delivery));
        assert_eq!(
            (here.status, there.status),
            (200, 200),
            "{here:?} {there:?}"
        );
        assert_eq!(rig.referral(&id)["externalReferenceId"], id.as_str());
    }
    assert_eq!(rig.leads().len(), 10);
}
