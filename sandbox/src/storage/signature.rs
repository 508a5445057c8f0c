//! What proves to a storage account that a client may use it: the shared key of a request, or a signature made ahead.
//!
//! Microsoft Learn: "Authorize with Shared Key" (Blob and Queue services, 2009-09-19 and later) and "Create an account
//! SAS" (2020-12-06 and later).

use axum::http::{HeaderMap, Method, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer};
use url::{Url, form_urlencoded};

use super::account::Credentials;

/// The version of the REST API that is spoken.
pub(super) const VERSION: &str = "2024-11-04";

/// The value of `Authorization` for this request.
pub(super) fn shared_key(
    credentials: &Credentials,
    method: &Method,
    url: &Url,
    headers: &HeaderMap,
) -> String {
    let text = format!(
        "{method}\n{}{}{}",
        standard(headers),
        extensions(headers),
        resource(credentials.name(), url)
    );
    let signature = sign(credentials.key(), &text);
    format!("SharedKey {}:{signature}", credentials.name())
}

/// The query of an account SAS that allows everything with blobs and queues until `end`.
pub(super) fn account_sas(credentials: &Credentials, end: Timestamp) -> String {
    let (services, types, permissions) = ("bq", "sco", "rwdlacup");
    let end = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    // No start, no addresses, any protocol, no encryption scope.
    let text = format!(
        "{}\n{permissions}\n{services}\n{types}\n\n{end}\n\n\n{VERSION}\n\n",
        credentials.name()
    );
    form_urlencoded::Serializer::new(String::new())
        .append_pair("sv", VERSION)
        .append_pair("ss", services)
        .append_pair("srt", types)
        .append_pair("sp", permissions)
        .append_pair("se", &end)
        .append_pair("sig", &sign(credentials.key(), &text))
        .finish()
}

/// The headers every request has, by place, absent ones empty. The date is in `x-ms-date`.
fn standard(headers: &HeaderMap) -> String {
    let names = [
        header::CONTENT_ENCODING,
        header::CONTENT_LANGUAGE,
        header::CONTENT_LENGTH,
        header::HeaderName::from_static("content-md5"),
        header::CONTENT_TYPE,
        header::DATE,
        header::IF_MODIFIED_SINCE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_UNMODIFIED_SINCE,
        header::RANGE,
    ];
    let line = |name: &header::HeaderName| {
        let value = text(headers, name);
        let is_zero = name == header::CONTENT_LENGTH && value == "0";
        format!("{}\n", if is_zero { "" } else { value })
    };
    names.iter().map(line).collect()
}

/// The `x-ms-` headers in alphabetical order.
fn extensions(headers: &HeaderMap) -> String {
    let mut names: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-ms-"))
        .collect();
    names.sort_by_key(|name| name.as_str());
    let line = |name: &&header::HeaderName| format!("{name}:{}\n", text(headers, name));
    names.iter().map(line).collect()
}

/// The account, the path as it is sent, and the parameters by name.
fn resource(account: &str, url: &Url) -> String {
    let mut parameters: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| (name.to_lowercase(), value.into_owned()))
        .collect();
    parameters.sort();
    let parameters = parameters
        .iter()
        .map(|(name, value)| format!("\n{name}:{value}"));
    format!("/{account}{}{}", url.path(), parameters.collect::<String>())
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim()
}

fn sign(key: &[u8], text: &str) -> String {
    let signature = PKey::hmac(key).and_then(|key| {
        Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(text.as_bytes())
    });
    STANDARD.encode(signature.expect("SHA-256 takes any key and any text"))
}
