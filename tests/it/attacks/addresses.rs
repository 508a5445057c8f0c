//! Where the certificate is said to be (attacks 1 to 15). All are refused before any connection is opened.

use super::raw::Request;
use super::scene::Scene;

const URL: &str = "x-ms-certificate-url";
const REFUSED: &str = "certificate_url_refused";

/// Every one of `urls` is refused by the list, and nothing is dialled.
async fn refused(scene: &Scene, urls: &[String]) {
    for url in urls {
        let delivery = scene.good.with_certificate_url(url);
        scene.assert_refused_unheard(url, &delivery, REFUSED).await;
    }
}

/// The same for header values that no client would write: they go to the program as bytes.
async fn refused_raw(scene: &Scene, value: &[u8], cause: &str) {
    let line = [b"x-ms-certificate-url: ", value].concat();
    let request = Request::of(&scene.good)
        .without(URL)
        .header(line)
        .measured();
    let what = value.escape_ascii().to_string();
    let answer = scene.raw(&request).await.unwrap();
    scene.assert_refused(&what, &answer, cause).await;
    scene.assert_nothing_dialled(&what);
}

/// The honest address, in parts.
fn file(scene: &Scene) -> (String, String) {
    let url = scene.rig.world().certificates.lock().signer_url();
    (scene.certificate_host(), url.path().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_1_plain_http_is_refused() {
    let scene = Scene::start().await;
    let (host, path) = file(&scene);
    let trap = scene.trap.authority();
    let urls = [
        format!("http://{host}{path}"),
        format!("http://{trap}{path}"),
    ];
    refused(&scene, &urls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_2_any_other_scheme_is_refused() {
    let scene = Scene::start().await;
    let (host, path) = file(&scene);
    let trap = scene.trap.authority();
    let mut urls: Vec<_> = [
        "ftp", "gopher", "dict", "ldap", "ws", "wss", "httpss", "HTTPS",
    ]
    .iter()
    .flat_map(|scheme| {
        [
            format!("{scheme}://{host}{path}"),
            format!("{scheme}://{trap}{path}"),
        ]
    })
    .collect();
    urls.extend([
        format!("jar:https://{host}{path}!/a.cer"),
        format!("view-source:https://{host}{path}"),
        "file:///cert/a.cer".to_owned(),
        format!("file://{host}{path}"),
        "javascript:alert(1)".to_owned(),
        format!("//{host}{path}"),
        path.clone(),
        format!("https:{host}{path}"),
        format!("https:/{host}{path}"),
        format!("https:///{host}{path}"),
        String::new(),
    ]);
    refused(&scene, &urls).await;
    let data = scene
        .good
        .with_certificate_url("data:application/pkix-cert;base64,MIIB");
    scene
        .assert_refused_unheard("a file in the address", &data, "header_repeated")
        .await;
}

/// Partner Center's own host is on the list here, as in production, and under `.invalid`, so that it cannot exist.
async fn like_production() -> Scene {
    let sandbox = sandbox::Sandbox::start().await.unwrap();
    let patterns = format!(
        "{},https://certificates.storage.invalid/cert/*.cer",
        sandbox.settings()["CALLBACK_CERTIFICATE_URLS"]
    );
    Scene::with(sandbox, &[("CALLBACK_CERTIFICATE_URLS", &patterns)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_3_a_host_that_begins_like_the_right_one_is_refused() {
    let scene = like_production().await;
    let urls = [
        "https://certificates.storage.invalid.evil.invalid/cert/a.cer",
        "https://certificates.storage.invalidevil/cert/a.cer",
        "https://certificates.storage.invalid-evil.invalid/cert/a.cer",
        "https://127.0.0.1.evil.invalid/cert/a.cer",
    ];
    refused(&scene, &urls.map(str::to_owned)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_4_a_host_that_ends_like_the_right_one_is_refused() {
    let scene = like_production().await;
    let urls = [
        "https://evil-certificates.storage.invalid/cert/a.cer",
        "https://evil.certificates.storage.invalid/cert/a.cer",
        "https://evilcertificates.storage.invalid/cert/a.cer",
    ];
    refused(&scene, &urls.map(str::to_owned)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_5_another_account_of_the_same_storage_service_is_refused() {
    let scene = like_production().await;
    let urls = [
        "https://mine.storage.invalid/cert/a.cer",
        "https://storage.invalid/cert/a.cer",
        "https://*.storage.invalid/cert/a.cer",
        "https://storage.invalid/certificates/cert/a.cer",
    ];
    refused(&scene, &urls.map(str::to_owned)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_6_an_address_that_names_a_user_is_refused() {
    let scene = Scene::start().await;
    let (host, path) = file(&scene);
    let trap = scene.trap.authority();
    let urls = [
        format!("https://user@{host}{path}"),
        format!("https://user:pw@{host}{path}"),
        format!("https://:pw@{host}{path}"),
        format!("https://@{host}{path}"),
        format!("https://:@{host}{path}"),
        format!("https://{host}@{trap}{path}"),
        format!("https://{trap}@{host}{path}"),
        format!("https://{host}%40{trap}{path}"),
        format!("https://{host}@{host}@{trap}{path}"),
    ];
    refused(&scene, &urls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_7_another_port_is_refused_even_the_schemes_own_when_written_out() {
    let scene = like_production().await;
    let (_, path) = file(&scene);
    let trap = scene.trap.authority();
    let urls = [
        format!("https://{trap}{path}"),
        format!("https://127.0.0.1{path}"),
        format!("https://127.0.0.1:0{path}"),
        format!("https://127.0.0.1:{path}"),
        format!("https://127.0.0.1:99999{path}"),
        format!("https://127.0.0.1:-1{path}"),
        "https://certificates.storage.invalid:443/cert/a.cer".to_owned(),
        "https://certificates.storage.invalid:8443/cert/a.cer".to_owned(),
        "https://certificates.storage.invalid:/cert/a.cer".to_owned(),
        "https://certificates.storage.invalid:0443/cert/a.cer".to_owned(),
    ];
    refused(&scene, &urls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_8_a_trailing_dot_or_another_letter_case_of_the_host_is_refused() {
    let scene = like_production().await;
    let (host, path) = file(&scene);
    let port = host.strip_prefix("127.0.0.1").unwrap();
    let urls = [
        "https://certificates.storage.invalid./cert/a.cer".to_owned(),
        "https://Certificates.storage.invalid/cert/a.cer".to_owned(),
        "https://CERTIFICATES.STORAGE.INVALID/cert/a.cer".to_owned(),
        "https://certificates..storage.invalid/cert/a.cer".to_owned(),
        format!("https://127.0.0.1.{port}{path}"),
        format!("https://localhost{port}{path}"),
    ];
    refused(&scene, &urls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_9_a_query_fragment_or_parameter_is_refused() {
    let scene = Scene::start().await;
    let (host, path) = file(&scene);
    let trap = scene.trap.authority();
    let urls = [
        format!("https://{host}{path}?x=1"),
        format!("https://{host}{path}?"),
        format!("https://{host}{path}#x"),
        format!("https://{host}{path}#"),
        format!("https://{host}{path};x=1"),
        format!("https://{host}/cert/a;x.cer"),
        format!("https://{host}?{path}"),
        format!("https://{host}/?{path}"),
        format!("https://{trap}#@{host}{path}"),
        format!("https://{trap}?@{host}{path}"),
        format!("https://{trap}/x?a=https://{host}{path}"),
    ];
    refused(&scene, &urls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_10_a_path_that_climbs_or_a_parser_trick_is_refused() {
    let scene = Scene::start().await;
    let (host, path) = file(&scene);
    let trap = scene.trap.authority();
    let name = path.strip_prefix("/cert/").unwrap();
    let urls = [
        format!("https://{host}/cert/../cert/{name}"),
        format!("https://{host}/cert/./{name}"),
        format!("https://{host}/cert/x/../{name}"),
        format!("https://{host}/cert/%2e%2e/cert/{name}"),
        format!("https://{host}/cert/..%2fcert/{name}"),
        format!("https://{host}/cert/%2E/{name}"),
        format!("https://{host}/cert//{name}"),
        format!("https://{host}//cert/{name}"),
        format!("https://{host}/cert/{name}/"),
        format!("https://{host}/cert/a/{name}"),
        format!("https://{host}/cert/%70{}", &name[1..]),
        format!("https://{host}\\cert\\{name}"),
        format!("https:\\\\{host}/cert/{name}"),
        format!("https://{host}\\@{trap}/cert/{name}"),
        format!("https://{trap}\\@{host}/cert/{name}"),
        format!("https://{host}/cert/a\tb.cer"),
        format!(
            "https://127.0.0\t.1:{}/cert/{name}",
            host.rsplit(':').next().unwrap()
        ),
        format!("https://{host}/other/{name}"),
        format!("https://{host}/CERT/{name}"),
        format!("https://{host}/cert/.cer"),
        format!("https://{host}/cert/a.CER"),
        format!("https://{host}/cert/a.cer.txt"),
    ];
    refused(&scene, &urls).await;
    for inside in [&b"\x0b"[..], b"\x0c", b"\x7f", b"\xa0"] {
        let value = [b"https://", host.as_bytes(), b"/cert/a", inside, b"b.cer"].concat();
        scene.assert_not_passed_on(&value).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_11_a_look_alike_or_encoded_name_is_refused() {
    let scene = like_production().await;
    for name in [
        "cert\u{456}ficates.storage.invalid",
        "certificates\u{ff0e}storage\u{ff0e}invalid",
        "certificates\u{3002}storage.invalid",
        "\u{24d2}\u{24d4}rtificates.storage.invalid",
        "\u{ff43}ertificates.storage.invalid",
        "certificates\u{ad}.storage.invalid",
        "certificates.storage.\u{131}nvalid",
        "certificates.storage.invalid\u{2024}",
    ] {
        let value = format!("https://{name}/cert/a.cer");
        refused_raw(&scene, value.as_bytes(), "header_not_text").await;
    }
    let value = b"https://127\xe3\x80\x820\xe3\x80\x820\xe3\x80\x821/cert/a.cer";
    refused_raw(&scene, value, "header_not_text").await;
    let urls = [
        "https://xn--certficates-3ij.storage.invalid/cert/a.cer",
        "https://xn--/cert/a.cer",
        "https://xn--certificates-.storage.invalid/cert/a.cer",
    ];
    refused(&scene, &urls.map(str::to_owned)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_12_another_spelling_of_a_number_is_refused() {
    let scene = Scene::start().await;
    let (host, path) = file(&scene);
    let trap = scene.trap.authority();
    let spellings = [
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "127.0.1",
        "127.000.000.001",
        "127.0.0.1.",
        "127.0.0.01",
        "0",
        "0.0.0.0",
        "127.0.0.2",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[fe80::1%25lo]",
        "[::1%lo]",
        "localhost",
    ];
    for authority in [host, trap] {
        let port = authority.rsplit(':').next().unwrap();
        let urls = spellings.map(|spelling| format!("https://{spelling}:{port}{path}"));
        refused(&scene, &urls).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_13_a_percent_encoded_host_is_refused() {
    let scene = like_production().await;
    let (host, path) = file(&scene);
    let port = host.rsplit(':').next().unwrap();
    let urls = [
        format!("https://%31%32%37.0.0.1:{port}{path}"),
        format!("https://127%2e0.0.1:{port}{path}"),
        format!("https://127.0.0.1%3a{port}{path}"),
        format!("https://127.0.0.1%00:{port}{path}"),
        "https://%63ertificates.storage.invalid/cert/a.cer".to_owned(),
        "https://certificates.storage.invalid%2f@evil.invalid/cert/a.cer".to_owned(),
        "https://evil.invalid%2fcertificates.storage.invalid/cert/a.cer".to_owned(),
    ];
    refused(&scene, &urls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_14_a_nul_or_an_endless_address_is_refused() {
    let scene = Scene::start().await;
    let (host, _) = file(&scene);
    for value in [
        [b"https://", host.as_bytes(), b"/cert/a\0.cer"].concat(),
        [b"https://", host.as_bytes(), b"\0.evil.invalid/cert/a.cer"].concat(),
    ] {
        scene.assert_not_passed_on(&value).await;
    }
    let address = |length: usize| {
        let start = format!("https://{host}/cert/");
        let name = "a".repeat(length - start.len() - ".cer".len());
        format!("{start}{name}.cer")
    };
    refused(&scene, &[2049, 10_000, 100_000].map(address)).await;
    // One byte less is looked at: the certificate host does not have it.
    let answer = scene
        .rig
        .send(&scene.good.with_certificate_url(&address(2048)))
        .await;
    assert_eq!(
        (answer.status, answer.code()),
        (503, "certificate_unavailable")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_15_two_addresses_in_two_headers_in_one_or_over_two_lines_are_refused() {
    let scene = Scene::start().await;
    let (host, path) = file(&scene);
    let good = format!("https://{host}{path}");
    let bad = format!("https://{}{path}", scene.trap.authority());
    for second in [&good, &bad] {
        let mut twice = scene.good.clone();
        twice.headers.push((URL.to_owned(), second.clone()));
        scene
            .assert_refused_unheard("two headers", &twice, "header_repeated")
            .await;
    }
    for joined in [
        format!("{good},{bad}"),
        format!("{good}, {good}"),
        format!("{bad} , {good}"),
        format!("{good},"),
    ] {
        let delivery = scene.good.with_certificate_url(&joined);
        scene
            .assert_refused_unheard(&joined, &delivery, "header_repeated")
            .await;
    }
    for space in [" ", "\t"] {
        let folded = format!("https://{host}\r\n{space}{path}");
        scene.assert_not_passed_on(folded.as_bytes()).await;
        let folded = format!("{good}\r\n{space}");
        scene.assert_not_passed_on(folded.as_bytes()).await;
    }
    let answer = scene.rig.send(&scene.good.without_header(URL)).await;
    scene
        .assert_refused("no address", &answer, "certificate_url_missing")
        .await;
}
