//! The connector as it is.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use simulation::{KINDS, Run, Setup, parallel, simulate};

const SEEDS: u64 = 10_000;

#[test]
fn ten_thousand_seeds_leave_nothing_lost_doubled_stale_or_clobbered() {
    let runs = parallel(0..SEEDS, &Setup::default());
    let kinds = runs.iter().flat_map(|(_, run)| run.tally.keys().copied());
    assert_eq!(
        kinds.collect::<BTreeSet<&str>>(),
        KINDS.iter().copied().collect()
    );
    let fails = |(_, run): &&(u64, Run)| !run.violations.is_empty();
    let failed: Vec<_> = runs.iter().filter(fails).collect();
    let Some((seed, run)) = failed.first() else {
        return;
    };
    let mut told = format!("{} of {SEEDS} seeds failed:", failed.len());
    for (seed, _) in failed.iter().take(100) {
        write!(told, " {seed}").unwrap();
    }
    let setup = Setup {
        trace: true,
        ..Setup::default()
    };
    let trace = simulate(*seed, &setup).trace.join("\n");
    panic!(
        "{told}\nseed {seed} (cargo simulate --from {seed} --seeds 1 --trace):\n{trace}\n  {}",
        run.violations.join("\n  ")
    );
}

#[test]
fn a_seed_gives_the_same_run_every_time() {
    let setup = Setup {
        trace: true,
        ..Setup::default()
    };
    for seed in 0..50 {
        let (first, second) = (simulate(seed, &setup), simulate(seed, &setup));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.tally, second.tally, "seed {seed}");
    }
}
