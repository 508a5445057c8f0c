//! Measures the program as the Functions host meets it: size, start, idle memory, and deliveries a second on one core
//! beside a bare axum handler that only does one RSA-2048 verification. Prints a table; asserts nothing.
//!
//! `cargo bench --bench process`

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run should stop"
)]

mod bare;
mod load;
mod server;

use std::time::Duration;

use load::Request;
use sandbox::{Sandbox, SharedWorld};
use server::Server;

const STARTS: usize = 41;
const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 5;

/// As Partner Center writes it.
const EVENT: &[u8] = br#"{"EventName":"test-created","ResourceUri":"http://localhost:16722/v1/webhooks/registration/test","ResourceName":"test","AuditUri":null,"ResourceChangeUtcDate":"2026-11-16T16:19:06.3520276+00:00"}"#;

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(bare::ARGUMENT) {
        bare::run(arguments);
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let sandbox = Sandbox::start().await.unwrap();
    println!("| what | measured | bound |");
    println!("|---|---|---|");
    let size = std::fs::metadata(server::CONNECTOR).unwrap().len();
    row("binary", &format!("{:.1} MB", megabytes(size)), "15 MB");

    let mut starts: Vec<Duration> = Vec::new();
    for _ in 0..STARTS {
        starts.push(Server::connector(&sandbox).started_in);
    }
    starts.sort();
    row(
        &format!("start to first answer, median of {STARTS}"),
        &format!(
            "{:.1} ms (slowest {:.1} ms)",
            ms(starts[STARTS / 2]),
            ms(starts[STARTS - 1])
        ),
        "15 ms",
    );

    let connector = Server::connector(&sandbox);
    connector.wait_until_quiet();
    row(
        "memory, idle after start",
        &format!("{:.1} MB", megabytes(connector.memory())),
        "20 MB",
    );

    let delivery = test_event(sandbox.world());
    let bare = Server::bare(sandbox.world());
    load::run(connector.port, &delivery, 200, Duration::from_secs(1)).await;
    load::run(bare.port, &delivery, 200, Duration::from_secs(1)).await;
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..ROUNDS {
        ours.push(load::run(connector.port, &delivery, 200, ROUND).await);
        theirs.push(load::run(bare.port, &delivery, 200, ROUND).await);
    }
    let mut ratios: Vec<f64> = ours
        .iter()
        .zip(&theirs)
        .map(|(ours, theirs)| ours / theirs)
        .collect();
    row(
        "deliveries a second, one core",
        &format!("{:.0}", median(&mut ours)),
        "–",
    );
    row(
        "bare handler with one RSA-2048 verification, one core",
        &format!("{:.0}", median(&mut theirs)),
        "–",
    );
    row(
        "ratio, median of paired rounds",
        &format!("{:.2}", median(&mut ratios)),
        "at least 0.50",
    );
    flood(&connector, &delivery, &forgery(sandbox.world())).await;
    row(
        "memory after the load",
        &format!("{:.1} MB", megabytes(connector.memory())),
        "–",
    );
}

/// Forgeries that name the genuine certificate, sent as fast as they are answered, beside honest deliveries sent likewise.
async fn flood(connector: &Server, delivery: &Request, forgery: &Request) {
    let mut honest = Vec::new();
    let mut forged = Vec::new();
    for _ in 0..ROUNDS {
        let (ours, theirs) = tokio::join!(
            load::run(connector.port, delivery, 200, ROUND),
            load::run(connector.port, forgery, 401, ROUND),
        );
        honest.push(ours);
        forged.push(theirs);
    }
    row(
        "deliveries a second during a flood of forgeries, one core for both",
        &format!(
            "{:.0}, and {:.0} forgeries refused",
            median(&mut honest),
            median(&mut forged)
        ),
        "–",
    );
}

fn row(what: &str, measured: &str, bound: &str) {
    println!("| {what} | {measured} | {bound} |");
}

/// A signed `test-created` delivery: authentic, and no upstream has to be asked.
fn test_event(world: &SharedWorld) -> Request {
    let certificates = world.certificates.lock();
    let signature = certificates.signer().sign(EVENT).unwrap();
    Request::new(&certificates.signer_url(), &signature, EVENT)
}

/// The same delivery with other letters than were signed.
fn forgery(world: &SharedWorld) -> Request {
    let certificates = world.certificates.lock();
    let signature = certificates.signer().sign(EVENT).unwrap();
    let tampered = EVENT.to_ascii_lowercase();
    Request::new(&certificates.signer_url(), &signature, &tampered)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
