//! Faults injected at the wire: what a request meets instead of the service's own answer.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::world::{Service, lock};

/// One rule: which requests fail, how, and how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The service whose requests fail.
    pub service: Service,
    /// Only requests with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests whose path and query, as sent, contain this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_contains: Option<String>,
    /// How many requests still fail; `None` means until the rule is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Whether the service acts on the request first.
    #[serde(default)]
    pub when: When,
    /// What happens.
    pub effect: Effect,
}

/// The moment of a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// The service never sees the request (with [`Effect::Delay`]: sees it late).
    #[default]
    Before,
    /// The service acted, a write took effect, and only the answer suffers.
    After,
}

/// What a failing request meets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Effect {
    /// Another answer: a JSON body, or text when `body` is a string; none when it is null.
    Status {
        /// The HTTP status.
        code: u16,
        /// Headers added to the answer.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body.
        #[serde(default)]
        body: Value,
    },
    /// The connection closes without a byte of an answer.
    Cut,
    /// The service's own answer breaks off in the middle of its body, whatever [`Fault::when`] says.
    Truncate,
    /// The connection stays open and no answer ever comes.
    Hang,
    /// The answer comes late by this many milliseconds.
    Delay(u64),
}

impl Effect {
    /// An answer with status `code` and no body.
    pub fn status(code: u16) -> Self {
        Self::Status {
            code,
            headers: BTreeMap::new(),
            body: Value::Null,
        }
    }

    /// A 429 that asks the caller to wait `seconds`.
    pub fn throttled(seconds: u32) -> Self {
        Self::Status {
            code: 429,
            headers: BTreeMap::from([("retry-after".to_owned(), seconds.to_string())]),
            body: Value::Null,
        }
    }
}

impl Fault {
    /// Every request to `service` meets `effect`, before the service sees it.
    pub fn new(service: Service, effect: Effect) -> Self {
        Self {
            service,
            method: None,
            path_contains: None,
            times: None,
            when: When::Before,
            effect,
        }
    }

    /// Only requests with `method`.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests whose path and query contain `text`.
    #[must_use]
    pub fn path(mut self, text: &str) -> Self {
        self.path_contains = Some(text.to_owned());
        self
    }

    /// Only the next `times` requests that match.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets the service act first.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.when = When::After;
        self
    }

    fn applies(&self, service: Service, method: &str, target: &str) -> bool {
        self.service == service
            && self.times != Some(0)
            && self
                .method
                .as_deref()
                .is_none_or(|it| it.eq_ignore_ascii_case(method))
            && self
                .path_contains
                .as_deref()
                .is_none_or(|it| target.contains(it))
    }
}

/// The rules in force, and the latency every answer has.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<Fault>>,
    latency: Mutex<Duration>,
}

impl Faults {
    /// Adds a rule behind those in force: the first that matches a request is the one it meets.
    pub fn add(&self, fault: Fault) {
        lock(&self.rules).push(fault);
    }

    /// The rules in force with what is left of each.
    pub fn list(&self) -> Vec<Fault> {
        lock(&self.rules).clone()
    }

    /// Ends all faults. The latency stays.
    pub fn clear(&self) {
        lock(&self.rules).clear();
    }

    /// Makes every answer of every service take at least `latency`.
    pub fn set_latency(&self, latency: Duration) {
        *lock(&self.latency) = latency;
    }

    pub(crate) fn latency(&self) -> Duration {
        *lock(&self.latency)
    }

    /// The fault this request meets if it is one that lasts until it is cleared.
    pub(crate) fn lasting(&self, service: Service, method: &str, target: &str) -> Option<Fault> {
        let rules = lock(&self.rules);
        let mut lasting = rules.iter().filter(|it| it.times.is_none());
        lasting
            .find(|it| it.applies(service, method, target))
            .cloned()
    }

    /// The fault this request meets, used up by one.
    pub(crate) fn take(&self, service: Service, method: &str, target: &str) -> Option<Fault> {
        let mut rules = lock(&self.rules);
        let index = rules
            .iter()
            .position(|it| it.applies(service, method, target))?;
        let fault = rules[index].clone();
        if let Some(left) = &mut rules[index].times {
            *left -= 1;
            if *left == 0 {
                rules.remove(index);
            }
        }
        Some(fault)
    }
}
