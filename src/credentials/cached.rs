//! Keeps access tokens, one by audience, and renews them before they end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::Instant;
use tracing::warn;

use super::{AccessToken, Identity, TokenError, TokenSource};
use crate::failure::Chain;
use crate::upstream::calls::{self, CallRecord};
use crate::upstream::retry;

/// How long before its end a token is renewed, while callers still use it.
const AHEAD: Duration = Duration::from_mins(5);
/// What a token must have left to be handed out: a call may be under way for that long.
const LEAST: Duration = Duration::from_secs(15);
/// How long one fetch may take.
const FETCH_LIMIT: Duration = Duration::from_secs(20);
/// How long a failure is the answer, so that a burst of events is not a burst of failing sign-ins.
const FAILURE_REST: Duration = Duration::from_secs(2);
/// How long a failed renewal rests while the token is still good.
const RENEWAL_REST: Duration = Duration::from_secs(30);
/// How often refused tokens are thrown away: a new token that is refused as well will not be the last.
const REPLACEMENT_REST: Duration = Duration::from_mins(1);

/// Somewhere access tokens come from.
pub(super) trait Issuer: Send + Sync + 'static {
    /// As whom it signs in.
    fn identity(&self) -> Identity;

    /// A new token for `audience`.
    fn issue<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<AccessToken, TokenError>>;
}

/// The tokens of an issuer: parallel callers share one fetch, and a failed renewal costs nobody a good token.
pub(super) struct Cached<I> {
    shared: Arc<Inner<I>>,
}

struct Inner<I> {
    issuer: I,
    slots: Mutex<HashMap<String, Slot>>,
}

#[derive(Default)]
struct Slot {
    held: Option<Held>,
    fetch: Option<Fetch>,
    failure: Option<Failure>,
    replaced: Option<Instant>,
}

struct Held {
    token: AccessToken,
    renew: Instant,
}

struct Failure {
    at: Instant,
    error: TokenError,
}

/// A fetch under way, for any number of callers.
type Fetch = Shared<BoxFuture<'static, Fetched>>;

#[derive(Clone)]
struct Fetched {
    result: Result<AccessToken, TokenError>,
    records: Arc<Vec<CallRecord>>,
}

/// What a caller has to do for a token.
enum Step {
    Done(Result<AccessToken, TokenError>),
    /// Wait for a fetch that this caller started.
    Start(Fetch),
    /// Wait for a fetch that another caller started.
    Join(Fetch),
}

impl<I: Issuer> Cached<I> {
    pub(super) fn new(issuer: I) -> Self {
        Self {
            shared: Arc::new(Inner {
                issuer,
                slots: Mutex::default(),
            }),
        }
    }

    fn step(&self, audience: &str) -> Step {
        let mut slots = self.shared.slots();
        let slot = slots.entry(audience.to_owned()).or_default();
        if let Some(token) = slot.usable() {
            if slot.is_renewal_due() {
                slot.fetch = Some(self.start(audience));
            }
            return Step::Done(Ok(token));
        }
        if let Some(fetch) = &slot.fetch {
            return Step::Join(fetch.clone());
        }
        if let Some(failure) = slot.failure_within(FAILURE_REST) {
            return Step::Done(Err(failure));
        }
        let fetch = self.start(audience);
        slot.fetch = Some(fetch.clone());
        Step::Start(fetch)
    }

    /// Starts a fetch of its own task: it outlives a caller that gives up, and runs ahead of need.
    fn start(&self, audience: &str) -> Fetch {
        let shared = Arc::clone(&self.shared);
        let audience = audience.to_owned();
        let fetch = tokio::spawn(async move {
            let issuing = tokio::spawn(Arc::clone(&shared).issue(audience.clone()));
            let (result, records) = issuing.await.unwrap_or_else(|panic| {
                let failed = TokenError::Unavailable {
                    identity: shared.issuer.identity(),
                    after: None,
                    source: Arc::new(panic),
                };
                (Err(failed), Vec::new())
            });
            shared.settle(&audience, &result);
            Fetched {
                result,
                records: Arc::new(records),
            }
        });
        // Ended before its time only with the runtime, and so with everybody who waits.
        fetch
            .map(|joined| joined.expect("what could panic runs in a task of its own"))
            .boxed()
            .shared()
    }
}

impl<I: Issuer> Inner<I> {
    async fn issue(
        self: Arc<Self>,
        audience: String,
    ) -> (Result<AccessToken, TokenError>, Vec<CallRecord>) {
        let deadline = Instant::now() + FETCH_LIMIT;
        let issue = retry::until(deadline, self.issuer.issue(&audience));
        calls::recorded(issue).await
    }
}

impl<I> Inner<I> {
    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, audience: &str, result: &Result<AccessToken, TokenError>) {
        let mut slots = self.slots();
        let slot = slots.entry(audience.to_owned()).or_default();
        slot.fetch = None;
        match result {
            Ok(token) => {
                let lifetime = token.lifetime();
                let ahead = AHEAD.min(lifetime / 4);
                slot.failure = None;
                slot.held = Some(Held {
                    renew: Instant::now() + lifetime.saturating_sub(ahead),
                    token: token.clone(),
                });
            }
            Err(error) => {
                if slot.usable().is_some() {
                    warn!(audience, error = %Chain(error), "an access token could not be renewed ahead of its end; the present one stays in use");
                }
                slot.failure = Some(Failure {
                    at: Instant::now(),
                    error: error.clone(),
                });
            }
        }
    }
}

impl Slot {
    fn usable(&self) -> Option<AccessToken> {
        let token = &self.held.as_ref()?.token;
        (token.lifetime() > LEAST).then(|| token.clone())
    }

    fn is_renewal_due(&self) -> bool {
        let due = |held: &Held| held.renew <= Instant::now();
        self.fetch.is_none()
            && self.held.as_ref().is_some_and(due)
            && self.failure_within(RENEWAL_REST).is_none()
    }

    fn failure_within(&self, rest: Duration) -> Option<TokenError> {
        let failure = self.failure.as_ref()?;
        (failure.at.elapsed() < rest).then(|| failure.error.clone())
    }
}

impl<I: Issuer> TokenSource for Cached<I> {
    fn token(&self, audience: &str) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        let step = self.step(audience);
        async move {
            match step {
                Step::Done(result) => result,
                Step::Join(fetch) => fetch.await.result,
                Step::Start(fetch) => {
                    let fetched = fetch.await;
                    calls::append(fetched.records.iter().cloned());
                    fetched.result
                }
            }
        }
        .boxed()
    }

    fn refused(&self, audience: &str, token: &AccessToken) -> bool {
        let mut slots = self.shared.slots();
        let Some(slot) = slots.get_mut(audience) else {
            return true;
        };
        let same = |held: &Held| held.token.is(token);
        if !slot.held.as_ref().is_some_and(same) {
            // Another caller has replaced it already.
            return true;
        }
        if slot
            .replaced
            .is_some_and(|at| at.elapsed() < REPLACEMENT_REST)
        {
            return false;
        }
        slot.replaced = Some(Instant::now());
        slot.held = None;
        true
    }
}

#[cfg(test)]
mod tests;
