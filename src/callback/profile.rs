//! The form of a Partner Center signing certificate: what every one of them has, whoever issued it.

use std::collections::HashSet;

use x509_parser::extensions::{BasicConstraints, KeyUsage, ParsedExtension, X509Extension};
use x509_parser::prelude::{X509Certificate, X509Version};

use super::public_key::{self, KeyError, KeyKind};

/// The longest serial number (RFC 5280, section 4.1.2.2).
const MAX_SERIAL: usize = 20;
/// The smallest exponent of a signer (NIST SP 800-56B and the CA/Browser baseline requirements, section 6.1.6).
const MIN_EXPONENT: u64 = 65537;

/// Checks the form of a signer's `certificate`.
pub(super) fn check(certificate: &X509Certificate<'_>) -> Result<(), ProfileError> {
    if certificate.version() != X509Version::V3 {
        return Err(ProfileError::Version);
    }
    if !is_sound_serial(certificate.raw_serial()) {
        return Err(ProfileError::Serial);
    }
    match public_key::kind(certificate)? {
        KeyKind::Rsa { exponent } if exponent >= MIN_EXPONENT => {}
        KeyKind::Rsa { .. } => return Err(ProfileError::Key(KeyError::Exponent)),
        KeyKind::EllipticCurve => return Err(ProfileError::NotRsa),
    }
    check_extensions(certificate)?;
    match basic_constraints(certificate) {
        Some(constraints) if constraints.ca => Err(ProfileError::Authority),
        Some(constraints) if constraints.path_len_constraint.is_some() => {
            Err(ProfileError::PathLength)
        }
        _ => Ok(()),
    }
}

/// Checks that the key usage of a signer's `certificate`, if it has one, is for signing messages and not certificates.
pub(super) fn check_key_usage(certificate: &X509Certificate<'_>) -> Result<(), KeyUsageError> {
    let Some(usage) = key_usage(certificate) else {
        return Ok(());
    };
    if !usage.digital_signature() {
        return Err(KeyUsageError::NoDigitalSignature);
    }
    if usage.key_cert_sign() {
        return Err(KeyUsageError::SignsCertificates);
    }
    Ok(())
}

/// `serial` is positive and of at most 20 bytes.
pub(super) fn is_sound_serial(serial: &[u8]) -> bool {
    let positive = serial.first().is_some_and(|byte| *byte < 0x80);
    positive && serial.len() <= MAX_SERIAL && serial.iter().any(|byte| *byte != 0)
}

/// Every extension can be read, none comes twice, and every critical one is understood.
pub(super) fn check_extensions(certificate: &X509Certificate<'_>) -> Result<(), ProfileError> {
    let mut seen = HashSet::new();
    for extension in certificate.extensions() {
        if !seen.insert(extension.oid.as_bytes()) {
            return Err(ProfileError::RepeatedExtension {
                oid: extension.oid.to_id_string(),
            });
        }
        check_extension(extension)?;
    }
    Ok(())
}

fn check_extension(extension: &X509Extension<'_>) -> Result<(), ProfileError> {
    let oid = || extension.oid.to_id_string();
    match extension.parsed_extension() {
        ParsedExtension::ParseError { .. } => Err(ProfileError::MalformedExtension { oid: oid() }),
        // What limits a chain has to say so to everybody (RFC 5280, sections 4.2.1.10, 4.2.1.11 and 4.2.1.14).
        ParsedExtension::NameConstraints(_)
        | ParsedExtension::PolicyConstraints(_)
        | ParsedExtension::InhibitAnyPolicy(_)
            if !extension.critical =>
        {
            Err(ProfileError::NotCriticalExtension { oid: oid() })
        }
        ParsedExtension::KeyUsage(_)
        | ParsedExtension::SubjectAlternativeName(_)
        | ParsedExtension::BasicConstraints(_)
        | ParsedExtension::NameConstraints(_)
        | ParsedExtension::CertificatePolicies(_)
        | ParsedExtension::PolicyMappings(_)
        | ParsedExtension::PolicyConstraints(_)
        | ParsedExtension::InhibitAnyPolicy(_)
        | ParsedExtension::ExtendedKeyUsage(_)
        | ParsedExtension::CRLDistributionPoints(_) => Ok(()),
        // Key identifiers and authority access, known as they are, must not be critical (sections 4.2.1.1, 4.2.1.2, 4.2.2.1).
        _ if extension.critical => Err(ProfileError::UnknownCriticalExtension { oid: oid() }),
        _ => Ok(()),
    }
}

/// The basic constraints, if `certificate` has them.
pub(super) fn basic_constraints<'a>(
    certificate: &'a X509Certificate<'_>,
) -> Option<&'a BasicConstraints> {
    certificate
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(constraints) => Some(constraints),
            _ => None,
        })
}

/// The key usage, if `certificate` has one.
pub(super) fn key_usage<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a KeyUsage> {
    certificate
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::KeyUsage(usage) => Some(usage),
            _ => None,
        })
}

/// Why a certificate cannot be a signer's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Not version 3.
    #[error("the certificate is not of version 3")]
    Version,
    /// Zero, negative or too long.
    #[error("the certificate's serial number is not positive and of at most 20 bytes")]
    Serial,
    /// The key is unsound.
    #[error("the certificate's key is unusable")]
    Key(#[from] KeyError),
    /// The key is sound, but not RSA.
    #[error("the certificate's key is not RSA")]
    NotRsa,
    /// It is an authority's.
    #[error("the certificate is an authority's (CA:TRUE), not a signer's")]
    Authority,
    /// It limits a path although it is no authority's.
    #[error("the certificate is no authority's but has a path length")]
    PathLength,
    /// An extension we know has an unknown form.
    #[error("the certificate's extension {oid} is malformed")]
    MalformedExtension {
        /// Which.
        oid: String,
    },
    /// An extension comes twice.
    #[error("the certificate's extension {oid} comes twice")]
    RepeatedExtension {
        /// Which.
        oid: String,
    },
    /// An extension limits the chain without being critical.
    #[error("the certificate's extension {oid} has to be critical and is not")]
    NotCriticalExtension {
        /// Which.
        oid: String,
    },
    /// An extension is critical that we do not know, or that never is.
    #[error("the certificate's extension {oid} is critical and not understood")]
    UnknownCriticalExtension {
        /// Which.
        oid: String,
    },
}

impl ProfileError {
    /// The word for the log.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Version => "certificate_version",
            Self::Serial => "certificate_serial",
            Self::Key(_) | Self::NotRsa => "certificate_key",
            Self::Authority | Self::PathLength => "certificate_authority",
            Self::MalformedExtension { .. }
            | Self::RepeatedExtension { .. }
            | Self::NotCriticalExtension { .. }
            | Self::UnknownCriticalExtension { .. } => "certificate_extension",
        }
    }
}

/// Why a certificate's key usage is not a signer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyUsageError {
    /// Messages may not be signed with it.
    #[error("the certificate's key usage lacks digitalSignature")]
    NoDigitalSignature,
    /// Certificates may be signed with it.
    #[error("the certificate's key usage has keyCertSign")]
    SignsCertificates,
}

#[cfg(test)]
mod tests;
