//! Who may call the webhook.

use crate::callback::allow_list::{AllowedHosts, CertificateUrls};
use crate::callback::link::{Link, LinkError};
use crate::callback::policy::Policy;
use crate::callback::{RevocationMode, TrustAnchors};

use super::{ConfigError, Settings};

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
        let anchors = anchors(settings);
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

fn anchors(settings: &mut Settings<'_>) -> Option<TrustAnchors> {
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
    Some(TrustAnchors { mozilla, own })
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
    match Link::read_all(&bytes, read) {
        Ok(links) => Some(links),
        Err(error) => {
            settings.problem(key, error);
            None
        }
    }
}

#[cfg(test)]
mod tests;
