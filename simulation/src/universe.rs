//! Everything there is in one seed: the systems, the people's book of edits, what is to happen, and chance.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;

use crate::agenda::{Agenda, Answer, Effect, Group, Run, Slot, Work, after};
use crate::dataverse::Dataverse;
use crate::instances::Instances;
use crate::ledger::Ledger;
use crate::partner_center::PartnerCenter;
use crate::storage::Storage;
use crate::weather::{Fate, Weather, standstill, underway};

/// A system that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    PartnerCenter,
    Dataverse,
    Storage,
}

/// Everything there is, shared by all that happens in it.
#[derive(Clone)]
pub(crate) struct Universe(Arc<Mutex<Contents>>);

/// What a universe holds.
pub(crate) struct Contents {
    pub(crate) chance: Rng,
    pub(crate) agenda: Agenda,
    pub(crate) weather: Weather,
    pub(crate) partner_center: PartnerCenter,
    pub(crate) dataverse: Dataverse,
    pub(crate) storage: Storage,
    pub(crate) instances: Instances,
    pub(crate) ledger: Ledger,
    pub(crate) tally: BTreeMap<&'static str, u64>,
    pub(crate) trace: Option<Vec<String>>,
    /// Whether reads of referrals lagged behind at times.
    pub(crate) had_stale_reads: bool,
    /// Nobody changes anything any more, and everything works.
    pub(crate) is_quiet: bool,
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) service: Service,
    /// What is counted, such as `dataverse: update a lead`.
    pub(crate) what: &'static str,
    /// Who asks.
    pub(crate) group: Group,
}

/// Why a request has no proper answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// Nothing was done, and it may be asked again.
    Refused,
    /// Nobody knows what was done.
    Unanswered,
}

impl Universe {
    pub(crate) fn new(contents: Contents) -> Self {
        Self(Arc::new(Mutex::new(contents)))
    }

    pub(crate) fn with<T>(&self, use_it: impl FnOnce(&mut Contents) -> T) -> T {
        let mut contents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        use_it(&mut contents)
    }

    /// Asks a system for something. The request is under way for a while, then `effect` happens there, then the answer is under
    /// way: anything may come in between, and either way may lose it.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        request: Request,
        effect: impl FnOnce(&mut Contents, Run) -> T + Send + 'static,
        failed: impl FnOnce(Failed) -> T + Send + 'static,
    ) -> T {
        let slot = Slot::new();
        let answer = Answer(Arc::clone(&slot));
        self.with(|it| it.send(request, slot, effect, failed));
        answer.await
    }

    /// Waits.
    pub(crate) async fn wait(&self, duration: Duration) {
        let slot = Slot::new();
        let answer = Answer(Arc::clone(&slot));
        self.with(|it| it.after(duration, move |_| slot.fill(())));
        answer.await;
    }
}

impl Contents {
    pub(crate) fn now(&self) -> Timestamp {
        self.agenda.now()
    }

    /// Counts one more `what`.
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// Writes a line into the trace, if there is one.
    pub(crate) fn tell(&mut self, line: impl FnOnce() -> String) {
        let (now, run) = (self.now(), self.agenda.running());
        if let Some(trace) = &mut self.trace {
            let line = line();
            trace.push(format!("{} {run:>4} {line}", now.strftime("%j %T%.3f")));
        }
    }

    /// Lets `effect` happen after a while.
    pub(crate) fn after(
        &mut self,
        duration: Duration,
        effect: impl FnOnce(&mut Self) + Send + 'static,
    ) {
        let moment = after(self.now(), duration);
        let order = self.chance.u32(..);
        self.agenda.at(moment, order, Box::new(effect) as Effect);
    }

    /// Begins work of an instance.
    pub(crate) fn begin(&mut self, group: Group, work: Work) -> Run {
        self.agenda.begin(group, work)
    }

    fn send<T: Send + 'static>(
        &mut self,
        request: Request,
        slot: Arc<Slot<T>>,
        effect: impl FnOnce(&mut Self, Run) -> T + Send + 'static,
        failed: impl FnOnce(Failed) -> T + Send + 'static,
    ) {
        self.count(request.what);
        let run = self.agenda.running();
        let effect = move |it: &mut Self| {
            it.agenda.attribute(run);
            effect(it, run)
        };
        let fate = self.weather.fate(&mut self.chance, request.service);
        let there = underway(&mut self.chance);
        let back = underway(&mut self.chance);
        if fate != Fate::Answered {
            self.count(fate.word());
            self.tell(|| format!("{} is {}", request.what, fate.word()));
        }
        match fate {
            Fate::Answered | Fate::Stalled => {
                let back = match fate {
                    Fate::Stalled => standstill(&mut self.chance),
                    _ => back,
                };
                self.after(there, move |it| {
                    // What a dead instance had sent still arrives, or does not.
                    if slot.is_abandoned() && it.chance.bool() {
                        return;
                    }
                    let answer = effect(it);
                    it.after(back, move |_| slot.fill(answer));
                });
            }
            Fate::Refused => self.after(there, move |_| slot.fill(failed(Failed::Refused))),
            Fate::Unanswered => self.after(there, move |it| {
                drop(effect(it));
                it.after(back, move |_| slot.fill(failed(Failed::Unanswered)));
            }),
            Fate::Late => {
                let longer = Duration::from_millis(self.chance.u64(1..8_000));
                self.after(there + longer, move |it| drop(effect(it)));
                self.after(there, move |_| slot.fill(failed(Failed::Unanswered)));
            }
            Fate::Lost => self.after(there, move |_| slot.fill(failed(Failed::Unanswered))),
            Fate::Crash => {
                self.after(there, move |it| {
                    if it.chance.bool() {
                        drop(effect(it));
                    }
                    it.crash(request.group);
                });
            }
        }
    }
}

impl Fate {
    const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Stalled => "fault: answered after minutes",
            Self::Refused => "fault: refused",
            Self::Unanswered => "fault: done and not answered",
            Self::Late => "fault: done after it was given up",
            Self::Lost => "fault: lost",
            Self::Crash => "fault: the instance died",
        }
    }
}
