use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use openssl::nid::Nid;

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
            callback: Callback::new(&config, None).unwrap(),
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
    let scene = std::sync::Arc::new(Scene::start().await);
    let signer = scene.publish();
    let tasks: Vec<_> = (0..500)
        .map(|_| {
            let (scene, signer) = (std::sync::Arc::clone(&scene), signer.clone());
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

#[tokio::test]
async fn strangers_have_a_budget_and_never_spend_that_of_the_known() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    for number in 0..9 {
        let path = format!("/cert/{number}.cer");
        assert_eq!(
            scene.deliver_to(&path, &signer, after(1)).await,
            Err("certificate_unavailable")
        );
    }
    assert_eq!(
        scene.deliver_to("/cert/x.cer", &signer, after(1)).await,
        Err("over_budget")
    );
    assert_eq!(scene.fetches("/cert/x.cer"), 0);
    let renewed = Mint::leaf().with_key(other_key(3)).by(&scene.root);
    scene.host.put(CERTIFICATE, renewed.der());
    // The known address is renewed, although strangers have used up this minute.
    for number in 10..30 {
        let path = format!("/cert/{number}.cer");
        let _ = scene.deliver_to(&path, &signer, after(65)).await;
    }
    assert_eq!(
        scene.deliver_to("/cert/y.cer", &signer, after(65)).await,
        Err("over_budget")
    );
    assert_eq!(scene.deliver(&renewed, after(65)).await, Ok(()));
}

#[tokio::test]
async fn no_number_of_bad_addresses_pushes_out_a_good_one() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    for number in 0..100 {
        let path = format!("/cert/{number}.cer");
        let result = scene.deliver_to(&path, &signer, after(number * 10)).await;
        assert_eq!(result, Err("certificate_unavailable"));
    }
    scene.host.remove(CERTIFICATE);
    assert_eq!(scene.deliver(&signer, after(2000)).await, Ok(()));
    assert_eq!(scene.fetches(CERTIFICATE), 1);
}

#[tokio::test]
async fn a_new_key_is_found_by_one_look_and_the_old_one_stays_a_day() {
    let scene = Scene::start().await;
    let old = scene.publish();
    assert_eq!(scene.deliver(&old, now()).await, Ok(()));
    let new = Mint::leaf().with_key(other_key(3)).by(&scene.root);
    scene.host.put(CERTIFICATE, new.der());
    assert_eq!(
        scene.deliver(&new, after(59)).await,
        Err("signature_mismatch")
    );
    assert_eq!(
        scene.fetches(CERTIFICATE),
        1,
        "an address is looked at once a minute"
    );
    assert_eq!(scene.deliver(&new, after(61)).await, Ok(()));
    assert_eq!(scene.fetches(CERTIFICATE), 2);
    assert_eq!(scene.deliver(&old, after(61)).await, Ok(()));
    assert_eq!(scene.deliver(&old, after(23 * 3600)).await, Ok(()));
    assert_eq!(scene.deliver(&new, after(24 * 3600 + 62)).await, Ok(()));
    assert_eq!(
        scene.deliver(&old, after(24 * 3600 + 62)).await,
        Err("signature_mismatch")
    );
}

#[tokio::test]
async fn forgeries_make_one_look_a_minute() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    let stranger = Minted {
        x509: signer.x509.clone(),
        key: other_key(3),
    };
    for second in 0..180 {
        assert_eq!(
            scene.deliver(&stranger, after(second)).await,
            Err("signature_mismatch")
        );
    }
    assert_eq!(scene.fetches(CERTIFICATE), 3);
    assert_eq!(scene.deliver(&signer, after(180)).await, Ok(()));
}

#[tokio::test]
async fn an_outage_of_the_host_is_survived_until_the_certificate_expires() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    scene.host.put(CERTIFICATE, "<html>");
    let left = u64::try_from(Mint::leaf().to - NOW).unwrap();
    assert_eq!(scene.deliver(&signer, after(left)).await, Ok(()));
    let error = scene
        .judge(CERTIFICATE, &signer, BODY, after(left + 1))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.answer()),
        ("certificate_expired", Answer::Refused)
    );
}

#[tokio::test]
async fn a_certificate_is_looked_at_again_every_day() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    assert_eq!(scene.deliver(&signer, after(23 * 3600)).await, Ok(()));
    assert_eq!(scene.fetches(CERTIFICATE), 1);
    assert_eq!(scene.deliver(&signer, after(25 * 3600)).await, Ok(()));
    wait_for(|| scene.fetches(CERTIFICATE) == 2).await;
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
async fn a_leaf_that_comes_alone_is_completed_from_its_issuers_host() {
    let scene = Scene::start().await;
    let outer = Mint::authority("Outer").by(&scene.root);
    let inner = Mint::authority("Inner")
        .with_key(other_key(3))
        .issuer_at(&[scene.host.url("/outer.crt")])
        .by(&outer);
    let urls = [scene.host.url("/gone.crt"), scene.host.url("/inner.crt")];
    let signer = Mint::leaf().issuer_at(&urls).by(&inner);
    scene.host.put(CERTIFICATE, signer.der());
    scene.host.put("/inner.crt", inner.der());
    scene.host.put("/outer.crt", outer.pem());
    for _ in 0..3 {
        assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    }
    assert_eq!(
        scene.host.asked(),
        [CERTIFICATE, "/gone.crt", "/inner.crt", "/outer.crt"]
    );
    // A chain fetched once outlives its hosts.
    for path in ["/inner.crt", "/outer.crt"] {
        scene.host.remove(path);
    }
    assert_eq!(scene.deliver(&signer, after(3600)).await, Ok(()));
}

#[tokio::test]
async fn both_cross_signed_issuers_are_tried() {
    let scene = Scene::start().await;
    let stranger = Mint::root("Stranger").with_key(other_key(3)).self_signed();
    let astray = Mint::authority("Authority").by(&stranger);
    let right = Mint::authority("Authority").by(&scene.root);
    let urls = [scene.host.url("/astray.crt"), scene.host.url("/right.crt")];
    let signer = Mint::leaf().issuer_at(&urls).by(&right);
    scene.host.put(CERTIFICATE, signer.der());
    scene.host.put("/astray.crt", astray.der());
    scene.host.put("/right.crt", right.der());
    assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
}

#[tokio::test]
async fn an_issuer_that_cannot_be_had_now_may_be_had_later() {
    let scene = Scene::start().await;
    let authority = Mint::authority("Authority").by(&scene.root);
    let signer = Mint::leaf()
        .issuer_at(&[scene.host.url("/issuer.crt")])
        .by(&authority);
    scene.host.put(CERTIFICATE, signer.der());
    let error = scene
        .judge(CERTIFICATE, &signer, BODY, now())
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.answer()),
        ("chain_unavailable", Answer::Unavailable)
    );
    scene.host.put("/issuer.crt", authority.der());
    assert_eq!(scene.deliver(&signer, after(31)).await, Ok(()));
}

#[tokio::test]
async fn an_issuer_is_asked_for_only_at_a_host_of_the_list_and_a_few_times() {
    let scene = Scene::with(&[("CALLBACK_AIA_HOSTS", "caissuers.microsoft.com")]).await;
    let authority = Mint::authority("Authority").by(&scene.root);
    let signer = Mint::leaf()
        .issuer_at(&[scene.host.url("/issuer.crt")])
        .by(&authority);
    scene.host.put(CERTIFICATE, signer.der());
    assert_eq!(scene.deliver(&signer, now()).await, Err("chain_untrusted"));
    assert_eq!(scene.host.asked(), [CERTIFICATE]);

    let scene = Scene::start().await;
    let many = |from: usize| -> Vec<String> {
        (from..from + 8)
            .map(|number| scene.host.url(&format!("/{number}.crt")))
            .collect()
    };
    let authority = Mint::authority("Authority")
        .issuer_at(&many(8))
        .self_signed();
    let signer = Mint::leaf().issuer_at(&many(0)).by(&authority);
    scene.host.put(CERTIFICATE, signer.der());
    scene.host.put("/0.crt", authority.der());
    assert_eq!(
        scene.deliver(&signer, now()).await,
        Err("chain_unavailable")
    );
    assert_eq!(scene.host.asked().len(), 1 + 8);
}

#[tokio::test]
async fn a_verdict_is_reached_again_when_time_passes_an_issuer() {
    let scene = Scene::start().await;
    let mut authority = Mint::authority("Authority");
    authority.to = NOW + 1000;
    let authority = authority.by(&scene.root);
    let signer = Mint::leaf().by(&authority);
    scene
        .host
        .put(CERTIFICATE, [signer.pem(), authority.pem()].concat());
    assert_eq!(scene.deliver(&signer, after(1000)).await, Ok(()));
    assert_eq!(
        scene.deliver(&signer, after(1001)).await,
        Err("chain_untrusted")
    );
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

mod revoking;
mod simulated;
