//! What happens next: one thread, one clock, one order of events that follows from the seed.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::universe::{Contents, Universe};

/// A piece of the connector's work.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Something that happens at a moment.
pub(crate) type Effect = Box<dyn FnOnce(&mut Contents) + Send>;
/// Which piece of work: what one run of the connector does, it does under one of these.
pub(crate) type Run = u64;
/// The work of one instance, which dies with it.
pub(crate) type Group = usize;

/// How many events one seed may take: far more than any needs that comes to rest.
const MOST_EVENTS: u32 = 60_000;

/// What is to happen, and when.
pub(crate) struct Agenda {
    now: Timestamp,
    due: BTreeMap<(Timestamp, u32, u64), Effect>,
    last: u64,
    begun: Vec<(Run, Group, Work)>,
    stopped: Vec<Group>,
    running: Run,
}

impl Agenda {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            now,
            due: BTreeMap::new(),
            last: 0,
            begun: Vec::new(),
            stopped: Vec::new(),
            running: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// What happens now is the doing of `run`.
    pub(crate) fn attribute(&mut self, run: Run) {
        self.running = run;
    }

    /// The piece of work that is going on.
    pub(crate) fn running(&self) -> Run {
        self.running
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Lets `effect` happen at `moment`; `order` decides among events of one moment.
    pub(crate) fn at(&mut self, moment: Timestamp, order: u32, effect: Effect) {
        let number = self.number();
        self.due.insert((moment, order, number), effect);
    }

    /// Begins a piece of work of `group`.
    pub(crate) fn begin(&mut self, group: Group, work: Work) -> Run {
        let run = self.number();
        self.begun.push((run, group, work));
        run
    }

    /// Drops all work of `group`, wherever it is.
    pub(crate) fn stop(&mut self, group: Group) {
        self.stopped.push(group);
    }
}

/// `moment` and `duration` later.
pub(crate) fn after(moment: Timestamp, duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    moment.checked_add(duration).unwrap_or(Timestamp::MAX)
}

#[derive(Default)]
struct Ready(Mutex<Vec<Run>>);

struct Waking {
    run: Run,
    ready: Arc<Ready>,
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.ready.push(self.run);
    }
}

impl Ready {
    fn push(&self, run: Run) {
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !ready.contains(&run) {
            ready.push(run);
        }
    }

    fn take(&self, universe: &Universe) -> Option<Run> {
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match ready.len() {
            0 => None,
            1 => ready.pop(),
            many => {
                let chosen = universe.with(|it| it.chance.usize(..many));
                Some(ready.swap_remove(chosen))
            }
        }
    }
}

struct Task {
    group: Group,
    work: Work,
    waker: Waker,
}

/// Drives the work of all instances.
#[derive(Default)]
pub(crate) struct Scheduler {
    tasks: BTreeMap<Run, Task>,
    ready: Arc<Ready>,
    events: u32,
}

/// The work does not come to rest.
#[derive(Debug)]
pub(crate) enum Restless {
    /// Events go on for ever.
    Endless,
    /// Some work waits for nothing.
    Stuck,
}

impl Scheduler {
    /// Lets everything happen that is going to happen.
    pub(crate) fn run(&mut self, universe: &Universe) -> Result<(), Restless> {
        loop {
            self.receive(universe);
            if let Some(run) = self.ready.take(universe) {
                self.poll(universe, run);
                continue;
            }
            let Some(effect) = universe.with(|it| it.agenda.next()) else {
                break;
            };
            self.events += 1;
            if self.events > MOST_EVENTS {
                return Err(Restless::Endless);
            }
            universe.with(effect);
        }
        if self.tasks.is_empty() {
            Ok(())
        } else {
            Err(Restless::Stuck)
        }
    }

    fn receive(&mut self, universe: &Universe) {
        let (begun, stopped) = universe.with(|it| {
            let agenda = &mut it.agenda;
            (
                std::mem::take(&mut agenda.begun),
                std::mem::take(&mut agenda.stopped),
            )
        });
        for (run, group, work) in begun {
            let waking = Waking {
                run,
                ready: Arc::clone(&self.ready),
            };
            let waker = Waker::from(Arc::new(waking));
            self.tasks.insert(run, Task { group, work, waker });
            self.ready.push(run);
        }
        if !stopped.is_empty() {
            self.tasks.retain(|_, task| !stopped.contains(&task.group));
        }
    }

    fn poll(&mut self, universe: &Universe, run: Run) {
        let Some(task) = self.tasks.get_mut(&run) else {
            return;
        };
        universe.with(|it| it.agenda.running = run);
        let mut context = Context::from_waker(&task.waker);
        if task.work.as_mut().poll(&mut context).is_ready() {
            self.tasks.remove(&run);
        }
    }
}

impl Agenda {
    fn next(&mut self) -> Option<Effect> {
        let ((moment, ..), effect) = self.due.pop_first()?;
        self.now = self.now.max(moment);
        self.running = 0;
        Some(effect)
    }
}

/// Where an answer is put for the work that waits for it.
pub(crate) struct Slot<T>(Mutex<Waiting<T>>);

struct Waiting<T> {
    answer: Option<T>,
    waker: Option<Waker>,
    is_abandoned: bool,
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Waiting {
            answer: None,
            waker: None,
            is_abandoned: false,
        })))
    }

    /// Gives the answer, unless there is one.
    pub(crate) fn fill(&self, answer: T) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.answer.get_or_insert(answer);
        if let Some(waker) = waiting.waker.take() {
            waker.wake();
        }
    }

    /// Whether nobody waits any more: its instance is gone, or it gave up.
    pub(crate) fn is_abandoned(&self) -> bool {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.is_abandoned
    }
}

/// An answer to come.
pub(crate) struct Answer<T>(pub(crate) Arc<Slot<T>>);

impl<T> Future for Answer<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut waiting = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = waiting.answer.take() {
            return Poll::Ready(answer);
        }
        waiting.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        let mut waiting = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.is_abandoned = true;
        waiting.waker = None;
    }
}
