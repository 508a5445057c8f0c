//! Many at once at the certificate's address, and many addresses (attacks 23 and 24).

use futures_util::future::join_all;
use sandbox::{Effect, Fault, Service};

use super::raw::{Connection, Request};
use super::scene::Scene;

const EVENT: &str = r#"{"EventName":"test-created"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn attack_23_ten_thousand_misses_at_once_are_one_fetch() {
    let scene = Scene::start().await;
    let slow = Fault::new(Service::CertificateHost, Effect::Delay(1500));
    scene.rig.world().faults.add(slow);
    let request = Request::of(&scene.signed(EVENT)).measured().bytes();
    let crowd = (0..500).map(|_| async {
        let mut connection = Connection::open(scene.port()).await;
        let mut accepted = 0;
        for _ in 0..20 {
            connection.send(&request).await;
            let answer = connection.answer().await.unwrap();
            // No more than so many wait; the others are told to come again.
            match (answer.status, answer.code()) {
                (200, "test") => accepted += 1,
                (503, "busy") => {}
                other => panic!("{other:?}"),
            }
        }
        accepted
    });
    let accepted: usize = join_all(crowd).await.into_iter().sum();
    assert!(256 <= accepted, "{accepted} were accepted");
    let fetches = scene.rig.requests(Service::CertificateHost);
    assert_eq!(fetches.len(), 1, "{fetches:?}");
    scene.assert_honest_is_served().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_24_many_addresses_cost_few_fetches_and_never_push_out_a_good_key() {
    let scene = Scene::start().await;
    scene.assert_honest_is_served().await;
    scene.rig.forget_requests();
    let host = scene.certificate_host();
    let addresses: Vec<_> = (0..1000)
        .map(|n| format!("https://{host}/cert/{n}.cer"))
        .collect();
    let (port, good) = (scene.port(), &scene.good);
    let strangers = addresses.chunks(100).map(|addresses| async move {
        let mut connection = Connection::open(port).await;
        for address in addresses {
            let delivery = good.with_certificate_url(address);
            connection
                .send(&Request::of(&delivery).measured().bytes())
                .await;
            let answer = connection.answer().await.unwrap();
            assert_eq!(answer.status, 503, "{address}: {answer:?}");
        }
    });
    join_all(strangers).await;
    let fetches = scene.rig.requests(Service::CertificateHost);
    assert!(fetches.len() <= 10, "{} fetches", fetches.len());
    // Now the host is gone, and what is known has to do.
    let outage = Fault::new(Service::CertificateHost, Effect::Cut);
    scene.rig.world().faults.add(outage);
    scene.rig.forget_requests();
    let answer = scene.rig.updated(&scene.referral).await;
    assert_eq!((answer.status, answer.code()), (200, "synced"));
    assert!(scene.rig.requests(Service::CertificateHost).is_empty());
}
