//! Certificates with keys that nobody should compute with.

use openssl::bn::BigNum;
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Rsa;
use sandbox::certificates::KeyKind;

use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn attack_36_a_key_of_another_kind_or_size_is_refused() {
    let scene = Scene::start(&[]).await;
    let key = |kind| scene.signer().key(kind);
    let rsa = |bits, exponent| key(KeyKind::Rsa { bits, exponent });
    let refused = Err("certificate_key");
    scene
        .assert_verdicts(vec![
            ("1024 bits", key(KeyKind::rsa(1024)), refused),
            ("2047 bits", key(KeyKind::rsa(2047)), refused),
            ("the exponent 3", rsa(2048, 3), refused),
            ("the exponent 17", rsa(2048, 17), refused),
            ("the exponent 65535", rsa(2048, 65535), refused),
            ("P-256", key(KeyKind::P256), refused),
            ("Ed25519", key(KeyKind::Ed25519), refused),
            ("3072 bits", key(KeyKind::rsa(3072)), Ok(())),
            ("a larger exponent", rsa(2048, 65539), Ok(())),
        ])
        .await;
}

fn power(bits: i32) -> BigNum {
    let mut number = BigNum::new().unwrap();
    number.lshift(&BigNum::from_u32(1).unwrap(), bits).unwrap();
    number
}

/// An odd number of `bits` bits.
fn odd(bits: i32) -> BigNum {
    let mut number = power(bits - 1);
    number.add_word(1).unwrap();
    number
}

fn rsa(modulus: BigNum, exponent: BigNum) -> PKey<Public> {
    PKey::from_rsa(Rsa::from_public_components(modulus, exponent).unwrap()).unwrap()
}

/// P-256 with its parameters spelt out: what made parsers loop (CVE-2022-0778).
fn explicit_curve() -> PKey<Public> {
    let mut group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    group.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
    let key = EcKey::generate(&group).unwrap();
    let key = EcKey::from_public_key(&group, key.public_key()).unwrap();
    PKey::from_ec_key(key).unwrap()
}

/// An RSA key that may be used for RSASSA-PSS only (RFC 4055, section 1.2).
fn pss_only() -> PKey<Public> {
    let key = Rsa::generate(2048)
        .unwrap()
        .public_key_to_der_pkcs1()
        .unwrap();
    let bits = [&[0], key.as_slice()].concat();
    let oid = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a];
    let info = [tlv(0x30, &oid), tlv(0x03, &bits)].concat();
    PKey::public_key_from_der(&tlv(0x30, &info)).unwrap()
}

/// One DER value of less than 64 KiB.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let head = match u8::try_from(length) {
        Ok(short @ 0..=0x7f) => vec![tag, short],
        Ok(long) => vec![tag, 0x81, long],
        Err(_) => [vec![tag, 0x82], length.to_be_bytes().to_vec()].concat(),
    };
    [head, content.to_vec()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_36_a_monstrous_or_crooked_key_is_refused() {
    let scene = Scene::start(&[]).await;
    let with = |key| scene.signer().public_key(key);
    let small = |number| BigNum::from_u32(number).unwrap();
    let refused = Err("certificate_key");
    scene
        .assert_verdicts(vec![
            ("16384 bits", with(rsa(odd(16384), small(65537))), refused),
            ("8200 bits", with(rsa(odd(8200), small(65537))), refused),
            (
                "an exponent of 66 bits",
                with(rsa(odd(2048), odd(66))),
                refused,
            ),
            (
                "an exponent of 8192 bits",
                with(rsa(odd(8192), odd(8191))),
                refused,
            ),
            ("the exponent 1", with(rsa(odd(2048), small(1))), refused),
            (
                "an even exponent",
                with(rsa(odd(2048), small(65538))),
                refused,
            ),
            (
                "an even modulus",
                with(rsa(power(2047), small(65537))),
                refused,
            ),
            ("an explicit curve", with(explicit_curve()), refused),
            ("a key for RSASSA-PSS", with(pss_only()), refused),
        ])
        .await;
}
