//! One request to a webhook: signed, or wrong in one of the ways a receiver must notice.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use serde::Serialize;
use url::{Host, Url};

use crate::certificates::Signer;

/// Where the signature travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SignatureHeader {
    /// `Authorization`, the default of a registration.
    #[default]
    Authorization,
    /// `x-ms-signature`, when the registration asks for it.
    MsSignature,
}

impl SignatureHeader {
    /// The header's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authorization => "Authorization",
            Self::MsSignature => "x-ms-signature",
        }
    }
}

/// How the signature is written. Which of the two Partner Center uses in `x-ms-signature` is disputed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureForm {
    /// `Signature <base64>`.
    #[default]
    Prefixed,
    /// `<base64>`.
    Bare,
}

const CERTIFICATE_URL: &str = "X-MS-Certificate-Url";
const ALGORITHM: &str = "X-MS-Signature-Algorithm";

/// The headers and the body of one delivery. Sending the same value twice is a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Names and values, in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// The body, sent as it is.
    pub body: Bytes,
}

impl Delivery {
    /// `body` signed by `signer`, whose certificate is said to lie at `certificate_url`.
    pub fn signed(
        body: impl Into<Bytes>,
        signer: &Signer,
        certificate_url: &Url,
        (header, form): (SignatureHeader, SignatureForm),
    ) -> anyhow::Result<Self> {
        let body = body.into();
        let signature = BASE64_STANDARD.encode(signer.sign(&body)?);
        let value = match form {
            SignatureForm::Prefixed => format!("Signature {signature}"),
            SignatureForm::Bare => signature,
        };
        let mut delivery = Self::unsigned(body, certificate_url);
        let place = delivery.headers.len() - 2;
        delivery
            .headers
            .insert(place, (header.name().to_owned(), value));
        Ok(delivery)
    }

    /// `body` with everything but a signature.
    pub fn unsigned(body: impl Into<Bytes>, certificate_url: &Url) -> Self {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            headers: vec![
                header("Content-Type", "application/json"),
                header(CERTIFICATE_URL, certificate_url.as_str()),
                header(ALGORITHM, "rsa-sha256"),
            ],
            body: body.into(),
        }
    }

    /// The same headers over a body changed after signing: its last digit is another one, so that it is
    /// still JSON of the same length.
    #[must_use]
    pub fn tampered(&self) -> Self {
        let mut body = self.body.to_vec();
        if let Some(digit) = body.iter_mut().rfind(|byte| byte.is_ascii_digit()) {
            *digit = if *digit == b'9' { b'0' } else { *digit + 1 };
        } else {
            body.push(b' ');
        }
        self.with_body(body)
    }

    /// The same headers over another body.
    #[must_use]
    pub fn with_body(&self, body: impl Into<Bytes>) -> Self {
        Self {
            headers: self.headers.clone(),
            body: body.into(),
        }
    }

    /// The same delivery naming another certificate.
    #[must_use]
    pub fn with_certificate_url(&self, url: &str) -> Self {
        self.with_header(CERTIFICATE_URL, url)
    }

    /// The same delivery with `name` set to `value`, replacing it in any letter case.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut delivery = self.without_header(name);
        delivery.headers.push((name.to_owned(), value.to_owned()));
        delivery
    }

    /// The same delivery without the header `name`.
    #[must_use]
    pub fn without_header(&self, name: &str) -> Self {
        let mut delivery = self.clone();
        delivery
            .headers
            .retain(|(given, _)| !given.eq_ignore_ascii_case(name));
        delivery
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What a webhook answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

/// Posts `delivery` to `url`, which must be on this machine: nothing else is ever dialled.
pub async fn send(delivery: &Delivery, url: &Url, patience: Duration) -> anyhow::Result<Answer> {
    ensure!(
        is_loopback(url),
        "refused to send an event off this machine"
    );
    let mut request = client()?.post(url.clone()).timeout(patience);
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    let response = request.body(delivery.body.clone()).send().await;
    let response = response
        .map_err(reqwest::Error::without_url)
        .context("send an event")?;
    Ok(Answer {
        status: response.status().as_u16(),
        body: response
            .text()
            .await
            .context("read the answer to an event")?,
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// One client for the process. It keeps no connection, as those would belong to the runtime of one test.
fn client() -> anyhow::Result<reqwest::Client> {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client.clone());
    }
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .build()
        .context("make the client that sends events")?;
    Ok(CLIENT.get_or_init(|| client).clone())
}
