//! Shows on a terminal that something is still under way.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// From when on, and how often, it is shown.
const TICK: Duration = Duration::from_secs(1);
/// Back to the beginning of the line, which is emptied.
const CLEAR: &str = "\r\x1b[K";

/// Waits for `work`. If it takes longer than a second and stderr is a terminal, `what` is shown there with the seconds so far, and
/// taken away in the end.
pub(crate) async fn watched<T>(what: &str, work: impl Future<Output = T>) -> T {
    if io::stderr().is_terminal() {
        shown(what, work, &mut anstream::stderr()).await
    } else {
        work.await
    }
}

async fn shown<T>(what: &str, work: impl Future<Output = T>, screen: &mut impl Write) -> T {
    let begun = Instant::now();
    let mut ticks = interval_at(begun + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut work = std::pin::pin!(work);
    let mut is_shown = false;
    // What cannot be shown is no reason to stop.
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                if is_shown {
                    let _ = write!(screen, "{CLEAR}");
                    let _ = screen.flush();
                }
                return done;
            }
            _ = ticks.tick() => {
                is_shown = true;
                let _ = write!(screen, "{CLEAR}{what} … {} s", begun.elapsed().as_secs());
                let _ = screen.flush();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn seen(lasting: Duration) -> String {
        let mut screen = Vec::new();
        let work = async {
            tokio::time::sleep(lasting).await;
            7
        };
        assert_eq!(shown("looking", work, &mut screen).await, 7);
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
}
