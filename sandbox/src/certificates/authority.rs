//! The signing authority: a root, and an intermediate that issues the signers. It has nothing to do with
//! the authority of the sandbox's TLS.

use jiff::{SignedDuration, Timestamp};
use openssl::hash::MessageDigest;
use openssl::x509::X509;
use url::Url;

use super::keys::{self, KeyKind};
use super::mint::{self, Issuer, KeyUsages, NameEncoding, Profile};
use super::signer::SignerBuilder;

/// The organisation that every certificate of the authority names.
pub const ORGANIZATION: &str = "Microsoft Corporation";

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A root and one intermediate, with the host that publishes them.
#[derive(Clone)]
pub struct Authority {
    pub(super) root: Issuer,
    pub(super) intermediate: Issuer,
    pub(super) host: Url,
    role: String,
}

impl Authority {
    /// An authority whose certificates and lists are found at `host`. Authorities of the same `role` share
    /// their keys, those of different roles only their names.
    pub(super) fn new(role: &str, host: &Url) -> anyhow::Result<Self> {
        let root = root(role)?;
        let intermediate = issue(host, &root, role, 0, &[])?;
        Ok(Self {
            root,
            intermediate,
            host: host.clone(),
            role: role.to_owned(),
        })
    }

    /// The trust anchor.
    pub fn root(&self) -> &X509 {
        &self.root.certificate
    }

    /// The issuer of the signers. Deliveries never carry it.
    pub fn intermediate(&self) -> &X509 {
        &self.intermediate.certificate
    }

    /// A signer as Partner Center's, to change in one respect and build.
    pub fn signer(&self) -> SignerBuilder {
        SignerBuilder::new(self.clone())
    }

    /// A private authority with the same names and other keys.
    pub(super) fn double(&self) -> anyhow::Result<Self> {
        Self::new(&format!("{}, private copy", self.role), &self.host)
    }

    /// Issuers below the root, the last of which issues: `count` of them, at least one.
    pub(super) fn chain(&self, count: usize) -> anyhow::Result<Vec<Issuer>> {
        let mut chain = vec![self.intermediate.clone()];
        while chain.len() < count {
            let above = chain.last().unwrap_or(&self.root);
            let below = issue(&self.host, above, &self.role, chain.len(), &[])?;
            chain.push(below);
        }
        Ok(chain)
    }

    /// An intermediate that may only issue for `permitted` DNS names.
    pub(super) fn constrained(&self, permitted: &[String]) -> anyhow::Result<Issuer> {
        issue(&self.host, &self.root, &self.role, 0, permitted)
    }
}

/// Where the certificate of `issuer` is published, as the AIA extension of what it issues names it.
pub(super) fn certificate_address(host: &Url, issuer: &X509) -> anyhow::Result<Url> {
    Ok(host.join(&format!("certs/{}.crt", file_stem(issuer)?))?)
}

/// Where the revocation list of `issuer` is published.
pub(super) fn list_address(host: &Url, issuer: &X509) -> anyhow::Result<Url> {
    Ok(host.join(&format!("crls/{}.crl", file_stem(issuer)?))?)
}

pub(super) fn file_stem(certificate: &X509) -> anyhow::Result<String> {
    let digest = certificate.digest(MessageDigest::sha256())?;
    let start: [u8; 8] = digest[..8].try_into()?;
    Ok(format!("{:016x}", u64::from_be_bytes(start)))
}

fn root(role: &str) -> anyhow::Result<Issuer> {
    let key = keys::key(&format!("root of {role}"), KeyKind::rsa(2048))?;
    let now = Timestamp::now();
    let profile = Profile {
        subject: authority_name("Sandbox TLS RSA Root G2")?,
        public_key: keys::public(&key)?,
        not_before: now - 3650 * DAY,
        not_after: now + 3650 * DAY,
        constraints: Some((true, None)),
        key_usages: KeyUsages::Authority,
        extended_key_usages: Vec::new(),
        dns_names: Vec::new(),
        issuer_address: None,
        crl_address: None,
        permitted_dns_names: Vec::new(),
        unknown_critical: false,
        version: 3,
        digest: MessageDigest::sha384(),
    };
    let certificate = profile.issue(None, &key)?;
    Ok(Issuer { certificate, key })
}

fn issue(
    host: &Url,
    above: &Issuer,
    role: &str,
    depth: usize,
    permitted: &[String],
) -> anyhow::Result<Issuer> {
    let key = keys::key(
        &format!("intermediate {depth} of {role}"),
        KeyKind::rsa(2048),
    )?;
    let now = Timestamp::now();
    let profile = Profile {
        subject: authority_name(&format!("Sandbox TLS G2 RSA CA {:02}", depth + 2))?,
        public_key: keys::public(&key)?,
        not_before: now - 365 * DAY,
        not_after: now + 1460 * DAY,
        constraints: Some((true, None)),
        key_usages: KeyUsages::Authority,
        extended_key_usages: vec!["serverAuth".to_owned(), "clientAuth".to_owned()],
        dns_names: Vec::new(),
        issuer_address: Some(certificate_address(host, &above.certificate)?.into()),
        crl_address: Some(list_address(host, &above.certificate)?.into()),
        permitted_dns_names: permitted.to_vec(),
        unknown_critical: false,
        version: 3,
        digest: MessageDigest::sha384(),
    };
    let certificate = profile.issue(Some(above), &key)?;
    Ok(Issuer { certificate, key })
}

fn authority_name(common_name: &str) -> anyhow::Result<openssl::x509::X509Name> {
    let organization = (ORGANIZATION.to_owned(), NameEncoding::Utf8);
    mint::name(&[organization], common_name)
}
