//! The way back: a listener that takes one answer and is not confused, or an address pasted from another machine.

use std::time::Duration;

use sandbox::Sandbox;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{Consenting, assert_nothing_kept, open, redemptions, settings, sign_in, stored};

/// The port in the address that the browser comes back to.
fn port(address: &Url) -> u16 {
    let redirect = address
        .query_pairs()
        .find(|(name, _)| name == "redirect_uri");
    Url::parse(&redirect.unwrap().1).unwrap().port().unwrap()
}

/// Sends bytes to the listener and gives what comes back before it hangs up, or soon.
async fn raw(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(2), reading).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_other_paths_and_other_attempts_change_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut it = Consenting::start(&["--no-browser"], &settings(&sandbox, &[]));
    let address = it.address().await;
    let port = port(&address);
    let local = |rest: &str| Url::parse(&format!("http://localhost:{port}{rest}")).unwrap();
    for (rest, status) in [
        ("/", 404),
        ("/favicon.ico", 404),
        ("/consent", 400),
        ("/consent?code=x", 400),
        ("/consent?code=x&state=guess", 400),
        ("/consent?error=access_denied&state=guess", 400),
        ("/consent?code=a&code=b&state=guess", 400),
    ] {
        let (answered, page) = open(&sandbox, &local(rest)).await;
        assert_eq!(answered, status, "{rest}: {page}");
    }
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET",
        b"POST /consent HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\ncode",
    ] {
        let answer = raw(port, garbage).await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    assert_eq!(redemptions(&sandbox), 0);

    let back = sign_in(&sandbox, &address).await;
    let (status, page) = open(&sandbox, &back).await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("Go back to the terminal"), "{page}");
    assert_eq!(it.end().await.exit, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listener_is_gone_after_its_one_answer() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut it = Consenting::start(&["--no-browser"], &settings(&sandbox, &[]));
    let back = sign_in(&sandbox, &it.address().await).await;
    open(&sandbox, &back).await;
    let port = back.port().unwrap();
    assert_eq!(it.end().await.exit, 0);
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    let lines = sandbox.world().requests.lines(sandbox::Service::Entra);
    let tokens = lines.iter().filter(|it| it.starts_with("POST"));
    // The code, then the new refresh token at both audiences.
    assert_eq!(tokens.count(), 3, "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_that_the_browser_ends_on_runs_and_keeps_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut it = Consenting::start(&["--no-browser"], &settings(&sandbox, &[]));
    let back = sign_in(&sandbox, &it.address().await).await;
    let request = format!(
        "GET {}?{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        back.path(),
        back.query().unwrap()
    );
    let answer = raw(back.port().unwrap(), request.as_bytes()).await;
    let answer = answer.to_ascii_lowercase();
    for header in [
        "200 ok",
        "cache-control: no-store",
        "content-security-policy: default-src 'none'",
        "referrer-policy: no-referrer",
    ] {
        assert!(answer.contains(header), "{header}: {answer}");
    }
    assert_eq!(it.end().await.exit, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_can_be_pasted_from_another_machine() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    let mut it = Consenting::start(&["--no-browser"], &settings(&sandbox, &[]));
    let back = sign_in(&sandbox, &it.address().await).await;
    it.type_line("what do you want from me?").await;
    it.line("not the whole address").await;
    it.type_line("").await;
    it.type_line(&format!("  \"{back}\" ")).await;
    assert_eq!(it.end().await.exit, 0);
    assert_ne!(stored(&sandbox), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pasted_address_of_another_attempt_is_named_and_the_right_one_awaited() {
    let sandbox = Sandbox::start().await.unwrap();
    let settings = settings(&sandbox, &[]);
    let mut first = Consenting::start(&["--no-browser"], &settings);
    let of_another = sign_in(&sandbox, &first.address().await).await;
    drop(first);
    let mut it = Consenting::start(&["--no-browser"], &settings);
    let address = it.address().await;
    it.type_line(of_another.as_str()).await;
    it.line("it belongs to another attempt").await;
    assert_eq!(redemptions(&sandbox), 0);
    it.type_line(sign_in(&sandbox, &address).await.as_str())
        .await;
    assert_eq!(it.end().await.exit, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_input_leaves_the_browser_on_this_machine() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut it = Consenting::start(&["--no-browser"], &settings(&sandbox, &[]));
    let address = it.address().await;
    it.stdin = None;
    it.line("The input has ended").await;
    let back = sign_in(&sandbox, &address).await;
    open(&sandbox, &back).await;
    assert_eq!(it.end().await.exit, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_of_ones_own_is_used_for_the_way_back() {
    let sandbox = Sandbox::start().await.unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let wanted = free.local_addr().unwrap().port();
    drop(free);
    let arguments = ["--no-browser", "--port", &wanted.to_string()];
    let mut it = Consenting::start(&arguments, &settings(&sandbox, &[]));
    assert_eq!(port(&it.address().await), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_before_anybody_signs_in() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let it = Consenting::start(&["--no-browser", "--port", &port], &settings(&sandbox, &[]));
    let run = it.end().await;
    assert_nothing_kept(&sandbox, &before, &run, 75, &[&port, "--port"]);
    assert!(!run.stderr.contains("authorize"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_opened_unless_told_otherwise() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let script = folder.path().join("xdg-open");
    std::fs::write(
        &script,
        format!("#!/bin/sh\nprintf %s \"$1\" > {}\n", seen.display()),
    )
    .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let mut it = Consenting::start(&[], &settings(&sandbox, &[("PATH", &path)]));
    let address = it.address().await;
    let opened = async {
        while std::fs::read_to_string(&seen).unwrap_or_default() != address.as_str() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::rig::BOUND, opened)
        .await
        .unwrap();
}
