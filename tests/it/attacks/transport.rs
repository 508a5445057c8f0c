//! Certificate hosts that misbehave (attacks 16, 18, 21 and 22). What they serve is the honest certificate, so that nothing but
//! their behaviour can be why a delivery is not accepted.

use sandbox::Service;
use sandbox::certificates::{Behaviour, Published};

use super::hosts::{Hosts, assert_unavailable, outcome, serving};
use super::scene::Scene;
use super::tls_host::{Authority, Identity, SOUND, answer, ok, write};

#[tokio::test(flavor = "multi_thread")]
async fn attack_16_no_redirect_is_followed_not_even_to_the_same_host() {
    let statuses = [300, 301, 302, 303, 304, 305, 307, 308];
    let names: Vec<_> = (0..statuses.len() * 6)
        .map(|n| format!("{n}.cer"))
        .collect();
    let scene = serving(&names).await;
    let (host, trap) = (scene.certificate_host(), scene.trap.authority());
    let target = "/cert/pcnotifications-dispatch.microsoft.com.cer";
    let targets = [
        format!("https://{host}{target}"),
        target.to_owned(),
        "pcnotifications-dispatch.microsoft.com.cer".to_owned(),
        format!("https://{trap}{target}"),
        format!("http://{trap}{target}"),
        format!("//{trap}{target}"),
    ];
    let redirects = statuses.into_iter().flat_map(|status| {
        let location = |location: &String| (status, location.clone());
        targets.iter().map(location).collect::<Vec<_>>()
    });
    for (name, (status, location)) in names.iter().zip(redirects) {
        let what = format!("{status} to {location}");
        let behaviour = Behaviour::Redirect { status, location };
        let file = Published::file(scene.certificate()).behaving(behaviour);
        let url = scene.serve(name, file);
        assert_unavailable(&scene, &what, url.as_str()).await;
    }
    let expected: Vec<_> = names
        .iter()
        .map(|name| format!("GET /cert/{name}"))
        .collect();
    assert_eq!(scene.rig.requests(Service::CertificateHost), expected);
    assert_eq!(scene.trap.connections(), 0);
    scene.assert_no_upstream("redirects");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_18_a_host_that_cannot_prove_its_name_is_not_asked() {
    let mut hosts = Hosts::new().await;
    let file = ok(&hosts.certificate());
    for (what, identity) in [
        ("sound", SOUND),
        (
            "another address",
            Identity {
                name: "127.0.0.2",
                ..SOUND
            },
        ),
        (
            "another name",
            Identity {
                name: "localhost",
                ..SOUND
            },
        ),
        (
            "a name that looks like the address",
            Identity {
                name: "127.0.0.1.evil.invalid",
                ..SOUND
            },
        ),
        (
            "expired",
            Identity {
                days: (-30, -1),
                ..SOUND
            },
        ),
        (
            "not yet valid",
            Identity {
                days: (1, 30),
                ..SOUND
            },
        ),
        (
            "self-signed",
            Identity {
                self_signed: true,
                ..SOUND
            },
        ),
    ] {
        let file = file.clone();
        hosts.add(what, identity, move |stream| {
            write(stream, &file);
        });
    }
    // The same name, vouched for by an authority of the attacker's own.
    let stranger = Authority::new().host(SOUND, move |stream| {
        write(stream, &file);
    });
    hosts.all.push(("a stranger's authority", stranger));
    let (scene, hosts) = hosts.open().await;
    for (what, host) in &hosts {
        if *what == "sound" {
            assert_eq!(outcome(&scene, &host.url()).await, (200, "test".to_owned()));
            assert_eq!(host.asked(), 1);
        } else {
            assert_unavailable(&scene, what, &host.url()).await;
            assert_eq!(host.asked(), 0, "{what}: a request was sent");
        }
    }
    scene.assert_no_upstream("TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_21_no_compression_is_asked_for_and_none_is_undone() {
    let mut hosts = Hosts::new().await;
    let file = hosts.certificate();
    let length = format!("Content-Length: {}", file.len());
    for coding in [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "identity, gzip",
        "nonsense",
    ] {
        // Even when the bytes are the certificate itself.
        let header = format!("Content-Encoding: {coding}");
        hosts.says(coding, answer("200 OK", &[&length, &header], &file));
    }
    hosts.says(
        "gzip as a framing",
        answer(
            "200 OK",
            &["Transfer-Encoding: gzip, chunked"],
            b"0\r\n\r\n",
        ),
    );
    let (scene, hosts) = hosts.open().await;
    for (what, host) in &hosts {
        let outcome = outcome(&scene, &host.url()).await;
        let refused = (503, "certificate_unavailable".to_owned());
        let unreadable = (401, "certificate_unreadable".to_owned());
        assert!(
            outcome == refused || (outcome == unreadable && what.contains("framing")),
            "{what}: {outcome:?}"
        );
    }
    let packed = Published::file(scene.certificate()).behaving(Behaviour::Gzip);
    let url = scene.serve("packed.cer", packed);
    assert_unavailable(&scene, "gzip", url.as_str()).await;
    let request = &scene.rig.world().requests.of(Service::CertificateHost)[0];
    let names: Vec<_> = request.headers.keys().map(String::as_str).collect();
    assert_eq!(names, ["accept", "host"], "{:?}", request.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_22_nothing_but_a_plain_200_with_a_certificate_counts() {
    let statuses = [
        201, 202, 203, 205, 206, 226, 400, 401, 403, 404, 410, 429, 500, 503,
    ];
    let names: Vec<_> = statuses
        .iter()
        .map(|status| format!("{status}.cer"))
        .collect();
    let scene = serving(&names).await;
    for (name, status) in names.iter().zip(statuses) {
        let file = Published::file(scene.certificate()).behaving(Behaviour::Status(status));
        let url = scene.serve(name, file);
        assert_unavailable(&scene, name, url.as_str()).await;
    }
    let mut hosts = Hosts::new().await;
    let file = hosts.certificate();
    let length = format!("Content-Length: {}", file.len());
    hosts.says(
        "204 with a body",
        answer("204 No Content", &[&length], &file),
    );
    hosts.says(
        "101",
        answer(
            "101 Switching Protocols",
            &["Connection: upgrade", "Upgrade: x"],
            &file,
        ),
    );
    hosts.says(
        "a status nobody knows",
        answer("299 Odd", &[&length], &file),
    );
    let (scene, hosts) = hosts.open().await;
    for (what, host) in &hosts {
        assert_unavailable(&scene, what, &host.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_22_a_page_or_an_empty_file_is_refused_as_no_certificate() {
    let scene = Scene::start().await;
    let key = scene.rig.world().certificates.lock().signer().key.clone();
    for (name, file) in [
        ("page.cer", Published::html()),
        ("empty.cer", Published::file("")),
        ("key.cer", Published::file(key.public_key_to_pem().unwrap())),
        (
            "half.cer",
            Published::file(scene.certificate()[..500].to_vec()),
        ),
    ] {
        let url = scene.serve(name, file);
        let expected = (401, "certificate_unreadable".to_owned());
        assert_eq!(outcome(&scene, url.as_str()).await, expected, "{name}");
    }
    scene.assert_no_upstream("pages");
}
