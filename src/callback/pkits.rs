//! The Public Key Interoperability Test Suite of NIST: certificates and lists that others made, with the verdicts that RFC 5280 intends.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use openssl::asn1::Asn1OctetStringRef;
use openssl::x509::X509;

/// The suite's only trust anchor.
pub(crate) const ROOT: &str = "TrustAnchorRootCertificate";

/// Cases whose names do not say so: they are valid where any policy will do and none is required at the start.
const OTHER_VALID: [&str; 14] = [
    "AllCertificatesNoPoliciesTest2EE",
    "AllCertificatesSamePoliciesTest10EE",
    "AllCertificatesSamePoliciesTest13EE",
    "AllCertificatesanyPolicyTest11EE",
    "AnyPolicyTest14EE",
    "CPSPointerQualifierTest20EE",
    "DifferentPoliciesTest3EE",
    "OverlappingPoliciesTest6EE",
    "UserNoticeQualifierTest15EE",
    "UserNoticeQualifierTest16EE",
    "UserNoticeQualifierTest17EE",
    "UserNoticeQualifierTest18EE",
    "UserNoticeQualifierTest19EE",
    "inhibitAnyPolicyTest3EE",
];

/// Cases with a good chain whose lists revoke it or may not be believed.
pub(crate) const BY_LISTS: [&str; 45] = [
    "InvalidBadCRLIssuerNameTest5EE",
    "InvalidBadCRLSignatureTest4EE",
    "InvalidBasicSelfIssuedCRLSigningKeyTest7EE",
    "InvalidBasicSelfIssuedNewWithOldTest5EE",
    "InvalidBasicSelfIssuedOldWithNewTest2EE",
    "InvalidIDPwithindirectCRLTest23EE",
    "InvalidIDPwithindirectCRLTest26EE",
    "InvalidLongSerialNumberTest18EE",
    "InvalidMissingCRLTest1EE",
    "InvalidOldCRLnextUpdateTest11EE",
    "InvalidRevokedCATest2EE",
    "InvalidRevokedEETest3EE",
    "InvalidSeparateCertificateandCRLKeysTest20EE",
    "InvalidSeparateCertificateandCRLKeysTest21EE",
    "InvalidUnknownCRLEntryExtensionTest8EE",
    "InvalidUnknownCRLExtensionTest10EE",
    "InvalidUnknownCRLExtensionTest9EE",
    "InvalidWrongCRLTest6EE",
    "InvalidcRLIssuerTest27EE",
    "InvalidcRLIssuerTest31EE",
    "InvalidcRLIssuerTest32EE",
    "InvalidcRLIssuerTest34EE",
    "InvalidcRLIssuerTest35EE",
    "InvaliddeltaCRLIndicatorNoBaseTest1EE",
    "InvaliddeltaCRLTest10EE",
    "InvaliddeltaCRLTest3EE",
    "InvaliddeltaCRLTest4EE",
    "InvaliddeltaCRLTest6EE",
    "InvaliddeltaCRLTest9EE",
    "InvaliddistributionPointTest2EE",
    "InvaliddistributionPointTest3EE",
    "InvaliddistributionPointTest6EE",
    "InvaliddistributionPointTest8EE",
    "InvaliddistributionPointTest9EE",
    "InvalidkeyUsageCriticalcRLSignFalseTest4EE",
    "InvalidkeyUsageNotCriticalcRLSignFalseTest5EE",
    "InvalidonlyContainsAttributeCertsTest14EE",
    "InvalidonlyContainsCACertsTest12EE",
    "InvalidonlyContainsUserCertsTest11EE",
    "InvalidonlySomeReasonsTest15EE",
    "InvalidonlySomeReasonsTest16EE",
    "InvalidonlySomeReasonsTest17EE",
    "InvalidonlySomeReasonsTest20EE",
    "InvalidonlySomeReasonsTest21EE",
    "Invalidpre2000CRLnextUpdateTest12EE",
];

/// A moment at which the suite's sound certificates are valid.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_795_000_000).unwrap()
}

/// The suite's blocks of one kind, by name.
pub(crate) struct Suite(BTreeMap<&'static str, Vec<u8>>);

impl Suite {
    pub(crate) fn certificates() -> Self {
        Self::read(
            include_str!("../../tests/pkits/certificates.pem"),
            "CERTIFICATE",
        )
    }

    pub(crate) fn lists() -> Self {
        Self::read(include_str!("../../tests/pkits/lists.pem"), "X509 CRL")
    }

    fn read(text: &'static str, label: &str) -> Self {
        let begin = format!("\n-----BEGIN {label}-----\n");
        let end = format!("-----END {label}-----\n");
        let read = |block: &'static str| {
            let (name, base64) = block.split_once(&begin).unwrap();
            (name, STANDARD.decode(base64.replace('\n', "")).unwrap())
        };
        Self(text.split_terminator(end.as_str()).map(read).collect())
    }

    /// The DER of the block `name`.
    pub(crate) fn der(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// The DER of every block.
    pub(crate) fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.0.values().map(Vec::as_slice)
    }

    /// The certificates that the suite judges.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &'static str> {
        let names = self.0.keys().copied();
        names.filter(|name| name.ends_with("EE"))
    }

    /// The certificates between those and the root.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = &'static str> {
        let names = self.0.keys().copied();
        names.filter(|name| name.ends_with("Cert"))
    }

    /// The names on the way from `case` to the root, both included, by name and key identifier.
    pub(crate) fn path(&self, case: &'static str) -> Vec<&'static str> {
        let parsed = |name: &str| X509::from_der(&self.0[name]).unwrap();
        let mut path = vec![case];
        while let Some(tip) = path.last().filter(|name| **name != ROOT) {
            let tip = parsed(tip);
            let issued = |name: &&str| {
                let authority = parsed(name);
                let keys = (tip.authority_key_id(), authority.subject_key_id());
                keys.0.map(Asn1OctetStringRef::as_slice) == keys.1.map(Asn1OctetStringRef::as_slice)
            };
            let mut above = self.authorities().chain([ROOT]).filter(issued);
            path.push(above.next().unwrap());
        }
        path
    }
}

/// RFC 5280 means `case` to be valid.
pub(crate) fn is_valid(case: &str) -> bool {
    case.starts_with("Valid") || OTHER_VALID.contains(&case)
}
