use openssl::nid::Nid;

use super::{KeyPurpose, Policy};
use crate::callback::certificate::Certificate;
use crate::callback::minting::{
    ALTERNATIVE_NAME, EXTENDED_KEY_USAGE, Mint, extended_key_usage, hosts,
};

const NAME: &[u8] = b"Microsoft Corporation";

fn policy() -> Policy {
    Policy {
        organization: "Microsoft Corporation".to_owned(),
        subjects: vec!["pcnotifications*.microsoft.com".parse().unwrap()],
        extended_key_usages: vec!["serverAuth".parse().unwrap()],
    }
}

/// The code words of what `mint` fails.
fn codes(mint: Mint) -> Vec<&'static str> {
    let certificate = Certificate::read(&mint.self_signed().der(), &policy()).unwrap();
    certificate
        .mismatches()
        .iter()
        .map(super::Mismatch::code)
        .collect()
}

fn organizations(values: &[(u8, &[u8])]) -> Vec<&'static str> {
    let mut subject = vec![(
        Nid::COMMONNAME,
        12,
        b"pcnotifications.microsoft.com".to_vec(),
    )];
    subject.extend(
        values
            .iter()
            .map(|(tag, it)| (Nid::ORGANIZATIONNAME, *tag, it.to_vec())),
    );
    codes(Mint::leaf().with_subject(subject))
}

fn wide(bytes_each: usize) -> Vec<u8> {
    NAME.iter()
        .flat_map(|byte| [vec![0; bytes_each - 1], vec![*byte]].concat())
        .collect()
}

#[test]
fn the_organisation_is_equal_in_any_string_type() {
    for (tag, value) in [
        (12, NAME.to_vec()),
        (19, NAME.to_vec()),
        (20, NAME.to_vec()),
        (22, NAME.to_vec()),
        (30, wide(2)),
        (28, wide(4)),
    ] {
        assert_eq!(organizations(&[(tag, &value)]), [""; 0], "tag {tag}");
    }
}

#[test]
fn an_organisation_that_only_looks_right_is_refused() {
    let cases: [&[(u8, &[u8])]; 12] = [
        &[],
        &[(12, b"Microsoft Corporation Ltd")],
        &[(12, b"Not Microsoft Corporation")],
        &[(12, b"microsoft corporation")],
        &[(12, b"Microsoft Corporation ")],
        &[(12, NAME), (12, NAME)],
        &[(12, b"Fabrikam"), (12, NAME)],
        &[(12, "Micros\u{43e}ft Corporation".as_bytes())],
        &[(12, b"Microsoft Corporation\0")],
        &[(12, b"Microsoft Corporation\0 Ltd")],
        &[(12, "Microsoft Corporation\u{fffd}".as_bytes())],
        &[(20, b"Microsoft Corporati\xf3n")],
    ];
    for case in cases {
        assert_eq!(organizations(case), ["organization"], "{case:?}");
    }
}

#[test]
fn an_organisation_inside_another_attribute_does_not_count() {
    let subject = vec![(
        Nid::COMMONNAME,
        12,
        b"pcnotifications.microsoft.com, O=Microsoft Corporation".to_vec(),
    )];
    assert_eq!(codes(Mint::leaf().with_subject(subject)), ["organization"]);
}

#[test]
fn a_common_name_or_a_dns_name_has_to_match() {
    let with = |name: &[u8], host: &[u8]| {
        let subject = vec![
            (Nid::ORGANIZATIONNAME, 12, NAME.to_vec()),
            (Nid::COMMONNAME, 12, name.to_vec()),
        ];
        codes(Mint::leaf().with_subject(subject).with(hosts(&[host])))
    };
    assert_eq!(
        with(b"x", b"pcnotifications-dispatch.microsoft.com"),
        [""; 0]
    );
    assert_eq!(with(b"pcnotifications.microsoft.com", b"x"), [""; 0]);
    assert_eq!(with(b"www.microsoft.com", b"microsoft.com"), ["subject"]);
    assert_eq!(with(b"x", b"*.microsoft.com"), ["subject"]);
    assert_eq!(
        with(b"x", b"pcnotifications.microsoft.com\0.evil.example"),
        ["subject"]
    );
    assert_eq!(with(b"pcnotifications.microsoft.com\0", b"x"), ["subject"]);
    let bare = Mint::leaf().without(ALTERNATIVE_NAME);
    assert_eq!(codes(bare), [""; 0]);
}

#[test]
fn the_extended_key_usage_is_there_and_names_the_purpose() {
    let with = |purposes: &[&str]| codes(Mint::leaf().with(extended_key_usage(purposes)));
    assert_eq!(with(&["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"]), [""; 0]);
    assert_eq!(with(&["2.5.29.37.0"]), ["extended_key_usage"]);
    assert_eq!(with(&["1.3.6.1.5.5.7.3.3"]), ["extended_key_usage"]);
    assert_eq!(with(&["1.3.6.1.4.1.311.76.1"]), ["extended_key_usage"]);
    assert_eq!(
        codes(Mint::leaf().without(EXTENDED_KEY_USAGE)),
        ["extended_key_usage"]
    );
}

#[test]
fn a_mismatch_names_the_setting_that_would_admit_it() {
    let subject = vec![
        (Nid::ORGANIZATIONNAME, 12, b"Fabrikam\nO=x".to_vec()),
        (Nid::COMMONNAME, 12, b"events.fabrikam.example".to_vec()),
    ];
    let mint = Mint::leaf().with_subject(subject).without(ALTERNATIVE_NAME);
    let certificate = Certificate::read(&mint.self_signed().der(), &policy()).unwrap();
    let texts: Vec<String> = certificate
        .mismatches()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        texts[0].contains(r#""Fabrikam\nO=x"; CALLBACK_ORGANIZATION"#),
        "{texts:?}"
    );
    assert!(
        texts[1].contains(r#""events.fabrikam.example"; CALLBACK_SUBJECTS"#),
        "{texts:?}"
    );
    assert!(!certificate.summary().contains('\n'));
}

#[test]
fn a_purpose_is_a_word_or_an_object_id_but_never_any() {
    for text in ["serverAuth", "ServerAuth", "1.3.6.1.5.5.7.3.1"] {
        assert_eq!(
            text.parse::<KeyPurpose>().unwrap().to_string(),
            "serverAuth"
        );
    }
    assert_eq!(
        "1.3.6.1.4.1.311.76.1"
            .parse::<KeyPurpose>()
            .unwrap()
            .to_string(),
        "1.3.6.1.4.1.311.76.1"
    );
    for text in ["", "anything", "2.5.29.37.0", "1", "1..2", "01.3.6"] {
        assert!(text.parse::<KeyPurpose>().is_err(), "{text:?}");
    }
}
