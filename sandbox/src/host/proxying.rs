//! The wire form of `enableProxyingHttpRequest`: a reverse proxy that streams and keeps end-to-end headers.

use std::net::IpAddr;

use anyhow::{Context, Result};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use uuid::Uuid;

use super::connection::{self, Dial};
use super::{HOST_VERSION, INVOCATION_ID, VERSION_HEADER, paths};

/// Headers that concern one connection only.
const HOP_BY_HOP: [&str; 15] = [
    "connection",
    "transfer-encoding",
    "keep-alive",
    "upgrade",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-features",
    "proxy-instruction",
    "security-scheme",
    "alpn",
    "close",
    "te",
    "alt-svc",
];
/// Correlates the proxied request with its invocation; a value sent by the caller stays.
const CORRELATION: HeaderName = HeaderName::from_static("x-ms-invocation-id");

/// Hands the request to the handler as it comes in and gives the answer as it comes back.
pub(super) async fn call(
    request: Request<Incoming>,
    port: u16,
    caller: IpAddr,
    invocation: Uuid,
) -> Result<Response<Incoming>> {
    let request = rewrite(request, port, caller, invocation)?;
    let mut response = connection::dial(port, Dial::Retrying)
        .await?
        .send(request)
        .await?;
    strip(response.headers_mut());
    Ok(response)
}

fn rewrite(
    request: Request<Incoming>,
    port: u16,
    caller: IpAddr,
    invocation: Uuid,
) -> Result<Request<Incoming>> {
    let (mut parts, body) = request.into_parts();
    let path = paths::as_proxied_path(&paths::decode(parts.uri.path()));
    let target = parts
        .uri
        .query()
        .map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    parts.uri = target
        .parse()
        .with_context(|| format!("write the path {path:?}"))?;
    let headers = &mut parts.headers;
    strip(headers);
    if let Some(host) = headers.remove(header::HOST) {
        headers.insert("x-forwarded-host", host);
    }
    headers.insert(header::HOST, value(&format!("127.0.0.1:{port}")));
    headers.insert("x-forwarded-for", value(&caller.to_string()));
    headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
    headers.insert(VERSION_HEADER, HeaderValue::from_static(HOST_VERSION));
    headers.insert(INVOCATION_ID, value(&invocation.to_string()));
    headers
        .entry(CORRELATION)
        .or_insert_with(|| value(&invocation.to_string()));
    Ok(Request::from_parts(parts, body))
}

fn strip(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("addresses and ids are visible ASCII")
}
