//! Many seeds at once.

use std::num::NonZero;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::scenario::{Run, Setup, simulate};

/// Simulates `seeds` on every core there is, and gives what came of them in their order.
pub fn parallel(seeds: Range<u64>, setup: &Setup) -> Vec<(u64, Run)> {
    until(seeds, setup, |_| false)
}

/// The first of `seeds` that is found to go wrong; none after it are simulated.
pub fn first_failure(seeds: Range<u64>, setup: &Setup) -> Option<(u64, Run)> {
    let fails = |run: &Run| !run.violations.is_empty();
    let mut runs = until(seeds, setup, fails).into_iter();
    runs.find(|(_, run)| fails(run))
}

fn until(
    seeds: Range<u64>,
    setup: &Setup,
    is_enough: impl Fn(&Run) -> bool + Sync,
) -> Vec<(u64, Run)> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut runs = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return runs;
            }
            let run = run(seed, setup);
            if is_enough(&run) {
                next.store(seeds.end, Ordering::Relaxed);
            }
            runs.push((seed, run));
        }
    };
    let mut runs: Vec<(u64, Run)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .flat_map(|runs| runs.expect("panics are caught for each seed"))
            .collect()
    });
    runs.sort_by_key(|(seed, _)| *seed);
    runs
}

fn run(seed: u64, setup: &Setup) -> Run {
    let run = catch_unwind(AssertUnwindSafe(|| simulate(seed, setup)));
    run.unwrap_or_else(|_| Run {
        violations: vec!["the connector, or the simulation, panicked".to_owned()],
        ..Run::default()
    })
}
