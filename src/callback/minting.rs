//! Certificates made for tests, right and wrong in every way the rules speak of.

use std::sync::LazyLock;

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Extension, X509Name};

/// A moment inside every minted certificate's validity, unless a test says otherwise.
pub(crate) const NOW: i64 = 1_790_000_000;
const DAY: i64 = 86_400;

static KEYS: LazyLock<[PKey<Private>; 4]> =
    LazyLock::new(|| [(); 4].map(|()| PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()));

/// The signers' RSA key.
pub(crate) fn rsa_key() -> PKey<Private> {
    KEYS[0].clone()
}

/// RSA keys of authorities and strangers; `number` is 1 to 3.
pub(crate) fn other_key(number: usize) -> PKey<Private> {
    KEYS[number].clone()
}

pub(crate) fn ec_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::SECP384R1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

/// One DER value.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=127 => out.push(u8::try_from(short).unwrap()),
        long => {
            out.push(0x82);
            out.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    out.extend(content);
    out
}

/// The DER of an object identifier.
pub(crate) fn oid(text: &str) -> Vec<u8> {
    tlv(6, Asn1Object::from_str(text).unwrap().as_slice())
}

/// An extension, by its parts.
#[derive(Clone, Debug)]
pub(crate) struct Extension {
    pub(crate) oid: &'static str,
    pub(crate) critical: bool,
    pub(crate) content: Vec<u8>,
}

impl Extension {
    pub(crate) fn openssl(&self) -> X509Extension {
        let oid = Asn1Object::from_str(self.oid).unwrap();
        let content = Asn1OctetString::new_from_bytes(&self.content).unwrap();
        X509Extension::new_from_der(&oid, self.critical, &content).unwrap()
    }
}

pub(crate) const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub(crate) const KEY_USAGE: &str = "2.5.29.15";
pub(crate) const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
pub(crate) const ALTERNATIVE_NAME: &str = "2.5.29.17";
pub(crate) const NAME_CONSTRAINTS: &str = "2.5.29.30";
pub(crate) const AUTHORITY_KEY: &str = "2.5.29.35";
pub(crate) const SUBJECT_KEY: &str = "2.5.29.14";
const AUTHORITY_ACCESS: &str = "1.3.6.1.5.5.7.1.1";
const DISTRIBUTION_POINTS: &str = "2.5.29.31";

pub(crate) fn extension(oid: &'static str, critical: bool, content: Vec<u8>) -> Extension {
    Extension {
        oid,
        critical,
        content,
    }
}

pub(crate) fn basic_constraints(ca: bool, path_length: Option<u8>) -> Extension {
    let mut content = Vec::new();
    if ca {
        content.extend(tlv(1, &[0xff]));
    }
    content.extend(path_length.map(|it| tlv(2, &[it])).unwrap_or_default());
    extension(BASIC_CONSTRAINTS, true, tlv(0x30, &content))
}

/// `bits` as in RFC 5280: 0x80 is digitalSignature, 0x06 keyCertSign with cRLSign.
pub(crate) fn key_usage(bits: u8) -> Extension {
    let unused = u8::try_from(bits.trailing_zeros().min(7)).unwrap();
    extension(KEY_USAGE, true, tlv(3, &[unused, bits]))
}

pub(crate) fn extended_key_usage(purposes: &[&str]) -> Extension {
    let content: Vec<u8> = purposes.iter().flat_map(|it| oid(it)).collect();
    extension(EXTENDED_KEY_USAGE, false, tlv(0x30, &content))
}

pub(crate) fn hosts(names: &[&[u8]]) -> Extension {
    let content: Vec<u8> = names.iter().flat_map(|name| tlv(0x82, name)).collect();
    extension(ALTERNATIVE_NAME, false, tlv(0x30, &content))
}

fn issuer_at(urls: &[String]) -> Extension {
    let content: Vec<u8> = urls
        .iter()
        .flat_map(|url| {
            let access = [oid("1.3.6.1.5.5.7.48.2"), tlv(0x86, url.as_bytes())].concat();
            tlv(0x30, &access)
        })
        .collect();
    extension(AUTHORITY_ACCESS, false, tlv(0x30, &content))
}

fn revoked_at(url: &str) -> Extension {
    let name = tlv(0xa0, &tlv(0xa0, &tlv(0x86, url.as_bytes())));
    extension(DISTRIBUTION_POINTS, false, tlv(0x30, &tlv(0x30, &name)))
}

/// An attribute of a name: its kind, string type and bytes.
type Attribute = (Nid, u8, Vec<u8>);

/// A certificate to be.
#[derive(Clone)]
pub(crate) struct Mint {
    pub(crate) key: PKey<Private>,
    pub(crate) subject: Vec<Attribute>,
    pub(crate) serial: i64,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) digest: MessageDigest,
    pub(crate) extensions: Vec<Extension>,
    /// With 0, version 1: no extensions are written.
    pub(crate) version: i32,
    with_key_ids: bool,
}

/// A certificate that is, with its key.
#[derive(Clone)]
pub(crate) struct Minted {
    pub(crate) x509: X509,
    pub(crate) key: PKey<Private>,
}

impl Minted {
    pub(crate) fn der(&self) -> Vec<u8> {
        self.x509.to_der().unwrap()
    }

    pub(crate) fn pem(&self) -> Vec<u8> {
        self.x509.to_pem().unwrap()
    }

    /// The signature of `body` as Partner Center would make it.
    pub(crate) fn sign(&self, body: &[u8]) -> Vec<u8> {
        let mut signer = openssl::sign::Signer::new(MessageDigest::sha256(), &self.key).unwrap();
        signer.sign_oneshot_to_vec(body).unwrap()
    }
}

impl Mint {
    /// A sound signer's certificate.
    pub(crate) fn leaf() -> Self {
        Self {
            key: rsa_key(),
            subject: vec![
                (Nid::COUNTRYNAME, 19, b"US".to_vec()),
                (Nid::ORGANIZATIONNAME, 12, b"Microsoft Corporation".to_vec()),
                (
                    Nid::COMMONNAME,
                    12,
                    b"pcnotifications.microsoft.com".to_vec(),
                ),
            ],
            serial: 4711,
            from: NOW - 30 * DAY,
            to: NOW + 60 * DAY,
            digest: MessageDigest::sha256(),
            extensions: vec![
                basic_constraints(false, None),
                key_usage(0xa0),
                extended_key_usage(&["1.3.6.1.5.5.7.3.1"]),
                hosts(&[b"pcnotifications.microsoft.com"]),
            ],
            version: 2,
            with_key_ids: true,
        }
    }

    /// A sound root, with its own key.
    pub(crate) fn root(name: &str) -> Self {
        Self {
            from: NOW - 1000 * DAY,
            to: NOW + 1000 * DAY,
            ..Self::authority(name).with_key(other_key(1))
        }
    }

    /// A sound intermediate authority, with its own key.
    pub(crate) fn authority(name: &str) -> Self {
        Self {
            key: other_key(2),
            subject: vec![(Nid::COMMONNAME, 12, name.as_bytes().to_vec())],
            serial: 17,
            from: NOW - 100 * DAY,
            to: NOW + 100 * DAY,
            extensions: vec![basic_constraints(true, None), key_usage(0x86)],
            ..Self::leaf()
        }
    }

    pub(crate) fn with_key(mut self, key: PKey<Private>) -> Self {
        self.key = key;
        self
    }

    pub(crate) fn with_subject(mut self, subject: Vec<Attribute>) -> Self {
        self.subject = subject;
        self
    }

    /// Replaces the extension of the same kind, or adds it.
    pub(crate) fn with(mut self, extension: Extension) -> Self {
        self.extensions.retain(|it| it.oid != extension.oid);
        self.extensions.push(extension);
        self
    }

    pub(crate) fn without(mut self, oid: &str) -> Self {
        self.extensions.retain(|it| it.oid != oid);
        self
    }

    /// Leaves out the key identifiers, except those among the extensions.
    pub(crate) fn without_key_ids(mut self) -> Self {
        self.with_key_ids = false;
        self
    }

    pub(crate) fn issuer_at(self, urls: &[String]) -> Self {
        self.with(issuer_at(urls))
    }

    pub(crate) fn revoked_at(self, url: &str) -> Self {
        self.with(revoked_at(url))
    }

    pub(crate) fn self_signed(self) -> Minted {
        let name = name(&self.subject);
        let key = self.key.clone();
        self.signed(&name, &key)
    }

    pub(crate) fn by(self, issuer: &Minted) -> Minted {
        self.signed(&issuer.x509.subject_name().to_owned().unwrap(), &issuer.key)
    }

    fn signed(self, issuer: &X509Name, signer: &PKey<Private>) -> Minted {
        let mut builder = X509::builder().unwrap();
        builder.set_version(self.version).unwrap();
        let serial = i32::try_from(self.serial.abs()).unwrap();
        let mut number = BigNum::from_u32(serial.unsigned_abs()).unwrap();
        number.set_negative(self.serial < 0);
        let number = Asn1Integer::from_bn(&number).unwrap();
        builder.set_serial_number(&number).unwrap();
        builder.set_subject_name(&name(&self.subject)).unwrap();
        builder.set_issuer_name(issuer).unwrap();
        builder
            .set_not_before(&Asn1Time::from_unix(self.from).unwrap())
            .unwrap();
        builder
            .set_not_after(&Asn1Time::from_unix(self.to).unwrap())
            .unwrap();
        builder.set_pubkey(&self.key).unwrap();
        for extension in &self.extensions {
            builder.append_extension2(&extension.openssl()).unwrap();
        }
        if self.with_key_ids {
            let id = tlv(0x30, &tlv(0x80, &key_id(signer)));
            let id = extension(AUTHORITY_KEY, false, id).openssl();
            builder.append_extension2(&id).unwrap();
            let id = tlv(4, &key_id(&self.key));
            let id = extension(SUBJECT_KEY, false, id).openssl();
            builder.append_extension2(&id).unwrap();
        }
        builder.sign(signer, self.digest).unwrap();
        Minted {
            x509: builder.build(),
            key: self.key,
        }
    }
}

/// The key identifier by which minted certificates know `key`.
pub(crate) fn key_id(key: &PKey<Private>) -> Vec<u8> {
    let der = key.public_key_to_der().unwrap();
    hash(MessageDigest::sha256(), &der).unwrap()[..20].to_vec()
}

fn name(attributes: &[Attribute]) -> X509Name {
    // The builder converts strings as it likes; a name has to keep the bytes a test wrote.
    let sets: Vec<u8> = attributes
        .iter()
        .flat_map(|(nid, tag, bytes)| {
            let kind = tlv(6, attribute_kind(*nid).as_slice());
            tlv(0x31, &tlv(0x30, &[kind, tlv(*tag, bytes)].concat()))
        })
        .collect();
    X509Name::from_der(&tlv(0x30, &sets)).unwrap()
}

fn attribute_kind(nid: Nid) -> Asn1Object {
    Asn1Object::from_str(nid.short_name().unwrap()).unwrap()
}
