//! Signers of events: Partner Center's own, and every near miss a receiver must refuse.

use jiff::{SignedDuration, Timestamp};
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private, Public};
use openssl::sign;
use openssl::x509::X509;

use super::authority::{self, Authority, ORGANIZATION};
use super::keys::{self, KeyKind};
use super::mint::{self, Issuer, KeyUsages, NameEncoding, Profile};

/// The name in the signer's certificate.
pub const COMMON_NAME: &str = "pcnotifications-dispatch.microsoft.com";

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A certificate with the key that signs events in its name, and the chain above it.
#[derive(Clone)]
pub struct Signer {
    /// The leaf, the only certificate that its address serves.
    pub certificate: X509,
    /// The leaf's key.
    pub key: PKey<Private>,
    /// The authorities between the leaf and the root, nearest first.
    pub intermediates: Vec<X509>,
    /// The trust anchor of the chain.
    pub root: X509,
    /// Who signs revocation lists for the certificates of the chain, nearest first.
    pub(super) issuers: Vec<Issuer>,
}

impl Signer {
    /// Signs `body` as Partner Center does: RSASSA-PKCS1-v1_5 with SHA-256 over the bytes as they are. A
    /// key of another kind signs in its own way.
    pub fn sign(&self, body: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.sign_with(MessageDigest::sha256(), body)
    }

    /// Signs `body` with another digest.
    pub fn sign_with(&self, digest: MessageDigest, body: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut signer = if self.key.id() == Id::ED25519 {
            sign::Signer::new_without_digest(&self.key)?
        } else {
            sign::Signer::new(digest, &self.key)?
        };
        Ok(signer.sign_oneshot_to_vec(body)?)
    }

    /// The leaf in DER.
    pub fn der(&self) -> anyhow::Result<Vec<u8>> {
        Ok(self.certificate.to_der()?)
    }

    /// The leaf in PEM, lines ended by LF.
    pub fn pem(&self) -> anyhow::Result<String> {
        Ok(String::from_utf8(self.certificate.to_pem()?)?)
    }
}

/// Who issues a signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuedBy {
    /// The authority's intermediate, as in production.
    Intermediate,
    /// The root itself.
    Root,
    /// The last of so many intermediates in a row.
    Depth(usize),
    /// A private authority whose certificates have the same names.
    PrivateCopy,
    /// An intermediate that may issue for these DNS names alone.
    Constrained(Vec<String>),
    /// Nobody: the certificate is signed with its own key.
    Itself,
}

/// Makes signers. Unchanged, it makes one exactly as Partner Center's.
#[derive(Clone)]
#[must_use = "a builder makes nothing until it is built"]
pub struct SignerBuilder {
    authority: Authority,
    role: String,
    common_name: String,
    organizations: Vec<(String, NameEncoding)>,
    dns_names: Vec<String>,
    extended_key_usages: Vec<String>,
    key_usages: KeyUsages,
    authority_flag: Option<bool>,
    not_before: Timestamp,
    not_after: Timestamp,
    key: KeyKind,
    public_key: Option<PKey<Public>>,
    digest: MessageDigest,
    issued_by: IssuedBy,
    links: bool,
    unknown_critical: bool,
    version: u8,
}

impl SignerBuilder {
    pub(super) fn new(authority: Authority) -> Self {
        let now = Timestamp::now();
        Self {
            authority,
            role: "variant".to_owned(),
            common_name: COMMON_NAME.to_owned(),
            organizations: vec![(ORGANIZATION.to_owned(), NameEncoding::Utf8)],
            dns_names: vec![COMMON_NAME.to_owned()],
            extended_key_usages: vec!["serverAuth".to_owned(), "clientAuth".to_owned()],
            key_usages: KeyUsages::Signing,
            authority_flag: Some(false),
            not_before: now - 30 * DAY,
            not_after: now + 150 * DAY,
            key: KeyKind::rsa(2048),
            public_key: None,
            digest: MessageDigest::sha384(),
            issued_by: IssuedBy::Intermediate,
            links: true,
            unknown_critical: false,
            version: 3,
        }
    }

    /// Signers of different roles have different keys; of one role and kind, the same.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = role.into();
        self
    }

    /// The subject's common name; empty leaves it out.
    pub fn common_name(mut self, name: impl Into<String>) -> Self {
        self.common_name = name.into();
        self
    }

    /// The subject's organisations, in order; none leaves the attribute out.
    pub fn organizations(mut self, names: &[&str]) -> Self {
        self.organizations = names
            .iter()
            .map(|name| ((*name).to_owned(), NameEncoding::Utf8))
            .collect();
        self
    }

    /// How the organisations are encoded.
    pub fn organization_encoding(mut self, encoding: NameEncoding) -> Self {
        for (_, written) in &mut self.organizations {
            *written = encoding;
        }
        self
    }

    /// The subject's alternative DNS names; none leaves the extension out.
    pub fn dns_names(mut self, names: &[&str]) -> Self {
        self.dns_names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// The extended key usages, such as `codeSigning` or a dotted identifier; none leaves the extension out.
    pub fn extended_key_usages(mut self, usages: &[&str]) -> Self {
        self.extended_key_usages = usages.iter().map(|usage| (*usage).to_owned()).collect();
        self
    }

    /// The key usage extension.
    pub fn key_usages(mut self, usages: KeyUsages) -> Self {
        self.key_usages = usages;
        self
    }

    /// The basic constraints' CA flag; `None` leaves the extension out.
    pub fn authority_flag(mut self, flag: Option<bool>) -> Self {
        self.authority_flag = flag;
        self
    }

    /// The period of validity.
    pub fn valid(mut self, not_before: Timestamp, not_after: Timestamp) -> Self {
        (self.not_before, self.not_after) = (not_before, not_after);
        self
    }

    /// Validity that ended yesterday.
    pub fn expired(self) -> Self {
        let now = Timestamp::now();
        self.valid(now - 100 * DAY, now - DAY)
    }

    /// Validity that begins tomorrow.
    pub fn not_yet_valid(self) -> Self {
        let now = Timestamp::now();
        self.valid(now + DAY, now + 100 * DAY)
    }

    /// The kind of the signer's key.
    pub fn key(mut self, kind: KeyKind) -> Self {
        self.key = kind;
        self
    }

    /// A public key to put into the certificate in place of the signer's own.
    pub fn public_key(mut self, key: PKey<Public>) -> Self {
        self.public_key = Some(key);
        self
    }

    /// The digest of the issuer's signature on the certificate.
    pub fn digest(mut self, digest: MessageDigest) -> Self {
        self.digest = digest;
        self
    }

    /// Who issues the certificate.
    pub fn issued_by(mut self, issuer: IssuedBy) -> Self {
        self.issued_by = issuer;
        self
    }

    /// Leaves out the addresses of the issuer's certificate and of its revocation list.
    pub fn without_links(mut self) -> Self {
        self.links = false;
        self
    }

    /// Adds a critical extension that nobody knows.
    pub fn unknown_critical_extension(mut self) -> Self {
        self.unknown_critical = true;
        self
    }

    /// An X.509 version 1 certificate: no extensions at all.
    pub fn version_1(mut self) -> Self {
        self.version = 1;
        self
    }

    /// Makes the certificate and its chain.
    pub fn build(self) -> anyhow::Result<Signer> {
        let (issuers, root) = self.issuers()?;
        let key = keys::key(&format!("signer, {}", self.role), self.key)?;
        let issuer = issuers.first();
        let certificate = self.profile(issuer, &key)?.issue(issuer, &key)?;
        let intermediates = issuers
            .iter()
            .map(|issuer| issuer.certificate.clone())
            .filter(|authority| *authority != root)
            .collect();
        let root = if issuer.is_some() {
            root
        } else {
            certificate.clone()
        };
        Ok(Signer {
            certificate,
            key,
            intermediates,
            root,
            issuers,
        })
    }

    /// The authorities above the leaf, nearest first, the root among them; and the root.
    fn issuers(&self) -> anyhow::Result<(Vec<Issuer>, X509)> {
        let mut authority = self.authority.clone();
        let mut issuers = match &self.issued_by {
            IssuedBy::Intermediate => vec![authority.intermediate.clone()],
            IssuedBy::Root => Vec::new(),
            IssuedBy::Depth(count) => authority.chain(*count)?,
            IssuedBy::PrivateCopy => {
                authority = authority.double()?;
                vec![authority.intermediate.clone()]
            }
            IssuedBy::Constrained(names) => vec![authority.constrained(names)?],
            IssuedBy::Itself => return Ok((Vec::new(), authority.root.certificate)),
        };
        issuers.insert(0, authority.root.clone());
        issuers.reverse();
        Ok((issuers, authority.root.certificate))
    }

    fn profile(&self, issuer: Option<&Issuer>, key: &PKey<Private>) -> anyhow::Result<Profile> {
        let host = &self.authority.host;
        let linked = issuer
            .filter(|_| self.links)
            .map(|issuer| &issuer.certificate);
        Ok(Profile {
            subject: mint::name(&self.organizations, &self.common_name)?,
            public_key: match &self.public_key {
                Some(key) => key.clone(),
                None => keys::public(key)?,
            },
            not_before: self.not_before,
            not_after: self.not_after,
            constraints: self.authority_flag.map(|flag| (flag, None)),
            key_usages: self.key_usages,
            extended_key_usages: self.extended_key_usages.clone(),
            dns_names: self.dns_names.clone(),
            issuer_address: linked
                .map(|above| authority::certificate_address(host, above).map(String::from))
                .transpose()?,
            crl_address: linked
                .map(|above| authority::list_address(host, above).map(String::from))
                .transpose()?,
            permitted_dns_names: Vec::new(),
            unknown_critical: self.unknown_critical,
            version: self.version,
            digest: self.digest,
        })
    }
}
