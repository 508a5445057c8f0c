//! Which addresses may be fetched: certificates by URL pattern, issuers and revocation lists by host.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use super::pattern::Pattern;

/// The longest certificate address that is looked at.
const MAX_URL: usize = 2048;

/// The host name after which the certificate's file is named in Microsoft's documentation ("Partner Center webhooks").
const DOCUMENTED_NAME: &str = "pcnotifications-dispatch.microsoft.com";

/// The addresses that signing certificates may come from.
#[derive(Clone, Debug)]
pub struct CertificateUrls(Vec<UrlPattern>);

impl CertificateUrls {
    /// Admits what any of `patterns` admits.
    pub fn new(patterns: Vec<UrlPattern>) -> Self {
        Self(patterns)
    }

    /// The address `raw` names, if a pattern admits it.
    ///
    /// `raw` has to be exactly what a URL parser would print for it, so that what was checked is what is dialled:
    /// no upper case host, no default port, no `..`, no escapes, no white space.
    pub fn admit(&self, raw: &str) -> Option<CertificateUrl> {
        if raw.len() > MAX_URL {
            return None;
        }
        let url = Url::parse(raw).ok().filter(|url| url.as_str() == raw)?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !plain {
            return None;
        }
        let mut admitting = self.0.iter().filter(|pattern| pattern.matches(&url));
        let first = admitting.next()?;
        let pinned = first.is_literal() || admitting.any(UrlPattern::is_literal);
        Some(CertificateUrl { url, pinned })
    }

    /// Where the certificate is most likely to be: each pattern's own address, with the name that Microsoft's documentation
    /// shows in place of a `*`.
    pub fn likely(&self) -> impl Iterator<Item = String> {
        let filled = |pattern: &UrlPattern| {
            let segments = pattern.segments.iter().map(|it| it.filled(DOCUMENTED_NAME));
            let path: Vec<String> = segments.collect();
            format!("{}{}", pattern.origin, path.join("/"))
        };
        self.0.iter().map(filled)
    }

    /// The loopback origins among the patterns: the only addresses that may be dialled without being public.
    pub(super) fn loopback_origins(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(|pattern| pattern.loopback)
            .map(|pattern| pattern.origin.as_str())
    }
}

/// A certificate address that a pattern admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateUrl {
    url: Url,
    pinned: bool,
}

impl CertificateUrl {
    /// The address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// A pattern without `*` names it, so a stranger cannot have invented it.
    pub fn is_pinned(&self) -> bool {
        self.pinned
    }
}

/// Where certificates may be: scheme, host and port as written, and a path in which each segment may have one `*`
/// for a run of letters, digits, `.`, `_` and `-`.
#[derive(Clone, Debug)]
pub struct UrlPattern {
    origin: String,
    segments: Vec<Pattern>,
    loopback: bool,
}

impl UrlPattern {
    fn matches(&self, url: &Url) -> bool {
        let path = url.path();
        let origin = &url.as_str()[..url.as_str().len() - path.len()];
        origin == self.origin
            && path.split('/').count() == self.segments.len()
            && path
                .split('/')
                .zip(&self.segments)
                .all(|(segment, pattern)| pattern.matches(segment, 1, in_file_name))
    }

    fn is_literal(&self) -> bool {
        self.segments.iter().all(Pattern::is_literal)
    }
}

fn in_file_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
}

impl FromStr for UrlPattern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // With the gaps filled, a pattern is an address like those it admits.
        let sample = text.replace('*', "x");
        let url = Url::parse(&sample).map_err(|_| "it is no address")?;
        let origin = Origin::of(&url)?;
        if url.as_str() != sample || url.query().is_some() || url.fragment().is_some() {
            return Err(
                "it has to be written as a browser prints it, without user, query or fragment",
            );
        }
        let path = text
            .strip_prefix(&origin.text)
            .filter(|path| path.starts_with('/'))
            .ok_or("a `*` may stand in the path only")?;
        let segments = path
            .split('/')
            .map(Pattern::read)
            .collect::<Option<_>>()
            .ok_or("a part of the path may have one `*`")?;
        Ok(Self {
            origin: origin.text,
            segments,
            loopback: origin.loopback,
        })
    }
}

/// A host that issuers' certificates or revocation lists may be fetched from.
///
/// A host name admits `http` and `https` at their own ports; an origin such as `http://127.0.0.1:8089` admits just itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedHost {
    /// A host name.
    Name(String),
    /// Scheme, host and port of a stand-in on this machine.
    Loopback(String),
}

impl AllowedHost {
    fn admits(&self, url: &Url) -> bool {
        match self {
            Self::Name(name) => {
                matches!(url.scheme(), "http" | "https")
                    && url.port().is_none()
                    && url.host_str() == Some(name)
            }
            Self::Loopback(origin) => url.origin().ascii_serialization() == *origin,
        }
    }
}

impl FromStr for AllowedHost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(url) = Url::parse(text)
            && url.has_host()
        {
            let origin = Origin::of(&url)?;
            let bare = text.strip_prefix(&origin.text);
            return match bare {
                Some("" | "/") if origin.loopback => Ok(Self::Loopback(origin.text)),
                _ => Err("an origin has to be on this machine, such as http://127.0.0.1:8089"),
            };
        }
        match Host::parse(text) {
            Ok(Host::Domain(name)) if name.contains('.') && !name.ends_with('.') => {
                Ok(Self::Name(name))
            }
            _ => Err("it is no host name"),
        }
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(text) | Self::Loopback(text) => f.write_str(text),
        }
    }
}

/// The hosts a kind of file may be fetched from.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Vec<AllowedHost>);

impl AllowedHosts {
    /// Admits what any of `hosts` admits.
    pub fn new(hosts: Vec<AllowedHost>) -> Self {
        Self(hosts)
    }

    /// The address that a certificate gives as `raw`, if its host is one of these.
    pub fn admit(&self, raw: &str) -> Option<Url> {
        let url = Url::parse(raw).ok().filter(|_| raw.len() <= MAX_URL)?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        (plain && self.0.iter().any(|host| host.admits(&url))).then_some(url)
    }

    pub(super) fn loopback_origins(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|host| match host {
            AllowedHost::Loopback(origin) => Some(origin.as_str()),
            AllowedHost::Name(_) => None,
        })
    }
}

/// Scheme, host and port of an address in a setting.
struct Origin {
    text: String,
    loopback: bool,
}

impl Origin {
    fn of(url: &Url) -> Result<Self, &'static str> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it has to begin with https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address may not name a user");
        }
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) if address.is_loopback() => true,
            Some(Host::Ipv6(address)) if address.is_loopback() => true,
            Some(Host::Domain("localhost")) => true,
            Some(Host::Domain(_)) => false,
            _ => return Err("a numeric host has to be this machine's own, such as 127.0.0.1"),
        };
        Ok(Self {
            text: url.origin().ascii_serialization(),
            loopback,
        })
    }
}

#[cfg(test)]
mod tests;
