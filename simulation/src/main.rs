//! Simulates many seeds and says what came of them.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser;
use simulation::{Run, Setup, parallel, simulate};

/// Simulates the connector between two systems that misbehave, once for each seed.
#[derive(Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first one.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Print all that happens in each seed.
    #[arg(long)]
    trace: bool,
    /// How many failing seeds are shown.
    #[arg(long, default_value_t = 3)]
    show: usize,
}

#[expect(clippy::print_stdout, reason = "it is what this program is for")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seeds = arguments.from..arguments.from + arguments.seeds;
    let setup = Setup {
        trace: arguments.trace,
        ..Setup::default()
    };
    let mut failed = Vec::new();
    let mut tally: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (seed, run) in parallel(seeds, &setup) {
        if arguments.trace {
            println!("seed {seed}\n{}", run.trace.join("\n"));
        }
        for (what, many) in run.tally {
            *tally.entry(what).or_default() += many;
        }
        if !run.violations.is_empty() {
            failed.push((seed, run.violations));
        }
    }
    for (what, many) in &tally {
        println!("{many:>10}  {what}");
    }
    for (seed, violations) in failed.iter().take(arguments.show) {
        println!("\nseed {seed} failed:\n  {}", violations.join("\n  "));
        if !arguments.trace {
            let Run { trace, .. } = simulate(
                *seed,
                &Setup {
                    trace: true,
                    ..setup
                },
            );
            println!("{}", trace.join("\n"));
        }
    }
    println!("\n{} of {} seeds failed", failed.len(), arguments.seeds);
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    let seeds: Vec<String> = failed.iter().map(|(seed, _)| seed.to_string()).collect();
    println!(
        "failed: {}\nagain: cargo simulate --from {} --seeds 1 --trace",
        seeds.join(" "),
        seeds[0]
    );
    ExitCode::FAILURE
}
