//! A signing certificate, read once: what it is, and how it stands to our rules.

use jiff::Timestamp;
use openssl::pkey::{PKey, Public};
use openssl::sha::sha256;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::encoding::{self, EncodingError};
use super::link::{Link, LinkError};
use super::policy::{Mismatch, Policy};
use super::profile::{self, KeyUsageError, ProfileError};
use super::validity::{Validity, ValidityError};

/// The leaf and what may come with it.
const MOST_CERTIFICATES: usize = 8;

/// A certificate as its host served it, judged by everything that needs neither time nor network.
#[derive(Debug)]
pub struct Certificate {
    fingerprint: [u8; 32],
    summary: String,
    profile: Result<(), ProfileError>,
    key_usage: Result<(), KeyUsageError>,
    mismatches: Vec<Mismatch>,
    validity: Validity,
    link: Result<Link, LinkError>,
    key: Option<PKey<Public>>,
    companions: Vec<Link>,
}

impl Certificate {
    /// Reads the file `bytes`, the signer's certificate first, and judges it by the profile and `policy`.
    pub fn read(bytes: &[u8], policy: &Policy) -> Result<Self, EncodingError> {
        let mut files = encoding::certificates(bytes, MOST_CERTIFICATES)?.into_iter();
        let der = files.next().ok_or(EncodingError::Empty)?;
        let (_, certificate) =
            X509Certificate::from_der(&der).map_err(|_| EncodingError::NotACertificate)?;
        let profile = profile::check(&certificate);
        let link = Link::read(&der);
        let key = match (&profile, &link) {
            (Ok(()), Ok(link)) => link.x509().public_key().ok(),
            _ => None,
        };
        Ok(Self {
            fingerprint: sha256(&der),
            summary: policy.summary(&certificate),
            key_usage: profile::check_key_usage(&certificate),
            mismatches: policy.mismatches(&certificate),
            validity: Validity::of(&certificate),
            // What comes beside the leaf is a hint: an unusable one is no reason to refuse.
            companions: files.filter_map(|der| Link::read(&der).ok()).collect(),
            profile,
            link,
            key,
        })
    }

    /// SHA-256 of its DER.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Its public facts, for a log line: subject, names, issuer, serial number.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Its form, key and extensions are those of a signer.
    pub fn check_profile(&self) -> Result<(), ProfileError> {
        self.profile.clone()
    }

    /// Its key may sign messages.
    pub fn check_key_usage(&self) -> Result<(), KeyUsageError> {
        self.key_usage
    }

    /// Where it is sound, but not what the settings expect.
    pub fn mismatches(&self) -> &[Mismatch] {
        &self.mismatches
    }

    /// It is valid at `now`.
    pub fn check_validity(&self, now: Timestamp) -> Result<(), ValidityError> {
        self.validity.check(now)
    }

    /// The certificate as the first link of a chain.
    pub fn link(&self) -> Result<&Link, LinkError> {
        self.link.as_ref().map_err(Clone::clone)
    }

    /// Its key, if the profile allows it to be used.
    pub fn key(&self) -> Option<&PKey<Public>> {
        self.key.as_ref()
    }

    /// Certificates that came with it.
    pub(super) fn companions(&self) -> &[Link] {
        &self.companions
    }
}
