//! Deliveries whose certificates are nearly Partner Center's, sent to the running program.

mod encodings;
mod keys;
mod names;
mod revocation;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use openssl::hash::MessageDigest;
use sandbox::certificates::{IssuedBy, KeyUsages, Published, Signer, SignerBuilder};
use sandbox::deliveries::{Delivery, REFERRAL_CREATED, SignatureForm, SignatureHeader};
use sandbox::host::Wire;
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Sandbox, Service};
use url::Url;

use crate::rig::Rig;

/// Certificate addresses that a scene may use. Each is a setting of its own, so that no attack is short of fetches.
const ADDRESSES: usize = 24;

/// The program, an event that is waiting to be synced, and a certificate host.
struct Scene {
    rig: Rig,
    body: Bytes,
}

impl Scene {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let host = sandbox.url(Service::CertificateHost);
        let addresses: Vec<String> = (0..ADDRESSES)
            .map(|number| host.join(&format!("/cert/{number}.cer")).unwrap().into())
            .collect();
        let addresses = addresses.join(",");
        let settings = [&[("CALLBACK_CERTIFICATE_URLS", &*addresses)], settings].concat();
        let rig = Rig::with(sandbox, Wire::Proxying, &settings).await;
        let id = rig.seed(ReferralBuilder::new());
        let body = rig.event(REFERRAL_CREATED, &id).body;
        Self { rig, body }
    }

    /// A signer as Partner Center's, to change in one respect.
    fn signer(&self) -> SignerBuilder {
        self.rig.world().certificates.lock().authority().signer()
    }

    /// Puts `signer`'s leaf on the host, and its issuers and their lists on theirs.
    fn publish(&self, number: usize, signer: &Signer) -> Url {
        let mut certificates = self.rig.world().certificates.lock();
        certificates
            .publish(&format!("{number}.cer"), signer)
            .unwrap()
    }

    /// Puts `file` where a leaf should be.
    fn serve(&self, number: usize, file: impl Into<Bytes>) -> Url {
        let mut certificates = self.rig.world().certificates.lock();
        certificates.serve(&format!("{number}.cer"), Published::file(file))
    }

    /// What the program makes of the event signed by `signer`, whose certificate is said to be at `url`: the code word in its log,
    /// or nothing if it was accepted.
    async fn deliver(&self, url: &Url, signer: &Signer) -> Result<(), String> {
        let form = (SignatureHeader::Authorization, SignatureForm::Prefixed);
        let delivery = Delivery::signed(self.body.clone(), signer, url, form).unwrap();
        let answer = self.rig.send(&delivery).await;
        if answer.status == 200 {
            return Ok(());
        }
        let log = self.rig.log(&answer).await;
        let cause = log["cause"].as_str().unwrap_or_default().to_owned();
        let told = (answer.status, answer.code());
        assert!(
            [(401, "refused"), (503, "certificate_unavailable")].contains(&told),
            "{answer:?}"
        );
        Err(cause)
    }

    /// Nothing but certificates has been asked for, and nothing was written.
    fn assert_untouched(&self) {
        for service in [Service::Entra, Service::PartnerCenter, Service::Dataverse] {
            assert_eq!(self.rig.requests(service), [""; 0], "{service:?}");
        }
        assert!(self.rig.leads().is_empty());
    }

    /// Publishes each of `signers`, has it sign the event, and compares what becomes of it. Whatever is to be accepted comes last.
    async fn assert_verdicts(&self, signers: Vec<(&str, SignerBuilder, Result<(), &str>)>) {
        assert!(signers.len() <= ADDRESSES);
        for (number, (what, builder, wanted)) in signers.into_iter().enumerate() {
            let signer = builder.build().unwrap();
            let url = self.publish(number, &signer);
            let verdict = self.deliver(&url, &signer).await;
            assert_eq!(verdict, wanted.map_err(str::to_owned), "{what}");
            if wanted.is_err() {
                self.assert_untouched();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_27_a_signer_outside_its_time_is_refused_to_the_second() {
    let scene = Scene::start(&[]).await;
    let it = || scene.signer();
    let now = Timestamp::now();
    let minute = SignedDuration::from_mins(1);
    scene
        .assert_verdicts(vec![
            ("expired", it().expired(), Err("certificate_expired")),
            (
                "just expired",
                it().valid(now - 100 * minute, now - SignedDuration::from_secs(1)),
                Err("certificate_expired"),
            ),
            (
                "not yet valid",
                it().not_yet_valid(),
                Err("certificate_not_yet_valid"),
            ),
            (
                "valid in a minute",
                it().valid(now + minute, now + 100 * minute),
                Err("certificate_not_yet_valid"),
            ),
            ("just valid", it().valid(now, now + 100 * minute), Ok(())),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_37_a_certificate_is_no_longer_good_the_second_it_expires_although_it_is_known() {
    let scene = Scene::start(&[]).await;
    let now = Timestamp::now();
    let end = now + SignedDuration::from_secs(8);
    let signer = scene.signer().valid(now, end).build().unwrap();
    let url = scene.publish(0, &signer);
    assert_eq!(scene.deliver(&url, &signer).await, Ok(()));
    let left = Timestamp::from_second(end.as_second() + 1)
        .unwrap()
        .duration_since(Timestamp::now());
    tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    assert_eq!(
        scene.deliver(&url, &signer).await,
        Err("certificate_expired".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_28_an_authority_an_old_version_or_what_is_not_understood_signs_no_event() {
    let scene = Scene::start(&[]).await;
    let it = || scene.signer();
    let authority = Err("certificate_authority");
    let critical = it().unknown_critical_extension();
    scene
        .assert_verdicts(vec![
            ("an authority", it().authority_flag(Some(true)), authority),
            ("version 1", it().version_1(), Err("certificate_version")),
            (
                "a critical extension",
                critical,
                Err("certificate_extension"),
            ),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_29_a_certificate_for_another_purpose_signs_no_event() {
    let scene = Scene::start(&[]).await;
    let purpose = |purposes: &[&str]| scene.signer().extended_key_usages(purposes);
    let refused = Err("policy_mismatch");
    scene
        .assert_verdicts(vec![
            ("no purpose", purpose(&[]), refused),
            ("any purpose", purpose(&["2.5.29.37.0"]), refused),
            ("code signing", purpose(&["codeSigning"]), refused),
            ("clients", purpose(&["clientAuth"]), refused),
            ("servers", purpose(&["serverAuth"]), Ok(())),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_30_a_key_that_is_not_for_signatures_signs_no_event() {
    let scene = Scene::start(&[]).await;
    let usage = |usages| scene.signer().key_usages(usages);
    let refused = Err("key_usage");
    let absent = usage(KeyUsages::Absent).authority_flag(None);
    scene
        .assert_verdicts(vec![
            ("encipherment", usage(KeyUsages::EnciphermentOnly), refused),
            ("signing certificates", usage(KeyUsages::Authority), refused),
            ("none named", absent, Ok(())),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_28_an_issuers_own_certificate_signs_no_event() {
    let scene = Scene::start(&[]).await;
    let signer = scene.signer().build().unwrap();
    let url = scene.serve(0, signer.intermediates[0].to_der().unwrap());
    assert_eq!(
        scene.deliver(&url, &signer).await,
        Err("certificate_authority".to_owned())
    );
    scene.assert_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_32_a_private_root_with_the_same_names_is_not_the_root() {
    let scene = Scene::start(&[]).await;
    let by = |issuer| scene.signer().issued_by(issuer);
    let untrusted = Err("chain_untrusted");
    scene
        .assert_verdicts(vec![
            ("a private root", by(IssuedBy::PrivateCopy), untrusted),
            ("nobody", by(IssuedBy::Itself), untrusted),
            ("the root", by(IssuedBy::Root), Ok(())),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_33_a_chain_signed_with_an_old_digest_is_refused() {
    let scene = Scene::start(&[]).await;
    let digest = |digest| scene.signer().digest(digest);
    let untrusted = Err("chain_untrusted");
    scene
        .assert_verdicts(vec![
            ("SHA-1", digest(MessageDigest::sha1()), untrusted),
            ("MD5", digest(MessageDigest::md5()), untrusted),
            ("SHA-512", digest(MessageDigest::sha512()), Ok(())),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_a_chain_that_is_too_long_or_beyond_its_issuers_rights_is_refused() {
    let scene = Scene::start(&[]).await;
    let by = |issuer| scene.signer().issued_by(issuer);
    let elsewhere = IssuedBy::Constrained(vec!["contoso.example".to_owned()]);
    let untrusted = Err("chain_untrusted");
    scene
        .assert_verdicts(vec![
            ("names the issuer may not give", by(elsewhere), untrusted),
            ("four issuers", by(IssuedBy::Depth(4)), untrusted),
            ("twenty issuers", by(IssuedBy::Depth(20)), untrusted),
            ("three issuers", by(IssuedBy::Depth(3)), Ok(())),
        ])
        .await;
}
