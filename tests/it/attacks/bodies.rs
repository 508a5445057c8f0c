//! What the signature covers (attack 43), and bodies of every size, framing and coding (attack 44).

use futures_util::future::join_all;
use sandbox::Service;

use super::raw::{Connection, Request, send};
use super::scene::Scene;

/// Longest body that is read.
const CAP: usize = 64 * 1024;

/// An event that is accepted without calling anybody, `padding` bytes longer than it need be.
fn test_event(padding: usize) -> String {
    format!(
        r#"{{"EventName":"test-created","Padding":"{}"}}"#,
        "x".repeat(padding)
    )
}

fn test_event_of(length: usize) -> String {
    test_event(length - test_event(0).len())
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_43_a_signature_over_any_other_form_of_the_body_is_refused() {
    let scene = Scene::start().await;
    let compact = String::from_utf8(scene.good.body.to_vec()).unwrap();
    let value: serde_json::Value = serde_json::from_str(&compact).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let sorted = value.to_string();
    assert_ne!(sorted, compact);
    let utf_16: Vec<u8> = compact.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (what, signed, sent) in [
        (
            "written anew",
            compact.clone().into_bytes(),
            pretty.into_bytes(),
        ),
        (
            "members sorted",
            sorted.into_bytes(),
            compact.clone().into_bytes(),
        ),
        ("UTF-16", utf_16.clone(), compact.clone().into_bytes()),
        ("sent as UTF-16", compact.clone().into_bytes(), utf_16),
        (
            "a byte order mark more",
            compact.clone().into_bytes(),
            format!("\u{feff}{compact}").into_bytes(),
        ),
        (
            "a byte order mark less",
            format!("\u{feff}{compact}").into_bytes(),
            compact.clone().into_bytes(),
        ),
        (
            "a line end more",
            compact.clone().into_bytes(),
            format!("{compact}\n").into_bytes(),
        ),
        (
            "a line end less",
            format!("{compact}\r\n").into_bytes(),
            compact.clone().into_bytes(),
        ),
        (
            "a slash escaped",
            compact.clone().into_bytes(),
            compact.replace('/', "\\/").into_bytes(),
        ),
        ("nothing", compact.clone().into_bytes(), Vec::new()),
        ("signed nothing", Vec::new(), compact.clone().into_bytes()),
    ] {
        let delivery = scene.signed(signed).with_body(sent);
        let answer = scene.rig.send(&delivery).await;
        scene
            .assert_refused(what, &answer, "signature_mismatch")
            .await;
    }
    scene.assert_honest_is_served().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_44_a_body_is_read_up_to_the_cap_and_not_a_byte_further() {
    let scene = Scene::start().await;
    for (length, status, code) in [
        (CAP - 1, 200, "test"),
        (CAP, 200, "test"),
        (CAP + 1, 413, "too_large"),
        (10 * CAP, 413, "too_large"),
    ] {
        let delivery = scene.signed(test_event_of(length));
        let answer = scene.rig.send(&delivery).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{length}");
        let chunked = Request::of(&delivery);
        let body = chunks(&chunked.body, 1000);
        let chunked = Request { body, ..chunked }.header("Transfer-Encoding: chunked");
        let answer = scene.raw(&chunked).await.unwrap();
        assert_eq!(
            (answer.status, answer.code()),
            (status, code),
            "{length} in chunks"
        );
    }
    for (body, what) in [("", "nothing"), ("{", "one byte")] {
        let answer = scene.rig.send(&scene.signed(body)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "unreadable"),
            "{what}"
        );
    }
    scene.assert_no_upstream("sizes");
}

/// `body` in the chunked coding.
fn chunks(body: &[u8], size: usize) -> Vec<u8> {
    let mut coded = Vec::new();
    for chunk in body.chunks(size) {
        coded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        coded.extend_from_slice(chunk);
        coded.extend_from_slice(b"\r\n");
    }
    coded.extend_from_slice(b"0\r\n\r\n");
    coded
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_44_a_length_that_is_a_lie_costs_nothing() {
    let scene = Scene::start().await;
    let honest = Request::of(&scene.signed(test_event(0)));
    let (port, event) = (scene.port(), &honest);
    let lies = ["65537", "99999999999", "9223372036854775807"].map(|length| async move {
        let request = event.clone().header(format!("Content-Length: {length}"));
        let mut connection = Connection::open(port).await;
        connection.send(&request.bytes()).await;
        // The answer comes although the body never does.
        let answer = connection.answer().await.unwrap();
        assert_eq!(answer.status, 413, "{length}");
    });
    join_all(lies).await;
    for length in [
        "-1",
        "+10",
        "0x10",
        "1e3",
        "18446744073709551615",
        "18446744073709551616",
        "10, 10x",
        "ten",
        "",
    ] {
        let request = honest.clone().header(format!("Content-Length: {length}"));
        let status = scene.raw(&request).await.map(|answer| answer.status);
        assert!(matches!(status, Some(400 | 431)), "{length}: {status:?}");
    }
    scene.assert_nothing_dialled("lengths");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_44_two_lengths_or_two_framings_never_smuggle_a_second_request() {
    let scene = Scene::start().await;
    let inner = Request::of(&scene.signed(test_event(1))).measured().bytes();
    let outer = scene.signed(test_event(2));
    let honest = Request::of(&outer);
    let length = honest.body.len();
    let differing = honest
        .clone()
        .header(format!("Content-Length: {length}"))
        .header(format!("Content-Length: {}", length + inner.len()));
    let mut unknown = honest.clone().header("Transfer-Encoding: gzip, identity");
    unknown = unknown.measured();
    for (what, request) in [
        ("two lengths", differing),
        ("a framing nobody knows", unknown),
    ] {
        let status = scene.raw(&request).await.map(|answer| answer.status);
        assert_eq!(status, Some(400), "{what}");
    }
    // Transfer-Encoding counts, so the signature is over the body without its coding, and what follows is read as a
    // request that has to authenticate itself, or not read at all.
    for place in [0, 1] {
        let mut both = honest.clone();
        both.body = chunks(&honest.body, 7);
        let lines = [
            format!("Content-Length: {}", both.body.len() + inner.len()),
            "Transfer-Encoding: chunked".to_owned(),
        ];
        both = both.header(&lines[place]).header(&lines[1 - place]);
        let mut connection = Connection::open(scene.port()).await;
        connection
            .send(&[both.bytes(), b"GET /nowhere HTTP/1.1\r\n\r\n".to_vec()].concat())
            .await;
        let answer = connection.answer().await.unwrap();
        assert!(matches!(answer.status, 200 | 400), "{answer:?}");
        assert!(matches!(answer.code(), "test" | ""), "{answer:?}");
        match connection.answer().await {
            None => assert!(connection.is_closed().await),
            Some(second) => assert!(matches!(second.status, 400 | 404), "{second:?}"),
        }
    }
    scene.assert_no_upstream("framings");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_44_a_compressed_body_is_not_unpacked() {
    let scene = Scene::start().await;
    for coding in [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "compress",
        "x-gzip",
        "identity, gzip",
        "GZIP",
    ] {
        let delivery = scene.good.with_header("Content-Encoding", coding);
        let answer = scene.rig.send(&delivery).await;
        assert_eq!(
            (answer.status, answer.code()),
            (415, "unsupported_encoding"),
            "{coding}"
        );
    }
    scene.assert_nothing_dialled("codings");
    // Nor is it when nobody says that it is compressed: the bytes are the event, and are none.
    let packed = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x02\0\xfd\xff{}C\xbf\xa6\xa3\x02\0\0\0";
    let answer = scene.rig.send(&scene.signed(*packed)).await;
    assert_eq!((answer.status, answer.code()), (400, "unreadable"));
    let answer = scene
        .rig
        .send(&scene.good.with_header("Content-Encoding", "identity"))
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_44_the_content_type_never_changes_how_a_body_is_read() {
    let scene = Scene::start().await;
    for kind in [
        "application/json; charset=utf-16",
        "application/json; charset=utf-7",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "nonsense",
        "",
    ] {
        let answer = scene
            .rig
            .send(
                &scene
                    .signed(test_event(0))
                    .with_header("Content-Type", kind),
            )
            .await;
        assert_eq!((answer.status, answer.code()), (200, "test"), "{kind}");
    }
    let utf_16: Vec<u8> = test_event(0)
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let delivery = scene
        .signed(utf_16)
        .with_header("Content-Type", "application/json; charset=utf-16");
    let answer = scene.rig.send(&delivery).await;
    assert_eq!((answer.status, answer.code()), (400, "unreadable"));
    scene.assert_no_upstream("content types");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_44_a_body_that_never_ends_is_given_up_on() {
    let scene = Scene::start().await;
    let honest = Request::of(&scene.signed(test_event(0)));
    let mut half = honest.clone().measured();
    half.body.truncate(10);
    let answer = send(scene.port(), &half.bytes()).await.unwrap();
    assert_eq!((answer.status, answer.code()), (408, "too_slow"));
    let requests = scene.rig.requests(Service::CertificateHost);
    assert!(requests.is_empty(), "{requests:?}");
    scene.assert_honest_is_served().await;
}
