//! Certificate hosts that are slow or endless (attacks 19 and 20). What they serve is the honest certificate, so that nothing
//! but their behaviour can be why a delivery is not accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sandbox::certificates::{Behaviour, Published};

use super::hosts::{Hosts, assert_unavailable, outcome, serving};
use super::scene::Scene;
use super::tls_host::{SOUND, Stream, answer, ok, write};

/// What a file may have.
const CAP: usize = 64 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn attack_19_a_host_that_drips_is_left_after_the_time_for_all_of_it() {
    let mut hosts = Hosts::new().await;
    let certificate = hosts.certificate();
    let drip = |bytes: Vec<u8>| {
        move |stream: &mut Stream| {
            for byte in &bytes {
                if !write(stream, &[*byte]) {
                    return;
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
    };
    hosts.add("the head drips", SOUND, drip(ok(&certificate)));
    let body = certificate.clone();
    hosts.add("the body drips", SOUND, move |stream| {
        let head = answer("200 OK", &[&format!("Content-Length: {}", body.len())], b"");
        write(stream, &head);
        drip(body.clone())(stream);
    });
    hosts.add("nothing comes", SOUND, |stream| {
        while write(stream, b"") {
            thread::sleep(Duration::from_secs(1));
        }
    });
    hosts.add("one 100 after another", SOUND, |stream| {
        while write(stream, b"HTTP/1.1 100 Continue\r\n\r\n") {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let (scene, hosts) = hosts.open().await;
    scene.assert_honest_is_served().await;
    scene.rig.forget_requests();
    let begun = Instant::now();
    let waits = hosts.iter().map(|(what, host)| {
        let scene = &scene;
        async move {
            let (status, word) = outcome(scene, &host.url()).await;
            assert_eq!(status, 503, "{what}");
            assert!(
                matches!(&*word, "certificate_unavailable" | "deadline"),
                "{what}: {word}"
            );
        }
    });
    let meanwhile = async {
        let answer = scene.rig.updated(&scene.referral).await;
        assert_eq!((answer.status, answer.code()), (200, "synced"));
    };
    tokio::join!(join_all(waits), meanwhile);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

/// A host that sends `head`, then `piece` for ever, and counts the bytes that it could send.
fn endless(
    hosts: &mut Hosts,
    what: &'static str,
    head: &'static [u8],
    piece: Vec<u8>,
) -> Arc<AtomicUsize> {
    let sent = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&sent);
    hosts.add(what, SOUND, move |stream| {
        write(stream, head);
        while write(stream, &piece) && counted.fetch_add(piece.len(), Ordering::SeqCst) < 256 << 20
        {
        }
    });
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_20_a_file_larger_than_a_certificate_is_not_read_to_its_end() {
    let mut hosts = Hosts::new().await;
    let mut sent = Vec::new();
    let mut chunk = b"4000\r\n".to_vec();
    chunk.extend_from_slice(&[b' '; 0x4000]);
    chunk.extend_from_slice(b"\r\n");
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let comment = [&b"1;"[..], &vec![b'x'; 16 * 1024]].concat();
    for (what, head, piece) in [
        (
            "a length beyond the cap",
            &b"HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n"[..],
            vec![b' '; 16 * 1024],
        ),
        (
            "a length beyond all",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n",
            vec![b' '; 16 * 1024],
        ),
        (
            "no length",
            b"HTTP/1.1 200 OK\r\n\r\n",
            vec![b' '; 16 * 1024],
        ),
        ("chunks without end", chunked, chunk),
        ("chunks of a byte", chunked, b"1\r\nx\r\n".repeat(1000)),
        ("a chunk's comment without end", chunked, comment),
        (
            "headers without end",
            b"HTTP/1.1 200 OK\r\n",
            b"x: y\r\n".repeat(1000),
        ),
        (
            "a header without end",
            b"HTTP/1.1 200 OK\r\nx: ",
            vec![b'y'; 16 * 1024],
        ),
    ] {
        sent.push(endless(&mut hosts, what, head, piece));
    }
    let (scene, hosts) = hosts.open().await;
    for ((what, host), sent) in hosts.iter().zip(&sent) {
        assert_unavailable(&scene, what, &host.url()).await;
        assert_eq!(host.asked(), 1, "{what}");
        let sent = sent.load(Ordering::SeqCst);
        // What the kernel's buffers hold was not read by anybody.
        assert!(sent < 16 << 20, "{what}: {sent} bytes were taken");
    }
    scene.assert_no_upstream("large files");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_20_a_chunk_whose_size_never_ends_costs_time_and_no_memory() {
    let mut hosts = Hosts::new().await;
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    endless(&mut hosts, "zeros", head, vec![b'0'; 16 * 1024]);
    let (scene, hosts) = hosts.open().await;
    scene.assert_honest_is_served().await;
    let before = memory(&scene);
    assert_unavailable(&scene, "zeros", &hosts[0].1.url()).await;
    let grown = memory(&scene).saturating_sub(before);
    assert!(grown < 8 << 10, "{grown} KiB more");
}

/// How much memory the program has ever had, in KiB.
fn memory(scene: &Scene) -> usize {
    let pid = scene.rig.host.pid().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let mut words = line.unwrap().split_whitespace();
    words.nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_20_a_file_of_just_the_cap_is_read_and_a_byte_more_is_not() {
    let names = ["at.cer", "over.cer", "over-in-chunks.cer", "endless.cer"].map(str::to_owned);
    let scene = serving(&names).await;
    let signer = scene.rig.world().certificates.lock().signer().clone();
    let padded = |length: usize| {
        let mut file = signer.pem().unwrap().into_bytes();
        file.resize(length, b'\n');
        file
    };
    let file = |length, behaviour| Published::file(padded(length)).behaving(behaviour);
    let url = scene.serve("at.cer", file(CAP, Behaviour::Whole));
    assert_eq!(
        outcome(&scene, url.as_str()).await,
        (200, "test".to_owned())
    );
    for (name, file) in [
        ("over.cer", file(CAP + 1, Behaviour::Whole)),
        ("over-in-chunks.cer", file(CAP + 1, Behaviour::Chunked)),
        ("endless.cer", file(CAP, Behaviour::Endless)),
    ] {
        let url = scene.serve(name, file);
        assert_unavailable(&scene, name, url.as_str()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_20_an_answer_that_is_framed_twice_or_wrongly_is_not_a_certificate() {
    let mut hosts = Hosts::new().await;
    let file = hosts.certificate();
    let length = format!("Content-Length: {}", file.len());
    let shorter = format!("Content-Length: {}", file.len() - 1);
    let longer = format!("Content-Length: {}", file.len() + 1);
    hosts.says("two lengths", answer("200 OK", &[&length, &shorter], &file));
    hosts.says("longer than it is", answer("200 OK", &[&longer], &file));
    hosts.says(
        "a chunk of all sizes",
        answer(
            "200 OK",
            &["Transfer-Encoding: chunked"],
            b"ffffffffffffffff\r\nx",
        ),
    );
    hosts.says(
        "a chunk beyond all sizes",
        answer(
            "200 OK",
            &["Transfer-Encoding: chunked"],
            b"1ffffffffffffffff\r\nx",
        ),
    );
    hosts.says("no HTTP", b"220 ftp ready\r\n".to_vec());
    hosts.says("nothing", Vec::new());
    let (scene, hosts) = hosts.open().await;
    for (what, host) in &hosts {
        assert_unavailable(&scene, what, &host.url()).await;
    }
}
