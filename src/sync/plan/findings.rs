//! What a plan has to tell, and what of it is news.

use std::collections::BTreeSet;

use super::Report;
use crate::mapping::Unit;
use crate::sync::state::State;

/// Reports, each with what it is about where that can change: it is told again when it does.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: Vec<(Report, String)>,
    /// What was told of these still holds: they were not looked at.
    left: BTreeSet<Unit>,
}

impl Findings {
    /// Adds `report`, once.
    pub(super) fn add(&mut self, report: Report, about: &str) {
        if !self.found.iter().any(|(known, _)| *known == report) {
            self.found.push((report, about.to_owned()));
        }
    }

    /// Leaves what was told of `unit` as it is.
    pub(super) fn leave(&mut self, unit: Unit) {
        self.left.insert(unit);
    }

    /// The reports that `state` does not know, and the keys of all that are remembered.
    pub(super) fn split(self, state: &State) -> (Vec<Report>, BTreeSet<String>) {
        let left = self.left.iter().flat_map(|unit| state.told_of(*unit));
        let mut holding: BTreeSet<String> = left.cloned().collect();
        let mut news = Vec::new();
        for (report, about) in self.found {
            let key = report.is_remembered().then(|| state.key(&report, &about));
            if key.as_ref().is_none_or(|it| !state.reported.contains(it)) {
                news.push(report);
            }
            holding.extend(key);
        }
        (news, holding)
    }
}
