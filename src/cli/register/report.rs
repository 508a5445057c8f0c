//! What `register` prints: line by line for a person, one object at the end for a script.

use serde_json::{Map, Value, json};

use super::complain;
use crate::checkup::registration::standing;
use crate::checkup::{Finding, Level};
use crate::cli::output::{Tone, field, say, say_json, toned};
use crate::registration::registrar::Seen;
use crate::registration::trial::{Ended, Step, Trial};
use crate::registration::{Address, Registration};
use crate::upstream::webhooks::Attempt;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There was no registration before.
    Created,
    /// There was another one.
    Updated,
    /// It was right already.
    Unchanged,
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Prints what happens, and collects it for a script.
pub(super) struct Report {
    /// The object, for a script.
    json: Option<Map<String, Value>>,
}

impl Report {
    pub(super) fn new(as_json: bool) -> Self {
        Self {
            json: as_json.then(Map::new),
        }
    }

    /// Prints the object, if one is wanted.
    pub(super) fn end(self) {
        if let Some(json) = self.json {
            say_json(&Value::Object(json));
        }
    }

    pub(super) fn poll_only(&mut self) {
        self.set("outcome", "poll_only");
        self.line(
            "noted: there is to be no webhook; the timer ReferralReconcile finds what changes",
        );
    }

    pub(super) fn shown(&mut self, seen: &Seen) {
        self.set("outcome", "shown");
        self.registration(seen.registered.as_ref());
        let findings = standing(seen.registered.as_ref(), seen.note.as_ref());
        self.set("findings", findings.iter().map(finding).collect::<Vec<_>>());
        for finding in findings.iter().filter(|it| it.level != Level::Ok) {
            let level = format!("{:<11}", finding.level.word());
            let level = toned(finding.level.into(), &level);
            self.line(&format!("{level}{}", finding.detail));
            if let Some(advice) = &finding.advice {
                self.line(&format!("{:11}→ {advice}", ""));
            }
        }
    }

    pub(super) fn registered(
        &mut self,
        outcome: Outcome,
        registered: &Registration,
        before: Option<&Registration>,
    ) {
        self.set("outcome", outcome.word());
        let outcome_line = match outcome {
            Outcome::Created => "registered",
            Outcome::Updated => "changed",
            Outcome::Unchanged => "unchanged: everything is as it should be",
        };
        self.line(&toned(Tone::Good, outcome_line));
        self.registration(Some(registered));
        let before = before.filter(|_| outcome == Outcome::Updated);
        if let Some(before) = before {
            self.field(
                "before",
                &format!("{} ({})", before.address, before.events.join(", ")),
            );
            self.set("before", object(before));
        }
    }

    fn registration(&mut self, registered: Option<&Registration>) {
        self.set("registration", registered.map(object));
        let Some(it) = registered else {
            self.line("no webhook is registered");
            return;
        };
        self.field("address", &it.address.to_string());
        self.field("events", &it.events.join(", "));
        let header = match it.ms_signature {
            Some(true) => "x-ms-signature",
            Some(false) => "Authorization",
            None => "not told",
        };
        self.field("signature", header);
        if let Some(modified) = it.modified {
            self.field("modified", &format!("{modified:.0}"));
        }
    }

    pub(super) fn step(&mut self, step: &Step, address: &Address) {
        match step {
            Step::Waiting(wait) => complain(&format!(
                "Partner Center takes two tests a minute: waiting {} s",
                wait.as_secs_f64().ceil()
            )),
            Step::Sent(id) => {
                self.field("test", &format!("{id} was sent; waiting for its delivery"));
            }
            Step::Attempted(it) => {
                self.field("attempt", &told(it, address));
            }
        }
    }

    pub(super) fn tested(&mut self, trial: &Trial, address: &Address, waited: u64) {
        let attempts = trial.attempts.iter().map(|it| attempt(it, address));
        self.set(
            "test",
            json!({
                "correlationId": trial.id.to_string(),
                "outcome": trial.ended.word(),
                "attempts": attempts.collect::<Vec<_>>(),
            }),
        );
        match trial.ended {
            Ended::Delivered => self.good("delivered", "the test event arrived"),
            Ended::Failed => complain(&format!(
                "the test event was not delivered, in {} attempts. The address itself answers, so look for `refused` or \
                 `policy_mismatch` in the function app's log, and run `register --test` again",
                trial.attempts.len()
            )),
            Ended::Unfinished => complain(&format!(
                "Partner Center did not tell within {waited} s whether the test event arrived; look for the code `test` in the \
                 function app's log, or run `register --test --wait {}`",
                waited.saturating_mul(2).min(3600)
            )),
        }
    }

    /// The webhook is registered; only the test could not be sent or followed.
    pub(super) fn untested(&mut self, why: &str) {
        self.set("test", json!({ "outcome": "untested", "error": why }));
        complain(&format!("the webhook is registered, but not tested: {why}"));
    }

    pub(super) fn stopped(&mut self, why: &str, advice: Option<&str>) {
        self.set("outcome", "stopped");
        self.set("error", why);
        self.set("advice", advice);
        complain(why);
        if let Some(advice) = advice {
            complain(&format!("→ {advice}"));
        }
    }

    /// A fact, behind its name.
    fn field(&self, name: &str, value: &str) {
        if self.json.is_none() {
            field(11, name, value);
        }
    }

    /// The same when all is well with it.
    fn good(&self, name: &str, value: &str) {
        let name = toned(Tone::Good, &format!("{name:<11}"));
        self.line(&format!("{name}{value}"));
    }

    fn line(&self, text: &str) {
        if self.json.is_none() {
            say(text);
        }
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        if let Some(json) = &mut self.json {
            json.insert(name.to_owned(), value.into());
        }
    }
}

/// One attempt as a line.
fn told(it: &Attempt, address: &Address) -> String {
    let at = it.at.map(|at| format!("{at:.0}")).unwrap_or_default();
    let answer = match (&*it.answer, it.system_error) {
        (_, true) | ("" | "0", _) => "no answer",
        (answer, _) => answer,
    };
    let message = address.masked(&it.message);
    format!("{at} {answer} {message}").trim().to_owned()
}

fn attempt(it: &Attempt, address: &Address) -> Value {
    json!({
        "at": it.at.map(|at| at.to_string()),
        "answer": address.masked(&it.answer),
        "success": it.success,
        "systemError": it.system_error,
        "message": address.masked(&it.message),
    })
}

fn object(it: &Registration) -> Value {
    json!({
        "url": it.address.to_string(),
        "events": it.events,
        "msSignature": it.ms_signature,
        "subscriberId": it.subscriber,
        "modified": it.modified.map(|at| at.to_string()),
    })
}

fn finding(it: &Finding) -> Value {
    json!({
        "code": it.code,
        "level": it.level.word(),
        "detail": it.detail,
        "advice": it.advice,
    })
}
