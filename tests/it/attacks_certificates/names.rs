//! Certificates of somebody whose name is nearly Microsoft's.

use sandbox::certificates::{NameEncoding, ORGANIZATION};

use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn attack_31_an_organisation_that_only_looks_right_is_refused() {
    let scene = Scene::start(&[]).await;
    let organization = |name: &str| scene.signer().organizations(&[name]);
    let twice = scene.signer().organizations(&[ORGANIZATION, ORGANIZATION]);
    let second = scene.signer().organizations(&["Fabrikam", ORGANIZATION]);
    let inside = scene
        .signer()
        .organizations(&[])
        .common_name("pcnotifications.microsoft.com, O=Microsoft Corporation");
    let refused = Err("policy_mismatch");
    scene
        .assert_verdicts(vec![
            (
                "a suffix",
                organization("Microsoft Corporation Ltd"),
                refused,
            ),
            (
                "a prefix",
                organization("Not Microsoft Corporation"),
                refused,
            ),
            (
                "letter case",
                organization("MICROSOFT CORPORATION"),
                refused,
            ),
            ("blanks", organization("Microsoft Corporation "), refused),
            ("a NUL", organization("Microsoft Corporation\0"), refused),
            (
                "a NUL and more",
                organization("Microsoft Corporation\0 Ltd"),
                refused,
            ),
            (
                "a Cyrillic letter",
                organization("Micros\u{43e}ft Corporation"),
                refused,
            ),
            (
                "a full-width letter",
                organization("\u{ff2d}icrosoft Corporation"),
                refused,
            ),
            (
                "an invisible letter",
                organization("Microsoft\u{200b} Corporation"),
                refused,
            ),
            ("none", scene.signer().organizations(&[]), refused),
            ("twice", twice, refused),
            ("second", second, refused),
            ("inside the common name", inside, refused),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_31_an_organisation_is_read_in_any_string_type() {
    let scene = Scene::start(&[]).await;
    let written = |encoding| scene.signer().organization_encoding(encoding);
    let other = scene
        .signer()
        .organizations(&["Microsoft Corporation Ltd"])
        .organization_encoding(NameEncoding::Bmp);
    scene
        .assert_verdicts(vec![
            ("another in BMPString", other, Err("policy_mismatch")),
            ("BMPString", written(NameEncoding::Bmp), Ok(())),
            ("TeletexString", written(NameEncoding::Teletex), Ok(())),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_31_a_host_name_that_only_looks_right_is_refused() {
    let scene = Scene::start(&[]).await;
    let named = |name: &str| scene.signer().common_name(name).dns_names(&[name]);
    let refused = Err("policy_mismatch");
    let nameless = scene.signer().common_name("").dns_names(&[]);
    scene
        .assert_verdicts(vec![
            ("another service", named("www.microsoft.com"), refused),
            (
                "a suffix",
                named("pcnotifications.microsoft.com.evil.invalid"),
                refused,
            ),
            (
                "a prefix",
                named("evil-pcnotifications.microsoft.com"),
                refused,
            ),
            (
                "one label more",
                named("pcnotifications.a.microsoft.com"),
                refused,
            ),
            ("a wildcard", named("*.microsoft.com"), refused),
            (
                "a NUL",
                named("pcnotifications.microsoft.com\0.evil.invalid"),
                refused,
            ),
            ("none", nameless, refused),
        ])
        .await;
}
