//! The algorithm and the signature, as the headers carry them (attacks 38 to 42).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use openssl::hash::MessageDigest;
use sandbox::Service;
use sandbox::deliveries::Delivery;

use super::raw::Request;
use super::scene::Scene;

const ALGORITHM: &str = "x-ms-signature-algorithm";
const AUTHORIZATION: &str = "authorization";
const OWN: &str = "x-ms-signature";

/// The honest signature in base64.
fn signature(scene: &Scene) -> String {
    let value = scene.good.header(AUTHORIZATION).unwrap();
    value.strip_prefix("Signature ").unwrap().to_owned()
}

/// The honest delivery with `bytes` for a signature.
fn with_signature(scene: &Scene, bytes: &[u8]) -> Delivery {
    let value = format!("Signature {}", STANDARD.encode(bytes));
    scene.good.with_header(AUTHORIZATION, &value)
}

/// The honest body, signed with another digest.
fn signed_with(scene: &Scene, digest: MessageDigest) -> Delivery {
    let signer = scene.rig.world().certificates.lock().signer().clone();
    with_signature(scene, &signer.sign_with(digest, &scene.good.body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_38_an_algorithm_that_is_missing_or_not_ours_is_refused_unheard() {
    let scene = Scene::start().await;
    let without = scene.good.without_header(ALGORITHM);
    scene
        .assert_refused_unheard("none", &without, "algorithm_missing")
        .await;
    for name in [
        "none",
        "",
        "rsa-sha1",
        "rsa-md5",
        "hmac-sha256",
        "rsa-sha224",
        "rsa-pss-sha256",
        "rsassa-pss",
        "ecdsa-sha256",
        "ed25519",
        "RS256",
        "sha256",
        "rsa-sha256;rsa-sha1",
        "rsa-sha256 rsa-sha1",
        "rsa-sha256\t",
        "rsa\u{2d}sha-256",
    ] {
        let delivery = scene.good.with_header(ALGORITHM, name);
        // HTTP itself takes white space off the ends of a value.
        if name.trim() == "rsa-sha256" {
            continue;
        }
        scene
            .assert_refused_unheard(name, &delivery, "algorithm_unknown")
            .await;
    }
    let sha_1 = signed_with(&scene, MessageDigest::sha1()).with_header(ALGORITHM, "rsa-sha1");
    scene
        .assert_refused_unheard("a good SHA-1 signature", &sha_1, "algorithm_unknown")
        .await;
    let both = scene.good.with_header(ALGORITHM, "rsa-sha1, rsa-sha256");
    scene
        .assert_refused_unheard("two in one", &both, "header_repeated")
        .await;
    let mut twice = scene.good.clone();
    twice
        .headers
        .push((ALGORITHM.to_owned(), "rsa-sha256".to_owned()));
    scene
        .assert_refused_unheard("two headers", &twice, "header_repeated")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_38_the_algorithm_named_is_the_one_that_is_verified_in_any_letter_case() {
    let scene = Scene::start().await;
    for (digest, name) in [
        (MessageDigest::sha256(), "rsa-sha512"),
        (MessageDigest::sha512(), "rsa-sha256"),
        (MessageDigest::sha384(), "rsa-sha256"),
        (MessageDigest::sha1(), "rsa-sha256"),
        (MessageDigest::md5(), "rsa-sha256"),
    ] {
        let delivery = signed_with(&scene, digest).with_header(ALGORITHM, name);
        let answer = scene.rig.send(&delivery).await;
        scene
            .assert_refused(name, &answer, "signature_mismatch")
            .await;
    }
    for (digest, name) in [
        (MessageDigest::sha256(), "RSA-SHA256"),
        (MessageDigest::sha384(), "rsa-sha384"),
        (MessageDigest::sha512(), "Rsa-Sha512"),
    ] {
        let delivery = signed_with(&scene, digest).with_header(ALGORITHM, name);
        assert_eq!(scene.rig.send(&delivery).await.status, 200, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_39_two_signatures_have_to_be_the_same() {
    let scene = Scene::start().await;
    let honest = signature(&scene);
    let mut bytes = STANDARD.decode(&honest).unwrap();
    bytes[0] ^= 1;
    let other = STANDARD.encode(&bytes);
    for value in [other.clone(), format!("Signature {other}")] {
        let delivery = scene.good.with_header(OWN, &value);
        scene
            .assert_refused_unheard("the other is forged", &delivery, "signature_contradictory")
            .await;
    }
    let delivery = with_signature(&scene, &bytes).with_header(OWN, &honest);
    scene
        .assert_refused_unheard("one is forged", &delivery, "signature_contradictory")
        .await;
    for name in [OWN, AUTHORIZATION] {
        let mut twice = scene.good.with_header(OWN, &honest);
        twice
            .headers
            .push((name.to_owned(), format!("Signature {honest}")));
        scene
            .assert_refused_unheard(name, &twice, "header_repeated")
            .await;
    }
    let answer = scene.rig.send(&scene.good.with_header(OWN, &honest)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_40_only_the_scheme_signature_followed_by_one_space_is_read() {
    let scene = Scene::start().await;
    let honest = signature(&scene);
    for (value, cause) in [
        (format!("Bearer {honest}"), "signature_missing"),
        (format!("Basic {honest}"), "signature_missing"),
        (format!("Signatur {honest}"), "signature_missing"),
        (format!("Signature2 {honest}"), "signature_missing"),
        (honest.clone(), "signature_missing"),
        (format!("Signature{honest}"), "signature_missing"),
        (format!("Signature\t{honest}"), "signature_missing"),
        (format!("Signature:{honest}"), "signature_missing"),
        ("Signature".to_owned(), "signature_missing"),
        (String::new(), "signature_missing"),
        (format!("Signature  {honest}"), "signature_malformed"),
        (format!("Signature \t{honest}"), "signature_malformed"),
        (
            format!("Signature Signature {honest}"),
            "signature_malformed",
        ),
        (
            format!("Signature {honest},{honest}"),
            "signature_malformed",
        ),
        (
            format!("Signature keyId=\"x\",signature=\"{honest}\""),
            "signature_malformed",
        ),
    ] {
        let delivery = scene.good.with_header(AUTHORIZATION, &value);
        scene.assert_refused_unheard(&value, &delivery, cause).await;
    }
    for scheme in ["signature", "SIGNATURE"] {
        let delivery = scene
            .good
            .with_header(AUTHORIZATION, &format!("{scheme} {honest}"));
        assert_eq!(scene.rig.send(&delivery).await.status, 200, "{scheme}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_41_base64_is_read_strictly() {
    let scene = Scene::start().await;
    let honest = signature(&scene);
    let bytes = STANDARD.decode(&honest).unwrap();
    // 256 bytes end in "==" after a character of which four bits belong to nothing.
    let last = honest.len() - 3;
    let next = char::from(honest.as_bytes()[last] + 1);
    let (start, middle) = (&honest[..last], &honest[2..]);
    // Bytes whose base64 has both characters that the URL-safe alphabet writes differently.
    let slashes = [0xfb, 0xff].repeat(128);
    for (what, value) in [
        ("URL-safe", URL_SAFE.encode(&slashes)),
        ("no padding", STANDARD_NO_PAD.encode(&bytes)),
        ("half the padding", honest[..honest.len() - 1].to_owned()),
        ("too much padding", format!("{honest}=")),
        ("white space inside", format!("{} {middle}", &honest[..2])),
        ("a tab inside", format!("{}\t{middle}", &honest[..2])),
        ("characters after the padding", format!("{honest}AA==")),
        ("padding in the middle", format!("AA=={honest}")),
        ("bits that belong to no byte", format!("{start}{next}==")),
        ("hexadecimal with a colon", "ab:cd:ef".to_owned()),
        ("quotes", format!("\"{honest}\"")),
        ("escapes", honest.replace('=', "%3D")),
        ("1027 bytes", STANDARD.encode([7; 1027])),
        ("100 kB", STANDARD.encode(vec![7; 75_000])),
    ] {
        let delivery = scene
            .good
            .with_header(AUTHORIZATION, &format!("Signature {value}"));
        scene
            .assert_refused_unheard(what, &delivery, "signature_malformed")
            .await;
    }
    let request = Request::of(&scene.good)
        .without(AUTHORIZATION)
        .header([b"x-ms-signature: ", honest.as_bytes(), b"\xc3\xa9"].concat())
        .measured();
    let answer = scene.raw(&request).await.unwrap();
    scene
        .assert_refused("beyond ASCII", &answer, "header_not_text")
        .await;
    scene.assert_nothing_dialled("beyond ASCII");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_41_headers_without_end_are_answered_without_being_read() {
    let scene = Scene::start().await;
    let long = Request::of(&scene.good)
        .header([b"x-ms-signature: ".as_slice(), &vec![b'A'; 2_000_000]].concat())
        .measured();
    let mut many = Request::of(&scene.good).measured();
    for number in 0..10_000 {
        many = many.header(format!("x-{number}: y"));
    }
    for (what, request) in [("2 MB in a header", long), ("10,000 headers", many)] {
        let status = scene.raw(&request).await.map(|answer| answer.status);
        assert!(
            matches!(status, None | Some(400 | 431)),
            "{what}: {status:?}"
        );
        scene.assert_nothing_dialled(what);
    }
    scene.assert_honest_is_served().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_42_a_signature_of_another_length_or_value_never_verifies() {
    let scene = Scene::start().await;
    let bytes = STANDARD.decode(signature(&scene)).unwrap();
    assert_eq!(bytes.len(), 256);
    let modulus = {
        let signer = scene.rig.world().certificates.lock().signer().clone();
        signer.key.rsa().unwrap().n().to_vec()
    };
    let mut one = vec![0; 256];
    one[255] = 1;
    let mut changed = bytes.clone();
    changed[255] ^= 1;
    for (what, forged) in [
        ("a byte", vec![0]),
        ("a byte less", bytes[1..].to_vec()),
        ("a byte less at the end", bytes[..255].to_vec()),
        ("a leading zero more", [&[0], bytes.as_slice()].concat()),
        ("a byte more at the end", [bytes.as_slice(), &[0]].concat()),
        ("two signatures", [bytes.as_slice(), &bytes].concat()),
        ("as long as can be", vec![0xab; 1024]),
        ("zero", vec![0; 256]),
        ("one", one),
        ("the modulus", modulus.clone()),
        ("the modulus and more", vec![0xff; 256]),
        ("one bit changed", changed),
    ] {
        let answer = scene.rig.send(&with_signature(&scene, &forged)).await;
        scene
            .assert_refused(what, &answer, "signature_mismatch")
            .await;
    }
    // All of that cost the certificate once, and one second look for a new key at most.
    let fetches = scene.rig.requests(Service::CertificateHost).len();
    assert!((1..=2).contains(&fetches), "{fetches} fetches");
    scene.assert_honest_is_served().await;
}
