//! Who may call the webhook.

use crate::callback::allow_list::{AllowedHosts, CertificateUrls};
use crate::callback::encoding;
use crate::callback::link::{Link, LinkError};
use crate::callback::policy::Policy;

use super::{ConfigError, Settings};

/// More certificates than any setting needs.
const MOST_CERTIFICATES: usize = 1000;

/// The rules a delivery has to meet.
#[derive(Clone, Debug)]
pub struct CallbackConfig {
    /// `CALLBACK_CERTIFICATE_URLS`.
    pub certificate_urls: CertificateUrls,
    /// `CALLBACK_ORGANIZATION`, `CALLBACK_SUBJECTS` and `CALLBACK_EXTENDED_KEY_USAGES`.
    pub policy: Policy,
    /// `CALLBACK_TRUST_ANCHORS` and `CALLBACK_TRUST_ANCHORS_PEM`.
    pub anchors: TrustAnchors,
    /// `CALLBACK_INTERMEDIATES_PEM`.
    pub intermediates: Vec<Link>,
    /// `CALLBACK_AIA_HOSTS`.
    pub issuer_hosts: AllowedHosts,
    /// `CALLBACK_CRL_HOSTS`.
    pub revocation_hosts: AllowedHosts,
    /// `CALLBACK_REVOCATION`.
    pub revocation: RevocationMode,
}

/// The roots a signer's certificate may chain to.
#[derive(Clone, Debug)]
pub struct TrustAnchors {
    /// The roots of Mozilla's programme that may identify web servers count.
    pub mozilla: bool,
    /// These count too.
    pub own: Vec<Link>,
}

/// What a certificate's revocation means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationMode {
    /// Nothing: it is not looked up.
    Off,
    /// A revoked certificate is refused; one whose list cannot be had is accepted with a warning.
    Soft,
    /// A certificate is refused for as long as no list says that it is good.
    Hard,
}

impl CallbackConfig {
    /// Reads these settings alone, for work on captured deliveries; the error lists every problem.
    pub fn read_alone(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut settings = Settings::new(get);
        let config = Self::read(&mut settings);
        let problems = settings.into_problems();
        config
            .filter(|_| problems.is_empty())
            .ok_or(ConfigError { problems })
    }

    pub(super) fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let urls = non_empty(settings, "CALLBACK_CERTIFICATE_URLS").map(CertificateUrls::new);
        let policy = policy(settings);
        let anchors = TrustAnchors::read(settings);
        let intermediates = links(settings, "CALLBACK_INTERMEDIATES_PEM", Link::read);
        let issuer_hosts = settings.list("CALLBACK_AIA_HOSTS").map(AllowedHosts::new);
        let revocation_hosts = settings.list("CALLBACK_CRL_HOSTS").map(AllowedHosts::new);
        let revocation = settings.required("CALLBACK_REVOCATION");
        Some(Self {
            certificate_urls: urls?,
            policy: policy?,
            anchors: anchors?,
            intermediates: intermediates?,
            issuer_hosts: issuer_hosts?,
            revocation_hosts: revocation_hosts?,
            revocation: revocation?,
        })
    }
}

fn policy(settings: &mut Settings<'_>) -> Option<Policy> {
    let organization = settings.required("CALLBACK_ORGANIZATION");
    let subjects = non_empty(settings, "CALLBACK_SUBJECTS");
    let purposes = non_empty(settings, "CALLBACK_EXTENDED_KEY_USAGES");
    Some(Policy {
        organization: organization?,
        subjects: subjects?,
        extended_key_usages: purposes?,
    })
}

/// A list that would admit nothing, or everything, when it is empty.
fn non_empty<T>(settings: &mut Settings<'_>, key: &str) -> Option<Vec<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let values = settings.list(key)?;
    if values.is_empty() {
        settings.problem(key, "has no entry");
        return None;
    }
    Some(values)
}

impl TrustAnchors {
    fn read(settings: &mut Settings<'_>) -> Option<Self> {
        const PEM: &str = "CALLBACK_TRUST_ANCHORS_PEM";
        let kind = settings.text("CALLBACK_TRUST_ANCHORS")?;
        let (mozilla, pem) = match kind.as_str() {
            "mozilla" => (true, false),
            "pem" => (false, true),
            "both" => (true, true),
            other => {
                settings.problem(
                    "CALLBACK_TRUST_ANCHORS",
                    format_args!("{other:?} is none of mozilla, pem and both"),
                );
                return None;
            }
        };
        let own = links(settings, PEM, Link::read_anchor)?;
        if pem == own.is_empty() {
            let why = if pem {
                "is not set, although CALLBACK_TRUST_ANCHORS asks for it"
            } else {
                "would not count: CALLBACK_TRUST_ANCHORS has to be pem or both"
            };
            settings.problem(PEM, why);
            return None;
        }
        Some(Self { mozilla, own })
    }
}

/// The certificates of the PEM setting `key`, which may be missing.
fn links(
    settings: &mut Settings<'_>,
    key: &str,
    read: fn(&[u8]) -> Result<Link, LinkError>,
) -> Option<Vec<Link>> {
    if settings.text(key).is_none() {
        return Some(Vec::new());
    }
    let bytes = settings.pem(key)?;
    match read_links(&bytes, read) {
        Ok(links) => Some(links),
        Err(error) => {
            settings.problem(key, error);
            None
        }
    }
}

/// The certificates in `bytes`, each read by `read`; the error says which of them is unusable and why.
pub fn read_links(
    bytes: &[u8],
    read: fn(&[u8]) -> Result<Link, LinkError>,
) -> Result<Vec<Link>, String> {
    let files =
        encoding::certificates(bytes, MOST_CERTIFICATES).map_err(|error| error.to_string())?;
    let numbered = (1..).zip(&files);
    numbered
        .map(|(number, der)| {
            read(der).map_err(|error| {
                let chain = crate::failure::Chain(&error).to_string();
                format!("certificate {number} cannot be used: {chain}")
            })
        })
        .collect()
}

impl std::str::FromStr for RevocationMode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "soft" => Ok(Self::Soft),
            "hard" => Ok(Self::Hard),
            _ => Err("expected off, soft or hard"),
        }
    }
}

#[cfg(test)]
mod tests;
