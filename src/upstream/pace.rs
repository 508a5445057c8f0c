//! Keeps one instance within what each upstream takes: so many requests at once, none while it asks to be left alone, and
//! after that fewer at once for a while. Limits are on requests within minutes: whoever goes on as before is refused again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Upstream;

/// The longest wait that one answer can impose on every other caller.
const PAUSE_LIMIT: Duration = Duration::from_mins(5);
/// How long an upstream must not complain before one more request is sent at once.
const EASE: Duration = Duration::from_secs(20);

/// Says who may send a request when.
#[derive(Debug)]
pub(super) struct Pace([Lane; Upstream::COUNT]);

/// What there is of one upstream.
#[derive(Debug)]
struct Lane {
    places: Semaphore,
    parallel: usize,
    brake: Mutex<Brake>,
}

/// What an upstream's complaints led to.
#[derive(Debug, Default)]
struct Brake {
    /// Until when it asked to be left alone.
    pause: Option<Instant>,
    /// How many places are not given out any more.
    withheld: usize,
    /// How many of them are still in use.
    owed: usize,
    /// From when on a place less is withheld.
    ease: Option<Instant>,
}

/// The right to one request, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    lane: &'a Lane,
    place: Option<SemaphorePermit<'a>>,
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
            parallel: upstream.parallel(),
            brake: Mutex::default(),
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
        lane.ease();
        let Ok(place) = timeout_at(deadline, lane.places.acquire()).await else {
            return Err(NoTurn::Crowded);
        };
        let place = place.expect("the places are never closed");
        // Whoever was before may have been asked to wait.
        while let Some(until) = lane.within(deadline)? {
            sleep_until(until).await;
        }
        let place = Some(place);
        Ok(Turn { lane, place })
    }

    /// Has every caller of `upstream` wait for `wait` from now on, and then half as many go at once.
    pub(super) fn pause(&self, upstream: Upstream, wait: Duration) {
        let until = Instant::now() + wait.min(PAUSE_LIMIT);
        self.lane(upstream).pause(until);
    }

    fn lane(&self, upstream: Upstream) -> &Lane {
        &self.0[upstream as usize]
    }
}

impl Lane {
    /// Until when there is a pause, if there is one and it ends before `deadline`.
    fn within(&self, deadline: Instant) -> Result<Option<Instant>, NoTurn> {
        let now = Instant::now();
        match self.brake().pause {
            Some(until) if until <= now => Ok(None),
            Some(until) if until >= deadline => {
                Err(NoTurn::Paused(until.saturating_duration_since(now)))
            }
            pause => Ok(pause),
        }
    }

    fn pause(&self, until: Instant) {
        let mut brake = self.brake();
        // Requests that were under way together are refused together: that is one complaint.
        if brake.pause.is_none_or(|pause| pause <= Instant::now()) {
            let given = self.parallel - brake.withheld;
            let fewer = given / 2;
            brake.withheld += fewer;
            brake.owed += fewer - self.places.forget_permits(fewer);
        }
        brake.pause = brake.pause.max(Some(until));
        brake.ease = brake.pause.map(|pause| pause + EASE);
    }

    /// Gives out one place more when there was no complaint for long enough.
    fn ease(&self) {
        let mut brake = self.brake();
        let now = Instant::now();
        if brake.withheld == 0 || brake.ease.is_none_or(|ease| now < ease) {
            return;
        }
        brake.withheld -= 1;
        brake.ease = Some(now + EASE);
        match brake.owed.checked_sub(1) {
            Some(owed) => brake.owed = owed,
            None => self.places.add_permits(1),
        }
    }

    fn brake(&self) -> MutexGuard<'_, Brake> {
        self.brake.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut brake = self.lane.brake();
        let place = self.place.take();
        if let Some(owed) = brake.owed.checked_sub(1) {
            brake.owed = owed;
            if let Some(place) = place {
                place.forget();
            }
        }
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
    async fn after_a_complaint_half_as_many_go_at_once_and_more_again_when_there_is_no_other() {
        let pace = Pace::default();
        let all = UPSTREAM.parallel();
        let under_way = join_all((0..all).map(|_| pace.turn(UPSTREAM, within(9)))).await;
        for _ in 0..all {
            pace.pause(UPSTREAM, Duration::from_secs(1));
        }
        drop(under_way);
        assert_eq!(at_once(&pace).await, all / 2);
        pace.pause(UPSTREAM, Duration::from_secs(1));
        assert_eq!(at_once(&pace).await, all / 4);
        for more in 1..=all {
            sleep_until(Instant::now() + EASE).await;
            assert_eq!(at_once(&pace).await, (all / 4 + more).min(all));
        }
    }

    /// How many get a turn before the first gives its back.
    async fn at_once(pace: &Pace) -> usize {
        let turns = (0..=UPSTREAM.parallel()).map(|_| pace.turn(UPSTREAM, within(2)));
        let turns = join_all(turns).await;
        turns.iter().filter(|turn| turn.is_ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_place_is_never_withheld() {
        let pace = Pace::default();
        for _ in 0..9 {
            pace.pause(UPSTREAM, Duration::from_secs(1));
            sleep_until(within(1)).await;
        }
        assert_eq!(at_once(&pace).await, 1);
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
