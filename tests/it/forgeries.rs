//! What is not Partner Center's gets nowhere.

use sandbox::Service;
use sandbox::deliveries::{Delivery, REFERRAL_CREATED};
use sandbox::partner_center::builder::ReferralBuilder;

use crate::rig::{Answer, Rig};

/// Everything but the certificate's own host.
const UPSTREAMS: [Service; 5] = [
    Service::Entra,
    Service::Identity,
    Service::KeyVault,
    Service::PartnerCenter,
    Service::Dataverse,
];

async fn rig() -> (Rig, Delivery) {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let delivery = rig.event(REFERRAL_CREATED, &id);
    (rig, delivery)
}

fn assert_refused(rig: &Rig, what: &str, answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (401, "refused"), "{what}");
    let mut told: Vec<_> = answer.body.as_object().unwrap().keys().collect();
    told.sort();
    assert_eq!(
        told,
        ["code", "invocationId"],
        "{what} tells the caller more than it should"
    );
    for service in UPSTREAMS {
        let requests = rig.requests(service);
        assert!(
            requests.is_empty(),
            "{what} made us call {service:?}: {requests:?}"
        );
    }
    assert!(rig.leads().is_empty(), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_names_no_allowed_certificate_opens_no_socket() {
    let (rig, good) = rig().await;
    for (what, url) in [
        (
            "another host",
            "https://3psostorageacct.blob.core.windows.net.evil.invalid/cert/a.cer",
        ),
        ("plain http", "http://127.0.0.1:9/cert/a.cer"),
        ("a query", "https://127.0.0.1:9/cert/a.cer?x"),
        ("a path that climbs", "https://127.0.0.1:9/cert/../a.cer"),
        ("no address", "not an address"),
    ] {
        let answer = rig.send(&good.with_certificate_url(url)).await;
        assert_refused(&rig, what, &answer);
    }
    assert!(rig.requests(Service::CertificateHost).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_and_contradictory_headers_open_no_socket() {
    let (rig, good) = rig().await;
    for (what, delivery) in [
        ("no signature", good.without_header("Authorization")),
        (
            "no certificate",
            good.without_header("x-ms-certificate-url"),
        ),
        (
            "no algorithm",
            good.without_header("x-ms-signature-algorithm"),
        ),
        (
            "sha-1",
            good.with_header("x-ms-signature-algorithm", "rsa-sha1"),
        ),
        (
            "no algorithm at all",
            good.with_header("x-ms-signature-algorithm", "none"),
        ),
        (
            "a bearer token instead",
            good.with_header("Authorization", "Bearer abc"),
        ),
        (
            "two signatures that differ",
            good.with_header("x-ms-signature", "Signature AAAA"),
        ),
        (
            "no base64",
            good.with_header("Authorization", "Signature ***"),
        ),
    ] {
        let answer = rig.send(&delivery).await;
        assert_refused(&rig, what, &answer);
    }
    assert!(rig.requests(Service::CertificateHost).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_changed_after_signing_costs_the_certificate_and_nothing_else() {
    let (rig, good) = rig().await;
    let answer = rig.send(&good.tampered()).await;
    assert_refused(&rig, "a changed body", &answer);
    let fetches = rig.requests(Service::CertificateHost);
    assert!(fetches.len() <= 2 && !fetches.is_empty(), "{fetches:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_forgeries_cost_no_more_fetches_than_one() {
    let (rig, good) = rig().await;
    for _ in 0..50 {
        let answer = rig.send(&good.tampered()).await;
        assert_refused(&rig, "a changed body", &answer);
    }
    let fetches = rig.requests(Service::CertificateHost);
    assert!(fetches.len() <= 2, "{fetches:?}");
    // The honest delivery still gets through.
    assert_eq!(rig.send(&good).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_genuine_signature_by_the_wrong_organisation_is_refused_and_the_log_names_the_setting() {
    let rig = Rig::start(&[("CALLBACK_ORGANIZATION", "Contoso Ltd")]).await;
    let id = rig.seed(ReferralBuilder::new());
    let answer = rig.created(&id).await;
    assert_refused(&rig, "another organisation", &answer);
    let logs = rig.host.logs();
    let line = logs
        .iter()
        .find(|line| line.text.contains("policy_mismatch"))
        .unwrap();
    assert!(line.text.contains("CALLBACK_ORGANIZATION"), "{}", line.text);
    assert!(line.text.contains("Microsoft Corporation"), "{}", line.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_host_that_is_down_is_answered_503() {
    use sandbox::{Effect, Fault};
    let (rig, good) = rig().await;
    rig.world()
        .faults
        .add(Fault::new(Service::CertificateHost, Effect::status(503)));
    let answer = rig.send(&good).await;
    assert_eq!(
        (answer.status, answer.code()),
        (503, "certificate_unavailable")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn both_places_and_both_forms_of_a_signature_are_read() {
    let (rig, good) = rig().await;
    let value = good.header("Authorization").unwrap().to_owned();
    let bare = value.strip_prefix("Signature ").unwrap();
    let without = good.without_header("Authorization");
    for (what, delivery) in [
        ("Authorization", good.clone()),
        (
            "x-ms-signature with its scheme",
            without.with_header("x-ms-signature", &value),
        ),
        (
            "x-ms-signature bare",
            without.with_header("x-ms-signature", bare),
        ),
        ("both alike", good.with_header("x-ms-signature", bare)),
        (
            "x-ms-signature beside somebody else's token",
            without
                .with_header("Authorization", "Bearer abc")
                .with_header("x-ms-signature", &value),
        ),
    ] {
        let answer = rig.send(&delivery).await;
        assert_eq!(answer.status, 200, "{what}: {answer:?}");
    }
}
