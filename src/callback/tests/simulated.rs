//! Against signers, hosts and authorities that another hand simulates, over TLS.

use openssl::hash::MessageDigest;
use sandbox::Sandbox;
use sandbox::certificates::{Behaviour, IssuedBy, KeyKind, Published, Signer, SignerBuilder};

use super::*;

struct Simulated {
    sandbox: Sandbox,
    callback: Callback,
}

impl Simulated {
    async fn start() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let settings = sandbox.settings();
        let config = CallbackConfig::read_alone(&|key| settings.get(key).cloned()).unwrap();
        let authority = std::fs::read(sandbox.ca_file()).unwrap();
        Self {
            callback: Callback::new(&config, Some(&authority)).unwrap(),
            sandbox,
        }
    }

    fn builder(&self) -> SignerBuilder {
        self.sandbox
            .world()
            .certificates
            .lock()
            .authority()
            .signer()
    }

    /// The code word for a delivery by `signer`, published under `name`.
    async fn deliver(&self, name: &str, signer: &Signer) -> Result<(), &'static str> {
        let url = self
            .sandbox
            .world()
            .certificates
            .lock()
            .publish(name, signer)
            .unwrap();
        self.send(url.as_str(), &signer.sign(BODY).unwrap()).await
    }

    async fn send(&self, url: &str, signature: &[u8]) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-ms-signature",
            STANDARD.encode(signature).parse().unwrap(),
        );
        headers.insert("x-ms-certificate-url", url.parse().unwrap());
        headers.insert("x-ms-signature-algorithm", "rsa-sha256".parse().unwrap());
        let body = Bytes::from_static(BODY);
        let verified = self.callback.authenticate(&headers, body).await;
        verified.map(drop).map_err(|error| error.code())
    }
}

#[tokio::test]
async fn a_signer_like_partner_centers_is_accepted_over_tls() {
    let simulated = Simulated::start().await;
    let (url, signature) = {
        let certificates = simulated.sandbox.world().certificates.lock();
        (
            certificates.signer_url(),
            certificates.signer().sign(BODY).unwrap(),
        )
    };
    assert_eq!(simulated.send(url.as_str(), &signature).await, Ok(()));
}

#[tokio::test]
async fn a_host_whose_tls_authority_is_unknown_is_not_believed() {
    let simulated = Simulated::start().await;
    let settings = simulated.sandbox.settings();
    let config = CallbackConfig::read_alone(&|key| settings.get(key).cloned()).unwrap();
    let stranger = Simulated {
        callback: Callback::new(&config, None).unwrap(),
        ..simulated
    };
    let signer = stranger.builder().build().unwrap();
    assert_eq!(
        stranger.deliver("a.cer", &signer).await,
        Err("certificate_unavailable")
    );
}

#[tokio::test]
async fn near_misses_are_refused_for_what_they_are() {
    let simulated = Simulated::start().await;
    let it = || simulated.builder();
    let cases: Vec<(SignerBuilder, Result<(), &str>)> = vec![
        (it().issued_by(IssuedBy::Depth(3)), Ok(())),
        (it().issued_by(IssuedBy::Root), Ok(())),
        (it().issued_by(IssuedBy::Depth(4)), Err("chain_untrusted")),
        (
            it().issued_by(IssuedBy::PrivateCopy),
            Err("chain_untrusted"),
        ),
        (it().issued_by(IssuedBy::Itself), Err("chain_untrusted")),
        (it().digest(MessageDigest::sha1()), Err("chain_untrusted")),
        (it().expired(), Err("certificate_expired")),
        (it().version_1(), Err("certificate_version")),
    ];
    for (number, (builder, wanted)) in cases.into_iter().enumerate() {
        let signer = builder.build().unwrap();
        let result = simulated.deliver(&format!("a{number}.cer"), &signer).await;
        assert_eq!(result, wanted, "case {number}");
    }
    let more = Simulated::start().await;
    let it = || more.builder();
    let cases: Vec<(SignerBuilder, Result<(), &str>)> = vec![
        (it().not_yet_valid(), Err("certificate_not_yet_valid")),
        (
            it().authority_flag(Some(true)),
            Err("certificate_authority"),
        ),
        (
            it().unknown_critical_extension(),
            Err("certificate_extension"),
        ),
        (it().key(KeyKind::rsa(1024)), Err("certificate_key")),
        (
            it().organizations(&["Microsoft Corporation Ltd"]),
            Err("policy_mismatch"),
        ),
        (
            it().common_name("www.microsoft.com").dns_names(&[]),
            Err("policy_mismatch"),
        ),
        (
            it().extended_key_usages(&["clientAuth"]),
            Err("policy_mismatch"),
        ),
    ];
    for (number, (builder, wanted)) in cases.into_iter().enumerate() {
        let signer = builder.build().unwrap();
        let result = more.deliver(&format!("b{number}.cer"), &signer).await;
        assert_eq!(result, wanted, "case {number}");
    }
}

#[tokio::test]
async fn a_hostile_answer_of_the_certificate_host_is_no_certificate() {
    let simulated = Simulated::start().await;
    let signer = simulated.builder().build().unwrap();
    let file = || Published::file(signer.der().unwrap());
    let redirect = Behaviour::Redirect {
        status: 302,
        location: "/cert/elsewhere.cer".to_owned(),
    };
    let cases = [
        (file().behaving(redirect), Err("certificate_unavailable")),
        (
            file().behaving(Behaviour::Status(206)),
            Err("certificate_unavailable"),
        ),
        (
            file().behaving(Behaviour::Status(404)),
            Err("certificate_unavailable"),
        ),
        (
            file().behaving(Behaviour::Gzip),
            Err("certificate_unavailable"),
        ),
        (
            file().behaving(Behaviour::Endless),
            Err("certificate_unavailable"),
        ),
        (Published::html(), Err("certificate_unreadable")),
        (file().behaving(Behaviour::Chunked), Ok(())),
    ];
    let signature = signer.sign(BODY).unwrap();
    for (number, (published, wanted)) in cases.into_iter().enumerate() {
        let name = format!("c{number}.cer");
        let url = simulated
            .sandbox
            .world()
            .certificates
            .lock()
            .serve(&name, published);
        assert_eq!(
            simulated.send(url.as_str(), &signature).await,
            wanted,
            "case {number}"
        );
    }
}
