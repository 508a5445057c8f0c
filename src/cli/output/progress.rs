//! Shows on a terminal that something is still under way.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anstream::AutoStream;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::cli::environment;

/// From when on, and how often, it is shown.
const TICK: Duration = Duration::from_secs(1);
/// Back to the beginning of the line, which is emptied.
const CLEAR: &str = "\r\x1b[K";

/// Whether the line is on the terminal now.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// Waits for `work`. If it takes longer than a second and stderr is a terminal, `what` is shown there with the seconds so far, and
/// taken away in the end. A terminal that can take nothing away is told `what` once.
pub(crate) fn watched<T>(what: &str, work: impl Future<Output = T>) -> impl Future<Output = T> {
    let work = Box::pin(work);
    async move {
        if !io::stderr().is_terminal() {
            return work.await;
        }
        // It is no colour: NO_COLOR must not leave the line on the screen.
        let screen = &mut AutoStream::always(io::stderr());
        if environment("TERM").is_some_and(|it| it == "dumb") {
            told(what, work, screen).await
        } else {
            shown(what, work, screen, &SHOWN).await
        }
    }
}

/// Takes the line away, if it is there: another one is about to be printed.
pub(super) fn make_room() {
    if SHOWN.swap(false, Ordering::Relaxed) {
        let _ = write!(AutoStream::always(io::stderr()), "{CLEAR}");
    }
}

async fn told<T>(what: &str, work: impl Future<Output = T>, screen: &mut impl Write) -> T {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(TICK, &mut work).await {
        return done;
    }
    let _ = writeln!(screen, "{what} …");
    work.await
}

async fn shown<T>(
    what: &str,
    work: impl Future<Output = T>,
    screen: &mut impl Write,
    is_shown: &AtomicBool,
) -> T {
    let begun = Instant::now();
    let mut ticks = interval_at(begun + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut work = std::pin::pin!(work);
    // What cannot be shown is no reason to stop.
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                if is_shown.swap(false, Ordering::Relaxed) {
                    let _ = write!(screen, "{CLEAR}");
                    let _ = screen.flush();
                }
                return done;
            }
            _ = ticks.tick() => {
                is_shown.store(true, Ordering::Relaxed);
                let _ = write!(screen, "{CLEAR}{what} … {} s", begun.elapsed().as_secs());
                let _ = screen.flush();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn work(lasting: Duration) -> u8 {
        tokio::time::sleep(lasting).await;
        7
    }

    async fn seen(lasting: Duration) -> String {
        let mut screen = Vec::new();
        let is_shown = AtomicBool::new(false);
        let done = shown("looking", work(lasting), &mut screen, &is_shown).await;
        assert_eq!((done, is_shown.into_inner()), (7, false));
        String::from_utf8(screen).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_less_than_a_second_shows_nothing() {
        assert_eq!(seen(Duration::from_millis(900)).await, "");
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_longer_shows_the_seconds_and_clears_them_away() {
        let screen = seen(Duration::from_millis(2500)).await;
        let expected = format!("{CLEAR}looking … 1 s{CLEAR}looking … 2 s{CLEAR}");
        assert_eq!(screen, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_terminal_that_can_take_nothing_away_is_told_once() {
        for (lasting, expected) in [(900, ""), (5500, "looking …\n")] {
            let mut screen = Vec::new();
            let lasting = Duration::from_millis(lasting);
            assert_eq!(told("looking", work(lasting), &mut screen).await, 7);
            assert_eq!(String::from_utf8(screen).unwrap(), expected);
        }
    }
}
