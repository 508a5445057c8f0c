//! Files that should be one certificate.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
use openssl::pkcs12::Pkcs12;
use openssl::stack::Stack;
use sandbox::certificates::Signer;

use super::Scene;

/// Delivers with each of `files` where the leaf should be.
async fn assert_verdicts(
    scene: &Scene,
    signer: &Signer,
    files: Vec<(&str, Vec<u8>, Result<(), &str>)>,
) {
    // The issuers have to be there, whatever is served in the leaf's place.
    scene.publish(0, signer);
    for (number, (what, file, wanted)) in files.into_iter().enumerate() {
        let url = scene.serve(number, file);
        let verdict = scene.deliver(&url, signer).await;
        assert_eq!(verdict, wanted.map_err(str::to_owned), "{what}");
        if wanted.is_err() {
            scene.assert_untouched();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_25_a_leaf_is_read_as_der_pem_or_base64() {
    let scene = Scene::start(&[]).await;
    let signer = scene.signer().build().unwrap();
    let (der, pem) = (signer.der().unwrap(), signer.pem().unwrap());
    let issuer = String::from_utf8(signer.intermediates[0].to_pem().unwrap()).unwrap();
    let windows = pem.replace('\n', "\r\n");
    let texts = [
        ("PEM", pem.clone()),
        ("PEM with CR LF", windows),
        (
            "PEM after text",
            format!("subject=CN = x\nissuer=CN = y\n{pem}"),
        ),
        ("PEM and its issuer's", format!("{pem}{issuer}")),
        ("base64", STANDARD.encode(&der)),
    ];
    let mut files = vec![("DER", der, Ok(()))];
    files.extend(texts.map(|(what, text)| (what, text.into_bytes(), Ok(()))));
    assert_verdicts(&scene, &signer, files).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_26_a_byte_order_mark_before_pem_is_no_part_of_it() {
    let scene = Scene::start(&[]).await;
    let signer = scene.signer().build().unwrap();
    let pem = signer.pem().unwrap();
    let (mark, windows) = ("\u{feff}", pem.replace('\n', "\r\n"));
    let utf_16: Vec<u8> = format!("{mark}{pem}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let unreadable = Err("certificate_unreadable");
    let before_der = [mark.as_bytes(), &signer.der().unwrap()].concat();
    let files = vec![
        ("before DER", before_der, unreadable),
        ("of UTF-16", utf_16, unreadable),
        ("before PEM", format!("{mark}{pem}").into_bytes(), Ok(())),
        (
            "before PEM with CR LF",
            format!("{mark}{windows}").into_bytes(),
            Ok(()),
        ),
    ];
    assert_verdicts(&scene, &signer, files).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_25_a_file_that_is_not_exactly_that_is_no_leaf() {
    let scene = Scene::start(&[]).await;
    let signer = scene.signer().build().unwrap();
    let (der, pem) = (signer.der().unwrap(), signer.pem().unwrap());
    let issuer = String::from_utf8(signer.intermediates[0].to_pem().unwrap()).unwrap();
    let key = String::from_utf8(signer.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let flags = Pkcs7Flags::BINARY;
    let empty = Stack::new().unwrap();
    let message = Pkcs7::sign(&signer.certificate, &signer.key, &empty, b"x", flags).unwrap();
    let store = Pkcs12::builder()
        .cert(&signer.certificate)
        .pkey(&signer.key)
        .build2("x")
        .unwrap();
    let unreadable = Err("certificate_unreadable");
    let files = vec![
        ("nothing", vec![], unreadable),
        ("PKCS #7", message.to_der().unwrap(), unreadable),
        ("PKCS #7 in PEM", message.to_pem().unwrap(), unreadable),
        ("PKCS #12", store.to_der().unwrap(), unreadable),
        (
            "500 certificates",
            pem.repeat(500).into_bytes(),
            Err("certificate_unavailable"),
        ),
        ("20 certificates", pem.repeat(20).into_bytes(), unreadable),
        (
            "a key before",
            format!("{key}{pem}").into_bytes(),
            unreadable,
        ),
        ("a byte after DER", [&*der, &[0]].concat(), unreadable),
        ("a byte before DER", [&[0], &*der].concat(), unreadable),
        ("DER twice", [&*der, &*der].concat(), unreadable),
        ("half of DER", der[..der.len() / 2].to_vec(), unreadable),
        ("text after PEM", format!("{pem}x").into_bytes(), unreadable),
        (
            "PEM without its end",
            pem.replace("-----END", "-----FIN").into_bytes(),
            unreadable,
        ),
        (
            "a web page",
            b"<!doctype html><title>Sign in</title>".to_vec(),
            unreadable,
        ),
        (
            "the issuer first",
            format!("{issuer}{pem}").into_bytes(),
            Err("certificate_authority"),
        ),
    ];
    assert_verdicts(&scene, &signer, files).await;
}
