//! A signed call to a storage account's REST API.

use anyhow::{Context as _, bail};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use bytes::Bytes;
use jiff::Timestamp;
use url::Url;

use super::{
    account::Credentials,
    link::Link,
    signature::{self, VERSION},
};

/// What a client proves itself with.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// The account's key, which signs every request.
    Key(Credentials),
    /// A query that was signed ahead (SAS).
    Signed(String),
}

/// A client of one service of one account.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    link: Link,
    address: Url,
    proof: Proof,
    agent: HeaderValue,
}

/// One request, before it is signed.
pub(crate) struct Call {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: HeaderMap,
    body: Bytes,
}

impl Client {
    /// A client of the service at `address`, the account's name included.
    pub(crate) fn new(address: Url, proof: Proof, agent: &'static str) -> Self {
        Self {
            link: Link::new(&address),
            address,
            proof,
            agent: HeaderValue::from_static(agent),
        }
    }

    /// The answer, whatever its status.
    pub(crate) async fn send(&self, call: Call) -> anyhow::Result<Response<Bytes>> {
        let mut url = self.address.clone();
        url.path_segments_mut()
            .ok()
            .context("the account's address has no path")?
            .pop_if_empty()
            .extend(call.path.split('/'));
        for (name, value) in &call.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let mut headers = call.headers;
        headers.insert(header::HOST, HeaderValue::from_str(url.authority())?);
        headers.insert(header::USER_AGENT, self.agent.clone());
        headers.insert("x-ms-version", HeaderValue::from_static(VERSION));
        headers.insert("x-ms-date", HeaderValue::from_str(&http_date())?);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(call.body.len()));
        match &self.proof {
            Proof::Key(credentials) => {
                let value = signature::shared_key(credentials, &call.method, &url, &headers);
                headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&value)?);
            }
            Proof::Signed(query) => {
                let given = url.query().map(|given| format!("{given}&"));
                url.set_query(Some(&format!("{}{query}", given.unwrap_or_default())));
            }
        }
        let mut request = Request::new(call.body);
        *request.method_mut() = call.method;
        *request.uri_mut() = url.as_str().parse()?;
        *request.headers_mut() = headers;
        self.link.send(request).await
    }
}

impl Call {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// `answer`, or its status and reason as an error.
pub(crate) fn succeeded(answer: Response<Bytes>) -> anyhow::Result<Response<Bytes>> {
    if !answer.status().is_success() {
        let reason = String::from_utf8_lossy(answer.body());
        bail!("the storage account answered {}: {reason}", answer.status());
    }
    Ok(answer)
}

/// Now, as HTTP writes it.
pub(super) fn http_date() -> String {
    let now = Timestamp::now();
    now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
