//! A permission or credential that is refused stops everything, costs one try in a while, and heals by itself.

use sandbox::partner_center::effects;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn while_a_permission_is_missing_one_probe_asks_for_all_and_then_all_follow() {
    let rig = Rig::start(&IMPATIENT).await;
    let ids: Vec<_> = (0..20).map(|_| rig.seed(ReferralBuilder::new())).collect();
    let denied = Fault::new(Service::PartnerCenter, effects::denied());
    rig.world().faults.add(denied);
    assert_eq!(rig.created(&ids[0]).await.code(), "parked");
    rig.lines("misconfigured").await;
    rig.forget_requests();
    let begun = std::time::Instant::now();
    for id in &ids {
        let answer = rig.created(id).await;
        assert_eq!((answer.status, answer.code()), (200, "parked"));
    }
    // A try asks for the referral, and whether any may be listed.
    let probes = rig.requests(Service::PartnerCenter).len().div_ceil(2);
    let allowed = usize::try_from(begun.elapsed().as_secs() / 4).unwrap() + 1;
    assert!(probes <= allowed, "{probes} of {allowed}");
    assert!(ids.len() <= parked(&rig).await.len());

    rig.world().faults.clear();
    rig.lines("resumed").await;
    rig.world().storage.release(QUEUE).await.unwrap();
    rig.until(|rig| rig.leads().len() == ids.len()).await;
    nothing_is_parked(&rig).await;
    assert_eq!(count(&rig, "misconfigured"), 1, "one alert for all");
    assert_eq!(count(&rig, "resumed"), 1);
    assert_eq!(letters(&rig).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_given_again_needs_no_restart_and_no_second_event() {
    let rig = Rig::start(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    let now = rig.world().clock.now();
    rig.world().entra.lock().revoke_refresh_tokens(now);
    assert_eq!(rig.created(&id).await.code(), "parked");
    let alert = &rig.lines("misconfigured").await[0];
    assert!(
        alert["error"].as_str().unwrap().contains("consent"),
        "{alert}"
    );
    let token = rig.world().entra.lock().issue_refresh_token(now);
    let secret = sandbox::settings::REFRESH_TOKEN_SECRET;
    rig.world().key_vault.lock().put(secret, &token, now);
    rig.lines("resumed").await;
    assert!(rig.lead(&id).is_some());
    nothing_is_parked(&rig).await;
}
