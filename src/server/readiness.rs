//! Whether calls can be served yet, or at all.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::invocation::Invocation;
use super::respond::Done;
use crate::app::App;
use crate::telemetry::insights::Ended;

/// Starts as "not yet". Becomes ready or misconfigured once, and stays so.
pub struct Readiness(watch::Sender<State>);

#[derive(Clone)]
enum State {
    Starting,
    Ready(Arc<App>),
    Misconfigured(Arc<[String]>),
}

impl Default for Readiness {
    fn default() -> Self {
        Self(watch::Sender::new(State::Starting))
    }
}

impl Readiness {
    /// Serves calls with `app` from now on.
    pub fn ready(&self, app: Arc<App>) {
        self.0.send_replace(State::Ready(app));
    }

    /// Refuses calls from now on because of `problems`, one sentence each.
    pub fn misconfigured(&self, problems: Vec<String>) {
        self.0.send_replace(State::Misconfigured(problems.into()));
    }

    /// The app, once it is there; or what is wrong with the settings.
    pub(super) async fn app(&self) -> Result<Arc<App>, Arc<[String]>> {
        let mut state = self.0.subscribe();
        let state = state
            .wait_for(|state| !matches!(state, State::Starting))
            .await
            .expect("the sender is a field of the object this is called on")
            .clone();
        match state {
            State::Ready(app) => Ok(app),
            State::Misconfigured(problems) => Err(problems),
            State::Starting => unreachable!("waited for anything else"),
        }
    }

    /// Waits until no work is running, for at most `bound`; says whether it came to that.
    pub(super) async fn drain(&self, bound: Duration) -> bool {
        let state = self.0.borrow().clone();
        match state {
            State::Ready(app) => app.drain(bound).await,
            State::Starting | State::Misconfigured(_) => true,
        }
    }

    /// Writes down what was done last, if that takes no longer than `bound`.
    pub(super) async fn save_activity(&self, bound: Duration) {
        let state = self.0.borrow().clone();
        if let State::Ready(app) = state {
            // It is no loss if it is not written down.
            let _ = tokio::time::timeout(bound, app.save_activity()).await;
        }
    }

    /// Sends the spans of a call that has ended, if they are wanted. What was refused at the door has none: a flood of
    /// forgeries is to cost nothing.
    pub(super) fn trace(&self, function: &'static str, invocation: &Invocation, done: Done) {
        let state = self.0.borrow();
        let State::Ready(app) = &*state else {
            return;
        };
        let status = done.code.status();
        if let Some(insights) = &app.insights
            && !status.is_client_error()
        {
            insights.record(Ended {
                function,
                trace: invocation.trace(),
                elapsed: invocation.elapsed(),
                status: status.as_u16(),
                code: done.code.word(),
                calls: done.calls,
            });
        }
    }

    /// Sends the spans that wait, for at most `bound`.
    pub(super) async fn flush(&self, bound: Duration) {
        let state = self.0.borrow().clone();
        if let State::Ready(app) = state
            && let Some(insights) = &app.insights
        {
            insights.flush(bound).await;
        }
    }

    /// Parks what is still being synced, and waits for that.
    pub(super) async fn park_the_rest(&self) {
        let state = self.0.borrow().clone();
        if let State::Ready(app) = state {
            app.park_the_rest().await;
        }
    }
}
