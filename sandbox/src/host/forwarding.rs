//! The wire form of `enableForwardingHttpRequest`: the request is taken apart and built anew.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use uuid::Uuid;

use super::connection::{self, Dial};
use super::{HOST_VERSION, INVOCATION_ID, VERSION_HEADER, paths};

/// Headers of the content that the .NET client does not take among a request's headers, and that are lost.
const LOST: [&str; 9] = [
    "content-encoding",
    "content-language",
    "content-md5",
    "content-disposition",
    "content-range",
    "content-location",
    "expires",
    "last-modified",
    "allow",
];

/// Builds the request anew, sends it and gives the whole answer.
pub(super) async fn call(
    request: Request<Incoming>,
    port: u16,
    invocation: Uuid,
) -> Result<Response<Full<Bytes>>> {
    let request = rebuild(request, invocation).await?;
    let response = connection::dial(port, Dial::Once)
        .await?
        .send(request)
        .await?;
    let (mut parts, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .context("read the handler's answer")?
        .to_bytes();
    parts.headers.remove(header::TRANSFER_ENCODING);
    Ok(Response::from_parts(parts, Full::new(body)))
}

async fn rebuild(request: Request<Incoming>, invocation: Uuid) -> Result<Request<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let length: u64 = match parts.headers.get(header::CONTENT_LENGTH) {
        Some(length) => length.to_str()?.parse().context("read Content-Length")?,
        None if parts.headers.contains_key(header::TRANSFER_ENCODING) => {
            bail!(
                "'Transfer-Encoding: chunked' header can not be used when content object is not specified"
            )
        }
        None => 0,
    };
    let body = if length > 0 {
        check_content_type(&parts.headers)?;
        body.collect()
            .await
            .context("read the request's body")?
            .to_bytes()
    } else {
        Bytes::new()
    };
    let path = paths::as_absolute_path(&paths::decode(parts.uri.path()));
    let target = match parts.uri.query().map(paths::rebuild_query) {
        Some(query) if !query.is_empty() => format!("{path}?{query}"),
        _ => path,
    };
    let mut rebuilt = Request::builder()
        .method(parts.method)
        .uri(target)
        .body(Full::new(body))
        .context("write the request's path")?;
    *rebuilt.headers_mut() = headers(&parts.headers, invocation, length > 0)?;
    Ok(rebuilt)
}

fn headers(sent: &HeaderMap, invocation: Uuid, has_body: bool) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for name in sent.keys() {
        let is_lost = LOST.contains(&name.as_str()) || (name == header::CONTENT_TYPE && !has_body);
        if !is_lost {
            headers.insert(name.clone(), joined(sent, name)?);
        }
    }
    append(
        &mut headers,
        header::USER_AGENT,
        " ",
        &format!("Azure-Functions-Host/{HOST_VERSION}"),
    )?;
    append(&mut headers, INVOCATION_ID, ", ", &invocation.to_string())?;
    append(&mut headers, VERSION_HEADER, ", ", HOST_VERSION)?;
    Ok(headers)
}

fn joined(sent: &HeaderMap, name: &HeaderName) -> Result<HeaderValue> {
    let values: Vec<&[u8]> = sent
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    HeaderValue::from_bytes(&values.join(&b", "[..])).context("join a header's values")
}

/// What the host adds stands behind what the caller sent under the same name.
fn append(headers: &mut HeaderMap, name: HeaderName, separator: &str, added: &str) -> Result<()> {
    let value = match headers.get(&name) {
        Some(sent) => [sent.as_bytes(), separator.as_bytes(), added.as_bytes()].concat(),
        None => added.as_bytes().to_vec(),
    };
    headers.insert(
        name,
        HeaderValue::from_bytes(&value).context("add a header")?,
    );
    Ok(())
}

fn check_content_type(headers: &HeaderMap) -> Result<()> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let text = value.to_str().unwrap_or_default();
    let mut parts = text.split(';');
    let is_token = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
    };
    let media_type = parts.next().and_then(|kind| kind.trim().split_once('/'));
    let is_legal = media_type.is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
        && parts.all(|part| {
            part.trim()
                .split_once('=')
                .is_some_and(|(name, _)| is_token(name.trim()))
        });
    if !is_legal {
        bail!("the format of the Content-Type value is invalid");
    }
    Ok(())
}
