//! Certificate policies along a chain (RFC 5280, section 6.1), for somebody who asks for no policy in particular.
//!
//! A chain fails here only when one of its authorities requires explicit policies and none is left at the end. So what
//! is kept is not the tree but its lowest level, whose size is bounded by what the certificates state (as RFC 9618 has it).
//! OpenSSL's own check cannot be told that any policy will do.

use std::collections::{BTreeMap, BTreeSet};

use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::X509Certificate;

const ANY: &str = "2.5.29.32.0";

/// What a certificate says about policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    stated: Option<BTreeSet<String>>,
    mapped: BTreeMap<String, BTreeSet<String>>,
    require_explicit: Option<u32>,
    inhibit_mapping: Option<u32>,
    inhibit_any: Option<u32>,
}

impl Statement {
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Self {
        let mut statement = Self::default();
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::CertificatePolicies(policies) => {
                    let ids = policies.iter().map(|it| it.policy_id.to_id_string());
                    statement.stated = Some(ids.collect());
                }
                ParsedExtension::PolicyMappings(mappings) => {
                    for mapping in &mappings.mappings {
                        let issuers = mapping.issuer_domain_policy.to_id_string();
                        let subjects = mapping.subject_domain_policy.to_id_string();
                        statement
                            .mapped
                            .entry(issuers)
                            .or_default()
                            .insert(subjects);
                    }
                }
                ParsedExtension::PolicyConstraints(constraints) => {
                    statement.require_explicit = constraints.require_explicit_policy;
                    statement.inhibit_mapping = constraints.inhibit_policy_mapping;
                }
                ParsedExtension::InhibitAnyPolicy(inhibit) => {
                    statement.inhibit_any = Some(inhibit.skip_certs);
                }
                _ => {}
            }
        }
        statement
    }

    fn maps_any(&self) -> bool {
        self.mapped
            .iter()
            .any(|(issuers, subjects)| issuers == ANY || subjects.contains(ANY))
    }
}

/// A chain whose certificates make these statements, each with whether it is self-issued, is good; from below the anchor to
/// the leaf.
pub(super) fn are_satisfied(chain: &[(&Statement, bool)]) -> bool {
    let Some(((leaf, _), authorities)) = chain.split_last() else {
        return true;
    };
    let mut state = State::new(chain.len());
    for (statement, self_issued) in authorities {
        state.descend(statement, *self_issued);
        if state.fails() || statement.maps_any() {
            return false;
        }
        state.prepare(statement, *self_issued);
    }
    state.descend(leaf, false);
    // An explicit policy that the leaf requires, or that its authorities require from here on, has to be there now.
    let required = state.explicit <= 1 || leaf.require_explicit == Some(0);
    !(state.fails() || required && state.level.is_empty())
}

/// The lowest level of the policy tree, and how many certificates from here each rule begins to hold.
struct State {
    level: BTreeMap<String, BTreeSet<String>>,
    explicit: u32,
    mapping: u32,
    any: u32,
}

impl State {
    fn new(certificates: usize) -> Self {
        let never = u32::try_from(certificates).unwrap_or(u32::MAX - 1) + 1;
        Self {
            level: BTreeMap::from([(ANY.to_owned(), BTreeSet::from([ANY.to_owned()]))]),
            explicit: never,
            mapping: never,
            any: never,
        }
    }

    /// No policy is left, although one is required.
    fn fails(&self) -> bool {
        self.explicit == 0 && self.level.is_empty()
    }

    /// Section 6.1.3, (d) and (e): the level of a certificate below the one of its issuer.
    fn descend(&mut self, statement: &Statement, may_state_any: bool) {
        let above = std::mem::take(&mut self.level);
        let Some(stated) = &statement.stated else {
            return;
        };
        let expected: BTreeSet<&String> = above.values().flatten().collect();
        let any_above = above.contains_key(ANY);
        for policy in stated.iter().filter(|it| *it != ANY) {
            if any_above || expected.contains(policy) {
                self.keep(policy);
            }
        }
        if stated.contains(ANY) && (self.any > 0 || may_state_any) {
            for policy in expected {
                if !self.level.contains_key(policy) {
                    self.keep(policy);
                }
            }
        }
    }

    fn keep(&mut self, policy: &str) {
        self.level
            .insert(policy.to_owned(), BTreeSet::from([policy.to_owned()]));
    }

    /// Section 6.1.4, (b) and (h) to (j): what an authority changes for the certificates below.
    fn prepare(&mut self, statement: &Statement, self_issued: bool) {
        for (policy, subjects) in &statement.mapped {
            if self.mapping == 0 {
                self.level.remove(policy);
            } else if self.level.contains_key(policy) || self.level.contains_key(ANY) {
                self.level.insert(policy.clone(), subjects.clone());
            }
        }
        if !self_issued {
            self.explicit = self.explicit.saturating_sub(1);
            self.mapping = self.mapping.saturating_sub(1);
            self.any = self.any.saturating_sub(1);
        }
        let sooner = |now: u32, limit: Option<u32>| limit.map_or(now, |limit| now.min(limit));
        self.explicit = sooner(self.explicit, statement.require_explicit);
        self.mapping = sooner(self.mapping, statement.inhibit_mapping);
        self.any = sooner(self.any, statement.inhibit_any);
    }
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{FromDer, X509Certificate};

    use super::{ANY, Statement, are_satisfied};
    use crate::callback::pkits::{ROOT, Suite, is_valid};

    fn states(policies: &[&str]) -> Statement {
        Statement {
            stated: Some(policies.iter().map(|it| (*it).to_owned()).collect()),
            ..Statement::default()
        }
    }

    fn requires(mut statement: Statement, after: u32) -> Statement {
        statement.require_explicit = Some(after);
        statement
    }

    fn maps(mut statement: Statement, from: &str, to: &str) -> Statement {
        let to = [to.to_owned()].into();
        statement.mapped.insert(from.to_owned(), to);
        statement
    }

    fn good(chain: &[Statement]) -> bool {
        let chain: Vec<_> = chain.iter().map(|it| (it, false)).collect();
        are_satisfied(&chain)
    }

    fn silent() -> Statement {
        Statement::default()
    }

    #[test]
    fn without_a_requirement_anything_goes() {
        assert!(good(&[silent(), silent()]));
        assert!(good(&[states(&["1"]), states(&["2"])]));
        assert!(good(&[states(&["1"]), silent()]));
    }

    #[test]
    fn a_required_policy_has_to_run_through_the_chain() {
        let root = || requires(states(&["1", "2"]), 0);
        assert!(good(&[root(), states(&["1"])]));
        assert!(good(&[root(), states(&["2"]), states(&["2"])]));
        assert!(good(&[root(), states(&[ANY]), states(&["1"])]));
        assert!(!good(&[root(), silent()]));
        assert!(!good(&[root(), states(&["3"])]));
        assert!(!good(&[root(), states(&["1"]), states(&["2"])]));
        assert!(!good(&[requires(silent(), 0), states(&["1"])]));
    }

    #[test]
    fn a_requirement_begins_after_so_many_certificates() {
        let chain = |after| [requires(states(&["1"]), after), states(&["1"]), silent()];
        assert!(!good(&chain(0)));
        assert!(!good(&chain(1)));
        assert!(!good(&chain(2)));
        assert!(good(&chain(3)));
        assert!(!good(&[silent(), requires(silent(), 0)]));
        assert!(good(&[states(&["1"]), requires(states(&["1"]), 0)]));
    }

    #[test]
    fn a_mapped_policy_goes_on_under_its_new_name() {
        let mapping = || maps(requires(states(&["1"]), 0), "1", "2");
        assert!(good(&[mapping(), states(&["2"])]));
        assert!(!good(&[mapping(), states(&["1"])]));
        let mut inhibited = requires(states(&["1"]), 0);
        inhibited.inhibit_mapping = Some(0);
        let below = maps(states(&["1"]), "1", "2");
        assert!(!good(&[inhibited, below, states(&["2"])]));
        assert!(!good(&[maps(states(&[ANY]), ANY, "2"), silent()]));
        assert!(good(&[
            maps(requires(states(&[ANY]), 0), "1", "2"),
            states(&["2"])
        ]));
    }

    #[test]
    fn any_policy_can_be_inhibited_but_not_for_self_issued_authorities() {
        let mut root = requires(states(&["1"]), 0);
        root.inhibit_any = Some(0);
        let any = states(&[ANY]);
        let leaf = states(&["1"]);
        assert!(!good(&[root.clone(), any.clone()]));
        assert!(!good(&[root.clone(), any.clone(), leaf.clone()]));
        assert!(are_satisfied(&[
            (&root, false),
            (&any, true),
            (&leaf, false)
        ]));
    }

    /// What the suite's certificates on the way to `case` state, from below the root, each with whether it is self-issued.
    fn stated(suite: &Suite, case: &'static str) -> Vec<(Statement, bool)> {
        let path = suite.path(case);
        let below = path.iter().rev().filter(|name| **name != ROOT);
        below
            .map(|name| {
                let (_, it) = X509Certificate::from_der(suite.der(name).unwrap()).unwrap();
                let self_issued = it.subject().as_raw() == it.issuer().as_raw();
                (Statement::of(&it), self_issued)
            })
            .collect()
    }

    #[test]
    fn policies_are_judged_as_the_interoperability_suite_does() {
        let suite = Suite::certificates();
        let about_policies = |case: &str| case.contains("olic") || case.contains("Qualifier");
        let (mut satisfied, mut refused) = (0, 0);
        for case in suite.cases() {
            let stated = stated(&suite, case);
            let stated: Vec<_> = stated.iter().map(|(it, own)| (it, *own)).collect();
            let good = are_satisfied(&stated);
            // What is wrong with the other cases is none of the policies' business.
            assert_eq!(good, is_valid(case) || !about_policies(case), "{case}");
            if about_policies(case) {
                *(if good { &mut satisfied } else { &mut refused }) += 1;
            }
        }
        assert_eq!((satisfied, refused), (33, 29));
    }
}
