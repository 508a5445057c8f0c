use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use openssl::nid::Nid;

use super::fetch::{Lookup, SystemLookup};
use super::hosting::Hosting;
use super::minting::{BASIC_CONSTRAINTS, Mint, Minted, NOW, key_usage, other_key};
use super::{Answer, Callback, CallbackError, Now};
use crate::config::CallbackConfig;

const BODY: &[u8] = br#"{"EventName":"referral-created"}"#;
const CERTIFICATE: &str = "/cert/signer.cer";

/// A certificate host, a root, and a connector that trusts both.
struct Scene {
    host: Hosting,
    root: Minted,
    callback: Callback,
}

impl Scene {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&'static str, &str)]) -> Self {
        Self::with_lookup(settings, Arc::new(SystemLookup)).await
    }

    async fn with_lookup(settings: &[(&'static str, &str)], lookup: Arc<dyn Lookup>) -> Self {
        let host = Hosting::start().await;
        let root = Mint::root("Root").self_signed();
        let pem = String::from_utf8(root.pem()).unwrap();
        let mut values = BTreeMap::from([
            ("CALLBACK_CERTIFICATE_URLS", host.url("/cert/*.cer")),
            ("CALLBACK_TRUST_ANCHORS", "pem".to_owned()),
            ("CALLBACK_TRUST_ANCHORS_PEM", pem),
            ("CALLBACK_AIA_HOSTS", host.origin.clone()),
            ("CALLBACK_CRL_HOSTS", host.origin.clone()),
            ("CALLBACK_REVOCATION", "off".to_owned()),
        ]);
        values.extend(
            settings
                .iter()
                .map(|(key, value)| (*key, (*value).to_owned())),
        );
        let config = CallbackConfig::read_alone(&|key| values.get(key).cloned()).unwrap();
        Self {
            callback: Callback::with_lookup(&config, None, lookup).unwrap(),
            host,
            root,
        }
    }

    /// Publishes a sound signer below the root.
    fn publish(&self) -> Minted {
        let signer = Mint::leaf().by(&self.root);
        self.host.put(CERTIFICATE, signer.der());
        signer
    }

    fn headers(&self, signer: &Minted, path: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let signature = STANDARD.encode(signer.sign(BODY));
        headers.insert(
            "authorization",
            format!("Signature {signature}").parse().unwrap(),
        );
        headers.insert("x-ms-certificate-url", self.host.url(path).parse().unwrap());
        headers.insert("x-ms-signature-algorithm", "rsa-sha256".parse().unwrap());
        headers
    }

    /// The code word for a delivery signed by `signer` that names the certificate at `path`.
    async fn deliver_to(&self, path: &str, signer: &Minted, now: Now) -> Result<(), &'static str> {
        self.judge(path, signer, BODY, now)
            .await
            .map_err(|error| error.code())
    }

    async fn judge(
        &self,
        path: &str,
        signer: &Minted,
        body: &'static [u8],
        now: Now,
    ) -> Result<(), CallbackError> {
        let claim = self.callback.claim(&self.headers(signer, path))?;
        let body = Bytes::from_static(body);
        let verified = self.callback.verify_at(&claim, body.clone(), now).await?;
        assert_eq!(verified.body(), &body[..]);
        Ok(())
    }

    async fn deliver(&self, signer: &Minted, now: Now) -> Result<(), &'static str> {
        self.deliver_to(CERTIFICATE, signer, now).await
    }

    fn fetches(&self, path: &str) -> usize {
        self.host.asked().iter().filter(|it| *it == path).count()
    }
}

fn now() -> Now {
    Now::at(Timestamp::from_second(NOW).unwrap())
}

fn after(seconds: u64) -> Now {
    now() + Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_genuine_delivery_is_accepted_and_its_certificate_fetched_once() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    for _ in 0..5 {
        assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    }
    assert_eq!(scene.host.asked(), [CERTIFICATE]);
}

#[tokio::test]
async fn parallel_misses_share_one_fetch() {
    let scene = Arc::new(Scene::start().await);
    let signer = scene.publish();
    let tasks: Vec<_> = (0..500)
        .map(|_| {
            let (scene, signer) = (Arc::clone(&scene), signer.clone());
            tokio::spawn(async move { scene.deliver(&signer, now()).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(()));
    }
    assert_eq!(scene.host.asked(), [CERTIFICATE]);
}

#[tokio::test]
async fn headers_are_refused_before_any_connection() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    let mut headers = scene.headers(&signer, CERTIFICATE);
    headers.insert(
        "x-ms-certificate-url",
        scene.host.url("/other/signer.cer").parse().unwrap(),
    );
    let error = scene
        .callback
        .authenticate(&headers, Bytes::from_static(BODY))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.answer()),
        ("certificate_url_refused", Answer::Refused)
    );
    let mut headers = scene.headers(&signer, CERTIFICATE);
    headers.insert("x-ms-signature-algorithm", "rsa-sha1".parse().unwrap());
    let error = scene
        .callback
        .authenticate(&headers, Bytes::from_static(BODY))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.answer()),
        ("algorithm_unknown", Answer::Refused)
    );
    assert!(scene.host.asked().is_empty());
}

#[tokio::test]
async fn a_changed_body_or_a_strangers_key_is_refused() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    let error = scene
        .judge(CERTIFICATE, &signer, b"{}", now())
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.answer()),
        ("signature_mismatch", Answer::Refused)
    );
    let stranger = Minted {
        x509: signer.x509.clone(),
        key: other_key(3),
    };
    assert_eq!(
        scene.deliver(&stranger, now()).await,
        Err("signature_mismatch")
    );
}

#[tokio::test]
async fn a_forgery_never_makes_us_ask_an_issuer() {
    let scene = Scene::start().await;
    let forger = Mint::root("Forger").with_key(other_key(3)).self_signed();
    let signer = Mint::leaf()
        .issuer_at(&[scene.host.url("/issuer.crt")])
        .by(&forger);
    scene.host.put(CERTIFICATE, signer.der());
    let stranger = Minted {
        x509: signer.x509.clone(),
        key: other_key(2),
    };
    assert_eq!(
        scene.deliver(&stranger, now()).await,
        Err("signature_mismatch")
    );
    assert_eq!(scene.host.asked(), [CERTIFICATE]);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_had_now_may_be_had_later() {
    let scene = Scene::start().await;
    let signer = Mint::leaf().by(&scene.root);
    let error = scene
        .judge(CERTIFICATE, &signer, BODY, now())
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.answer()),
        ("certificate_unavailable", Answer::Unavailable)
    );
    scene.host.put(CERTIFICATE, signer.der());
    assert_eq!(
        scene.deliver(&signer, after(4)).await,
        Err("certificate_unavailable")
    );
    assert_eq!(
        scene.fetches(CERTIFICATE),
        1,
        "a failure is believed for seconds"
    );
    assert_eq!(scene.deliver(&signer, after(6)).await, Ok(()));
}

#[tokio::test]
async fn what_is_no_certificate_is_refused() {
    let scene = Scene::start().await;
    let signer = Mint::leaf().by(&scene.root);
    scene.host.put(CERTIFICATE, "<html>");
    let error = scene
        .judge(CERTIFICATE, &signer, BODY, now())
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.answer()),
        ("certificate_unreadable", Answer::Refused)
    );
}

async fn wait_for(condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited five seconds in vain");
}

#[tokio::test]
async fn the_profile_is_refused_before_the_signature() {
    let scene = Scene::start().await;
    for (mint, code) in [
        (
            Mint::leaf().with(super::minting::basic_constraints(true, None)),
            "certificate_authority",
        ),
        (
            Mint::leaf()
                .without(BASIC_CONSTRAINTS)
                .with(key_usage(0x20)),
            "key_usage",
        ),
    ] {
        let signer = mint.by(&scene.root);
        let path = format!("/cert/{code}.cer");
        scene.host.put(&path, signer.der());
        assert_eq!(scene.deliver_to(&path, &signer, now()).await, Err(code));
    }
}

fn fabrikam() -> Mint {
    Mint::leaf().with_subject(vec![
        (Nid::ORGANIZATIONNAME, 12, b"Fabrikam".to_vec()),
        (
            Nid::COMMONNAME,
            12,
            b"pcnotifications.microsoft.com".to_vec(),
        ),
    ])
}

#[tokio::test]
async fn genuine_but_unexpected_is_told_apart_from_forged() {
    let scene = Scene::start().await;
    let signer = fabrikam().by(&scene.root);
    scene.host.put(CERTIFICATE, signer.der());
    let error = scene
        .judge(CERTIFICATE, &signer, BODY, now())
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.answer()),
        ("policy_mismatch", Answer::PolicyMismatch)
    );
    let text = crate::failure::Chain(&error).to_string();
    assert!(
        text.contains("CALLBACK_ORGANIZATION") && text.contains("\"Fabrikam\""),
        "{text}"
    );
    assert_eq!(
        scene
            .judge(CERTIFICATE, &signer, b"{}", now())
            .await
            .unwrap_err()
            .code(),
        "organization"
    );
    let untrusted = fabrikam().self_signed();
    scene.host.put("/cert/other.cer", untrusted.der());
    assert_eq!(
        scene.deliver_to("/cert/other.cer", &untrusted, now()).await,
        Err("chain_untrusted")
    );
}

#[tokio::test]
async fn a_mismatching_certificate_never_makes_its_address_known() {
    let scene = Scene::start().await;
    let signer = fabrikam().by(&scene.root);
    scene.host.put(CERTIFICATE, signer.der());
    assert_eq!(scene.deliver(&signer, now()).await, Err("policy_mismatch"));
    for number in 0..9 {
        let _ = scene
            .deliver_to(&format!("/cert/{number}.cer"), &signer, now())
            .await;
    }
    let renewed = Mint::leaf().with_key(other_key(3)).by(&scene.root);
    scene.host.put(CERTIFICATE, renewed.der());
    let mut stranger = after(61);
    for number in 10..20 {
        let _ = scene
            .deliver_to(&format!("/cert/{number}.cer"), &signer, stranger)
            .await;
    }
    assert_eq!(scene.deliver(&renewed, stranger).await, Err("organization"));
    stranger = stranger + Duration::from_secs(61);
    assert_eq!(scene.deliver(&renewed, stranger).await, Ok(()));
}

mod caching;
mod issuing;
mod resolving;
mod revoking;
mod simulated;
