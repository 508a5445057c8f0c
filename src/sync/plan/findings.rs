//! What a plan has to tell, and what of it is news.

use std::collections::BTreeSet;

use super::Report;
use crate::sync::state::State;

/// Reports, each with what it is about where that can change: it is told again when it does.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<(Report, String)>);

impl Findings {
    /// Adds `report`, once.
    pub(super) fn add(&mut self, report: Report, about: &str) {
        if !self.0.iter().any(|(known, _)| *known == report) {
            self.0.push((report, about.to_owned()));
        }
    }

    /// The reports that `state` does not know, and the keys of all that are remembered.
    pub(super) fn split(self, state: &State) -> (Vec<Report>, BTreeSet<String>) {
        let mut holding = BTreeSet::new();
        let mut news = Vec::new();
        for (report, about) in self.0 {
            let key = report.is_remembered().then(|| state.key(&report, &about));
            if key.as_ref().is_none_or(|it| !state.reported.contains(it)) {
                news.push(report);
            }
            holding.extend(key);
        }
        (news, holding)
    }
}
