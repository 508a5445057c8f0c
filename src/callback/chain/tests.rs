use jiff::Timestamp;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use proptest::prelude::*;

use super::{ChainError, Found, Path, find};
use crate::callback::TrustAnchors;
use crate::callback::link::{Link, LinkError};
use crate::callback::minting::{
    Extension, KEY_USAGE, Mint, Minted, NAME_CONSTRAINTS, NOW, basic_constraints, ec_key,
    extended_key_usage, extension, key_usage, oid, other_key, tlv,
};
use crate::callback::validity::ValidityError;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn link(minted: &Minted) -> Link {
    Link::read(&minted.der()).unwrap()
}

fn judge_at(
    leaf: &Minted,
    pool: &[&Minted],
    roots: &[&Minted],
    now: Timestamp,
) -> Result<Path, ChainError> {
    let leaf = Link::read(&leaf.der())?;
    let pool: Vec<Link> = pool
        .iter()
        .filter_map(|it| Link::read(&it.der()).ok())
        .collect();
    let own = roots
        .iter()
        .filter_map(|it| Link::read_anchor(&it.der()).ok());
    let anchors = TrustAnchors {
        mozilla: false,
        own: own.collect(),
    };
    let wanted = ["serverAuth".parse().unwrap()];
    match find(&leaf, &pool, &anchors, &wanted, now) {
        Found::Trusted(path) => Ok(path),
        Found::Nothing { error, .. } => Err(error),
    }
}

fn judge(leaf: &Minted, pool: &[&Minted], roots: &[&Minted]) -> Result<Path, ChainError> {
    judge_at(leaf, pool, roots, at(NOW))
}

/// A root, an authority below it, and a leaf below that.
fn three() -> (Minted, Minted, Minted) {
    let root = Mint::root("Root").self_signed();
    let authority = Mint::authority("Authority").by(&root);
    let leaf = Mint::leaf().by(&authority);
    (root, authority, leaf)
}

/// A chain whose authority is `change`d.
fn with_authority(change: impl Fn(Mint) -> Mint) -> Result<Path, ChainError> {
    let root = Mint::root("Root").self_signed();
    let authority = change(Mint::authority("Authority")).by(&root);
    let leaf = Mint::leaf().by(&authority);
    judge(&leaf, &[&authority], &[&root])
}

#[test]
fn a_leaf_is_trusted_over_its_issuers() {
    let (root, authority, leaf) = three();
    let path = judge(&leaf, &[&authority], &[&root]).unwrap();
    assert_eq!(path.len(), 3);
    assert_eq!(path.pairs().count(), 2);
}

#[test]
fn a_leaf_is_trusted_directly_below_an_anchor() {
    let root = Mint::root("Root").self_signed();
    let leaf = Mint::leaf().by(&root);
    assert_eq!(judge(&leaf, &[], &[&root]).unwrap().len(), 2);
}

#[test]
fn an_anchor_need_not_be_self_signed() {
    let (root, authority, leaf) = three();
    assert_eq!(judge(&leaf, &[&root], &[&authority]).unwrap().len(), 2);
}

#[test]
fn a_root_that_came_along_is_no_anchor() {
    let (root, authority, leaf) = three();
    let twin = Mint::root("Root").with_key(other_key(3)).self_signed();
    assert!(judge(&leaf, &[&authority, &root], &[&twin]).is_err());
    assert!(matches!(
        judge(&leaf, &[&authority, &root], &[]),
        Err(ChainError::NoIssuer)
    ));
    assert!(judge(&leaf, &[], &[&root]).is_err());
}

#[test]
fn a_private_authority_with_the_same_names_is_not_trusted() {
    let (root, _, _) = three();
    let forger = Mint::root("Root").with_key(other_key(3)).self_signed();
    let authority = Mint::authority("Authority").by(&forger);
    let leaf = Mint::leaf().by(&authority);
    assert!(judge(&leaf, &[&authority, &forger], &[&root]).is_err());
}

#[test]
fn a_self_signed_leaf_is_not_trusted_even_if_it_is_an_anchor() {
    let leaf = Mint::leaf().self_signed();
    assert!(judge(&leaf, &[], &[&leaf]).is_err());
}

#[test]
fn a_leaf_cannot_issue() {
    let (root, authority, leaf) = three();
    let forged = Mint::leaf().with_key(other_key(3)).by(&leaf);
    assert!(judge(&forged, &[&leaf, &authority], &[&root]).is_err());
}

#[test]
fn a_chain_has_at_most_three_intermediates() {
    let root = Mint::root("Root").self_signed();
    let mut issuers = vec![root.clone()];
    for name in ["One", "Two", "Three", "Four"] {
        let next = Mint::authority(name).by(issuers.last().unwrap());
        issuers.push(next);
    }
    let judged = |depth: usize| {
        let leaf = Mint::leaf().by(&issuers[depth]);
        let pool: Vec<&Minted> = issuers[1..].iter().collect();
        judge(&leaf, &pool, &[&root])
    };
    assert_eq!(judged(3).unwrap().len(), 5);
    assert!(judged(4).is_err());
}

#[test]
fn attack_34_a_path_length_is_kept() {
    let root = Mint::root("Root").self_signed();
    let outer = Mint::authority("Outer")
        .with(basic_constraints(true, Some(0)))
        .by(&root);
    let inner = Mint::authority("Inner").with_key(other_key(3)).by(&outer);
    assert!(judge(&Mint::leaf().by(&outer), &[&outer], &[&root]).is_ok());
    assert!(judge(&Mint::leaf().by(&inner), &[&inner, &outer], &[&root]).is_err());
}

#[test]
fn an_authority_has_to_be_one() {
    assert!(with_authority(|it| it).is_ok());
    assert!(with_authority(|it| it.with(basic_constraints(false, None))).is_err());
    assert!(with_authority(|it| it.with(key_usage(0x80))).is_err());
    assert!(with_authority(|it| it.without(KEY_USAGE)).is_err());
}

#[test]
fn an_authority_for_other_purposes_cannot_vouch() {
    let with = |purposes: &[&str]| with_authority(|it| it.with(extended_key_usage(purposes)));
    assert!(with(&["1.3.6.1.5.5.7.3.1"]).is_ok());
    assert!(with(&["2.5.29.37.0"]).is_ok());
    assert!(matches!(
        with(&["1.3.6.1.5.5.7.3.4"]),
        Err(ChainError::Purpose)
    ));
}

#[test]
fn name_constraints_are_kept() {
    let permit = |domain: &[u8]| {
        let subtree = tlv(0x30, &tlv(0x82, domain));
        extension(NAME_CONSTRAINTS, true, tlv(0x30, &tlv(0xa0, &subtree)))
    };
    assert!(with_authority(|it| it.with(permit(b"microsoft.com"))).is_ok());
    assert!(with_authority(|it| it.with(permit(b"contoso.example"))).is_err());
    let hinted = |mut limit: Extension| {
        limit.critical = false;
        limit
    };
    assert!(with_authority(|it| it.with(hinted(permit(b"microsoft.com")))).is_err());
}

#[test]
fn an_elliptic_authority_is_fine() {
    let root = Mint::root("Root").with_key(ec_key()).self_signed();
    let mut authority = Mint::authority("Authority").with_key(ec_key());
    authority.digest = MessageDigest::sha384();
    let authority = authority.by(&root);
    let leaf = Mint::leaf().by(&authority);
    assert!(judge(&leaf, &[&authority], &[&root]).is_ok());
}

#[test]
fn sha_1_is_refused_anywhere_but_in_an_anchors_own_signature() {
    let sha1 = |mut mint: Mint| {
        mint.digest = MessageDigest::sha1();
        mint
    };
    let root = sha1(Mint::root("Root")).self_signed();
    let authority = Mint::authority("Authority").by(&root);
    assert!(judge(&Mint::leaf().by(&authority), &[&authority], &[&root]).is_ok());
    assert!(matches!(
        judge(&sha1(Mint::leaf()).by(&authority), &[&authority], &[&root]),
        Err(ChainError::Link(LinkError::SignatureAlgorithm { .. }))
    ));
    assert!(with_authority(sha1).is_err());
}

#[test]
fn a_required_policy_has_to_be_there() {
    let required = extension("2.5.29.36", true, tlv(0x30, &tlv(0x80, &[0])));
    let stated = extension(
        "2.5.29.32",
        false,
        tlv(0x30, &tlv(0x30, &oid("2.23.140.1.2.2"))),
    );
    let judged = |leaf: Mint| {
        let root = Mint::root("Root").self_signed();
        let authority = Mint::authority("Authority")
            .with(required.clone())
            .with(stated.clone());
        let authority = authority.by(&root);
        judge(&leaf.by(&authority), &[&authority], &[&root])
    };
    assert!(matches!(judged(Mint::leaf()), Err(ChainError::Policies)));
    assert!(judged(Mint::leaf().with(stated.clone())).is_ok());
}

#[test]
fn an_unknown_critical_extension_stops_a_chain_anywhere() {
    let unknown = || extension("1.3.6.1.4.1.99999.1", true, tlv(5, &[]));
    assert!(with_authority(|it| it.with(unknown())).is_err());
    let root = Mint::root("Root").with(unknown()).self_signed();
    assert!(judge(&Mint::leaf().by(&root), &[], &[&root]).is_err());
}

#[test]
fn a_weak_authority_is_never_looked_at() {
    let weak = || PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    assert!(with_authority(|it| it.with_key(weak())).is_err());
    let root = Mint::root("Root").with_key(weak()).self_signed();
    assert!(judge(&Mint::leaf().by(&root), &[], &[&root]).is_err());
}

#[test]
fn every_certificate_is_valid_to_the_second() {
    let (root, authority, leaf) = three();
    let on = |second| judge_at(&leaf, &[&authority], &[&root], at(second));
    let (from, to) = (Mint::leaf().from, Mint::leaf().to);
    assert!(on(from).is_ok());
    assert!(on(to).is_ok());
    assert!(matches!(
        on(from - 1),
        Err(ChainError::Validity(ValidityError::NotYet { .. }))
    ));
    assert!(matches!(
        on(to + 1),
        Err(ChainError::Validity(ValidityError::Expired { .. }))
    ));
    let expired = |mut mint: Mint| {
        mint.to = NOW - 1;
        mint
    };
    assert!(with_authority(expired).is_err());
    let root = expired(Mint::root("Root")).self_signed();
    assert!(judge(&Mint::leaf().by(&root), &[], &[&root]).is_err());
}

#[test]
fn a_cross_signed_authority_leads_to_whichever_root_is_trusted() {
    let old = Mint::root("Old root").self_signed();
    let new = Mint::root("New root").with_key(other_key(3)).self_signed();
    let by_old = Mint::authority("Authority").by(&old);
    let mut later = Mint::authority("Authority");
    later.to += 1;
    let by_new = later.by(&new);
    let leaf = Mint::leaf().by(&by_old);
    for root in [&old, &new] {
        for pool in [[&by_old, &by_new], [&by_new, &by_old]] {
            assert!(judge(&leaf, &pool, &[root]).is_ok());
        }
    }
}

#[test]
fn names_are_compared_as_rfc_5280_says() {
    let root = Mint::root("Root").self_signed();
    let authority = Mint::authority("Some  AUTHORITY ").by(&root);
    let named =
        Mint::authority("").with_subject(vec![(Nid::COMMONNAME, 19, b"some authority".to_vec())]);
    let leaf = Mint::leaf().by(&named.by(&root));
    assert!(judge(&leaf, &[&authority], &[&root]).is_ok());
}

#[test]
fn attack_34_certificates_that_sign_each_other_end_the_search() {
    let root = Mint::root("Root").self_signed();
    let names = ["A", "B", "C", "D", "E", "F"];
    let mut pool = Vec::new();
    for issuer in names {
        for subject in names {
            let by = Mint::authority(issuer).self_signed();
            pool.push(Mint::authority(subject).by(&by));
        }
    }
    let leaf = Mint::leaf().by(&pool[0]);
    let pool: Vec<&Minted> = pool.iter().collect();
    assert!(judge(&leaf, &pool, &[&root]).is_err());
}

#[test]
fn the_search_reports_where_it_ended() {
    let (root, authority, leaf) = three();
    let (leaf, authority, root) = (link(&leaf), link(&authority), link(&root));
    let anchors = TrustAnchors {
        mozilla: true,
        own: vec![],
    };
    let pool = [authority, root];
    let found = find(&leaf, &pool, &anchors, &[], at(NOW));
    let Found::Nothing { error, reached } = found else {
        panic!("nobody trusts this root")
    };
    assert!(matches!(error, ChainError::NoIssuer));
    assert_eq!(reached.len(), 3);
}

proptest! {
    #[test]
    fn a_certificate_with_any_byte_changed_is_never_trusted(at in 0_usize..700, change in 1_u8..) {
        let (root, authority, leaf) = three();
        let mut der = leaf.der();
        let at = at % der.len();
        der[at] ^= change;
        prop_assume!(openssl::x509::X509::from_der(&der).is_ok());
        let changed = Minted { x509: openssl::x509::X509::from_der(&der).unwrap(), key: leaf.key };
        prop_assume!(changed.der() == der);
        prop_assert!(judge(&changed, &[&authority], &[&root]).is_err());
    }
}

mod forms;
mod pkits;
