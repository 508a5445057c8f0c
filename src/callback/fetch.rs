//! Fetches small files whose addresses strangers may have chosen: from public addresses, briefly, and never further.

use std::collections::HashSet;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::CONTENT_ENCODING;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, Response, redirect};
use url::{Host, Url};

use super::address;
use crate::roots;

/// How a host's name becomes addresses.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of `host`.
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// What a file may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of the body.
    pub(super) bytes: usize,
    /// From the first packet to the last.
    pub(super) time: Duration,
}

impl Limits {
    /// For a certificate.
    pub(super) const CERTIFICATE: Self = Self {
        bytes: 64 * 1024,
        time: Duration::from_secs(5),
    };
    /// For a revocation list.
    pub(super) const REVOCATION_LIST: Self = Self {
        bytes: 8 * 1024 * 1024,
        time: Duration::from_secs(30),
    };
}

/// The client for these files. It shares nothing with the one that carries our tokens.
pub(super) struct Fetcher {
    loopback: HashSet<String>,
    authorities: Vec<Certificate>,
    lookup: Arc<dyn Lookup>,
    client: OnceLock<Client>,
}

impl Fetcher {
    /// Fetches from public addresses and from the origins in `loopback`; `outbound_ca` adds TLS authorities.
    pub(super) fn new(
        loopback: impl IntoIterator<Item = String>,
        outbound_ca: Option<&[u8]>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, reqwest::Error> {
        let authorities = roots::beside_the_systems(outbound_ca)?;
        Ok(Self {
            loopback: loopback.into_iter().collect(),
            authorities,
            lookup,
            client: OnceLock::new(),
        })
    }

    /// The bytes at `url`, within `limits`. Only a plain 200 counts.
    pub(super) async fn get(&self, url: &Url, limits: Limits) -> Result<Bytes, FetchError> {
        self.check_literal(url)?;
        let client = self.client()?;
        tokio::time::timeout(limits.time, async {
            let response = client.get(url.clone()).send().await?;
            body(response, limits.bytes).await
        })
        .await
        .map_err(|_| FetchError::Deadline)?
    }

    /// A host written as a number never meets the resolver, so it is checked here.
    fn check_literal(&self, url: &Url) -> Result<(), FetchError> {
        let literal = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            _ => true,
        };
        if literal && !self.loopback.contains(&url.origin().ascii_serialization()) {
            return Err(FetchError::NotPublic);
        }
        Ok(())
    }

    /// The client, made at the first fetch: reading the system's authorities takes a while.
    fn client(&self) -> Result<&Client, FetchError> {
        if self.client.get().is_none() {
            let client = self.build()?;
            // Another fetch may have been faster; then its client is the one.
            let _ = self.client.set(client);
        }
        Ok(self.client.get().expect("it was set above"))
    }

    fn build(&self) -> Result<Client, reqwest::Error> {
        let resolver = PublicOnly {
            lookup: Arc::clone(&self.lookup),
        };
        Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .http1_only()
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(resolver))
            .tls_certs_merge(self.authorities.iter().cloned())
            .build()
    }
}

async fn body(mut response: Response, most: usize) -> Result<Bytes, FetchError> {
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status {
            status: response.status(),
        });
    }
    let encoded = response
        .headers()
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| value != "identity");
    if encoded {
        return Err(FetchError::Encoded);
    }
    let announced = response.content_length().unwrap_or(0);
    if announced > most as u64 {
        return Err(FetchError::TooLarge { most });
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Err(FetchError::TooLarge { most });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A resolver that gives nothing unless every answer is public. The connection goes to an address it gave, so there is no
/// second answer that could differ.
struct PublicOnly {
    lookup: Arc<dyn Lookup>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let found = self.lookup.addresses(host.clone());
        Box::pin(async move {
            let addresses = found.await?;
            let local = host == "localhost";
            let sound = |address: &IpAddr| {
                if local {
                    address.is_loopback()
                } else {
                    address::is_public(*address)
                }
            };
            if addresses.is_empty() || !addresses.iter().all(sound) {
                return Err(Box::new(NotPublic) as Box<dyn Error + Send + Sync>);
            }
            let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// The resolver's refusal, found again among the causes of a failed request.
#[derive(Debug, thiserror::Error)]
#[error("the host has an address that is not public")]
struct NotPublic;

/// Why a file was not fetched.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FetchError {
    /// The host is, or may be, on a private network.
    #[error("the host has an address that is not public")]
    NotPublic,
    /// No answer, or no whole one.
    #[error("the connection failed")]
    Connection(#[source] Arc<reqwest::Error>),
    /// Not 200.
    #[error("the host answered {status}")]
    Status {
        /// What it answered.
        status: StatusCode,
    },
    /// Compressed, which was not asked for.
    #[error("the host's answer is compressed")]
    Encoded,
    /// More bytes than such a file has.
    #[error("the host's answer is longer than {most} bytes")]
    TooLarge {
        /// How many are read.
        most: usize,
    },
    /// It took too long.
    #[error("the host did not answer in time")]
    Deadline,
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            if error.is::<NotPublic>() {
                return Self::NotPublic;
            }
            cause = error.source();
        }
        // The address was chosen by a stranger; it has no place in a log line.
        Self::Connection(Arc::new(error.without_url()))
    }
}

#[cfg(test)]
mod tests;
