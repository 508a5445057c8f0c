//! From the bytes of a file to the DER of the certificates in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_parser::prelude::{FromDer, X509Certificate};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END CERTIFICATE-----";
const LABEL: &str = "CERTIFICATE-----";

/// The certificates in `bytes`, each in DER, in the order of the file; at least one and at most `most`.
///
/// Three forms are read: one DER certificate, PEM (RFC 7468; any line ends, and text before each block), or the bare
/// base64 of one DER certificate; the two of text may begin with a byte order mark. Anything left over makes the whole file unreadable.
pub fn certificates(bytes: &[u8], most: usize) -> Result<Vec<Vec<u8>>, EncodingError> {
    if bytes.first() == Some(&0x30) && !bytes.is_ascii() {
        return one(bytes.to_vec());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.is_empty() {
        return Err(EncodingError::Empty);
    }
    // Text before a block may be in any encoding; only the blocks matter, and they are ASCII.
    let text = String::from_utf8_lossy(bytes);
    if text.contains(BEGIN) {
        return blocks(&text, most);
    }
    one(base64(&text)?)
}

fn one(der: Vec<u8>) -> Result<Vec<Vec<u8>>, EncodingError> {
    whole(&der)?;
    Ok(vec![der])
}

fn blocks(text: &str, most: usize) -> Result<Vec<Vec<u8>>, EncodingError> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, block)) = rest.split_once(BEGIN) {
        let block = block.strip_prefix(LABEL).ok_or(EncodingError::OtherBlock)?;
        let (body, after) = block.split_once(END).ok_or(EncodingError::Unfinished)?;
        if found.len() == most {
            return Err(EncodingError::TooMany { most });
        }
        let der = base64(body)?;
        whole(&der)?;
        found.push(der);
        rest = after;
    }
    if !rest.trim().is_empty() {
        return Err(EncodingError::Leftover);
    }
    Ok(found)
}

fn base64(text: &str) -> Result<Vec<u8>, EncodingError> {
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(text).map_err(|_| EncodingError::NotBase64)
}

/// `der` is one certificate and nothing else.
fn whole(der: &[u8]) -> Result<(), EncodingError> {
    match X509Certificate::from_der(der) {
        Ok(([], _)) => Ok(()),
        Ok(_) => Err(EncodingError::Leftover),
        Err(_) => Err(EncodingError::NotACertificate),
    }
}

/// Why a file holds no usable certificates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// Neither DER nor PEM nor base64.
    #[error("the file is neither DER nor PEM nor base64")]
    NotBase64,
    /// The bytes are no X.509 certificate.
    #[error("the file's bytes are no X.509 certificate")]
    NotACertificate,
    /// A PEM block that is no certificate, such as a key.
    #[error("the file has a PEM block that is no certificate")]
    OtherBlock,
    /// A PEM block without its end.
    #[error("the file's last PEM block has no end")]
    Unfinished,
    /// Bytes after the last certificate.
    #[error("the file has something after its certificate")]
    Leftover,
    /// More certificates than a chain can need.
    #[error("the file has more than {most} certificates")]
    TooMany {
        /// How many are read.
        most: usize,
    },
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
    use openssl::stack::Stack;
    use proptest::prelude::*;

    use super::{EncodingError, certificates};
    use crate::callback::minting::{self, Mint};

    fn der() -> Vec<u8> {
        Mint::leaf().self_signed().der()
    }

    fn pem() -> String {
        String::from_utf8(Mint::leaf().self_signed().pem()).unwrap()
    }

    #[test]
    fn der_pem_and_bare_base64_are_the_same_certificate() {
        let signer = Mint::leaf().self_signed();
        let pem = String::from_utf8(signer.pem()).unwrap();
        let forms: Vec<Vec<u8>> = vec![
            signer.der(),
            pem.clone().into_bytes(),
            format!("\u{feff}{pem}").into_bytes(),
            pem.replace('\n', "\r\n").into_bytes(),
            format!("subject=CN = x\nissuer=CN = y\n{pem}\n\n").into_bytes(),
            [b"\xe4 Latin-1\n", pem.as_bytes()].concat(),
            STANDARD.encode(signer.der()).into_bytes(),
            format!("{}\r\n", STANDARD.encode(signer.der())).into_bytes(),
        ];
        for form in forms {
            assert_eq!(certificates(&form, 8), Ok(vec![signer.der()]));
        }
    }

    #[test]
    fn several_pem_blocks_keep_their_order() {
        let (one, two) = (Mint::leaf().self_signed(), Mint::root("Root").self_signed());
        let bundle = [one.pem(), b"# the root\n".to_vec(), two.pem()].concat();
        assert_eq!(certificates(&bundle, 2), Ok(vec![one.der(), two.der()]));
        assert_eq!(
            certificates(&bundle, 1),
            Err(EncodingError::TooMany { most: 1 })
        );
    }

    #[test]
    fn anything_else_is_refused() {
        let der = der();
        let key = minting::rsa_key().private_key_to_pem_pkcs8().unwrap();
        let store = Stack::new().unwrap();
        let signed = Mint::leaf().self_signed();
        let pkcs7 = Pkcs7::sign(&signed.x509, &signed.key, &store, b"", Pkcs7Flags::empty());
        let cases: Vec<(Vec<u8>, EncodingError)> = vec![
            (vec![], EncodingError::Empty),
            (b"\xef\xbb\xbf".to_vec(), EncodingError::Empty),
            ([der.as_slice(), b"\0"].concat(), EncodingError::Leftover),
            ([der.as_slice(), &der].concat(), EncodingError::Leftover),
            (
                der[..der.len() - 1].to_vec(),
                EncodingError::NotACertificate,
            ),
            (
                pkcs7.unwrap().to_der().unwrap(),
                EncodingError::NotACertificate,
            ),
            (b"<html>not found</html>".to_vec(), EncodingError::NotBase64),
            (
                [pem().as_bytes(), b"<html>"].concat(),
                EncodingError::Leftover,
            ),
            ([pem().as_bytes(), &key].concat(), EncodingError::OtherBlock),
            (
                pem().replace("-----END", "----END").into_bytes(),
                EncodingError::Unfinished,
            ),
            (
                b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----".to_vec(),
                EncodingError::NotBase64,
            ),
            (
                b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----".to_vec(),
                EncodingError::NotACertificate,
            ),
            (
                b"-----BEGIN PKCS7-----\n".to_vec(),
                EncodingError::OtherBlock,
            ),
            (
                pem().repeat(9).into_bytes(),
                EncodingError::TooMany { most: 8 },
            ),
        ];
        for (bytes, error) in cases {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert_eq!(certificates(&bytes, 8), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = certificates(&bytes, 8);
            let _ = certificates(&[b"\x30", bytes.as_slice()].concat(), 8);
        }
    }
}
