//! Measures one instance under ten thousand events about a thousand referrals, through the stand-in of the Functions host,
//! with upstreams that take their time and enforce their limits. Prints a table, and stops if anything is lost.
//!
//! `cargo bench --bench load`

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run should stop"
)]

mod scene;
mod senders;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sandbox::Service;
use sandbox::dataverse::Limits;

use scene::Scene;

const REFERRALS: usize = 1000;
/// How many events there are of each referral: one that it is there, and one of each of its edits.
const EVENTS_OF_EACH: usize = 10;
const EVENTS: usize = REFERRALS * EVENTS_OF_EACH;
/// How many deliveries are under way at once.
const SENDERS: usize = 48;
/// How long every upstream takes for every request.
const LATENCY: Duration = Duration::from_millis(100);
/// What Dataverse documents for one user is 6,000 requests in 300 seconds, 52 at once. Two and a half times as many, so that
/// the run takes minutes in place of a quarter of an hour, and few enough to be reached.
const LIMITS: Limits = Limits {
    requests: 3000,
    window_seconds: 60,
    concurrent: 52,
};

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let scene = Scene::start().await;
    let begun = Instant::now();
    let mut acknowledged = senders::send_all(&scene).await;
    let sent_for = begun.elapsed();
    scene.drain().await;
    let taken = begun.elapsed();
    scene.assert_nothing_is_lost().await;

    println!("| what | measured |");
    println!("|---|---|");
    row("events", &EVENTS.to_string());
    row(
        "events a second, until the last was acknowledged",
        &rate(EVENTS, sent_for),
    );
    row(
        "events a second, until nothing was parked any more",
        &rate(EVENTS, taken),
    );
    acknowledged.sort_by_key(|it| it.after);
    for (name, share) in [("p50", 50), ("p99", 99)] {
        let at = acknowledged[acknowledged.len() * share / 100].after;
        row(
            &format!("acknowledgement, {name}"),
            &format!("{} ms", at.as_millis()),
        );
    }
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    for it in &acknowledged {
        *codes.entry(&it.code).or_default() += 1;
    }
    row("acknowledged as", &listed(&codes));
    let requests = scene.requests();
    for service in [Service::Dataverse, Service::PartnerCenter, Service::Storage] {
        let of_it = requests.iter().filter(|it| it.service == service);
        let count = of_it.clone().count();
        let throttled = of_it.filter(|it| it.status == Some(429)).count();
        let text = format!(
            "{}, {throttled} throttled ({})",
            per_event(count),
            percent(throttled, count)
        );
        row(&format!("requests to {service} per event"), &text);
    }
    row(
        "memory of the connector, highest",
        &format!("{:.1} MB", scene.peak_memory()),
    );
}

fn row(what: &str, measured: &str) {
    println!("| {what} | {measured} |");
}

fn listed(codes: &BTreeMap<&str, usize>) -> String {
    let codes: Vec<_> = codes
        .iter()
        .map(|(code, count)| format!("{code} {count}"))
        .collect();
    codes.join(", ")
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn rate(events: usize, taken: Duration) -> String {
    format!(
        "{:.1} ({} s)",
        events as f64 / taken.as_secs_f64(),
        taken.as_secs()
    )
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn per_event(count: usize) -> String {
    format!("{:.2}", count as f64 / EVENTS as f64)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn percent(part: usize, whole: usize) -> String {
    format!("{:.2} %", 100.0 * part as f64 / whole.max(1) as f64)
}
