//! Keeps one instance within what each upstream takes: so many requests at once, and none while it asks to be left alone.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Upstream;

/// The longest wait that one answer can impose on every other caller.
const PAUSE_LIMIT: Duration = Duration::from_mins(5);

/// Says who may send a request when.
#[derive(Debug)]
pub(super) struct Pace([Lane; Upstream::COUNT]);

/// What there is of one upstream.
#[derive(Debug)]
struct Lane {
    places: Semaphore,
    /// Until when it asked to be left alone.
    pause: Mutex<Option<Instant>>,
}

/// The right to one request, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    _place: SemaphorePermit<'a>,
}

/// Why a request may not be sent in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoTurn {
    /// The upstream wants to be left alone for so long.
    Paused(Duration),
    /// Too many others were before it.
    Crowded,
}

impl Default for Pace {
    fn default() -> Self {
        Self(Upstream::ALL.map(|upstream| Lane {
            places: Semaphore::new(upstream.parallel()),
            pause: Mutex::default(),
        }))
    }
}

impl Pace {
    /// Waits until a request may be sent to `upstream`. Fails at once when that is surely after `deadline`.
    pub(super) async fn turn(
        &self,
        upstream: Upstream,
        deadline: Instant,
    ) -> Result<Turn<'_>, NoTurn> {
        let lane = self.lane(upstream);
        lane.within(deadline)?;
        let Ok(place) = timeout_at(deadline, lane.places.acquire()).await else {
            return Err(NoTurn::Crowded);
        };
        let place = place.expect("the places are never closed");
        // Whoever was before may have been asked to wait.
        while let Some(until) = lane.within(deadline)? {
            sleep_until(until).await;
        }
        Ok(Turn { _place: place })
    }

    /// Has every caller of `upstream` wait for `wait` from now on.
    pub(super) fn pause(&self, upstream: Upstream, wait: Duration) {
        let until = Instant::now() + wait.min(PAUSE_LIMIT);
        let mut pause = self.lane(upstream).pause();
        *pause = (*pause).max(Some(until));
    }

    fn lane(&self, upstream: Upstream) -> &Lane {
        &self.0[upstream as usize]
    }
}

impl Lane {
    /// Until when there is a pause, if there is one and it ends before `deadline`.
    fn within(&self, deadline: Instant) -> Result<Option<Instant>, NoTurn> {
        let now = Instant::now();
        match *self.pause() {
            Some(until) if until <= now => Ok(None),
            Some(until) if until >= deadline => {
                Err(NoTurn::Paused(until.saturating_duration_since(now)))
            }
            pause => Ok(pause),
        }
    }

    fn pause(&self) -> MutexGuard<'_, Option<Instant>> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    const UPSTREAM: Upstream = Upstream::PartnerCenter;

    fn within(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[test]
    fn every_upstream_has_a_lane_of_its_own() {
        let pace = Pace::default();
        for upstream in Upstream::ALL {
            let places = pace.lane(upstream).places.available_permits();
            assert_eq!(places, upstream.parallel(), "{upstream}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_are_under_way_than_the_upstream_takes() {
        let pace = Pace::default();
        let turns = (0..UPSTREAM.parallel()).map(|_| pace.turn(UPSTREAM, within(1)));
        let turns = join_all(turns).await;
        assert!(turns.iter().all(Result::is_ok));
        let one_more = pace.turn(UPSTREAM, within(1)).await;
        assert_eq!(one_more.unwrap_err(), NoTurn::Crowded);
        assert!(pace.turn(Upstream::Dataverse, within(1)).await.is_ok());
        drop(turns);
        assert!(pace.turn(UPSTREAM, within(1)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_back_those_who_already_wait_for_a_place() {
        let pace = Pace::default();
        let first =
            join_all((0..UPSTREAM.parallel()).map(|_| pace.turn(UPSTREAM, within(9)))).await;
        let began = Instant::now();
        let answer = async {
            pace.pause(UPSTREAM, Duration::from_secs(3));
            drop(first);
        };
        let (second, ()) = tokio::join!(pace.turn(UPSTREAM, within(9)), answer);
        assert!(second.is_ok());
        assert!(began.elapsed() >= Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_past_the_deadline_is_not_waited_out() {
        let pace = Pace::default();
        pace.pause(UPSTREAM, Duration::from_mins(1));
        let began = Instant::now();
        let refused = pace.turn(UPSTREAM, within(5)).await.unwrap_err();
        assert_eq!(refused, NoTurn::Paused(Duration::from_mins(1)));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
