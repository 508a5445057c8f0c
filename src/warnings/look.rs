//! What a run looked at: what it found, and what it can say is over.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::RENEWAL;
use super::message::End;
use super::record::Cause;
use crate::checkup::{self, Finding, Level, Scope};

/// What a run looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// What it found. There may be findings of no topic of the check-up among them.
    pub findings: &'a [Finding],
    /// Which topics it looked into.
    pub scope: Scope,
    /// The words of topics that it looked into besides.
    pub also: &'a [&'static str],
}

impl<'a> Look<'a> {
    /// A run that looked into the topics of `scope` and found `findings`.
    pub const fn at(findings: &'a [Finding], scope: Scope) -> Self {
        let also = &[];
        Self {
            findings,
            scope,
            also,
        }
    }

    /// What a person has to be told of; of several findings about one cause the worst.
    pub(super) fn warnings(&self) -> impl Iterator<Item = &'a Finding> {
        let mut worst: BTreeMap<(&str, Option<&str>), &Finding> = BTreeMap::new();
        for it in self.findings.iter().filter(|it| it.is_bad()) {
            let known = worst.entry((it.code, it.about.as_deref())).or_insert(it);
            if known.level < it.level {
                *known = it;
            }
        }
        worst.into_values()
    }

    /// Whether `cause` is no more: whoever would have found it again did look, and did not.
    pub(super) fn ends(&self, cause: &Cause) -> bool {
        let mut same = self.under(&cause.code).peekable();
        if same.peek().is_some() {
            let holds = |it: &Finding| {
                it.level != Level::Ok
                    && (it.about == cause.about || (it.passing && it.about.is_none()))
            };
            return !same.any(holds);
        }
        match checkup::topic_of(&cause.code) {
            // Of an older program, unless it is about something else than topics.
            None => cause.code != RENEWAL,
            Some(topic) => {
                let looked_at = topic.scope >= self.scope || self.also.contains(&topic.word);
                let looked_into = looked_at && !self.left_open(topic.word);
                let open = |it: &Finding| it.level == Level::Failed || it.passing;
                let left_open = |code: &str| self.under(code).any(open);
                // A topic that fails, or could not ask, may not have come to what the cause is about.
                looked_into && !topic.codes.iter().any(|code| left_open(code))
            }
        }
    }

    /// Everything that was found to end after `now`.
    pub(super) fn ends_ahead(&self, now: Timestamp) -> impl Iterator<Item = End> {
        let end = move |it: &Finding| {
            let cause = Cause {
                code: it.code.to_owned(),
                about: it.about.clone(),
            };
            let at = it.deadline.filter(|at| now < *at)?;
            Some(End { at, cause })
        };
        self.findings.iter().filter_map(end)
    }

    fn under(&self, code: &str) -> impl Iterator<Item = &'a Finding> {
        self.findings.iter().filter(move |it| it.code == code)
    }

    fn left_open(&self, topic: &str) -> bool {
        let open =
            |it: &Finding| it.code == checkup::UNFINISHED && it.about.as_deref() == Some(topic);
        self.findings.iter().any(open)
    }
}
