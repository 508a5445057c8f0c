//! Who is told, beside the log, what will need a person.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::Settings;

const URL: &str = "WARNING_WEBHOOK_URL";

/// Who is told of warnings.
#[derive(Clone, Debug)]
pub struct WarningConfig {
    /// Where warnings are sent; `None` if they stay in the log.
    pub receiver: Option<ReceiverConfig>,
    /// `WARNING_DIGEST`.
    pub digest: Digest,
}

/// Somebody's webhook.
#[derive(Clone, Debug)]
pub struct ReceiverConfig {
    /// `WARNING_WEBHOOK_URL`: who knows it may post there.
    pub url: SecretString,
    /// `WARNING_WEBHOOK_FORMAT`.
    pub format: Format,
}

/// What is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object of our own.
    Json,
    /// A message with an Adaptive Card, as a Teams workflow takes it.
    AdaptiveCard,
}

/// How often it is told how things are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// Never.
    Off,
    /// Once a week.
    Weekly,
}

impl WarningConfig {
    pub(super) fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let format: Option<Format> = settings.required("WARNING_WEBHOOK_FORMAT");
        let digest: Option<Digest> = settings.required("WARNING_DIGEST");
        let receiver = match settings.text(URL).map(SecretString::from) {
            None => None,
            Some(url) if is_address(&url) => Some(url),
            Some(_) => {
                // The address itself is what lets one post there.
                settings.problem(
                    URL,
                    "has to be an https:// address without user or fragment",
                );
                return None;
            }
        };
        if receiver.is_none() && digest == Some(Digest::Weekly) {
            settings.problem(
                "WARNING_DIGEST",
                "is sent to WARNING_WEBHOOK_URL, which is not set",
            );
            return None;
        }
        let format = format?;
        Some(Self {
            receiver: receiver.map(|url| ReceiverConfig { url, format }),
            digest: digest?,
        })
    }
}

/// Whether one may post there: over TLS, or on this machine.
fn is_address(text: &SecretString) -> bool {
    let Ok(url) = text.expose_secret().parse::<Url>() else {
        return false;
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "adaptive-card" => Ok(Self::AdaptiveCard),
            _ => Err("expected json or adaptive-card"),
        }
    }
}

impl FromStr for Digest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "weekly" => Ok(Self::Weekly),
            _ => Err("expected off or weekly"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<WarningConfig, Vec<String>> {
        let get = |key: &str| {
            let pair = pairs.iter().find(|(name, _)| *name == key)?;
            Some(pair.1.to_owned())
        };
        let mut settings = Settings::new(&get);
        let config = WarningConfig::read(&mut settings);
        config.ok_or_else(|| settings.into_problems())
    }

    #[test]
    fn without_an_address_warnings_stay_in_the_log() {
        let config = read(&[]).unwrap();
        assert!(config.receiver.is_none());
        assert_eq!(config.digest, Digest::Off);
    }

    #[test]
    fn an_address_may_hold_a_key_and_is_never_repeated() {
        let url = "https://example.invalid/workflows/1/invoke?sig=very-secret";
        let given = [(URL, url), ("WARNING_WEBHOOK_FORMAT", "adaptive-card")];
        let config = read(&given).unwrap();
        assert_eq!(
            config.receiver.as_ref().unwrap().format,
            Format::AdaptiveCard
        );
        assert!(!format!("{config:?}").contains("very-secret"));
        for wrong in [
            "http://example.invalid/?sig=very-secret",
            "https://user@example.invalid/?sig=very-secret",
            "https://example.invalid/#very-secret",
            "very-secret",
        ] {
            let problems = read(&[(URL, wrong)]).unwrap_err().join("; ");
            assert!(problems.contains(URL), "{problems}");
            assert!(!problems.contains("very-secret"), "{problems}");
        }
    }

    #[test]
    fn plain_http_is_taken_on_this_machine_only() {
        assert!(read(&[(URL, "http://127.0.0.1:8080/warnings")]).is_ok());
        assert!(read(&[(URL, "http://127.0.0.1.example.invalid/")]).is_err());
    }

    #[test]
    fn a_digest_needs_somebody_to_send_it_to() {
        let problems = read(&[("WARNING_DIGEST", "weekly")]).unwrap_err();
        assert_eq!(
            problems,
            ["WARNING_DIGEST: is sent to WARNING_WEBHOOK_URL, which is not set"]
        );
        assert!(read(&[("WARNING_WEBHOOK_FORMAT", "xml")]).is_err());
    }
}
