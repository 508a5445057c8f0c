//! The names in a certificate, decoded at full length whatever their string type.

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::{OID_X509_COMMON_NAME, OID_X509_ORGANIZATION_NAME, Oid};
use x509_parser::prelude::X509Certificate;

/// What a certificate calls its holder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Every `O` of the subject; `None` for one that is no sound text.
    pub(super) organizations: Vec<Option<String>>,
    /// Every `CN` of the subject that is sound text.
    pub(super) commons: Vec<String>,
    /// Every `dNSName`.
    pub(super) hosts: Vec<String>,
}

impl Names {
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Self {
        Self {
            organizations: attributes(certificate, &OID_X509_ORGANIZATION_NAME).collect(),
            commons: attributes(certificate, &OID_X509_COMMON_NAME)
                .flatten()
                .collect(),
            hosts: hosts(certificate),
        }
    }
}

fn attributes<'a>(
    certificate: &'a X509Certificate<'_>,
    kind: &'a Oid<'a>,
) -> impl Iterator<Item = Option<String>> + 'a {
    certificate
        .subject()
        .iter_by_oid(kind)
        .map(|attribute| text(attribute.attr_value()))
}

fn hosts(certificate: &X509Certificate<'_>) -> Vec<String> {
    certificate
        .iter_extensions()
        .filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
            _ => None,
        })
        .flatten()
        .filter_map(|name| match name {
            GeneralName::DNSName(host) => Some((*host).to_owned()),
            _ => None,
        })
        .collect()
}

/// The text of a directory string (RFC 5280, section 4.1.2.4). `None` when its bytes are not of its type, or when it
/// holds NUL or U+FFFD, which have no place in a name and every place in an attempt to forge one.
fn text(value: &Any<'_>) -> Option<String> {
    let bytes = value.data;
    let text = match value.tag() {
        Tag::Utf8String => String::from_utf8(bytes.to_vec()).ok()?,
        Tag::PrintableString
        | Tag::Ia5String
        | Tag::VisibleString
        | Tag::NumericString
        | Tag::T61String => ascii(bytes)?,
        Tag::BmpString => utf16(bytes)?,
        Tag::UniversalString => utf32(bytes)?,
        _ => return None,
    };
    (!text.contains(['\0', char::REPLACEMENT_CHARACTER])).then_some(text)
}

fn ascii(bytes: &[u8]) -> Option<String> {
    bytes
        .is_ascii()
        .then(|| String::from_utf8_lossy(bytes).into_owned())
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    rest.is_empty()
        .then(|| String::from_utf16(&units).ok())
        .flatten()
}

fn utf32(bytes: &[u8]) -> Option<String> {
    let (quads, rest) = bytes.as_chunks::<4>();
    let mut characters = quads
        .iter()
        .map(|quad| char::from_u32(u32::from_be_bytes(*quad)));
    rest.is_empty()
        .then(|| characters.by_ref().collect())
        .flatten()
}
