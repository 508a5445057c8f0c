//! The chain judgement against a suite of somebody else's.

use std::collections::BTreeMap;

use super::*;
use crate::callback::pkits::{BY_LISTS, ROOT, Suite, is_valid, now};
use crate::callback::profile::ProfileError;
use crate::callback::public_key::KeyError;

/// What the suite calls valid and our profile, which is stricter, refuses: each rule with the cases it costs.
const STRICTER: [(&str, &[&str]); 4] = [
    // Nobody who issues to web servers signs with DSA, and a certificate's signature is RSA or ECDSA here.
    (
        "DSA",
        &[
            "ValidDSAParameterInheritanceTest5EE",
            "ValidDSASignaturesTest4EE",
        ],
    ),
    // RFC 5280, section 4.2.1.9: an authority marks them critical. OpenSSL's strict mode insists.
    (
        "basic constraints are not critical",
        &["ValidbasicConstraintsNotCriticalTest4EE"],
    ),
    // A path length of our own: signers' chains have one or two intermediates.
    (
        "more than three intermediates",
        &[
            "ValidSelfIssuedpathLenConstraintTest17EE",
            "ValidpathLenConstraintTest13EE",
            "ValidpathLenConstraintTest14EE",
            "ValidrequireExplicitPolicyTest1EE",
            "ValidrequireExplicitPolicyTest2EE",
            "ValidrequireExplicitPolicyTest4EE",
        ],
    ),
    // RFC 5280, section 4.2.1.11: an authority marks them critical. The suite is older than that rule.
    (
        "policy constraints are not critical",
        &[
            "AllCertificatesSamePoliciesTest10EE",
            "AllCertificatesSamePoliciesTest13EE",
            "AllCertificatesanyPolicyTest11EE",
            "AnyPolicyTest14EE",
            "OverlappingPoliciesTest6EE",
            "UserNoticeQualifierTest18EE",
            "ValidPolicyMappingTest11EE",
            "ValidPolicyMappingTest12EE",
            "ValidPolicyMappingTest13EE",
            "ValidPolicyMappingTest14EE",
            "ValidPolicyMappingTest1EE",
            "ValidPolicyMappingTest3EE",
            "ValidPolicyMappingTest5EE",
            "ValidPolicyMappingTest6EE",
            "ValidPolicyMappingTest9EE",
            "ValidSelfIssuedinhibitAnyPolicyTest7EE",
            "ValidSelfIssuedinhibitAnyPolicyTest9EE",
            "ValidinhibitAnyPolicyTest2EE",
            "inhibitAnyPolicyTest3EE",
        ],
    ),
];

/// Which rule of ours refuses the valid `case`.
fn reason(suite: &Suite, case: &'static str, error: &ChainError) -> &'static str {
    let path = suite.path(case);
    let errors: Vec<LinkError> = path
        .iter()
        .filter(|name| **name != ROOT)
        .filter_map(|name| Link::read(suite.der(name).unwrap()).err())
        .collect();
    match (errors.as_slice(), error) {
        (
            [
                LinkError::Key(KeyError::Kind) | LinkError::SignatureAlgorithm { .. },
                ..,
            ],
            _,
        ) => "DSA",
        ([LinkError::Form(ProfileError::NotCriticalExtension { oid })], _)
            if oid == "2.5.29.36" =>
        {
            "policy constraints are not critical"
        }
        ([], ChainError::OpenSsl { reason, depth: 1 })
            if *reason == "Basic Constraints of CA cert not marked critical" =>
        {
            "basic constraints are not critical"
        }
        ([], ChainError::NoIssuer) if path.len() > 5 => "more than three intermediates",
        other => panic!("{case}: {other:?}"),
    }
}

#[test]
fn verdicts_are_those_of_the_interoperability_suite_but_for_a_stricter_profile() {
    let suite = Suite::certificates();
    let anchors = TrustAnchors {
        mozilla: false,
        own: vec![Link::read_anchor(suite.der(ROOT).unwrap()).unwrap()],
    };
    // Everything is at hand at once, so the way to the root has to be found as well.
    let pool: Vec<Link> = suite
        .authorities()
        .filter_map(|name| Link::read(suite.der(name).unwrap()).ok())
        .collect();
    let judge = |case: &str| {
        let leaf = Link::read(suite.der(case).unwrap())?;
        match find(&leaf, &pool, &anchors, &[], now()) {
            Found::Trusted(_) => Ok(()),
            Found::Nothing { error, .. } => Err(error),
        }
    };
    let (mut accepted, mut refused) = (0, 0);
    let mut stricter = BTreeMap::<_, Vec<_>>::new();
    let mut revoked = Vec::new();
    for case in suite.cases() {
        match (is_valid(case), judge(case)) {
            (true, Ok(())) => accepted += 1,
            (false, Err(_)) => refused += 1,
            (true, Err(error)) => stricter
                .entry(reason(&suite, case, &error))
                .or_default()
                .push(case),
            (false, Ok(())) => revoked.push(case),
        }
    }
    let stricter: Vec<_> = stricter
        .iter()
        .map(|(rule, cases)| (*rule, cases.as_slice()))
        .collect();
    assert_eq!(stricter, STRICTER);
    assert_eq!(revoked, BY_LISTS);
    assert_eq!((accepted, refused), (74, 76));
}
