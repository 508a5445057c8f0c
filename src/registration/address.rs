//! The address of a webhook. It may hold a key, so it is shown without.

use std::fmt;

use openssl::sha::sha256;
use url::{Host, Url};

/// The last segment of the webhook's path: its function's name.
pub const ROUTE: &str = "ReferralWebhook";
/// The parameter that holds the function's key.
const KEY: &str = "code";

/// The address of a webhook. Shown, it has no parameter's value in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why an address cannot be the connector's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// It cannot be parsed.
    #[error("is no address, such as https://contoso.azurewebsites.net/api/ReferralWebhook")]
    NotAnAddress,
    /// It is not `https`.
    #[error(
        "has to begin with https://: Partner Center's events and the key must not travel in the open"
    )]
    NotHttps,
    /// It has a user name, a password or a fragment.
    #[error("may have no user name, password or fragment: only a path and a key")]
    NotPlain,
    /// It leads to something else than the function.
    #[error(
        "does not lead to the webhook: its path has to end with /{ROUTE}, such as /api/{ROUTE}"
    )]
    NoRoute,
    /// It has a key, and another was given beside it.
    #[error("holds a key, and another one was given: give only one of them")]
    TwoKeys,
}

impl Address {
    /// Takes an address as it is registered, whosever it is.
    pub const fn new(url: Url) -> Self {
        Self(url)
    }

    /// Takes the address of the connector's webhook, with its key in it or beside it.
    ///
    /// It has to be `https`, but on this machine, and to lead to the function.
    pub fn of_webhook(text: &str, key: Option<&str>) -> Result<Self, BadAddress> {
        let mut url = Url::parse(text.trim()).map_err(|_| BadAddress::NotAnAddress)?;
        let loopback = match url.host() {
            Some(Host::Ipv4(host)) => host.is_loopback(),
            Some(Host::Ipv6(host)) => host.is_loopback(),
            Some(Host::Domain(_)) | None => false,
        };
        if !(url.scheme() == "https" || url.scheme() == "http" && loopback) {
            return Err(BadAddress::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(BadAddress::NotPlain);
        }
        let segments = url.path().split('/').rfind(|it| !it.is_empty());
        if !segments.is_some_and(|last| last.eq_ignore_ascii_case(ROUTE)) {
            return Err(BadAddress::NoRoute);
        }
        let address = Self(url.clone());
        let Some(key) = key.map(str::trim).filter(|key| !key.is_empty()) else {
            return Ok(address);
        };
        if address.key().is_some_and(|given| given != key) {
            return Err(BadAddress::TwoKeys);
        }
        if address.key().is_none() {
            url.query_pairs_mut().append_pair(KEY, key);
        }
        Ok(Self(url))
    }

    /// The address with everything in it, to be sent and never to be shown.
    pub const fn whole(&self) -> &Url {
        &self.0
    }

    /// The function's key, if there is one in it.
    pub fn key(&self) -> Option<String> {
        let mut pairs = self.0.query_pairs();
        let (_, key) = pairs.find(|(name, _)| name.eq_ignore_ascii_case(KEY))?;
        Some(key.into_owned()).filter(|key| !key.is_empty())
    }

    /// Where it leads, without any parameter: what may be kept and shown.
    pub fn place(&self) -> String {
        let mut url = self.0.clone();
        url.set_query(None);
        url.set_fragment(None);
        // An address that cannot have them has none.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.into()
    }

    /// Whether `place` is the same, in any letter case and with or without a slash at its end.
    pub fn is_at(&self, place: &str) -> bool {
        let plain = |it: &str| it.trim_end_matches('/').to_ascii_lowercase();
        plain(&self.place()) == plain(place)
    }

    /// The SHA-256 of the whole address, key included, in hexadecimal: tells whether it changed, and not what it was.
    pub fn digest(&self) -> String {
        let digits = |byte: &u8| [byte >> 4, byte & 15];
        let digit = |it: u8| char::from_digit(it.into(), 16).expect("four bits are one digit");
        let digest = sha256(self.0.as_str().as_bytes());
        digest.iter().flat_map(digits).map(digit).collect()
    }

    /// Its host's name.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether it is an address that Power Automate gave to flows until 2025. Those have answered nothing since
    /// 2025-11-30; only a Logic App may still be behind one.
    pub fn is_old_flow(&self) -> bool {
        let host = self.host().to_ascii_lowercase();
        host == "logic.azure.com" || host.ends_with(".logic.azure.com")
    }

    /// Whether it is an address that Power Automate gives to flows now.
    pub fn is_flow(&self) -> bool {
        let host = self.host().to_ascii_lowercase();
        host.ends_with(".api.powerplatform.com") || host.ends_with(".flow.microsoft.com")
    }

    /// `text` with everything in it that is secret about this address taken out.
    pub fn masked(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        let raw = self.0.query().unwrap_or_default().split('&');
        let raw = raw.filter_map(|pair| pair.split_once('=').map(|(_, value)| value.to_owned()));
        let read = self.0.query_pairs().map(|(_, value)| value.into_owned());
        for secret in raw.chain(read).filter(|secret| !secret.is_empty()) {
            masked = masked.replace(&secret, "***");
        }
        masked
    }
}

/// The place, and the names of the parameters: `https://contoso.azurewebsites.net/api/ReferralWebhook?code=***`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())?;
        for (place, (name, _)) in self.0.query_pairs().enumerate() {
            let mark = if place == 0 { '?' } else { '&' };
            write!(f, "{mark}{name}=***")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &str = "https://contoso.azurewebsites.net/api/ReferralWebhook";

    fn address(text: &str) -> Address {
        Address::new(text.parse().unwrap())
    }

    #[test]
    fn a_key_is_in_what_is_sent_and_in_nothing_that_is_shown() {
        let key = "s3cr3t/+a==";
        let given = Address::of_webhook(PLACE, Some(key)).unwrap();
        let inside = format!("{PLACE}?code=s3cr3t%2F%2Ba%3D%3D");
        assert_eq!(given.whole().as_str(), inside);
        assert_eq!(Address::of_webhook(&inside, None).unwrap(), given);
        assert_eq!(Address::of_webhook(&inside, Some(key)).unwrap(), given);
        assert_eq!(given.key().as_deref(), Some(key));
        for shown in [given.to_string(), format!("{given:?}"), given.place()] {
            assert!(
                shown.contains(PLACE) && !shown.contains("s3cr3t"),
                "{shown}"
            );
        }
        assert_eq!(given.to_string(), format!("{PLACE}?code=***"));
        let told = format!("no answer from {inside}, key {key}");
        assert!(!given.masked(&told).contains("s3cr3t"));
        assert_ne!(given.digest(), address(PLACE).digest());
        assert_eq!(given.digest().len(), 64);
    }

    #[test]
    fn whatever_a_foreign_address_carries_stays_hidden() {
        let foreign =
            address("https://u:p@prod-1.westeurope.logic.azure.com:443/w/9?sig=abc&sp=%2Frun#x");
        assert_eq!(
            foreign.to_string(),
            "https://prod-1.westeurope.logic.azure.com/w/9?sig=***&sp=***"
        );
        assert!(foreign.is_old_flow() && !foreign.is_flow());
        let flow = address("https://0a.1.environment.api.powerplatform.com:443/x?sig=1");
        assert!(flow.is_flow() && !flow.is_old_flow());
        assert!(!address(PLACE).is_flow() && !address("https://notlogic.azure.com/").is_old_flow());
    }

    #[test]
    fn an_address_that_cannot_be_the_webhooks_says_why() {
        for (text, why) in [
            ("contoso", BadAddress::NotAnAddress),
            (
                "http://contoso.azurewebsites.net/api/ReferralWebhook",
                BadAddress::NotHttps,
            ),
            ("ftp://127.0.0.1/api/ReferralWebhook", BadAddress::NotHttps),
            (
                "https://u@contoso.example/api/ReferralWebhook",
                BadAddress::NotPlain,
            ),
            (
                "https://contoso.example/api/ReferralWebhook#x",
                BadAddress::NotPlain,
            ),
            ("https://contoso.example/", BadAddress::NoRoute),
            ("https://contoso.example/api", BadAddress::NoRoute),
            (
                "https://contoso.example/ReferralWebhook/api",
                BadAddress::NoRoute,
            ),
        ] {
            assert_eq!(Address::of_webhook(text, None), Err(why), "{text}");
        }
        let two = Address::of_webhook(&format!("{PLACE}?code=a"), Some("b"));
        assert_eq!(two, Err(BadAddress::TwoKeys));
    }

    #[test]
    fn letter_case_and_a_last_slash_make_no_other_place() {
        let printed = Address::of_webhook(&format!("{}/", PLACE.to_lowercase()), None).unwrap();
        assert!(printed.is_at(PLACE));
        assert!(!printed.is_at("https://fabrikam.azurewebsites.net/api/ReferralWebhook"));
        assert!(Address::of_webhook("http://127.0.0.1:7071/api/referralwebhook", None).is_ok());
    }
}
