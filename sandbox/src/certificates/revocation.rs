//! Certificate revocation lists.

use jiff::{SignedDuration, Timestamp};
use openssl::asn1::Asn1Integer;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::x509::extension::CrlNumber;
use openssl::x509::{X509Crl, X509CrlBuilder, X509Revoked, X509RevokedBuilder};

use super::der;
use super::mint::{self, Issuer};

/// What one issuer has revoked.
pub(super) struct RevocationList {
    issuer: Issuer,
    number: u32,
    revoked: Vec<(BigNum, Timestamp)>,
    /// How long after its making a list is to be replaced; negative for a stale one.
    pub(super) lifetime: SignedDuration,
}

impl RevocationList {
    /// An empty list.
    pub(super) fn new(issuer: Issuer) -> Self {
        Self {
            issuer,
            number: 1,
            revoked: Vec::new(),
            lifetime: SignedDuration::from_hours(7 * 24),
        }
    }

    /// Adds a serial number.
    pub(super) fn revoke(&mut self, serial: BigNum, now: Timestamp) {
        self.number += 1;
        self.revoked.push((serial, now));
    }

    /// The list as of `now`, signed, in DER.
    pub(super) fn der(&self, now: Timestamp) -> anyhow::Result<Vec<u8>> {
        // Authorities date a list back, so that no reader whose clock is slow takes it for one of the future.
        let age = if self.lifetime.is_negative() {
            SignedDuration::from_hours(24 * 30)
        } else {
            SignedDuration::from_hours(1)
        };
        let made = now - age;
        let mut builder = X509CrlBuilder::new()?;
        builder.set_issuer_name(self.issuer.certificate.subject_name())?;
        builder.set_last_update(mint::time(made)?.as_ref())?;
        builder.set_next_update(mint::time(now + self.lifetime)?.as_ref())?;
        builder.append_extension(CrlNumber::new(BigNum::from_u32(self.number)?)?.build()?)?;
        if let Some(key) = self.issuer.certificate.subject_key_id() {
            let value = der::authority_key(key.as_slice());
            builder.append_extension(mint::extension("2.5.29.35", false, &value)?)?;
        }
        for (serial, when) in &self.revoked {
            builder.add_revoked(entry(serial, *when)?)?;
        }
        builder.sort()?;
        builder.sign(&self.issuer.key, MessageDigest::sha256())?;
        let list: X509Crl = builder.build()?;
        Ok(list.to_der()?)
    }
}

fn entry(serial: &BigNum, when: Timestamp) -> anyhow::Result<X509Revoked> {
    let serial: Asn1Integer = serial.to_asn1_integer()?;
    let mut entry = X509RevokedBuilder::new()?;
    entry.set_serial_number(&serial)?;
    entry.set_revocation_date(mint::time(when)?.as_ref())?;
    Ok(entry.build())
}
