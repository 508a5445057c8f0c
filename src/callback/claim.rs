//! What a delivery's headers claim about it: signature, algorithm, and where the signer's certificate is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap};

use super::allow_list::{CertificateUrl, CertificateUrls};
use super::signature::Algorithm;

const SIGNATURE: &str = "x-ms-signature";
const ALGORITHM: &str = "x-ms-signature-algorithm";
pub(super) const CERTIFICATE_URL: &str = "x-ms-certificate-url";
/// The base64 of the longest signature we verify: RSA with 8192 bits.
const MAX_SIGNATURE: usize = 1368;

/// What the headers claim. Nothing about it is proven, but everything is well formed and the address is on our list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The signature's bytes.
    pub signature: Vec<u8>,
    /// How it was made.
    pub algorithm: Algorithm,
    /// Where the signer's certificate is.
    pub certificate_url: CertificateUrl,
}

impl Claim {
    /// Reads the claim from `headers` without opening any connection.
    pub fn from_headers(headers: &HeaderMap, urls: &CertificateUrls) -> Result<Self, ClaimError> {
        Ok(Self {
            signature: signature(headers)?,
            algorithm: algorithm(headers)?,
            certificate_url: certificate_url(headers, urls)?,
        })
    }
}

/// The signature, from `x-ms-signature` or an `Authorization` of scheme `Signature`. Both at once have to agree.
pub fn signature(headers: &HeaderMap) -> Result<Vec<u8>, ClaimError> {
    let own = single(headers, SIGNATURE)?
        .map(|value| decoded(without_scheme(value).unwrap_or(value)))
        .transpose()?;
    let shared = single(headers, AUTHORIZATION.as_str())?
        .and_then(without_scheme)
        .map(decoded)
        .transpose()?;
    match (own, shared) {
        (Some(own), Some(shared)) if own != shared => Err(ClaimError::ContradictorySignatures),
        (Some(signature), _) | (None, Some(signature)) => Ok(signature),
        (None, None) => Err(ClaimError::NoSignature),
    }
}

/// The algorithm, in any letter case.
pub fn algorithm(headers: &HeaderMap) -> Result<Algorithm, ClaimError> {
    single(headers, ALGORITHM)?
        .ok_or(ClaimError::NoAlgorithm)?
        .parse()
        .map_err(|_| ClaimError::UnknownAlgorithm)
}

/// The certificate's address, if `urls` admits it.
pub fn certificate_url(
    headers: &HeaderMap,
    urls: &CertificateUrls,
) -> Result<CertificateUrl, ClaimError> {
    let raw = single(headers, CERTIFICATE_URL)?.ok_or(ClaimError::NoCertificateUrl)?;
    urls.admit(raw)
        .ok_or_else(|| ClaimError::CertificateUrlRefused {
            origin: origin(raw),
        })
}

/// The value of `name`, which may be there once and as one value.
fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, ClaimError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(ClaimError::Repeated { header: name });
    }
    // Authorization schemes of others may well have parameters with commas, or bytes beyond ASCII.
    let foreign = name == AUTHORIZATION.as_str();
    match value.to_str() {
        Ok(text) if text.contains(',') && !foreign => Err(ClaimError::Repeated { header: name }),
        Ok(text) => Ok(Some(text)),
        Err(_) if foreign => Ok(None),
        Err(_) => Err(ClaimError::NotText { header: name }),
    }
}

/// What follows `Signature `, in any letter case.
fn without_scheme(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("signature").then_some(rest)
}

/// Strict base64 (RFC 4648, section 4): padded, no white space, unused bits zero.
fn decoded(text: &str) -> Result<Vec<u8>, ClaimError> {
    if text.is_empty() || text.len() > MAX_SIGNATURE {
        return Err(ClaimError::MalformedSignature);
    }
    STANDARD
        .decode(text)
        .map_err(|_| ClaimError::MalformedSignature)
}

/// Scheme, host and port of a refused address: enough to see that Microsoft moved, too little to carry anything else.
fn origin(raw: &str) -> Option<String> {
    let url = url::Url::parse(raw).ok()?;
    let origin = url.origin();
    (origin.is_tuple() && raw.len() <= 2048).then(|| {
        let mut text = origin.ascii_serialization();
        text.truncate(100);
        text
    })
}

/// Why headers make no usable claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// A header came twice, or as a list.
    #[error("the header {header} has more than one value")]
    Repeated {
        /// Which.
        header: &'static str,
    },
    /// A header has bytes that are no visible ASCII.
    #[error("the header {header} is not plain ASCII")]
    NotText {
        /// Which.
        header: &'static str,
    },
    /// Neither header carries a signature.
    #[error("neither x-ms-signature nor Authorization carries a signature")]
    NoSignature,
    /// The signature is not strict base64.
    #[error("the signature is not padded base64 of at most 1024 bytes")]
    MalformedSignature,
    /// Both headers carry one, and they differ.
    #[error("x-ms-signature and Authorization carry different signatures")]
    ContradictorySignatures,
    /// No algorithm is given.
    #[error("the header x-ms-signature-algorithm is missing")]
    NoAlgorithm,
    /// The algorithm is none of ours.
    #[error("the signature algorithm is none of rsa-sha256, rsa-sha384 and rsa-sha512")]
    UnknownAlgorithm,
    /// No address is given.
    #[error("the header x-ms-certificate-url is missing")]
    NoCertificateUrl,
    /// The address matches no pattern.
    #[error("the certificate address{} matches no pattern of CALLBACK_CERTIFICATE_URLS", At(.origin))]
    CertificateUrlRefused {
        /// Scheme, host and port, when it has such.
        origin: Option<String>,
    },
}

struct At<'a>(&'a Option<String>);

impl std::fmt::Display for At<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(origin) => write!(f, " at {origin}"),
            None => Ok(()),
        }
    }
}

impl ClaimError {
    /// The word for the log.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Repeated { .. } => "header_repeated",
            Self::NotText { .. } => "header_not_text",
            Self::NoSignature => "signature_missing",
            Self::MalformedSignature => "signature_malformed",
            Self::ContradictorySignatures => "signature_contradictory",
            Self::NoAlgorithm => "algorithm_missing",
            Self::UnknownAlgorithm => "algorithm_unknown",
            Self::NoCertificateUrl => "certificate_url_missing",
            Self::CertificateUrlRefused { .. } => "certificate_url_refused",
        }
    }
}

#[cfg(test)]
mod tests;
