use proptest::prelude::*;

use super::{AllowedHost, AllowedHosts, CertificateUrls, UrlPattern};

const DEFAULT: &str = "https://3psostorageacct.blob.core.windows.net/cert/*.cer";

fn list(patterns: &[&str]) -> CertificateUrls {
    CertificateUrls::new(patterns.iter().map(|it| it.parse().unwrap()).collect())
}

#[test]
fn the_addresses_partner_center_uses_are_admitted() {
    for name in [
        "pcnotifications.microsoft.com",
        "pcnotifications-dispatch.microsoft.com",
        "a_b-c.D9",
    ] {
        let url = format!("https://3psostorageacct.blob.core.windows.net/cert/{name}.cer");
        let admitted = list(&[DEFAULT]).admit(&url).expect(&url);
        assert_eq!(admitted.url().as_str(), url);
        assert!(!admitted.is_pinned());
    }
}

#[test]
fn everything_else_is_refused() {
    let host = "3psostorageacct.blob.core.windows.net";
    let long = format!("https://{host}/cert/{}.cer", "a".repeat(3000));
    let hostile = [
        format!("http://{host}/cert/a.cer"),
        format!("ftp://{host}/cert/a.cer"),
        "file:///cert/a.cer".to_owned(),
        "data:text/plain,a.cer".to_owned(),
        format!("https://{host}.evil.example/cert/a.cer"),
        format!("https://evil-{host}/cert/a.cer"),
        "https://other.blob.core.windows.net/cert/a.cer".to_owned(),
        format!("https://user@{host}/cert/a.cer"),
        format!("https://user:pw@{host}/cert/a.cer"),
        format!("https://{host}@evil.example/cert/a.cer"),
        format!("https://{host}:8443/cert/a.cer"),
        format!("https://{host}:443/cert/a.cer"),
        format!("https://{host}./cert/a.cer"),
        format!("https://{}/cert/a.cer", host.to_uppercase()),
        format!("HTTPS://{host}/cert/a.cer"),
        format!("https://{host}/cert/a.cer?x=1"),
        format!("https://{host}/cert/a.cer?"),
        format!("https://{host}/cert/a.cer#x"),
        format!("https://{host}/cert/a.cer#"),
        format!("https://{host}/cert/a;b.cer"),
        format!("https://{host}/cert/../cert/a.cer"),
        format!("https://{host}/cert/%2e%2e/a.cer"),
        format!("https://{host}/cert/%61.cer"),
        format!("https://{host}/cert//a.cer"),
        format!("https://{host}//cert/a.cer"),
        format!("https://{host}/cert/a/b.cer"),
        format!("https://{host}\\cert\\a.cer"),
        format!("https://{host}\\@evil.example/cert/a.cer"),
        format!("https://{host}/cert/a\t.cer"),
        format!("https://{host}/cert/a\n.cer"),
        format!(" https://{host}/cert/a.cer"),
        format!("https://{host}/cert/a.cer "),
        format!("https://{host}/cert/a\0.cer"),
        format!("https://{host}/cert/.cer"),
        format!("https://{host}/CERT/a.cer"),
        format!("https://{host}/cert/a.CER"),
        format!("https://{host}/cert/a.cerx"),
        format!("https://{host}/cert/ä.cer"),
        "https://3psostorageacct\u{ff0e}blob.core.windows.net/cert/a.cer".to_owned(),
        "https://3psostor\u{0430}geacct.blob.core.windows.net/cert/a.cer".to_owned(),
        "https://%33psostorageacct.blob.core.windows.net/cert/a.cer".to_owned(),
        "https://127.0.0.1/cert/a.cer".to_owned(),
        "https://2130706433/cert/a.cer".to_owned(),
        "https://0x7f.1/cert/a.cer".to_owned(),
        "https://[::1]/cert/a.cer".to_owned(),
        "https://[::ffff:127.0.0.1]/cert/a.cer".to_owned(),
        format!("https://{host}/cert/a.cer,https://{host}/cert/b.cer"),
        format!("//{host}/cert/a.cer"),
        String::new(),
        long,
    ];
    for url in hostile {
        assert!(list(&[DEFAULT]).admit(&url).is_none(), "{url:?}");
    }
}

#[test]
fn loopback_and_plain_http_need_a_pattern_that_says_so() {
    let stand_in = list(&[DEFAULT, "http://127.0.0.1:8089/cert/*.cer"]);
    assert!(stand_in.admit("http://127.0.0.1:8089/cert/a.cer").is_some());
    assert!(stand_in.admit("http://127.0.0.1:8090/cert/a.cer").is_none());
    assert!(
        stand_in
            .admit("https://127.0.0.1:8089/cert/a.cer")
            .is_none()
    );
    assert_eq!(
        stand_in.loopback_origins().collect::<Vec<_>>(),
        ["http://127.0.0.1:8089"]
    );
}

#[test]
fn an_address_without_a_gap_is_pinned() {
    let pinned = list(&[
        DEFAULT,
        "https://3psostorageacct.blob.core.windows.net/cert/a.cer",
    ]);
    let admit = |name| {
        let url = format!("https://3psostorageacct.blob.core.windows.net/cert/{name}.cer");
        pinned.admit(&url).unwrap().is_pinned()
    };
    assert!(admit("a"));
    assert!(!admit("b"));
}

#[test]
fn patterns_that_do_not_pin_an_origin_are_refused() {
    for text in [
        "",
        "*",
        "https://*/cert/a.cer",
        "https://*.blob.core.windows.net/cert/a.cer",
        "https://a.example*/cert/a.cer",
        "https://a.example",
        "https://A.example/cert/*.cer",
        "https://a.example:443/cert/*.cer",
        "https://user@a.example/cert/*.cer",
        "https://a.example/cert/*.cer?x",
        "https://a.example/cert/*.cer#x",
        "https://a.example/*a*.cer",
        "https://10.0.0.1/cert/*.cer",
        "https://[fd00::1]/cert/*.cer",
        "ftp://a.example/cert/*.cer",
        "file:///cert/*.cer",
    ] {
        assert!(text.parse::<UrlPattern>().is_err(), "{text:?}");
    }
}

#[test]
fn a_host_admits_its_own_ports_and_nothing_beside_it() {
    let hosts = AllowedHosts::new(vec![
        "www.microsoft.com".parse().unwrap(),
        "http://127.0.0.1:8089".parse().unwrap(),
    ]);
    for url in [
        "http://www.microsoft.com/pkiops/certs/Microsoft%20Azure%20RSA%20TLS%20Issuing%20CA%2007%20-%20xsign.crt",
        "https://WWW.microsoft.com/a.crt",
        "http://127.0.0.1:8089/a.crl",
    ] {
        assert!(hosts.admit(url).is_some(), "{url}");
    }
    for url in [
        "ldap://www.microsoft.com/a",
        "http://www.microsoft.com:8080/a",
        "http://user@www.microsoft.com/a",
        "http://www.microsoft.com.evil.example/a",
        "http://www.microsoft.com./a",
        "http://www.microsoft.com/a?b",
        "http://www.microsoft.com/a#b",
        "http://127.0.0.1:8090/a",
        "http://127.0.0.1/a",
        "not an address",
    ] {
        assert!(hosts.admit(url).is_none(), "{url}");
    }
}

#[test]
fn a_host_entry_is_a_name_or_an_origin_on_this_machine() {
    for text in [
        "",
        "localhost",
        "10.0.0.1",
        "http://www.microsoft.com",
        "http://127.0.0.1:1/x",
        "a b",
        "com.",
    ] {
        assert!(text.parse::<AllowedHost>().is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_admitted_is_a_file_in_that_one_folder(tail in "\\PC{0,40}") {
        let raw = format!("https://3psostorageacct.blob.core.windows.net/cert/{tail}");
        if let Some(admitted) = list(&[DEFAULT]).admit(&raw) {
            prop_assert_eq!(admitted.url().as_str(), raw);
            prop_assert!(!tail.contains('/') && tail.strip_suffix(".cer").is_some());
        }
    }

    #[test]
    fn no_text_makes_the_list_panic(raw in ".*") {
        let _ = list(&[DEFAULT]).admit(&raw);
    }
}
