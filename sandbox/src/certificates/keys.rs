//! Key pairs, made once a process: generating RSA keys is what would make every sandbox slow to start.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use openssl::rsa::Rsa;

/// What kind of key a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// RSA with a modulus of so many bits and this public exponent.
    Rsa {
        /// Size of the modulus.
        bits: u32,
        /// Public exponent, odd.
        exponent: u32,
    },
    /// ECDSA on P-256.
    P256,
    /// Ed25519.
    Ed25519,
}

impl KeyKind {
    /// RSA of so many bits with the usual exponent 65537.
    pub const fn rsa(bits: u32) -> Self {
        Self::Rsa {
            bits,
            exponent: 65537,
        }
    }
}

static POOL: Mutex<BTreeMap<(String, KeyKind), PKey<Private>>> = Mutex::new(BTreeMap::new());

/// The process's key of this `kind` for `role`: different roles have different keys.
pub(super) fn key(role: &str, kind: KeyKind) -> anyhow::Result<PKey<Private>> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let place = (role.to_owned(), kind);
    if let Some(key) = pool.get(&place) {
        return Ok(key.clone());
    }
    let key = generate(kind).with_context(|| format!("making a {kind:?} key for {role}"))?;
    pool.insert(place, key.clone());
    Ok(key)
}

fn generate(kind: KeyKind) -> anyhow::Result<PKey<Private>> {
    Ok(match kind {
        KeyKind::Rsa { bits, exponent } => {
            let exponent = BigNum::from_u32(exponent)?;
            PKey::from_rsa(Rsa::generate_with_e(bits, &exponent)?)?
        }
        KeyKind::P256 => {
            let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
            PKey::from_ec_key(EcKey::generate(&curve)?)?
        }
        KeyKind::Ed25519 => PKey::generate_ed25519()?,
    })
}

/// The public half of `key`.
pub(super) fn public(key: &PKey<Private>) -> anyhow::Result<PKey<Public>> {
    Ok(PKey::public_key_from_der(&key.public_key_to_der()?)?)
}
