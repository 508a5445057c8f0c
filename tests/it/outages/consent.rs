//! The consent is revoked, and given again some time later.

use sandbox::entra::PARTNER_API;
use sandbox::settings::REFRESH_TOKEN_SECRET;

use super::*;

impl Office {
    fn has_its_consent_revoked(&self) {
        let now = self.rig.world().clock.now();
        let mut entra = self.rig.world().entra.lock();
        entra.revoke_refresh_tokens(now);
        entra.revoke_access_tokens(PARTNER_API);
    }

    /// All that the command `consent` leaves behind.
    fn consents_again(&self) {
        let now = self.rig.world().clock.now();
        let token = self.rig.world().entra.lock().issue_refresh_token(now);
        let mut vault = self.rig.world().key_vault.lock();
        vault.put(REFRESH_TOKEN_SECRET, &token, now);
    }

    /// How often a sign-in was refused.
    fn refused_sign_ins(&self) -> usize {
        let requests = self.rig.world().requests.of(Service::Entra);
        requests.iter().filter(|it| it.status == Some(400)).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_consent_is_told_once_probed_for_by_one_and_resumed_from_by_itself() {
    let office = Office::open().await;
    office.has_its_consent_revoked();
    let first = office.receives_a_referral().1;
    office.parks(&[first]).await;
    let alert = office.rig.lines("misconfigured").await.remove(0);
    assert_eq!(alert["level"], "ERROR");
    let text = alert["error"].as_str().unwrap();
    assert!(text.contains("consent"), "{text}");

    let (refused, begun) = (office.refused_sign_ins(), Instant::now());
    let events = office.carries_on();
    office.parks(&events).await;
    let renewal = office.rig.host.run_timer("TokenRenewal").await.unwrap();
    assert_eq!(renewal.status.map(|it| it.as_u16()), Some(500));
    let report = office.pass().await;
    assert_eq!(report["code"], "reconcile_failed", "{report}");
    office
        .rig
        .until(|_| Duration::from_secs(9) < begun.elapsed())
        .await;
    // One referral in four seconds asks, and each asks with the vault's token once more before it is final.
    let probes = usize::try_from(begun.elapsed().as_secs() / 4).unwrap() + 1;
    let others = 4;
    let asked = office.refused_sign_ins() - refused;
    assert!(
        (1..=2 * probes + others).contains(&asked),
        "{asked} in {probes}"
    );
    assert_eq!(office.count("misconfigured"), 1, "one alert for all");

    office.consents_again();
    office.rig.lines("resumed").await;
    office.converges().await;
    assert_eq!(office.count("misconfigured"), 1);
    assert_eq!(office.count("resumed"), 1);
}
