use openssl::bn::BigNum;
use openssl::dsa::Dsa;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;

use super::{KeyUsageError, ProfileError};
use crate::callback::certificate::Certificate;
use crate::callback::minting::{
    BASIC_CONSTRAINTS, KEY_USAGE, Mint, Minted, basic_constraints, ec_key, extension, key_usage,
    tlv,
};
use crate::callback::policy::Policy;
use crate::callback::public_key::KeyError;

fn policy() -> Policy {
    Policy {
        organization: "Microsoft Corporation".to_owned(),
        subjects: vec![],
        extended_key_usages: vec![],
    }
}

fn read(minted: &Minted) -> Certificate {
    Certificate::read(&minted.der(), &policy()).unwrap()
}

fn profile(mint: Mint) -> Result<(), ProfileError> {
    let certificate = read(&mint.self_signed());
    assert_eq!(
        certificate.key().is_some(),
        certificate.check_profile().is_ok()
    );
    certificate.check_profile()
}

fn rsa(bits: u32, exponent: &str) -> PKey<Private> {
    let exponent = BigNum::from_dec_str(exponent).unwrap();
    PKey::from_rsa(Rsa::generate_with_e(bits, &exponent).unwrap()).unwrap()
}

fn key(key: PKey<Private>) -> Result<(), ProfileError> {
    profile(Mint::leaf().with_key(key))
}

#[test]
fn a_sound_signer_passes() {
    assert_eq!(profile(Mint::leaf()), Ok(()));
    assert_eq!(profile(Mint::leaf().without(BASIC_CONSTRAINTS)), Ok(()));
}

#[test]
fn only_version_3_passes() {
    for version in [0, 1, 3] {
        let mut der = Mint::leaf().self_signed().der();
        let tag = [0xa0, 3, 2, 1, 2];
        let at = der.windows(5).position(|window| window == tag).unwrap();
        der[at + 4] = version;
        let certificate = Certificate::read(&der, &policy());
        let verdict = certificate.map(|it| it.check_profile());
        assert_ne!(verdict, Ok(Ok(())), "{version}");
    }
}

#[test]
fn a_serial_number_is_positive() {
    for serial in [0, -1, -4711] {
        let mut mint = Mint::leaf();
        mint.serial = serial;
        assert_eq!(profile(mint), Err(ProfileError::Serial), "{serial}");
    }
}

#[test]
fn a_key_is_rsa_of_a_sane_size_and_exponent() {
    assert_eq!(key(rsa(3072, "65537")), Ok(()));
    assert_eq!(key(rsa(2048, "4294967297")), Ok(()));
    assert_eq!(
        key(rsa(1024, "65537")),
        Err(KeyError::Size { bits: 1024 }.into())
    );
    assert_eq!(key(rsa(2056, "65537")), Ok(()));
    assert_eq!(
        key(rsa(2050, "65537")),
        Err(KeyError::Size { bits: 2050 }.into())
    );
    assert_eq!(key(rsa(2048, "3")), Err(KeyError::Exponent.into()));
    assert_eq!(key(rsa(2048, "65535")), Err(KeyError::Exponent.into()));
    assert_eq!(key(ec_key()), Err(ProfileError::NotRsa));
    let dsa = PKey::from_dsa(Dsa::generate(2048).unwrap()).unwrap();
    assert_eq!(key(dsa), Err(KeyError::Kind.into()));
}

/// A certificate whose public key is `modulus` and `exponent`, signed by another key.
fn with_public_key(modulus: &BigNum, exponent: &BigNum) -> Result<(), ProfileError> {
    let minted = Mint::leaf().self_signed();
    let sound = minted.key.public_key_to_der().unwrap();
    let integer = |number: &BigNum| {
        let bytes = number.to_vec();
        let sign = bytes.first().is_some_and(|byte| *byte >= 0x80);
        tlv(2, &[vec![0; usize::from(sign)], bytes].concat())
    };
    let key = tlv(0x30, &[integer(modulus), integer(exponent)].concat());
    let algorithm = [
        super::super::minting::oid("1.2.840.113549.1.1.1"),
        tlv(5, &[]),
    ]
    .concat();
    let info = [tlv(0x30, &algorithm), tlv(3, &[vec![0], key].concat())].concat();
    let info = tlv(0x30, &info);
    // Re-wrap: the key sits inside the signed part, whose length changes with it.
    let der = minted.der();
    let at = der
        .windows(sound.len())
        .position(|window| window == sound)
        .unwrap();
    let inner = [&der[8..at], &info, &der[at + sound.len()..]].concat();
    let signed_length = usize::from(u16::from_be_bytes([der[6], der[7]]));
    let signed = signed_length + info.len() - sound.len();
    let rest = inner[signed..].to_vec();
    let der = tlv(0x30, &[tlv(0x30, &inner[..signed]), rest].concat());
    Certificate::read(&der, &policy()).unwrap().check_profile()
}

#[test]
fn a_monstrous_or_crooked_rsa_key_is_never_computed_with() {
    let one = || BigNum::from_u32(1).unwrap();
    let e = BigNum::from_u32(65537).unwrap();
    let power = |bits: i32| {
        let mut number = BigNum::new().unwrap();
        number.lshift(&one(), bits).unwrap();
        number
    };
    let odd = |bits: i32| {
        let mut number = power(bits - 1);
        number.add_word(1).unwrap();
        number
    };
    assert_eq!(with_public_key(&odd(2048), &e), Ok(()));
    assert_eq!(
        with_public_key(&odd(16384), &e),
        Err(KeyError::Size { bits: 16384 }.into())
    );
    assert_eq!(
        with_public_key(&power(2047), &e),
        Err(KeyError::Exponent.into())
    );
    for exponent in [one(), BigNum::from_u32(65538).unwrap(), odd(66), odd(8000)] {
        assert_eq!(
            with_public_key(&odd(2048), &exponent),
            Err(KeyError::Exponent.into())
        );
    }
    assert_eq!(with_public_key(&odd(2048), &odd(64)), Ok(()));
}

#[test]
fn an_authority_is_no_signer() {
    let authority = Mint::leaf().with(basic_constraints(true, None));
    assert_eq!(profile(authority), Err(ProfileError::Authority));
    let limited = Mint::leaf().with(basic_constraints(false, Some(0)));
    assert_eq!(profile(limited), Err(ProfileError::PathLength));
}

#[test]
fn a_critical_extension_has_to_be_understood() {
    let unknown =
        |critical| Mint::leaf().with(extension("1.3.6.1.4.1.99999.1", critical, tlv(5, &[])));
    assert_eq!(profile(unknown(false)), Ok(()));
    assert_eq!(
        profile(unknown(true)),
        Err(ProfileError::UnknownCriticalExtension {
            oid: "1.3.6.1.4.1.99999.1".to_owned()
        })
    );
}

#[test]
fn an_extension_is_well_formed_and_comes_once() {
    let malformed = Mint::leaf().with(extension(BASIC_CONSTRAINTS, false, vec![0x30, 0x05, 0x01]));
    assert_eq!(
        profile(malformed),
        Err(ProfileError::MalformedExtension {
            oid: BASIC_CONSTRAINTS.to_owned()
        })
    );
    let mut twice = Mint::leaf();
    twice.extensions.push(key_usage(0x80));
    assert_eq!(
        profile(twice),
        Err(ProfileError::RepeatedExtension {
            oid: KEY_USAGE.to_owned()
        })
    );
}

#[test]
fn a_key_usage_allows_signing_messages_and_nothing_more() {
    let usage = |bits| read(&Mint::leaf().with(key_usage(bits)).self_signed()).check_key_usage();
    assert_eq!(usage(0x80), Ok(()));
    assert_eq!(usage(0xa0), Ok(()));
    assert_eq!(usage(0x20), Err(KeyUsageError::NoDigitalSignature));
    assert_eq!(usage(0x40), Err(KeyUsageError::NoDigitalSignature));
    assert_eq!(usage(0x84), Err(KeyUsageError::SignsCertificates));
    let none = read(&Mint::leaf().without(KEY_USAGE).self_signed());
    assert_eq!(none.check_key_usage(), Ok(()));
}
