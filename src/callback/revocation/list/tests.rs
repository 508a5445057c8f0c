use std::collections::HashMap;

use super::read;
use crate::callback::link::Link;
use crate::callback::pkits::{BY_LISTS, ROOT, Suite, is_valid, now};

/// Revoked by a delta list alone. We read none (RFC 5280, section 5.2.4, leaves that open): the whole list before it clears the case.
const BY_DELTA: [&str; 1] = ["InvaliddeltaCRLTest4EE"];
/// Taken off the lists by a delta list alone.
const BACK_BY_DELTA: [&str; 1] = ["ValiddeltaCRLTest5EE"];

/// What is known of a chain when all of its lists were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Cleared,
    Revoked,
    Unknown,
}

/// The suite, what its lists say, and what was found out already.
struct Scene {
    certificates: Suite,
    lists: Suite,
    known: HashMap<(&'static str, &'static str), Verdict>,
}

impl Scene {
    fn link(&self, name: &str) -> Option<Link> {
        let der = self.certificates.der(name)?;
        let link = if name == ROOT {
            Link::read_anchor(der)
        } else {
            Link::read(der)
        };
        link.ok()
    }

    /// What all lists of the suite together say about `name`. No address is given: the suite's are names of directories.
    fn about(&mut self, name: &'static str, issuer: &'static str) -> Option<Verdict> {
        if let Some(verdict) = self.known.get(&(name, issuer)) {
            return Some(*verdict);
        }
        let (link, authority) = (self.link(name)?, self.link(issuer)?);
        let said = |der| read(der, "", &link, &authority, now()).ok();
        let said = self.lists.all().filter_map(said).map(|it| it.revoked);
        let verdict = match said.reduce(|one, other| one || other) {
            None => Verdict::Unknown,
            Some(true) => Verdict::Revoked,
            Some(false) => Verdict::Cleared,
        };
        self.known.insert((name, issuer), verdict);
        Some(verdict)
    }

    /// The worst about any certificate on the way from `case` to the root; `None` when one of them is not looked at at all.
    fn verdict(&mut self, case: &'static str) -> Option<Verdict> {
        let path = self.certificates.path(case);
        let pairs = path.iter().zip(&path[1..]);
        let all: Vec<_> = pairs
            .map(|(name, issuer)| self.about(name, issuer))
            .collect::<Option<_>>()?;
        let worst = [Verdict::Revoked, Verdict::Unknown];
        let worst = worst.into_iter().find(|verdict| all.contains(verdict));
        Some(worst.unwrap_or(Verdict::Cleared))
    }
}

#[test]
fn no_list_of_the_interoperability_suite_clears_what_it_must_not() {
    let mut scene = Scene {
        certificates: Suite::certificates(),
        lists: Suite::lists(),
        known: HashMap::new(),
    };
    let cases: Vec<_> = scene.certificates.cases().collect();
    let (mut cleared_by_mistake, mut revoked_by_mistake) = (Vec::new(), Vec::new());
    let (mut cleared, mut revoked, mut unknown) = (0, 0, 0);
    for case in cases {
        match scene.verdict(case) {
            Some(Verdict::Cleared) if BY_LISTS.contains(&case) => cleared_by_mistake.push(case),
            Some(Verdict::Revoked) if is_valid(case) => revoked_by_mistake.push(case),
            Some(Verdict::Cleared) if is_valid(case) => cleared += 1,
            Some(Verdict::Revoked) => revoked += 1,
            Some(Verdict::Unknown) => unknown += 1,
            Some(Verdict::Cleared) | None => {}
        }
    }
    assert_eq!(cleared_by_mistake, BY_DELTA);
    assert_eq!(revoked_by_mistake, BACK_BY_DELTA);
    // Unknown are chains with indirect, partitioned or delta lists, or whose lists another key signs.
    assert_eq!((cleared, revoked, unknown), (57, 7, 68));
}
