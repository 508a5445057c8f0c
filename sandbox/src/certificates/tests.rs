use std::time::Duration;

use jiff::SignedDuration;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{CrlStatus, X509, X509Crl, X509StoreContext, X509VerifyResult};

use super::{Behaviour, Encoding, IssuedBy, KeyKind, KeyUsages, NameEncoding, Published, Signer};
use crate::{Sandbox, Service};

fn client(sandbox: &Sandbox) -> reqwest::Client {
    let ca = std::fs::read(sandbox.ca_file()).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

async fn bytes(client: &reqwest::Client, url: impl reqwest::IntoUrl) -> Vec<u8> {
    let response = client.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}

/// What OpenSSL says of the signer's chain when only its own root is trusted.
fn verify(signer: &Signer, root: &X509) -> Result<(), X509VerifyResult> {
    let mut store = X509StoreBuilder::new().unwrap();
    store.add_cert(root.clone()).unwrap();
    store.set_flags(X509VerifyFlags::X509_STRICT).unwrap();
    let store = store.build();
    let mut chain = Stack::new().unwrap();
    for intermediate in &signer.intermediates {
        chain.push(intermediate.clone()).unwrap();
    }
    let mut context = X509StoreContext::new().unwrap();
    context
        .init(&store, &signer.certificate, &chain, |context| {
            Ok(if context.verify_cert()? {
                Ok(())
            } else {
                Err(context.error())
            })
        })
        .unwrap()
}

fn signature_fits(certificate: &X509, body: &[u8], signature: &[u8]) -> bool {
    let key = certificate.public_key().unwrap();
    let digest = openssl::hash::MessageDigest::sha256();
    let mut verifier = openssl::sign::Verifier::new(digest, &key).unwrap();
    verifier.verify_oneshot(signature, body).unwrap()
}

#[tokio::test]
async fn the_leaf_leads_to_its_issuer_and_to_its_revocation_list() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    let url = sandbox.world().certificates.lock().signer_url();
    assert_eq!(
        url.path(),
        "/cert/pcnotifications-dispatch.microsoft.com.cer"
    );
    let leaf = X509::from_der(&bytes(&client, url).await).unwrap();

    let access = leaf.authority_info().unwrap();
    let issuer_url = access[0].location().uri().unwrap();
    assert!(issuer_url.starts_with(sandbox.url(Service::AuthorityHost).as_str()));
    let issuer = X509::from_der(&bytes(&client, issuer_url).await).unwrap();
    assert!(leaf.verify(&issuer.public_key().unwrap()).unwrap());

    let points = leaf.crl_distribution_points().unwrap();
    let names = points[0].distpoint().unwrap().fullname().unwrap();
    let list = bytes(&client, names[0].uri().unwrap()).await;
    let list = X509Crl::from_der(&list).unwrap();
    assert!(list.verify(&issuer.public_key().unwrap()).unwrap());
    assert!(matches!(list.get_by_cert(&leaf), CrlStatus::NotRevoked));
}

#[tokio::test]
async fn partner_centers_signer_verifies_strictly_and_signs_what_openssl_accepts() {
    let sandbox = Sandbox::start().await.unwrap();
    let state = sandbox.world().certificates.lock();
    let signer = state.signer();
    assert_eq!(verify(signer, state.authority().root()), Ok(()));
    let signature = signer.sign(b"{}").unwrap();
    assert_eq!(signature.len(), 256);
    assert!(signature_fits(&signer.certificate, b"{}", &signature));
    assert!(!signature_fits(&signer.certificate, b"{ }", &signature));
}

#[tokio::test]
async fn rotation_changes_key_and_certificate_but_not_the_address() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    let url = sandbox.world().certificates.lock().signer_url();
    let before = X509::from_der(&bytes(&client, url.clone()).await).unwrap();
    sandbox.world().certificates.lock().rotate().unwrap();
    assert_eq!(sandbox.world().certificates.lock().signer_url(), url);
    let after = X509::from_der(&bytes(&client, url).await).unwrap();
    assert!(
        !before
            .public_key()
            .unwrap()
            .public_eq(&after.public_key().unwrap())
    );
    assert_ne!(
        before.serial_number().to_bn().unwrap(),
        after.serial_number().to_bn().unwrap()
    );
}

#[tokio::test]
async fn a_certificate_file_can_be_written_in_four_ways() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    let url = sandbox.world().certificates.lock().signer_url();
    let mut files = Vec::new();
    for encoding in [
        Encoding::Der,
        Encoding::Pem,
        Encoding::PemFromWindows,
        Encoding::Base64,
    ] {
        sandbox
            .world()
            .certificates
            .lock()
            .write_as(encoding)
            .unwrap();
        files.push(bytes(&client, url.clone()).await);
    }
    assert_eq!(files[0][0], 0x30);
    assert!(files[1].starts_with(b"-----BEGIN CERTIFICATE-----\n"));
    assert!(files[2].starts_with("\u{feff}-----BEGIN CERTIFICATE-----\r\n".as_bytes()));
    assert!(files[3].starts_with(b"MII"));
}

#[tokio::test]
async fn a_revoked_certificate_is_on_the_next_list() {
    let sandbox = Sandbox::start().await.unwrap();
    let (leaf, url) = {
        let mut state = sandbox.world().certificates.lock();
        let issuer = state.authority().intermediate().clone();
        let leaf = state.signer().certificate.clone();
        let now = sandbox.world().clock.now();
        state.revoke(&leaf, &issuer, now).unwrap();
        state
            .list_lifetime(&issuer, SignedDuration::from_hours(-1))
            .unwrap();
        (leaf, state.list_url(&issuer).unwrap())
    };
    let list = X509Crl::from_der(&bytes(&client(&sandbox), url).await).unwrap();
    assert!(matches!(list.get_by_cert(&leaf), CrlStatus::Revoked(_)));
    let now = openssl::asn1::Asn1Time::days_from_now(0).unwrap();
    assert!(list.next_update().unwrap() < now);
}

#[tokio::test]
async fn every_near_miss_differs_in_what_it_says() {
    let sandbox = Sandbox::start().await.unwrap();
    let state = sandbox.world().certificates.lock();
    let (like, root) = (|| state.authority().signer(), state.authority().root());

    let constrained = IssuedBy::Constrained(vec!["example.com".to_owned()]);
    let cases = [
        (like().expired(), "certificate has expired"),
        (
            like().not_yet_valid(),
            "certificate is not yet valid or the system clock is incorrect",
        ),
        (
            like().unknown_critical_extension(),
            "unhandled critical extension",
        ),
        (like().issued_by(constrained), "permitted subtree violation"),
    ];
    for (builder, error) in cases {
        let verdict = verify(&builder.build().unwrap(), root);
        assert_eq!(verdict.unwrap_err().error_string(), error);
    }
    let double = like().issued_by(IssuedBy::PrivateCopy).build().unwrap();
    assert!(verify(&double, root).is_err());
    assert_eq!(verify(&double, &double.root), Ok(()));
    assert!(verify(&like().issued_by(IssuedBy::Itself).build().unwrap(), root).is_err());
    for issuer in [IssuedBy::Root, IssuedBy::Depth(1), IssuedBy::Depth(6)] {
        let depth = like().issued_by(issuer).build().unwrap();
        assert_eq!(verify(&depth, root), Ok(()));
    }
}

#[tokio::test]
async fn names_keys_and_usages_are_as_asked() {
    let sandbox = Sandbox::start().await.unwrap();
    let state = sandbox.world().certificates.lock();
    let like = || state.authority().signer();
    let organizations = |signer: &Signer| -> Vec<Vec<u8>> {
        let nid = openssl::nid::Nid::ORGANIZATIONNAME;
        let entries = signer.certificate.subject_name().entries_by_nid(nid);
        entries.map(|it| it.data().as_slice().to_vec()).collect()
    };

    let two = like()
        .organizations(&["Microsoft Corporation", "Fabrikam"])
        .build()
        .unwrap();
    assert_eq!(organizations(&two).len(), 2);
    let wide = like()
        .organizations(&["MS"])
        .organization_encoding(NameEncoding::Bmp)
        .build()
        .unwrap();
    assert_eq!(organizations(&wide), [b"\0M\0S".to_vec()]);

    let weak = like().key(KeyKind::rsa(1024)).build().unwrap();
    assert_eq!(weak.certificate.public_key().unwrap().bits(), 1024);
    let cubic = like()
        .key(KeyKind::Rsa {
            bits: 2048,
            exponent: 3,
        })
        .build()
        .unwrap();
    let exponent = cubic
        .certificate
        .public_key()
        .unwrap()
        .rsa()
        .unwrap()
        .e()
        .to_owned()
        .unwrap();
    assert_eq!(exponent.to_string(), "3");
    let curve = like().key(KeyKind::P256).build().unwrap();
    assert!(signature_fits(
        &curve.certificate,
        b"{}",
        &curve.sign(b"{}").unwrap()
    ));
    assert!(
        like()
            .key(KeyKind::Ed25519)
            .build()
            .unwrap()
            .sign(b"{}")
            .is_ok()
    );

    let bare = like()
        .extended_key_usages(&[])
        .key_usages(KeyUsages::Absent)
        .build()
        .unwrap();
    assert!(
        bare.certificate.extended_key_usage().is_none() && bare.certificate.key_usage().is_none()
    );
    let code = like()
        .extended_key_usages(&["codeSigning"])
        .build()
        .unwrap();
    let code = String::from_utf8(code.certificate.to_text().unwrap()).unwrap();
    assert!(code.contains("Code Signing") && !code.contains("TLS Web Server"));
    let authority = like().authority_flag(Some(true)).build().unwrap();
    assert_eq!(verify(&authority, state.authority().root()), Ok(()));
    assert!(
        String::from_utf8(authority.certificate.to_text().unwrap())
            .unwrap()
            .contains("CA:TRUE")
    );
    let sha1 = like()
        .digest(openssl::hash::MessageDigest::sha1())
        .build()
        .unwrap();
    assert!(format!("{:?}", sha1.certificate.signature_algorithm().object()).contains("sha1"));
    assert_eq!(like().version_1().build().unwrap().certificate.version(), 0);
}

#[tokio::test]
async fn the_host_misbehaves_on_demand() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    let file = || Published::file(vec![b'x'; 70_000]);
    let serve = |name: &str, published: Published| {
        sandbox.world().certificates.lock().serve(name, published)
    };

    let whole = client.get(serve("a.cer", file())).send().await.unwrap();
    assert_eq!(whole.content_length(), Some(70_000));
    let chunked = client
        .get(serve("b.cer", file().behaving(Behaviour::Chunked)))
        .send()
        .await
        .unwrap();
    assert_eq!(chunked.content_length(), None);
    assert_eq!(chunked.bytes().await.unwrap().len(), 70_000);

    let redirect = Behaviour::Redirect {
        status: 302,
        location: "https://127.0.0.1/".to_owned(),
    };
    let redirect = client
        .get(serve("c.cer", file().behaving(redirect)))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (redirect.status().as_u16(), &redirect.headers()["location"]),
        (302, &"https://127.0.0.1/".parse().unwrap())
    );
    for status in [204, 206, 404] {
        let url = serve("d.cer", file().behaving(Behaviour::Status(status)));
        assert_eq!(client.get(url).send().await.unwrap().status(), status);
    }
    let page = client
        .get(serve("e.cer", Published::html()))
        .send()
        .await
        .unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let packed = client
        .get(serve("f.cer", file().behaving(Behaviour::Gzip)))
        .send()
        .await
        .unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.bytes().await.unwrap()[..2], [0x1f, 0x8b]);

    let drip = Behaviour::Drip {
        bytes: 1,
        pause: Duration::from_millis(20),
    };
    let mut drip = client
        .get(serve("g.cer", file().behaving(drip)))
        .send()
        .await
        .unwrap();
    assert_eq!(drip.chunk().await.unwrap().unwrap().len(), 1);
    let mut endless = client
        .get(serve("h.cer", file().behaving(Behaviour::Endless)))
        .send()
        .await
        .unwrap();
    let mut read = 0;
    while read < 1_000_000 {
        read += endless.chunk().await.unwrap().unwrap().len();
    }
    assert_eq!(
        client
            .get(sandbox.url(Service::CertificateHost))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}
