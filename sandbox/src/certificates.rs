//! The authority whose certificates sign events, the host of the signers' certificates, and the hosts of
//! issuers and revocation lists.
//!
//! Real deliveries carry the address of a leaf certificate alone; whoever checks one has to find the
//! intermediate by itself, from its own settings or at the address in the leaf.

mod authority;
mod der;
mod keys;
mod mint;
mod published;
mod revocation;
mod signer;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::{SignedDuration, Timestamp};
use openssl::x509::X509;
use url::Url;

pub use authority::{Authority, ORGANIZATION};
pub use keys::KeyKind;
pub use mint::{KeyUsages, NameEncoding};
pub use published::{Behaviour, Published};
pub use signer::{COMMON_NAME, IssuedBy, Signer, SignerBuilder};

use crate::world::{Service, SharedWorld, Urls};
use revocation::RevocationList;

/// The file in which Partner Center's signer is published, now as before a rotation.
const SIGNER_FILE: &str = "pcnotifications-dispatch.microsoft.com.cer";

/// How a certificate file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// DER, the default.
    #[default]
    Der,
    /// PEM, lines ended by LF.
    Pem,
    /// PEM with a byte order mark and lines ended by CR LF.
    PemFromWindows,
    /// The DER's base64 alone.
    Base64,
}

impl Encoding {
    /// `certificate` so written.
    pub fn write(self, certificate: &X509) -> anyhow::Result<Vec<u8>> {
        Ok(match self {
            Self::Der => certificate.to_der()?,
            Self::Pem => certificate.to_pem()?,
            Self::PemFromWindows => {
                let pem = String::from_utf8(certificate.to_pem()?)?;
                format!("\u{feff}{}", pem.replace('\n', "\r\n")).into_bytes()
            }
            Self::Base64 => BASE64_STANDARD.encode(certificate.to_der()?).into_bytes(),
        })
    }
}

/// The keys and certificates that sign events, and everything the hosts publish.
pub struct State {
    authority: Authority,
    signer: Signer,
    rotations: u32,
    encoding: Encoding,
    leaf_host: Url,
    leaves: BTreeMap<String, Published>,
    issuers: BTreeMap<String, Published>,
    lists: BTreeMap<String, RevocationList>,
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("State")
            .field("rotations", &self.rotations)
            .field("encoding", &self.encoding)
            .field("leaves", &self.leaves.keys())
            .finish_non_exhaustive()
    }
}

impl State {
    /// An authority whose certificates name the hosts in `urls`, and Partner Center's signer.
    pub fn new(urls: &Urls) -> anyhow::Result<Self> {
        let authority = Authority::new("authority", urls.of(Service::AuthorityHost))?;
        let signer = dispatch_signer(&authority, 0)?;
        let mut state = Self {
            authority,
            signer: signer.clone(),
            rotations: 0,
            encoding: Encoding::Der,
            leaf_host: urls.of(Service::CertificateHost).clone(),
            leaves: BTreeMap::new(),
            issuers: BTreeMap::new(),
            lists: BTreeMap::new(),
        };
        state.publish(SIGNER_FILE, &signer)?;
        Ok(state)
    }

    /// The authority, to make other signers under it.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Partner Center's signer at present.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The address that deliveries name.
    pub fn signer_url(&self) -> Url {
        self.leaf_url(SIGNER_FILE)
    }

    /// The root in PEM: what a receiver is to trust.
    pub fn root_pem(&self) -> String {
        pem(self.authority.root())
    }

    /// The intermediate in PEM, for receivers that do not look for it at its address.
    pub fn intermediate_pem(&self) -> String {
        pem(self.authority.intermediate())
    }

    /// Gives Partner Center's signer a new key and certificate at the same address.
    pub fn rotate(&mut self) -> anyhow::Result<()> {
        self.rotations += 1;
        self.signer = dispatch_signer(&self.authority, self.rotations)?;
        let signer = self.signer.clone();
        self.publish(SIGNER_FILE, &signer)?;
        Ok(())
    }

    /// Writes Partner Center's certificate file in another way.
    pub fn write_as(&mut self, encoding: Encoding) -> anyhow::Result<()> {
        self.encoding = encoding;
        let content = encoding.write(&self.signer.certificate)?;
        self.serve(SIGNER_FILE, Published::file(content));
        Ok(())
    }

    /// Publishes `signer`'s leaf as `/cert/<name>`, and its issuers and their lists at the addresses in the
    /// chain. Gives the leaf's address.
    pub fn publish(&mut self, name: &str, signer: &Signer) -> anyhow::Result<Url> {
        let leaf = Published::file(self.encoding.write(&signer.certificate)?);
        for issuer in &signer.issuers {
            let stem = authority::file_stem(&issuer.certificate)?;
            let file = Published {
                content_type: "application/pkix-cert".to_owned(),
                ..Published::file(issuer.certificate.to_der()?)
            };
            self.issuers.insert(format!("certs/{stem}.crt"), file);
            self.lists
                .entry(format!("crls/{stem}.crl"))
                .or_insert_with(|| RevocationList::new(issuer.clone()));
        }
        Ok(self.serve(name, leaf))
    }

    /// Serves `published` as `/cert/<name>` on the certificate host, and gives its address.
    pub fn serve(&mut self, name: &str, published: Published) -> Url {
        self.leaves.insert(format!("cert/{name}"), published);
        self.leaf_url(name)
    }

    /// Serves `published` at `address`, a URL on the authority host: in place of an issuer's certificate or
    /// of a revocation list, or at a new path.
    pub fn serve_authority_file(&mut self, address: &Url, published: Published) {
        self.issuers
            .insert(path(address.path()).to_owned(), published);
    }

    /// Where the certificate of `issuer` is published.
    pub fn issuer_url(&self, issuer: &X509) -> anyhow::Result<Url> {
        authority::certificate_address(&self.authority.host, issuer)
    }

    /// Where the revocation list of `issuer` is published.
    pub fn list_url(&self, issuer: &X509) -> anyhow::Result<Url> {
        authority::list_address(&self.authority.host, issuer)
    }

    /// Puts `certificate`, issued by `issuer`, on its issuer's revocation list.
    pub fn revoke(
        &mut self,
        certificate: &X509,
        issuer: &X509,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let serial = certificate.serial_number().to_bn()?;
        self.list(issuer)?.revoke(serial, now);
        Ok(())
    }

    /// How long each further list of `issuer` is good for; negative makes stale lists.
    pub fn list_lifetime(&mut self, issuer: &X509, lifetime: SignedDuration) -> anyhow::Result<()> {
        self.list(issuer)?.lifetime = lifetime;
        Ok(())
    }

    fn list(&mut self, issuer: &X509) -> anyhow::Result<&mut RevocationList> {
        let stem = authority::file_stem(issuer)?;
        self.lists
            .get_mut(&format!("crls/{stem}.crl"))
            .ok_or_else(|| {
                anyhow::anyhow!(
                    "no revocation list of issuer {stem}: publish a signer of its chain first"
                )
            })
    }

    fn leaf_url(&self, name: &str) -> Url {
        let mut url = self.leaf_host.clone();
        url.set_path(&format!("/cert/{name}"));
        url
    }

    fn authority_file(&self, path: &str, now: Timestamp) -> Option<Published> {
        if let Some(file) = self.issuers.get(path) {
            return Some(file.clone());
        }
        let list = self.lists.get(path)?.der(now).ok()?;
        Some(Published {
            content_type: "application/pkix-crl".to_owned(),
            ..Published::file(list)
        })
    }
}

fn dispatch_signer(authority: &Authority, rotation: u32) -> anyhow::Result<Signer> {
    authority
        .signer()
        .role(format!("dispatch {rotation}"))
        .build()
}

fn pem(certificate: &X509) -> String {
    let pem = certificate
        .to_pem()
        .expect("a certificate in memory can be written");
    String::from_utf8(pem).expect("PEM is ASCII")
}

fn path(path: &str) -> &str {
    path.trim_start_matches('/')
}

/// The routes of [`crate::Service::CertificateHost`]: `/cert/*.cer`.
pub fn router(world: SharedWorld) -> Router {
    Router::new().fallback(leaf).with_state(world)
}

/// The routes of [`crate::Service::AuthorityHost`]: issuer certificates and revocation lists.
pub fn authority_router(world: SharedWorld) -> Router {
    Router::new().fallback(authority_file).with_state(world)
}

async fn leaf(Shared(world): Shared<SharedWorld>, method: Method, uri: Uri) -> Response {
    let file = world
        .certificates
        .lock()
        .leaves
        .get(path(uri.path()))
        .cloned();
    answer(&method, file)
}

async fn authority_file(Shared(world): Shared<SharedWorld>, method: Method, uri: Uri) -> Response {
    let now = world.clock.now();
    let file = world
        .certificates
        .lock()
        .authority_file(path(uri.path()), now);
    answer(&method, file)
}

fn answer(method: &Method, file: Option<Published>) -> Response {
    match file {
        _ if method != Method::GET => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        Some(file) => file.response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
