//! Which public keys are looked at at all. Decided on the certificate's bytes, before OpenSSL computes with them.

use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
    OID_PKCS1_RSAENCRYPTION,
};
use x509_parser::prelude::{SubjectPublicKeyInfo, X509Certificate};
use x509_parser::public_key::PublicKey;

/// The kind of a sound key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// RSA, with the exponent.
    Rsa {
        /// `e`.
        exponent: u64,
    },
    /// On one of the NIST curves, by name.
    EllipticCurve,
}

/// The kind of `certificate`'s key, if it is sound: RSA of 2048 to 8192 bits (whole bytes) with an odd exponent that is more
/// than one and fits 64 bits, or a named curve P-256, P-384 or P-521.
pub(super) fn kind(certificate: &X509Certificate<'_>) -> Result<KeyKind, KeyError> {
    let info = certificate.public_key();
    let algorithm = &info.algorithm.algorithm;
    if *algorithm == OID_PKCS1_RSAENCRYPTION {
        rsa(info)
    } else if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        elliptic_curve(info)
    } else {
        Err(KeyError::Kind)
    }
}

fn rsa(info: &SubjectPublicKeyInfo<'_>) -> Result<KeyKind, KeyError> {
    let Ok(PublicKey::RSA(key)) = info.parsed() else {
        return Err(KeyError::Malformed);
    };
    let bits = bits(key.modulus).ok_or(KeyError::Malformed)?;
    let odd = key.modulus.last().is_some_and(|byte| byte % 2 == 1);
    if !(2048..=8192).contains(&bits) || bits % 8 != 0 {
        return Err(KeyError::Size { bits });
    }
    let exponent = significant(key.exponent)
        .filter(|bytes| bytes.len() <= 8)
        .ok_or(KeyError::Exponent)?
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    if !odd || exponent % 2 == 0 || exponent < 3 {
        return Err(KeyError::Exponent);
    }
    Ok(KeyKind::Rsa { exponent })
}

fn elliptic_curve(info: &SubjectPublicKeyInfo<'_>) -> Result<KeyKind, KeyError> {
    let parameters = info.algorithm.parameters.as_ref();
    let curve = parameters
        .and_then(|it| it.as_oid().ok())
        .ok_or(KeyError::Curve)?;
    if [OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521].contains(&curve) {
        Ok(KeyKind::EllipticCurve)
    } else {
        Err(KeyError::Curve)
    }
}

/// The bytes of a positive DER integer without its leading zero; `None` for zero, a negative or a padded one.
fn significant(integer: &[u8]) -> Option<&[u8]> {
    match integer {
        [] | [0] | [0x80..=0xff, ..] => None,
        [0, next, ..] if *next < 0x80 => None,
        [0, rest @ ..] => Some(rest),
        _ => Some(integer),
    }
}

fn bits(integer: &[u8]) -> Option<usize> {
    let bytes = significant(integer)?;
    let unused = bytes.first()?.leading_zeros();
    Some(bytes.len() * 8 - unused as usize)
}

/// Why a key is not looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither RSA nor an elliptic curve.
    #[error("the key is neither rsaEncryption nor on a named curve")]
    Kind,
    /// Its bytes are no key.
    #[error("the key cannot be read")]
    Malformed,
    /// RSA, but too short, too long or no whole number of bytes.
    #[error(
        "the RSA key has {bits} bits, which is not a whole number of bytes from 2048 to 8192 bits"
    )]
    Size {
        /// How long it is.
        bits: usize,
    },
    /// The modulus is even, or the exponent is even, one or beyond 64 bits.
    #[error("the RSA key's exponent or modulus is unsafe")]
    Exponent,
    /// Not one of the named curves.
    #[error("the key is on none of the named curves P-256, P-384 and P-521")]
    Curve,
}
