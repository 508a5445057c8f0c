use std::collections::BTreeMap;

use super::{CallbackConfig, RevocationMode};
use crate::callback::minting::Mint;

fn read(values: &[(&'static str, &str)]) -> Result<CallbackConfig, Vec<String>> {
    let values: BTreeMap<_, _> = values.iter().copied().collect();
    CallbackConfig::read_alone(&|key| values.get(key).map(|it| (*it).to_owned()))
        .map_err(|error| error.problems)
}

#[test]
fn the_defaults_are_those_of_partner_center() {
    let config = read(&[]).unwrap();
    let url =
        "https://3psostorageacct.blob.core.windows.net/cert/pcnotifications.microsoft.com.cer";
    assert!(config.certificate_urls.admit(url).is_some());
    assert_eq!(config.policy.organization, "Microsoft Corporation");
    assert!(config.anchors.mozilla && config.anchors.own.is_empty());
    assert!(
        config
            .issuer_hosts
            .admit("http://caissuers.microsoft.com/a.crt")
            .is_some()
    );
    assert!(
        config
            .revocation_hosts
            .admit("http://crl4.digicert.com/a.crl")
            .is_some()
    );
    assert_eq!(config.revocation, RevocationMode::Soft);
}

#[test]
fn pem_settings_hold_text_or_a_path() {
    let pem = String::from_utf8(Mint::root("Root").self_signed().pem()).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &pem).unwrap();
    let one_line = pem.replace('\n', "\\n");
    for value in [pem.as_str(), &one_line, file.path().to_str().unwrap()] {
        let config = read(&[
            ("CALLBACK_TRUST_ANCHORS", "pem"),
            ("CALLBACK_TRUST_ANCHORS_PEM", value),
            ("CALLBACK_INTERMEDIATES_PEM", value),
        ])
        .unwrap();
        assert!(!config.anchors.mozilla);
        assert_eq!(config.anchors.own.len(), 1);
        assert_eq!(config.intermediates.len(), 1);
    }
}

#[test]
fn every_unusable_value_is_a_problem_of_its_own_setting() {
    let cases = [
        ("CALLBACK_CERTIFICATE_URLS", "https://*/cert/*.cer"),
        ("CALLBACK_CERTIFICATE_URLS", ","),
        ("CALLBACK_SUBJECTS", "*"),
        ("CALLBACK_EXTENDED_KEY_USAGES", "2.5.29.37.0"),
        ("CALLBACK_TRUST_ANCHORS", "windows"),
        ("CALLBACK_TRUST_ANCHORS_PEM", "-----BEGIN CERTIFICATE-----"),
        ("CALLBACK_INTERMEDIATES_PEM", "/nowhere/ca.pem"),
        ("CALLBACK_AIA_HOSTS", "10.0.0.1"),
        ("CALLBACK_CRL_HOSTS", "http://www.microsoft.com"),
        ("CALLBACK_REVOCATION", "maybe"),
    ];
    for (key, value) in cases {
        let problems = read(&[(key, value)]).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(key), "{problems:?}");
    }
}

#[test]
fn anchors_that_would_not_count_are_not_accepted_in_silence() {
    let pem = String::from_utf8(Mint::root("Root").self_signed().pem()).unwrap();
    let ignored = read(&[("CALLBACK_TRUST_ANCHORS_PEM", &pem)]).unwrap_err();
    assert!(ignored[0].contains("pem or both"), "{ignored:?}");
    let missing = read(&[("CALLBACK_TRUST_ANCHORS", "both")]).unwrap_err();
    assert!(missing[0].contains("is not set"), "{missing:?}");
}
