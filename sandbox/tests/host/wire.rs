//! HTTP calls: keys, routes, and both wire forms.

use anyhow::Result;
use sandbox::host::Host;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::BOUND;
use crate::app::App;

/// Sends raw bytes to the host and gives the raw answer.
async fn raw(host: &Host, request: &str) -> Result<String> {
    let port = host.url().port().unwrap_or_default();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    tokio::time::timeout(BOUND, stream.read_to_string(&mut answer)).await??;
    Ok(answer)
}

/// What the echoing handler saw of a raw POST with these header lines and this body.
async fn echoed(host: &Host, target: &str, headers: &str, body: &str) -> Result<Value> {
    let key = host.function_key();
    let request = format!(
        "POST {target} HTTP/1.1\r\nHost: pub.example\r\nConnection: close\r\nx-functions-key: {key}\r\n{headers}\r\n{body}"
    );
    let answer = raw(host, &request).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    assert!(head.starts_with("HTTP/1.1 202"), "{answer}");
    let start = body.find('{').unwrap_or_default();
    let end = body.rfind('}').unwrap_or_default();
    Ok(serde_json::from_str(&body[start..=end])?)
}

fn header<'a>(seen: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = seen["headers"].as_array().into_iter().flatten();
    headers
        .filter(|pair| pair[0] == name)
        .filter_map(|pair| pair[1].as_str())
        .collect()
}

#[tokio::test]
async fn a_call_needs_the_key_the_method_and_the_route() -> Result<()> {
    let app = App::new()?;
    let host = app.start().await?;
    let client = reqwest::Client::new();
    let url = host.url().join("api/x")?;
    let with_code = |key: &str| format!("{url}?code={key}");
    for (request, status) in [
        (client.post(url.clone()), 401),
        (
            client.post(url.clone()).header("x-functions-key", "wrong"),
            401,
        ),
        (
            client
                .post(with_code(host.function_key()))
                .header("x-functions-key", "wrong"),
            401,
        ),
        (client.post(with_code(host.function_key())), 202),
        (client.post(with_code(host.master_key())), 202),
        (client.get(with_code(host.function_key())), 404),
        (client.post(host.url().join("Hook")?), 404),
        (client.post(host.url().join("api/../Hook")?), 404),
        (client.get(host.url().clone()), 200),
    ] {
        assert_eq!(request.send().await?.status(), status);
    }
    Ok(())
}

#[tokio::test]
async fn proxying_keeps_the_request_and_hides_the_public_host() -> Result<()> {
    let app = App::new()?;
    let host = app.start().await?;
    let headers = "X-Azure-Functions-InvocationId: spoof\r\nContent-Encoding: gzip\r\nKeep-Alive: 5\r\n\
                   X-Forwarded-For: 1.2.3.4\r\nX-Multi: a\r\nX-Multi: b\r\nTransfer-Encoding: chunked\r\n";
    let seen = echoed(
        &host,
        "/api/x%20y?b=1&b=2&A",
        headers,
        "3\r\nabc\r\n0\r\n\r\n",
    )
    .await?;
    assert_eq!(seen["target"], "/api/x%20y?b=1&b=2&A");
    assert_eq!(seen["body"], "abc");
    assert_eq!(header(&seen, "content-encoding"), ["gzip"]);
    assert_eq!(header(&seen, "transfer-encoding"), ["chunked"]);
    assert_eq!(header(&seen, "x-multi"), ["a", "b"]);
    assert_eq!(header(&seen, "x-forwarded-host"), ["pub.example"]);
    assert_eq!(header(&seen, "x-forwarded-for"), ["127.0.0.1"]);
    assert!(header(&seen, "host")[0].starts_with("127.0.0.1:"));
    assert!(header(&seen, "keep-alive").is_empty());
    assert_eq!(header(&seen, "x-azure-functions-invocationid").len(), 1);
    assert!(
        header(&seen, "x-azure-functions-invocationid")[0]
            .parse::<uuid::Uuid>()
            .is_ok()
    );
    Ok(())
}

#[tokio::test]
async fn forwarding_builds_the_request_anew() -> Result<()> {
    let app = App::new()?.forwarding();
    let host = app.start().await?;
    let headers = "X-Azure-Functions-InvocationId: spoof\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\
                   Content-Type: application/json; charset=utf-8\r\nUser-Agent: curl/8\r\nX-Multi: a\r\nX-Multi: b\r\n";
    let seen = echoed(&host, "/api/a%3Fb?b=1&B=2&flag", headers, "abc").await?;
    assert_eq!(seen["target"], "/api/a?b=1%2C2&flag=");
    assert_eq!(seen["body"], "abc");
    assert!(header(&seen, "content-encoding").is_empty());
    assert_eq!(
        header(&seen, "content-type"),
        ["application/json; charset=utf-8"]
    );
    assert_eq!(header(&seen, "x-multi"), ["a, b"]);
    assert_eq!(header(&seen, "host"), ["pub.example"]);
    assert!(header(&seen, "user-agent")[0].starts_with("curl/8 Azure-Functions-Host/4."));
    let id = header(&seen, "x-azure-functions-invocationid")[0];
    assert!(
        id.strip_prefix("spoof, ")
            .is_some_and(|id| id.parse::<uuid::Uuid>().is_ok()),
        "{id}"
    );
    Ok(())
}

#[tokio::test]
async fn forwarding_fails_on_chunked_bodies_and_broken_media_types() -> Result<()> {
    let app = App::new()?.forwarding();
    let host = app.start().await?;
    let key = host.function_key();
    for rest in [
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "Content-Length: 3\r\nContent-Type: nonsense\r\n\r\nabc",
    ] {
        let head = "POST /api/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nx-functions-key: ";
        let answer = raw(&host, &format!("{head}{key}\r\n{rest}")).await?;
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    }
    Ok(())
}
