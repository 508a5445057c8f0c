//! The one place where a signature is verified.

use std::fmt;
use std::str::FromStr;

use openssl::hash::MessageDigest;
use openssl::pkey::{HasPublic, PKeyRef};
use openssl::rsa::Padding;
use openssl::sign::Verifier;

/// How a delivery is signed: RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2) with one of three digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `rsa-sha256`, what Partner Center sends.
    RsaSha256,
    /// `rsa-sha384`.
    RsaSha384,
    /// `rsa-sha512`.
    RsaSha512,
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::RsaSha256, Self::RsaSha384, Self::RsaSha512];

    /// The word for it in `x-ms-signature-algorithm`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RsaSha256 => "rsa-sha256",
            Self::RsaSha384 => "rsa-sha384",
            Self::RsaSha512 => "rsa-sha512",
        }
    }

    fn digest(self) -> MessageDigest {
        match self {
            Self::RsaSha256 => MessageDigest::sha256(),
            Self::RsaSha384 => MessageDigest::sha384(),
            Self::RsaSha512 => MessageDigest::sha512(),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|it| it.word().eq_ignore_ascii_case(text))
            .ok_or(UnknownAlgorithm)
    }
}

/// The algorithm is none of ours.
#[derive(Debug, thiserror::Error)]
#[error("expected rsa-sha256, rsa-sha384 or rsa-sha512")]
pub struct UnknownAlgorithm;

/// `signature` was made over exactly the bytes of `body` by the holder of the RSA key `key`.
///
/// The key's size and exponent are the certificate profile's business; anything that is no RSA key, no signature of
/// its length or no exact PKCS #1 v1.5 encoding is simply not a signature.
pub fn verify<K: HasPublic>(
    key: &PKeyRef<K>,
    algorithm: Algorithm,
    body: &[u8],
    signature: &[u8],
) -> bool {
    if key.id() != openssl::pkey::Id::RSA || signature.len() != key.size() {
        return false;
    }
    let verified = || {
        let mut verifier = Verifier::new(algorithm.digest(), key)?;
        verifier.set_rsa_padding(Padding::PKCS1)?;
        verifier.verify_oneshot(signature, body)
    };
    verified().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::rsa::Padding;
    use openssl::sign::{RsaPssSaltlen, Signer};

    use super::{Algorithm, verify};
    use crate::callback::minting::rsa_key;

    const BODY: &[u8] = b"{\"EventName\":\"test-created\"}";

    #[test]
    fn each_digest_verifies_its_own_signatures_only() {
        let key = rsa_key();
        for algorithm in Algorithm::ALL {
            let mut signer = Signer::new(algorithm.digest(), &key).unwrap();
            let signature = signer.sign_oneshot_to_vec(BODY).unwrap();
            for other in Algorithm::ALL {
                assert_eq!(verify(&key, other, BODY, &signature), other == algorithm);
            }
        }
    }

    #[test]
    fn any_changed_bit_spoils_it() {
        let key = rsa_key();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        let signature = signer.sign_oneshot_to_vec(BODY).unwrap();
        for at in [0, 1, 100, signature.len() - 1] {
            let mut spoilt = signature.clone();
            spoilt[at] ^= 1;
            assert!(!verify(&key, Algorithm::RsaSha256, BODY, &spoilt));
        }
        let mut body = BODY.to_vec();
        body.push(b'\n');
        assert!(!verify(&key, Algorithm::RsaSha256, &body, &signature));
    }

    #[test]
    fn a_signature_of_another_length_is_none() {
        let key = rsa_key();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        let signature = signer.sign_oneshot_to_vec(BODY).unwrap();
        let padded = [&[0], signature.as_slice()].concat();
        assert!(!verify(&key, Algorithm::RsaSha256, BODY, &padded));
        assert!(!verify(&key, Algorithm::RsaSha256, BODY, &signature[1..]));
        assert!(!verify(&key, Algorithm::RsaSha256, BODY, &[]));
        assert!(!verify(&key, Algorithm::RsaSha256, BODY, &[0xff; 256]));
    }

    #[test]
    fn other_schemes_are_no_signatures() {
        let key = rsa_key();
        let mut pss = Signer::new(MessageDigest::sha256(), &key).unwrap();
        pss.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        pss.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)
            .unwrap();
        let signature = pss.sign_oneshot_to_vec(BODY).unwrap();
        assert!(!verify(&key, Algorithm::RsaSha256, BODY, &signature));

        let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        let signature = signer.sign_oneshot_to_vec(BODY).unwrap();
        assert!(!verify(&key, Algorithm::RsaSha256, BODY, &signature));
    }
}
