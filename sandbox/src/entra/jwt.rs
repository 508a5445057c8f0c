//! Signed tokens, and the key that verifies them.

use std::sync::OnceLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use openssl::{
    hash::{MessageDigest, hash},
    pkey::{PKey, Private},
    rand::rand_bytes,
    rsa::Rsa,
    sign::Signer,
};
use serde_json::{Value, json};

/// The signing key. One for the whole process: making it takes longer than all the rest of a start.
fn key() -> &'static PKey<Private> {
    static KEY: OnceLock<PKey<Private>> = OnceLock::new();
    KEY.get_or_init(|| {
        Rsa::generate(2048)
            .and_then(PKey::from_rsa)
            .expect("a 2048 bit RSA key can always be made")
    })
}

/// `claims` as a JWT signed with RS256.
pub(super) fn sign(claims: &Value) -> String {
    let header = json!({ "typ": "JWT", "alg": "RS256", "x5t": key_id(), "kid": key_id() });
    let text = format!("{}.{}", part(&header), part(claims));
    let signature = Signer::new(MessageDigest::sha256(), key())
        .and_then(|mut signer| signer.sign_oneshot_to_vec(text.as_bytes()))
        .expect("an RSA key signs any text");
    format!("{text}.{}", BASE64URL.encode(signature))
}

/// The public key as a JSON Web Key Set.
pub(super) fn key_set(issuer: &str) -> Value {
    let rsa = key().rsa().expect("the key is an RSA key");
    let number = |it: &openssl::bn::BigNumRef| BASE64URL.encode(it.to_vec());
    json!({ "keys": [{
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": key_id(),
        "x5t": key_id(),
        "n": number(rsa.n()),
        "e": number(rsa.e()),
        "issuer": issuer,
    }] })
}

/// An opaque value nobody can guess, `length` random bytes behind `prefix`.
pub(super) fn opaque(prefix: &str, length: usize) -> String {
    let mut bytes = vec![0; length];
    rand_bytes(&mut bytes).expect("the system has randomness");
    format!("{prefix}{}", BASE64URL.encode(bytes))
}

/// The SHA-256 digest of `text` in base64url, as PKCE writes a challenge.
pub(super) fn sha256(text: &str) -> String {
    let digest = hash(MessageDigest::sha256(), text.as_bytes()).expect("SHA-256 takes any text");
    BASE64URL.encode(digest)
}

fn key_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| {
        let der = key()
            .public_key_to_der()
            .expect("an RSA key has a public half");
        let digest = hash(MessageDigest::sha1(), &der).expect("SHA-1 takes any bytes");
        BASE64URL.encode(digest)
    })
}

fn part(value: &Value) -> String {
    BASE64URL.encode(value.to_string())
}
