//! `check` and what is around the connector: its certificate, its clock, its backlog, and other programs.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use sandbox::certificates::SignerBuilder;
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Sandbox, Service};

use super::{assert_fails, assert_warns, check, line, lines, with_a_referral};
use crate::program;
use crate::rig::{BOUND, Rig};

/// The retry function's poison queue, and the container of the connector's blobs.
const POISON: &str = "referral-retry-poison";
const CONTAINER: &str = "referral-connector";

/// Publishes a signer's certificate in place of Partner Center's.
fn signed_with(sandbox: &Sandbox, change: impl FnOnce(SignerBuilder) -> SignerBuilder) {
    let mut certificates = sandbox.world().certificates.lock();
    let signer = change(certificates.authority().signer()).build().unwrap();
    let url = certificates.signer_url();
    let name = url.path_segments().unwrap().next_back().unwrap().to_owned();
    certificates.publish(&name, &signer).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_every_link_of_the_chain_has_its_end() {
    let sandbox = Sandbox::start().await.unwrap();
    let run = program::run(&["check", "--json"], &sandbox.settings()).await;
    let findings = run.json()["findings"].as_array().unwrap().clone();
    let ends: Vec<_> = findings
        .iter()
        .filter(|it| it["code"] == "certificate_chain")
        .collect();
    assert_eq!(ends.len(), 3, "{findings:#?}");
    for end in ends {
        let deadline: Timestamp = end["deadline"].as_str().unwrap().parse().unwrap();
        assert!(Timestamp::now() < deadline, "{end}");
        assert!(end["about"].is_string(), "{end}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_near_its_end_is_a_warning_with_that_end() {
    let sandbox = Sandbox::start().await.unwrap();
    let now = Timestamp::now();
    let day = SignedDuration::from_hours(24);
    signed_with(&sandbox, |it| it.valid(now - day, now + 3 * day));
    let run = check(&sandbox, &[]).await;
    assert_warns(&run, "certificate_chain", &["valid until"]);
    assert!(line(&run, "signing_certificate").0.starts_with("ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_name_is_told_with_the_setting_that_would_admit_it() {
    let sandbox = with_a_referral().await;
    let name = "events.partner.microsoft.invalid";
    signed_with(&sandbox, |it| it.common_name(name).dns_names(&[name]));
    let run = check(&sandbox, &[]).await;
    assert_fails(&run, "signing_certificate", &["subject", name]);
    let (_, advice) = line(&run, "signing_certificate");
    assert!(advice.contains("CALLBACK_SUBJECTS"), "{advice}");
    let admitted = check(&sandbox, &[("CALLBACK_SUBJECTS", name)]).await;
    assert_eq!(admitted.exit, 0, "{admitted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_and_one_that_is_nowhere_are_told_apart() {
    let sandbox = Sandbox::start().await.unwrap();
    signed_with(&sandbox, SignerBuilder::expired);
    let run = check(&sandbox, &[]).await;
    assert_fails(&run, "signing_certificate", &["until"]);

    let elsewhere = sandbox.url(Service::CertificateHost).join("cert/other.cer");
    let elsewhere = elsewhere.unwrap().to_string();
    let settings = sandbox.settings();
    let arguments = ["check", "--certificate-url", &elsewhere];
    let run = program::run(&arguments, &settings).await;
    assert_fails(&run, "signing_certificate", &["certificate_unavailable"]);

    let foreign = [
        "check",
        "--certificate-url",
        "https://elsewhere.invalid/a.cer",
    ];
    let run = program::run(&foreign, &settings).await;
    assert_fails(&run, "signing_certificate", &["certificate_url_refused"]);
    let (_, advice) = line(&run, "signing_certificate");
    assert!(advice.contains("CALLBACK_CERTIFICATE_URLS"), "{advice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_that_a_delivery_named_is_looked_at_from_then_on() {
    let rig = Rig::start(&[]).await;
    let url = {
        let mut certificates = rig.world().certificates.lock();
        let signer = certificates.signer().clone();
        certificates.publish("moved-here.cer", &signer).unwrap()
    };
    let id = rig.seed(ReferralBuilder::new());
    let event = rig.event("referral-created", &id);
    let moved = event.with_header("x-ms-certificate-url", url.as_str());
    assert_eq!(rig.send(&moved).await.status, 200);
    let storage = &rig.world().storage;
    let begun = Instant::now();
    let written = || storage.blob(CONTAINER, "certificate.json");
    while written().await.unwrap().is_none() {
        assert!(begun.elapsed() < BOUND, "it is not written down");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let run = check(&rig.sandbox, &[]).await;
    let (told, _) = line(&run, "signing_certificate");
    assert!(told.contains("moved-here.cer"), "{told}");
    assert!(told.contains("which the last delivery named"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_told_before_it_is_fatal() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.world().clock.advance(SignedDuration::from_secs(90));
    let run = check(&sandbox, &[]).await;
    assert_warns(&run, "clock", &["behind Partner Center's"]);
    sandbox.world().clock.advance(SignedDuration::from_mins(10));
    let run = check(&sandbox, &[]).await;
    assert_fails(&run, "clock", &["tokens and signatures are refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn referrals_that_name_records_of_another_program_are_a_warning() {
    let sandbox = Sandbox::start().await.unwrap();
    let seed = |referral: ReferralBuilder| {
        let mut partner_center = sandbox.world().partner_center.lock();
        partner_center.seed_referral(referral).unwrap()
    };
    seed(ReferralBuilder::new().set("/externalReferenceId", ""));
    let run = check(&sandbox, &[]).await;
    assert!(line(&run, "other_writer").0.starts_with("ok"), "{run:?}");
    seed(ReferralBuilder::new().set("/externalReferenceId", "00Q5g00000Xy1zAEAR"));
    let run = check(&sandbox, &[]).await;
    assert_warns(&run, "other_writer", &["1 of 2 referrals"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_that_the_connector_made_itself_are_nobody_elses() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.status, 200);
    let run = check(&rig.sandbox, &[]).await;
    assert!(line(&run, "other_writer").0.starts_with("ok"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_currency_of_referrals_that_the_environment_lacks_is_a_warning() {
    let sandbox = Sandbox::start().await.unwrap();
    let referral = ReferralBuilder::new().deal(1_000, "CHF");
    let partner_center = &sandbox.world().partner_center;
    partner_center.lock().seed_referral(referral).unwrap();
    let run = check(&sandbox, &[]).await;
    assert_warns(&run, "deal_currencies", &["CHF: "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_access_signature_near_its_end_is_a_warning() {
    let sandbox = Sandbox::start().await.unwrap();
    let signed = sandbox.world().storage.signed_connection_string();
    let run = check(&sandbox, &[("AzureWebJobsStorage", &signed)]).await;
    assert_warns(&run, "storage_signature", &["good until"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_failed_again_and_again_are_counted() {
    let sandbox = with_a_referral().await;
    assert_eq!(check(&sandbox, &[]).await.exit, 0);
    let storage = &sandbox.world().storage;
    storage.send(POISON, "whatever").await.unwrap();
    let run = check(&sandbox, &[]).await;
    assert_warns(&run, "poison", &["without an answer: 1"]);
    assert!(lines(&run, "waiting")[0].starts_with("ok"), "{run:?}");
}
