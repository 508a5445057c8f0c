//! Issues one X.509 certificate from a profile.

use anyhow::Context;
use jiff::Timestamp;
use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time, Asn1Type};
use openssl::bn::{BigNum, MsbOption};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name};

use super::der;

/// A certificate and the key it speaks for.
#[derive(Clone)]
pub(super) struct Issuer {
    pub(super) certificate: X509,
    pub(super) key: PKey<Private>,
}

/// What a key may be used for (RFC 5280, 4.2.1.3), as far as signers and authorities need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUsages {
    /// The extension is absent.
    Absent,
    /// `digitalSignature` and `keyEncipherment`, as on Microsoft's own leaf certificates.
    Signing,
    /// `keyEncipherment` alone: no signature may be made.
    EnciphermentOnly,
    /// `keyCertSign`, `cRLSign` and `digitalSignature`: an authority.
    Authority,
}

/// Everything that goes into one certificate.
pub(super) struct Profile {
    pub(super) subject: X509Name,
    pub(super) public_key: PKey<Public>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// `None` leaves the basic constraints out; `Some((authority, path length))`.
    pub(super) constraints: Option<(bool, Option<u32>)>,
    pub(super) key_usages: KeyUsages,
    /// Short names or dotted object identifiers; empty leaves the extension out.
    pub(super) extended_key_usages: Vec<String>,
    pub(super) dns_names: Vec<String>,
    pub(super) issuer_address: Option<String>,
    pub(super) crl_address: Option<String>,
    pub(super) permitted_dns_names: Vec<String>,
    pub(super) unknown_critical: bool,
    /// 3, or 1 for a certificate without any extension.
    pub(super) version: u8,
    pub(super) digest: MessageDigest,
}

impl Profile {
    /// Signs the profile with `issuer`'s key, or with `own` when the certificate is to be self-signed.
    pub(super) fn issue(
        &self,
        issuer: Option<&Issuer>,
        own: &PKey<Private>,
    ) -> anyhow::Result<X509> {
        let mut builder = X509::builder()?;
        builder.set_version(i32::from(self.version) - 1)?;
        builder.set_subject_name(&self.subject)?;
        builder
            .set_issuer_name(issuer.map_or(&self.subject, |it| it.certificate.subject_name()))?;
        builder.set_pubkey(&self.public_key)?;
        builder.set_not_before(time(self.not_before)?.as_ref())?;
        builder.set_not_after(time(self.not_after)?.as_ref())?;
        let mut serial = BigNum::new()?;
        serial.rand(127, MsbOption::ONE, false)?;
        builder.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
        if self.version == 3 {
            self.extend(&mut builder, issuer)?;
        }
        builder.sign(issuer.map_or(own, |it| &it.key), self.digest)?;
        Ok(builder.build())
    }

    fn extend(&self, builder: &mut X509Builder, issuer: Option<&Issuer>) -> anyhow::Result<()> {
        for extension in self.usage()?.into_iter().chain(self.addresses()?) {
            builder.append_extension(extension)?;
        }
        let subject_key = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(subject_key)?;
        if let Some(issuer) = issuer {
            let authority_key = AuthorityKeyIdentifier::new()
                .keyid(true)
                .build(&builder.x509v3_context(Some(&issuer.certificate), None))?;
            builder.append_extension(authority_key)?;
        }
        if !self.dns_names.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for name in &self.dns_names {
                names.dns(name);
            }
            let names = names.build(&builder.x509v3_context(None, None))?;
            builder.append_extension(names)?;
        }
        Ok(())
    }

    fn usage(&self) -> anyhow::Result<Vec<X509Extension>> {
        let mut extensions = Vec::new();
        if let Some((authority, path_length)) = self.constraints {
            let mut constraints = BasicConstraints::new();
            constraints.critical();
            if authority {
                constraints.ca();
            }
            if let Some(length) = path_length {
                constraints.pathlen(length);
            }
            extensions.push(constraints.build()?);
        }
        let mut usage = KeyUsage::new();
        usage.critical();
        match self.key_usages {
            KeyUsages::Absent => {}
            KeyUsages::Signing => {
                extensions.push(usage.digital_signature().key_encipherment().build()?);
            }
            KeyUsages::EnciphermentOnly => extensions.push(usage.key_encipherment().build()?),
            KeyUsages::Authority => {
                extensions.push(
                    usage
                        .digital_signature()
                        .key_cert_sign()
                        .crl_sign()
                        .build()?,
                );
            }
        }
        if !self.extended_key_usages.is_empty() {
            let mut extended = ExtendedKeyUsage::new();
            for usage in &self.extended_key_usages {
                extended.other(usage);
            }
            extensions.push(extended.build()?);
        }
        Ok(extensions)
    }

    fn addresses(&self) -> anyhow::Result<Vec<X509Extension>> {
        let mut extensions = Vec::new();
        if let Some(address) = &self.issuer_address {
            extensions.push(extension(
                "1.3.6.1.5.5.7.1.1",
                false,
                &der::ca_issuers(address),
            )?);
        }
        if let Some(address) = &self.crl_address {
            let point = der::distribution_point(address);
            extensions.push(extension("2.5.29.31", false, &point)?);
        }
        if !self.permitted_dns_names.is_empty() {
            let names = der::permitted_dns_names(&self.permitted_dns_names);
            extensions.push(extension("2.5.29.30", true, &names)?);
        }
        if self.unknown_critical {
            // Any identifier no verifier knows; the value is an ASN.1 NULL.
            extensions.push(extension("1.3.6.1.4.1.99999.1", true, &[0x05, 0x00])?);
        }
        Ok(extensions)
    }
}

/// An extension from its object identifier and DER value.
pub(super) fn extension(oid: &str, critical: bool, value: &[u8]) -> anyhow::Result<X509Extension> {
    let oid = Asn1Object::from_str(oid).with_context(|| format!("reading identifier {oid}"))?;
    Ok(X509Extension::new_from_der(
        &oid,
        critical,
        Asn1OctetString::new_from_bytes(value)?.as_ref(),
    )?)
}

/// `moment` as certificates and revocation lists write it.
pub(super) fn time(moment: Timestamp) -> anyhow::Result<Asn1Time> {
    Ok(Asn1Time::from_unix(moment.as_second())?)
}

/// How an organisation's name is written in the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameEncoding {
    /// `UTF8String`, as today's authorities do.
    Utf8,
    /// `BMPString`: two bytes a character.
    Bmp,
    /// `TeletexString`.
    Teletex,
}

/// A distinguished name in the order Microsoft's authorities write it.
pub(super) fn name(
    organizations: &[(String, NameEncoding)],
    common_name: &str,
) -> anyhow::Result<X509Name> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COUNTRYNAME, "US")?;
    for (organization, encoding) in organizations {
        let (text, kind) = match encoding {
            NameEncoding::Utf8 => (organization.clone(), Asn1Type::UTF8STRING),
            NameEncoding::Teletex => (organization.clone(), Asn1Type::T61STRING),
            // The bytes are taken as they are: big-endian UTF-16 of ASCII is ASCII with a NUL before each character.
            NameEncoding::Bmp => (
                organization.chars().flat_map(|c| ['\0', c]).collect(),
                Asn1Type::BMPSTRING,
            ),
        };
        name.append_entry_by_nid_with_type(Nid::ORGANIZATIONNAME, &text, kind)?;
    }
    if !common_name.is_empty() {
        name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    }
    Ok(name.build())
}
