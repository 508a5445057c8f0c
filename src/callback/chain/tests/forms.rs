//! Well-known ways to be no proper chain, each a step away from a good one.

use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::pkey::Private;

use super::*;
use crate::callback::minting::{
    ALTERNATIVE_NAME, AUTHORITY_KEY, BASIC_CONSTRAINTS, SUBJECT_KEY, hosts, key_id,
};
use crate::callback::profile::ProfileError;
use crate::callback::public_key::KeyError;

/// A chain whose leaf is `change`d.
fn with_leaf(change: impl Fn(Mint) -> Mint) -> Result<Path, ChainError> {
    let root = Mint::root("Root").self_signed();
    let authority = Mint::authority("Authority").by(&root);
    judge(
        &change(Mint::leaf()).by(&authority),
        &[&authority],
        &[&root],
    )
}

/// A chain whose root is `change`d.
fn with_root(change: impl Fn(Mint) -> Mint) -> Result<Path, ChainError> {
    let root = change(Mint::root("Root")).self_signed();
    let authority = Mint::authority("Authority").by(&root);
    judge(&Mint::leaf().by(&authority), &[&authority], &[&root])
}

fn authority_key(critical: bool, key: &PKey<Private>) -> Extension {
    let id = tlv(0x80, &key_id(key));
    extension(AUTHORITY_KEY, critical, tlv(0x30, &id))
}

fn subject_key(critical: bool, key: &PKey<Private>) -> Extension {
    extension(SUBJECT_KEY, critical, tlv(4, &key_id(key)))
}

#[test]
fn a_certificate_says_which_key_signed_it() {
    let named = |it: Mint, critical| {
        it.without_key_ids()
            .with(authority_key(critical, &other_key(2)))
    };
    assert!(with_leaf(|it| named(it, false)).is_ok());
    assert!(with_leaf(|it| named(it, true)).is_err());
    assert!(with_leaf(Mint::without_key_ids).is_err());
    let astray = |it: Mint| {
        it.without_key_ids()
            .with(authority_key(false, &other_key(3)))
    };
    assert!(with_leaf(astray).is_err());
}

#[test]
fn an_authority_says_which_key_is_its_own() {
    let named = |it: Mint, critical| {
        it.without_key_ids()
            .with(authority_key(false, &other_key(1)))
            .with(subject_key(critical, &other_key(2)))
    };
    assert!(with_authority(|it| named(it, false)).is_ok());
    assert!(with_authority(|it| named(it, true)).is_err());
    assert!(with_authority(|it| named(it, false).without(SUBJECT_KEY)).is_err());
}

#[test]
fn a_subject_may_be_empty_only_beside_a_critical_alternative_name() {
    let nameless = |critical| {
        with_leaf(|it| {
            let mut names = hosts(&[b"pcnotifications.microsoft.com"]);
            names.critical = critical;
            it.with_subject(vec![]).with(names)
        })
    };
    assert!(nameless(true).is_ok());
    assert!(nameless(false).is_err());
    assert!(with_leaf(|it| it.with_subject(vec![]).without(ALTERNATIVE_NAME)).is_err());
    assert!(with_authority(|it| it.with_subject(vec![])).is_err());
}

/// Name constraints: `permitted` and `excluded` general names.
fn constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Extension {
    let trees = |tag, names: &[Vec<u8>]| {
        let all: Vec<u8> = names.iter().flat_map(|name| tlv(0x30, name)).collect();
        if all.is_empty() { all } else { tlv(tag, &all) }
    };
    let content = [trees(0xa0, permitted), trees(0xa1, excluded)].concat();
    extension(NAME_CONSTRAINTS, true, tlv(0x30, &content))
}

fn host(name: &str) -> Vec<u8> {
    tlv(0x82, name.as_bytes())
}

/// A directory name of one organisation.
fn directory(organization: &str) -> Vec<u8> {
    let value = [oid("2.5.4.10"), tlv(12, organization.as_bytes())].concat();
    tlv(0xa4, &tlv(0x30, &tlv(0x31, &tlv(0x30, &value))))
}

#[test]
fn a_host_name_lies_in_every_permitted_tree_and_in_no_excluded_one() {
    let with = |permitted: &[Vec<u8>], excluded: &[Vec<u8>]| {
        with_authority(|it| it.with(constraints(permitted, excluded)))
    };
    assert!(with(&[host("microsoft.com")], &[]).is_ok());
    assert!(with(&[host("contoso.example"), host("microsoft.com")], &[]).is_ok());
    assert!(with(&[host("notmicrosoft.com")], &[]).is_err());
    assert!(with(&[host("www.microsoft.com")], &[]).is_err());
    assert!(with(&[], &[host("contoso.example")]).is_ok());
    assert!(with(&[], &[host("microsoft.com")]).is_err());
    assert!(
        with(
            &[host("microsoft.com")],
            &[host("pcnotifications.microsoft.com")]
        )
        .is_err()
    );
}

#[test]
fn a_subject_lies_in_every_permitted_directory_and_in_no_excluded_one() {
    let within = |permitted: &[Vec<u8>], excluded: &[Vec<u8>]| {
        let root = Mint::root("Root").self_signed();
        let limited = Mint::authority("Authority").with(constraints(permitted, excluded));
        let authority = limited.by(&root);
        let organization = (Nid::ORGANIZATIONNAME, 12, b"Microsoft Corporation".to_vec());
        let leaf = Mint::leaf().with_subject(vec![organization]).by(&authority);
        judge(&leaf, &[&authority], &[&root])
    };
    assert!(within(&[directory("Microsoft Corporation")], &[]).is_ok());
    assert!(within(&[directory("Contoso")], &[]).is_err());
    assert!(within(&[], &[directory("Contoso")]).is_ok());
    assert!(within(&[], &[directory("Microsoft Corporation")]).is_err());
    assert!(within(&[], &[directory("MICROSOFT  corporation")]).is_err());
}

#[test]
fn a_serial_number_is_sound_in_all_certificates_but_the_anchor() {
    for serial in [0, -1] {
        let numbered = |mut it: Mint| {
            it.serial = serial;
            it
        };
        assert!(with_leaf(numbered).is_err());
        assert!(with_authority(numbered).is_err());
        assert!(with_root(numbered).is_ok());
    }
}

#[test]
fn an_old_version_has_no_place_in_a_chain() {
    let old = |mut it: Mint| {
        it.version = 0;
        it.extensions.clear();
        it.without_key_ids()
    };
    assert!(with_leaf(old).is_err());
    assert!(with_authority(old).is_err());
    assert!(with_root(old).is_err());
}

#[test]
fn only_an_authority_may_sign_certificates() {
    assert!(with_leaf(|it| it.with(key_usage(0x84))).is_err());
    assert!(with_authority(|it| it.without(BASIC_CONSTRAINTS)).is_err());
    let hint = |mut limits: Extension| {
        limits.critical = false;
        limits
    };
    assert!(with_authority(|it| it.with(hint(basic_constraints(true, None)))).is_err());
    assert!(with_authority(|it| it.with(basic_constraints(false, Some(0)))).is_err());
    assert!(with_root(|it| it.with(key_usage(0x80))).is_err());
    assert!(with_root(|it| it.without(BASIC_CONSTRAINTS)).is_err());
}

#[test]
fn an_extension_of_an_authority_is_well_formed_and_comes_once() {
    let twice = |mut it: Mint| {
        it.extensions.push(key_usage(0x86));
        it
    };
    let garbled = |it: Mint| it.with(extension(BASIC_CONSTRAINTS, true, vec![0x30, 5, 1]));
    for change in [twice, garbled] {
        assert!(with_authority(change).is_err());
        assert!(with_root(change).is_err());
    }
}

#[test]
fn md5_is_refused_as_sha_1_is() {
    let md5 = |mut it: Mint| {
        it.digest = MessageDigest::md5();
        it
    };
    assert!(matches!(
        with_leaf(md5),
        Err(ChainError::Link(LinkError::SignatureAlgorithm { .. }))
    ));
    assert!(with_authority(md5).is_err());
    assert!(with_root(md5).is_ok());
}

#[test]
fn bytes_after_a_certificate_make_it_unreadable() {
    let (_, authority, leaf) = three();
    for minted in [&authority, &leaf] {
        let long = [minted.der(), vec![0]].concat();
        assert!(matches!(Link::read(&long), Err(LinkError::Unreadable)));
        assert!(matches!(
            Link::read_anchor(&long),
            Err(LinkError::Unreadable)
        ));
    }
}

#[test]
fn only_three_named_curves_are_computed_with() {
    let curve = |nid, named| {
        let mut group = EcGroup::from_curve_name(nid).unwrap();
        group.set_asn1_flag(named);
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    };
    let named = Asn1Flag::NAMED_CURVE;
    for nid in [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1] {
        assert!(with_authority(|it| it.with_key(curve(nid, named))).is_ok());
    }
    let explicit = curve(Nid::X9_62_PRIME256V1, Asn1Flag::EXPLICIT_CURVE);
    let edwards = PKey::generate_ed25519().unwrap();
    for key in [
        curve(Nid::SECP224R1, named),
        curve(Nid::SECP256K1, named),
        explicit,
    ] {
        let root = Mint::root("Root").self_signed();
        let authority = Mint::authority("Authority").with_key(key).by(&root);
        let error = Link::read(&authority.der()).unwrap_err();
        assert!(
            matches!(error, LinkError::Key(KeyError::Curve)),
            "{error:?}"
        );
    }
    let authority = Mint::authority("Authority").with_key(edwards);
    let error = Link::read(&authority.by(&Mint::root("Root").self_signed()).der()).unwrap_err();
    assert!(matches!(error, LinkError::Key(KeyError::Kind)), "{error:?}");
}

#[test]
fn twenty_authorities_in_a_row_are_not_walked() {
    let root = Mint::root("Root").self_signed();
    let mut issuers = vec![root.clone()];
    for number in 0..20 {
        let name = format!("Authority {number}");
        let next = Mint::authority(&name).by(issuers.last().unwrap());
        issuers.push(next);
    }
    let leaf = Mint::leaf().by(issuers.last().unwrap());
    let pool: Vec<&Minted> = issuers[1..].iter().collect();
    assert!(matches!(
        judge(&leaf, &pool, &[&root]),
        Err(ChainError::NoIssuer)
    ));
}

#[test]
fn a_limit_that_is_only_a_hint_stops_the_authority() {
    for (oid, content) in [
        ("2.5.29.36", tlv(0x30, &tlv(0x80, &[3]))),
        ("2.5.29.54", tlv(2, &[3])),
    ] {
        let limited =
            |critical| with_authority(|it| it.with(extension(oid, critical, content.clone())));
        assert!(limited(true).is_ok());
        assert!(limited(false).is_err());
        let root = Mint::root("Root").self_signed();
        let authority = Mint::authority("Authority").with(extension(oid, false, content.clone()));
        let error = Link::read(&authority.by(&root).der()).unwrap_err();
        let wanted = ProfileError::NotCriticalExtension {
            oid: oid.to_owned(),
        };
        assert_eq!(error, LinkError::Form(wanted));
    }
}

#[test]
fn a_limit_on_policies_that_cannot_be_read_stops_the_authority() {
    let limited = |content: &[u8]| {
        with_authority(|it| it.with(extension("2.5.29.36", true, tlv(0x30, content))))
    };
    let sound = tlv(0x80, &[3]);
    assert!(limited(&sound).is_ok());
    for content in [
        tlv(0x80, &[0xff]),
        tlv(0x80, &[]),
        tlv(0x82, &[3]),
        [sound.clone(), sound.clone()].concat(),
        [sound, tlv(5, &[])].concat(),
    ] {
        assert!(limited(&content).is_err(), "{content:?}");
    }
}
