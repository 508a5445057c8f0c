//! Certificates that their issuer took back, and lists that cannot be had.

use std::time::Instant;

use jiff::SignedDuration;
use openssl::x509::X509;
use sandbox::Service;
use sandbox::certificates::{Behaviour, Published, Signer};
use url::Url;

use super::Scene;
use crate::rig::BOUND;

/// A scene in `mode`, with a published signer.
async fn scene(mode: &str) -> (Scene, Signer, Url) {
    let scene = Scene::start(&[("CALLBACK_REVOCATION", mode)]).await;
    let signer = scene.signer().build().unwrap();
    let url = scene.publish(0, &signer);
    (scene, signer, url)
}

fn issuer(signer: &Signer) -> &X509 {
    &signer.intermediates[0]
}

fn revoke(scene: &Scene, certificate: &X509, issuer: &X509) {
    let now = scene.rig.world().clock.now();
    let mut certificates = scene.rig.world().certificates.lock();
    certificates.revoke(certificate, issuer, now).unwrap();
}

fn lists(scene: &Scene) -> usize {
    let requests = scene.rig.requests(Service::AuthorityHost);
    requests.iter().filter(|it| it.contains("/crls/")).count()
}

/// Delivers until the verdict is `wanted`: lists are read in the background.
async fn deliver_until(scene: &Scene, url: &Url, signer: &Signer, wanted: Result<(), &str>) {
    let wanted = wanted.map_err(str::to_owned);
    let start = Instant::now();
    loop {
        let verdict = scene.deliver(url, signer).await;
        if verdict == wanted {
            return;
        }
        assert!(start.elapsed() < BOUND, "still {verdict:?}");
    }
}

/// Waits until both lists of the chain have been asked for, and what they said has sunk in.
async fn both_lists_were_read(scene: &Scene) {
    let start = Instant::now();
    while lists(scene) < 2 {
        assert!(start.elapsed() < BOUND);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_35_a_revoked_signer_is_refused_in_soft_and_in_hard_and_nobody_asks_in_off() {
    for mode in ["soft", "hard"] {
        let (scene, signer, url) = scene(mode).await;
        revoke(&scene, &signer.certificate, issuer(&signer));
        deliver_until(&scene, &url, &signer, Err("certificate_revoked")).await;
    }
    let (scene, signer, url) = scene("off").await;
    revoke(&scene, &signer.certificate, issuer(&signer));
    assert_eq!(scene.deliver(&url, &signer).await, Ok(()));
    assert_eq!(scene.deliver(&url, &signer).await, Ok(()));
    assert_eq!(lists(&scene), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_35_a_revoked_issuer_is_refused_as_well() {
    let (scene, signer, url) = scene("soft").await;
    revoke(&scene, issuer(&signer), &signer.root);
    deliver_until(&scene, &url, &signer, Err("certificate_revoked")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_35_hard_accepts_once_the_lists_have_cleared_the_chain() {
    let (scene, signer, url) = scene("hard").await;
    assert_eq!(
        scene.deliver(&url, &signer).await,
        Err("revocation_unavailable".to_owned())
    );
    scene.assert_untouched();
    deliver_until(&scene, &url, &signer, Ok(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_35_a_stale_or_absent_list_clears_nothing_in_hard_and_is_a_warning_in_soft() {
    for mode in ["hard", "soft"] {
        for absent in [true, false] {
            let (scene, signer, url) = scene(mode).await;
            {
                let mut certificates = scene.rig.world().certificates.lock();
                if absent {
                    let url = certificates.list_url(issuer(&signer)).unwrap();
                    let gone = Published::html().behaving(Behaviour::Status(404));
                    certificates.serve_authority_file(&url, gone);
                } else {
                    let ago = SignedDuration::from_hours(-1);
                    certificates.list_lifetime(issuer(&signer), ago).unwrap();
                }
            }
            let verdict = || scene.deliver(&url, &signer);
            let wanted = match mode {
                "hard" => Err("revocation_unavailable".to_owned()),
                _ => Ok(()),
            };
            assert_eq!(verdict().await, wanted, "{mode}");
            both_lists_were_read(&scene).await;
            let logged = |line: &sandbox::host::LogLine| {
                line.text.contains("could not be looked up") && line.text.contains("WARN")
            };
            scene.rig.host.wait_for_log(logged, BOUND).await.unwrap();
            assert_eq!(verdict().await, wanted, "{mode}");
        }
    }
}
