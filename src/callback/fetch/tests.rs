use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, LOCATION};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use super::{FetchError, Fetcher, Limits, Lookup, SystemLookup};
use crate::callback::hosting::Hosting;

const LIMITS: Limits = Limits {
    bytes: 1000,
    time: Duration::from_secs(2),
};

fn fetcher(loopback: &[&str]) -> Fetcher {
    let loopback = loopback.iter().map(|it| (*it).to_owned());
    Fetcher::new(loopback, None, Arc::new(SystemLookup)).unwrap()
}

async fn get(host: &Hosting, path: &str) -> Result<Bytes, FetchError> {
    let url: Url = host.url(path).parse().unwrap();
    fetcher(&[&host.origin]).get(&url, LIMITS).await
}

#[tokio::test]
async fn a_plain_200_is_the_only_answer_that_counts() {
    let host = Hosting::start().await;
    host.put("/a", "bytes");
    assert_eq!(get(&host, "/a").await.unwrap(), "bytes");
    for status in [201, 203, 204, 206, 301, 302, 303, 307, 308, 404, 500, 503] {
        host.reply("/b", move || {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [(LOCATION, "/a")], "bytes").into_response()
        });
        let error = get(&host, "/b").await.unwrap_err();
        assert!(matches!(error, FetchError::Status { .. }), "{error:?}");
    }
    assert_eq!(
        host.asked().iter().filter(|it| *it == "/a").count(),
        1,
        "no redirect is followed"
    );
}

#[tokio::test]
async fn an_answer_has_so_many_bytes_at_most() {
    let host = Hosting::start().await;
    host.put("/full", vec![7; 1000]);
    assert_eq!(get(&host, "/full").await.unwrap().len(), 1000);
    host.put("/announced", vec![7; 1001]);
    host.reply("/chunked", || {
        let endless =
            stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[7; 100])));
        Body::from_stream(endless).into_response()
    });
    for path in ["/announced", "/chunked"] {
        let error = get(&host, path).await.unwrap_err();
        assert!(
            matches!(error, FetchError::TooLarge { most: 1000 }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_compressed_answer_is_refused() {
    let host = Hosting::start().await;
    for encoding in ["gzip", "deflate", "br", "identity, gzip"] {
        host.reply("/a", move || {
            ([(CONTENT_ENCODING, encoding)], "bytes").into_response()
        });
        let error = get(&host, "/a").await.unwrap_err();
        assert!(matches!(error, FetchError::Encoded), "{error:?}");
    }
}

#[tokio::test]
async fn a_host_that_drips_is_left_in_time() {
    for head in ["", "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.write_all(head.as_bytes()).await.unwrap();
            while socket.write_all(b"H").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let limits = Limits {
            time: Duration::from_millis(400),
            ..LIMITS
        };
        let url: Url = format!("{origin}/a").parse().unwrap();
        let start = Instant::now();
        let error = fetcher(&[&origin]).get(&url, limits).await.unwrap_err();
        assert!(
            matches!(error, FetchError::Deadline | FetchError::Connection(_)),
            "{error:?}"
        );
        assert!(start.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn the_request_carries_nothing_that_was_not_meant() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let seen = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let length = socket.read(&mut bytes).await.unwrap();
        String::from_utf8(bytes[..length].to_vec())
            .unwrap()
            .to_lowercase()
    });
    let url: Url = format!("{origin}/a").parse().unwrap();
    assert!(fetcher(&[&origin]).get(&url, LIMITS).await.is_err());
    let request = seen.await.unwrap();
    assert!(request.starts_with("get /a http/1.1\r\n"), "{request}");
    for header in [
        "accept-encoding",
        "referer",
        "cookie",
        "authorization",
        "proxy",
    ] {
        assert!(!request.contains(header), "{request}");
    }
}

#[tokio::test]
async fn a_number_is_dialled_only_as_a_configured_loopback_origin() {
    let host = Hosting::start().await;
    host.put("/a", "bytes");
    let other = Hosting::start().await;
    let fetcher = fetcher(&[&other.origin]);
    for url in [
        host.url("/a"),
        "http://10.0.0.1/a".into(),
        "https://[::1]/a".into(),
        "http://localhost/a".into(),
    ] {
        let error = fetcher
            .get(&url.parse().unwrap(), LIMITS)
            .await
            .unwrap_err();
        assert!(matches!(error, FetchError::NotPublic), "{url}: {error:?}");
    }
    assert!(host.asked().is_empty());
}

/// Answers with `first`, then with `then`.
struct Scripted {
    first: Vec<IpAddr>,
    then: Vec<IpAddr>,
    asked: AtomicUsize,
}

impl Lookup for Scripted {
    fn addresses(&self, _: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        let first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        let answer = if first { &self.first } else { &self.then };
        let answer = Ok(answer.clone());
        Box::pin(async { answer })
    }
}

async fn resolved_to(first: &[&str], then: &[&str]) -> (FetchError, usize) {
    let parsed = |texts: &[&str]| texts.iter().map(|it| it.parse().unwrap()).collect();
    let lookup = Arc::new(Scripted {
        first: parsed(first),
        then: parsed(then),
        asked: AtomicUsize::new(0),
    });
    let fetcher = Fetcher::new([], None, Arc::clone(&lookup) as Arc<dyn Lookup>).unwrap();
    let url: Url = "http://certificates.invalid:9/a".parse().unwrap();
    let error = fetcher.get(&url, LIMITS).await.unwrap_err();
    (error, lookup.asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_name_with_any_private_answer_is_not_dialled() {
    let cases: [&[&str]; 9] = [
        &["127.0.0.1"],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["100.64.0.1"],
        &["fd00::1"],
        &["64:ff9b::7f00:1"],
        &["2002:7f00:1::"],
        &["1.1.1.1", "127.0.0.1"],
        &[],
    ];
    for addresses in cases {
        let (error, asked) = resolved_to(addresses, &[]).await;
        assert!(
            matches!(error, FetchError::NotPublic),
            "{addresses:?}: {error:?}"
        );
        assert_eq!(asked, 1);
    }
}

#[tokio::test]
async fn a_rebinding_name_is_refused_by_the_answer_that_is_dialled() {
    let (error, asked) = resolved_to(&["127.0.0.1"], &["1.1.1.1"]).await;
    assert!(matches!(error, FetchError::NotPublic), "{error:?}");
    assert_eq!(asked, 1, "there is no second look-up to lie in");
}

#[tokio::test]
async fn a_failure_never_repeats_the_address() {
    let host = Hosting::start().await;
    let url: Url = "http://127.0.0.1:1/hunter2".parse().unwrap();
    let fetcher = fetcher(&["http://127.0.0.1:1", &host.origin]);
    let error = fetcher.get(&url, LIMITS).await.unwrap_err();
    let text = crate::failure::Chain(&error).to_string();
    assert!(!text.contains("hunter2"), "{text}");
}
