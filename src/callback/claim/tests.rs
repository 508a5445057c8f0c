use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::{Claim, ClaimError};
use crate::callback::allow_list::CertificateUrls;
use crate::callback::signature::Algorithm;

const URL: &str =
    "https://3psostorageacct.blob.core.windows.net/cert/pcnotifications.microsoft.com.cer";
const BYTES: [u8; 4] = [0xfb, 0xef, 0xbe, 0xff];

fn urls() -> CertificateUrls {
    let pattern = "https://3psostorageacct.blob.core.windows.net/cert/*.cer";
    CertificateUrls::new(vec![pattern.parse().unwrap()])
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

/// The claim of a delivery whose signature is in `signed`.
fn claim(signed: &[(&str, &str)]) -> Result<Claim, ClaimError> {
    let mut headers = headers(signed);
    headers.insert("x-ms-certificate-url", URL.parse().unwrap());
    headers.insert("x-ms-signature-algorithm", "rsa-sha256".parse().unwrap());
    Claim::from_headers(&headers, &urls())
}

fn base64() -> String {
    STANDARD.encode(BYTES)
}

#[test]
fn both_headers_and_both_forms_carry_a_signature() {
    let bare = base64();
    let with_scheme = format!("Signature {bare}");
    let lower = format!("signature {bare}");
    for signed in [
        ("authorization", &with_scheme),
        ("authorization", &lower),
        ("x-ms-signature", &with_scheme),
        ("x-ms-signature", &lower),
        ("x-ms-signature", &bare),
    ] {
        let claim = claim(&[(signed.0, signed.1)]).unwrap();
        assert_eq!(claim.signature, BYTES, "{signed:?}");
        assert_eq!(claim.algorithm, Algorithm::RsaSha256);
        assert_eq!(claim.certificate_url.url().as_str(), URL);
    }
}

#[test]
fn two_signatures_have_to_be_the_same_bytes() {
    let one = format!("Signature {}", base64());
    let other = format!("Signature {}", STANDARD.encode([1, 2, 3]));
    assert!(claim(&[("x-ms-signature", &base64()), ("authorization", &one)]).is_ok());
    assert_eq!(
        claim(&[("x-ms-signature", &base64()), ("authorization", &other)]),
        Err(ClaimError::ContradictorySignatures)
    );
}

#[test]
fn another_authorization_scheme_is_neither_signature_nor_contradiction() {
    for authorization in ["Bearer abc", "Basic YTpi", "Digest a=b, c=d", &base64(), ""] {
        let both = [
            ("authorization", authorization),
            ("x-ms-signature", &base64()),
        ];
        assert!(claim(&both).is_ok(), "{authorization}");
        assert_eq!(
            claim(&[("authorization", authorization)]),
            Err(ClaimError::NoSignature),
            "{authorization}"
        );
    }
}

#[test]
fn only_strict_base64_is_read() {
    let no_padding = STANDARD_NO_PAD.encode(BYTES);
    let url_safe = URL_SAFE.encode(BYTES);
    let huge = STANDARD.encode(vec![7; 1027]);
    let malformed = [
        "",
        "Signature ",
        "Signature  +++/",
        "Signature\t+++/",
        "+++ /",
        " ",
        "+++/=",
        "+++/====",
        "++==++==",
        // The last character has bits that belong to no byte.
        "//9=",
        "/x==",
        "+++/\u{e9}",
        no_padding.as_str(),
        url_safe.as_str(),
        huge.as_str(),
    ];
    for value in malformed {
        let result = claim(&[("x-ms-signature", value)]);
        assert!(
            matches!(
                result,
                Err(ClaimError::MalformedSignature | ClaimError::NotText { .. })
            ),
            "{value:?}: {result:?}"
        );
    }
    assert!(claim(&[("x-ms-signature", &STANDARD.encode(vec![7; 1024]))]).is_ok());
}

#[test]
fn the_algorithm_is_one_of_three_in_any_letter_case() {
    let with = |value: Option<&str>| {
        let mut headers = headers(&[("x-ms-signature", &base64()), ("x-ms-certificate-url", URL)]);
        if let Some(value) = value {
            headers.insert("x-ms-signature-algorithm", value.parse().unwrap());
        }
        Claim::from_headers(&headers, &urls()).map(|claim| claim.algorithm)
    };
    assert_eq!(with(Some("RSA-SHA256")), Ok(Algorithm::RsaSha256));
    assert_eq!(with(Some("rsa-sha384")), Ok(Algorithm::RsaSha384));
    assert_eq!(with(Some("Rsa-Sha512")), Ok(Algorithm::RsaSha512));
    assert_eq!(with(None), Err(ClaimError::NoAlgorithm));
    for value in [
        "",
        "none",
        "rsa-sha1",
        "rsa-md5",
        "hmac-sha256",
        "rsa",
        "sha256",
        "rsa-sha256 ",
        "rsa_sha256",
    ] {
        assert_eq!(
            with(Some(value)),
            Err(ClaimError::UnknownAlgorithm),
            "{value:?}"
        );
    }
}

#[test]
fn no_callback_header_may_come_twice_or_as_a_list() {
    let sound = base64();
    let scheme = format!("Signature {sound}");
    let all = [
        ("x-ms-signature", sound.as_str()),
        ("x-ms-certificate-url", URL),
        ("x-ms-signature-algorithm", "rsa-sha256"),
        ("authorization", scheme.as_str()),
    ];
    for (name, value) in all {
        let mut twice = all.to_vec();
        twice.push((name, value));
        let result = Claim::from_headers(&headers(&twice), &urls());
        assert_eq!(result, Err(ClaimError::Repeated { header: name }));
    }
    for name in [
        "x-ms-signature",
        "x-ms-certificate-url",
        "x-ms-signature-algorithm",
    ] {
        let mut joined = headers(&all);
        let value = format!("{0},{0}", joined[name].to_str().unwrap());
        joined.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        let result = Claim::from_headers(&joined, &urls());
        assert_eq!(result, Err(ClaimError::Repeated { header: name }));
    }
}

#[test]
fn a_refused_address_is_named_by_its_origin_alone() {
    let mut headers = headers(&[
        ("x-ms-signature", &base64()),
        ("x-ms-signature-algorithm", "rsa-sha256"),
    ]);
    assert_eq!(
        Claim::from_headers(&headers, &urls()),
        Err(ClaimError::NoCertificateUrl)
    );
    let url = "https://user:hunter2@evil.example/ada?secret=hunter2";
    headers.insert("x-ms-certificate-url", url.parse().unwrap());
    let error = Claim::from_headers(&headers, &urls()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the certificate address at https://evil.example matches no pattern of CALLBACK_CERTIFICATE_URLS"
    );
}

proptest! {
    #[test]
    fn no_headers_make_the_parser_panic(
        signature in proptest::collection::vec(any::<u8>(), 0..80),
        authorization in proptest::collection::vec(any::<u8>(), 0..80),
        url in ".*",
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-signature-algorithm", HeaderValue::from_static("rsa-sha256"));
        for (name, value) in [
            ("x-ms-signature", signature.as_slice()),
            ("authorization", &authorization),
            ("x-ms-certificate-url", url.as_bytes()),
        ] {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.insert(name.parse::<HeaderName>().unwrap(), value);
            }
        }
        let _ = Claim::from_headers(&headers, &urls());
    }

    #[test]
    fn a_signature_survives_the_way_through_a_header(bytes in proptest::collection::vec(any::<u8>(), 1..1024)) {
        let value = format!("Signature {}", STANDARD.encode(&bytes));
        prop_assert_eq!(claim(&[("authorization", &value)]).unwrap().signature, bytes);
    }
}
