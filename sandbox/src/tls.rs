//! The sandbox's own certificate authority for HTTPS, and the server certificate under it.

use openssl::{
    asn1::Asn1Time,
    bn::{BigNum, MsbOption},
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    ssl::{AlpnError, SslAcceptor, SslMethod, select_next_proto},
    x509::{
        X509, X509Builder, X509Name,
        extension::{
            AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage,
            SubjectAlternativeName, SubjectKeyIdentifier,
        },
    },
};

const DAYS: u32 = 30;

/// Who vouches for the sandbox's servers: to be trusted by its clients and by nobody else.
pub struct Authority {
    key: PKey<Private>,
    certificate: X509,
}

impl Authority {
    /// A new authority.
    pub fn new() -> Result<Self, ErrorStack> {
        let key = key()?;
        let name = name("Sandbox TLS authority")?;
        let mut builder = builder(&key, &name, &name)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        builder.append_extension(
            KeyUsage::new()
                .critical()
                .key_cert_sign()
                .crl_sign()
                .build()?,
        )?;
        let key_id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(key_id)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self {
            key,
            certificate: builder.build(),
        })
    }

    /// The authority's certificate as PEM.
    pub fn pem(&self) -> Result<Vec<u8>, ErrorStack> {
        self.certificate.to_pem()
    }

    /// A TLS acceptor for 127.0.0.1 and localhost that speaks HTTP/1.1.
    pub fn acceptor(&self) -> Result<SslAcceptor, ErrorStack> {
        let key = key()?;
        let certificate = self.server_certificate(&key)?;
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        acceptor.set_private_key(&key)?;
        acceptor.set_certificate(&certificate)?;
        acceptor.set_alpn_select_callback(|_, offered| {
            select_next_proto(b"\x08http/1.1", offered).ok_or(AlpnError::NOACK)
        });
        Ok(acceptor.build())
    }

    fn server_certificate(&self, key: &PKey<Private>) -> Result<X509, ErrorStack> {
        let issuer = self.certificate.subject_name().to_owned()?;
        let mut builder = builder(key, &name("localhost")?, &issuer)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let names = SubjectAlternativeName::new()
            .ip("127.0.0.1")
            .dns("localhost")
            .build(&context)?;
        let issuer_key = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(names)?;
        builder.append_extension(issuer_key)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(builder.build())
    }
}

fn key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn name(common_name: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}

fn builder(
    key: &PKey<Private>,
    subject: &X509Name,
    issuer: &X509Name,
) -> Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(DAYS)?)?;
    Ok(builder)
}
