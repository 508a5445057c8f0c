//! A certificate that may take part in a chain, and what is needed to find its neighbours.

use std::cmp::Ordering;

use jiff::Timestamp;
use openssl::nid::Nid;
use openssl::sha::sha256;
use openssl::x509::{X509, X509Ref};
use x509_parser::extensions::{DistributionPointName, GeneralName, KeyUsage, ParsedExtension};
use x509_parser::oid_registry::{
    OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA,
    OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS, OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384,
    OID_SIG_ECDSA_WITH_SHA512,
};
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};

use super::certificate_policies::Statement;
use super::encoding::{self, EncodingError};
use super::policy::{KeyPurpose, purposes};
use super::profile::{self, ProfileError};
use super::public_key::{self, KeyError};
use super::validity::{Validity, ValidityError};
use crate::failure::Chain;

/// More certificates than any file needs.
const MOST_CERTIFICATES: usize = 1000;
/// How many addresses of a kind are read from one certificate.
const MOST_ADDRESSES: usize = 8;

/// A certificate whose key, signature algorithm and form are fit for a chain. OpenSSL sees no other.
#[derive(Clone, Debug)]
pub struct Link {
    x509: X509,
    fingerprint: [u8; 32],
    subject: u32,
    issuer: u32,
    subject_key: Option<Vec<u8>>,
    authority_key: Option<Vec<u8>>,
    validity: Validity,
    purposes: Option<Vec<KeyPurpose>>,
    policies: Statement,
    is_authority: bool,
    signs_lists: bool,
    issuer_addresses: Vec<String>,
    revocation_addresses: Vec<String>,
}

impl Link {
    /// Reads every certificate in the file `bytes` with `read`; the error says which of them is unusable and why.
    pub fn read_all(
        bytes: &[u8],
        read: fn(&[u8]) -> Result<Self, LinkError>,
    ) -> Result<Vec<Self>, String> {
        let files =
            encoding::certificates(bytes, MOST_CERTIFICATES).map_err(|error| error.to_string())?;
        (1..)
            .zip(&files)
            .map(|(number, der)| {
                read(der).map_err(|error| {
                    format!("certificate {number} cannot be used: {}", Chain(&error))
                })
            })
            .collect()
    }

    /// The same, leaving out those that are unusable.
    pub fn read_usable(
        bytes: &[u8],
        read: fn(&[u8]) -> Result<Self, LinkError>,
    ) -> Result<Vec<Self>, EncodingError> {
        let files = encoding::certificates(bytes, MOST_CERTIFICATES)?;
        Ok(files.iter().filter_map(|der| read(der).ok()).collect())
    }

    /// Reads `der` as a certificate that some authority signed.
    pub fn read(der: &[u8]) -> Result<Self, LinkError> {
        let certificate = parsed(der)?;
        check_signature_algorithm(&certificate)?;
        if certificate.version() != X509Version::V3 {
            return Err(LinkError::Form(ProfileError::Version));
        }
        if !profile::is_sound_serial(certificate.raw_serial()) {
            return Err(LinkError::Form(ProfileError::Serial));
        }
        profile::check_extensions(&certificate)?;
        Self::with_sound_key(der, &certificate)
    }

    /// Reads `der` as a trust anchor: how it was signed, and under which number, is nobody's business.
    pub fn read_anchor(der: &[u8]) -> Result<Self, LinkError> {
        let certificate = parsed(der)?;
        check_one_algorithm(&certificate)?;
        profile::check_extensions(&certificate)?;
        Self::with_sound_key(der, &certificate)
    }

    fn with_sound_key(der: &[u8], certificate: &X509Certificate<'_>) -> Result<Self, LinkError> {
        public_key::kind(certificate)?;
        let x509 = X509::from_der(der).map_err(|_| LinkError::Unreadable)?;
        // Two parsers have read these bytes. If OpenSSL would write them differently, they may have read them differently.
        if x509.to_der().ok().as_deref() != Some(der) {
            return Err(LinkError::Unreadable);
        }
        Ok(Self {
            fingerprint: sha256(der),
            subject: x509.subject_name_hash(),
            issuer: x509.issuer_name_hash(),
            subject_key: x509.subject_key_id().map(|id| id.as_slice().to_vec()),
            authority_key: x509.authority_key_id().map(|id| id.as_slice().to_vec()),
            validity: Validity::of(certificate),
            purposes: purposes(certificate),
            policies: Statement::of(certificate),
            is_authority: profile::basic_constraints(certificate).is_some_and(|it| it.ca),
            signs_lists: profile::key_usage(certificate).is_none_or(KeyUsage::crl_sign),
            issuer_addresses: issuer_addresses(certificate),
            revocation_addresses: revocation_addresses(certificate),
            x509,
        })
    }

    /// SHA-256 of its DER.
    pub(super) fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The certificate.
    pub fn x509(&self) -> &X509Ref {
        &self.x509
    }

    /// `other` may have issued this certificate, going by names and key identifiers.
    pub(super) fn names_as_issuer(&self, other: &Self) -> bool {
        let same_name = self.issuer == other.subject
            && matches!(
                self.x509.issuer_name().try_cmp(other.x509.subject_name()),
                Ok(Ordering::Equal)
            );
        let same_key = match (&self.authority_key, &other.subject_key) {
            (Some(wanted), Some(found)) => wanted == found,
            _ => true,
        };
        same_name && same_key
    }

    /// The two are one certificate.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }

    /// The common name of its subject, or the last of its other names.
    pub(super) fn name(&self) -> String {
        let names = self.x509.subject_name();
        let common = names.entries_by_nid(Nid::COMMONNAME).next();
        let name = common.or_else(|| names.entries().last());
        match name.map(|entry| entry.data().to_string()) {
            Some(Ok(name)) => name.chars().take(200).collect(),
            _ => "without a name".to_owned(),
        }
    }

    /// Its last second.
    pub(super) fn until(&self) -> Timestamp {
        self.validity.until()
    }

    pub(super) fn check_validity(&self, now: Timestamp) -> Result<(), ValidityError> {
        self.validity.check(now)
    }

    /// As an authority, it may vouch for all of `wanted`: it is not limited, or limited to these (RFC 5280 leaves
    /// extended key usages of authorities open; every browser reads them this way).
    pub(super) fn may_vouch_for(&self, wanted: &[KeyPurpose]) -> bool {
        self.purposes.as_ref().is_none_or(|purposes| {
            purposes.iter().any(KeyPurpose::is_any)
                || wanted.iter().all(|purpose| purposes.contains(purpose))
        })
    }

    /// It says that it is an authority's (RFC 5280, section 4.2.1.9).
    pub(super) fn is_authority(&self) -> bool {
        self.is_authority
    }

    /// As an authority, it may sign revocation lists (RFC 5280, section 4.2.1.3).
    pub(super) fn may_sign_lists(&self) -> bool {
        self.signs_lists
    }

    /// What it says about certificate policies.
    pub(super) fn policies(&self) -> &Statement {
        &self.policies
    }

    /// It names itself as its issuer (RFC 5280, section 3.2).
    pub(super) fn is_self_issued(&self) -> bool {
        let names = self.x509.issuer_name().try_cmp(self.x509.subject_name());
        matches!(names, Ok(Ordering::Equal))
    }

    /// Where its issuer's certificate may be had (RFC 5280, section 4.2.2.1).
    pub(super) fn issuer_addresses(&self) -> &[String] {
        &self.issuer_addresses
    }

    /// Where the list that would revoke it may be had (RFC 5280, section 4.2.1.13).
    pub(super) fn revocation_addresses(&self) -> &[String] {
        &self.revocation_addresses
    }
}

fn parsed(der: &[u8]) -> Result<X509Certificate<'_>, LinkError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(LinkError::Unreadable),
    }
}

fn check_signature_algorithm(certificate: &X509Certificate<'_>) -> Result<(), LinkError> {
    let outer = &certificate.signature_algorithm;
    let sound = [
        OID_PKCS1_SHA256WITHRSA,
        OID_PKCS1_SHA384WITHRSA,
        OID_PKCS1_SHA512WITHRSA,
        OID_SIG_ECDSA_WITH_SHA256,
        OID_SIG_ECDSA_WITH_SHA384,
        OID_SIG_ECDSA_WITH_SHA512,
    ];
    if !sound.contains(&outer.algorithm) {
        return Err(LinkError::SignatureAlgorithm {
            oid: outer.algorithm.to_id_string(),
        });
    }
    check_one_algorithm(certificate)
}

/// The algorithm that was signed is the one that is written beside the signature.
fn check_one_algorithm(certificate: &X509Certificate<'_>) -> Result<(), LinkError> {
    if certificate.signature_algorithm != certificate.tbs_certificate.signature {
        return Err(LinkError::TwoAlgorithms);
    }
    Ok(())
}

fn issuer_addresses(certificate: &X509Certificate<'_>) -> Vec<String> {
    certificate
        .iter_extensions()
        .filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityInfoAccess(access) => Some(&access.accessdescs),
            _ => None,
        })
        .flatten()
        .filter(|access| access.access_method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS)
        .filter_map(|access| uri(&access.access_location))
        .take(MOST_ADDRESSES)
        .collect()
}

fn revocation_addresses(certificate: &X509Certificate<'_>) -> Vec<String> {
    certificate
        .iter_extensions()
        .filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::CRLDistributionPoints(points) => Some(&points.points),
            _ => None,
        })
        .flatten()
        // A list by another issuer, or for some reasons only, could not clear a certificate.
        .filter(|point| point.crl_issuer.is_none() && point.reasons.is_none())
        .filter_map(|point| match &point.distribution_point {
            Some(DistributionPointName::FullName(names)) => Some(names),
            _ => None,
        })
        .flatten()
        .filter_map(uri)
        .take(MOST_ADDRESSES)
        .collect()
}

fn uri(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    }
}

/// Why a certificate cannot take part in a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It cannot be read, or two parsers read it differently.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// It names two signature algorithms.
    #[error("the certificate's two signature algorithms differ")]
    TwoAlgorithms,
    /// It is signed with something else than SHA-2 under RSA or ECDSA.
    #[error("the certificate's signature algorithm {oid} is not SHA-2 with RSA or ECDSA")]
    SignatureAlgorithm {
        /// What it is signed with.
        oid: String,
    },
    /// Its key is unsound.
    #[error("the certificate's key is unusable")]
    Key(#[from] KeyError),
    /// Its form is.
    #[error("the certificate's form is unusable")]
    Form(#[from] ProfileError),
}
