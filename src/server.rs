//! The HTTP side of the custom handler: what the Functions host calls.

mod body;
mod code;
mod disposal;
mod invocation;
mod queue;
mod readiness;
mod respond;
mod routes;
mod shutdown;
mod timer;
mod webhook;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::maybe_done;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use readiness::Readiness;
pub use shutdown::terminated;
pub use timer::is_trigger_envelope;

/// How long running syncs may go on after the host told us to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// How long parking those that were not done by then may take.
const PARKING: Duration = Duration::from_secs(2);

/// How long writing down what was done last may take after that.
const SAVING: Duration = Duration::from_millis(500);

/// How long the traces that still wait may take.
const FLUSHING: Duration = Duration::from_millis(500);

/// How long a delivery may take, counted from its receipt. Well below `functionTimeout` of `host.json`,
/// after which the host would kill this process with everything it is doing.
pub const WEBHOOK_BUDGET: Duration = Duration::from_secs(8);

/// How long a parked referral may take.
pub const RETRY_BUDGET: Duration = Duration::from_mins(1);

/// How long a pass of `ReferralReconcile` may take. What it does not come to is left to the next one.
pub const RECONCILE_BUDGET: Duration = Duration::from_mins(4);

/// How long a token renewal may take.
pub const RENEWAL_BUDGET: Duration = Duration::from_mins(1);

/// How long looking for what will need a person, and telling of it, may take after a token renewal.
pub const DAILY_BUDGET: Duration = Duration::from_secs(90);

/// The same after a pass of `ReferralReconcile`.
pub const OFTEN_BUDGET: Duration = Duration::from_secs(20);

/// Answers on `listener` until `stop` resolves. Running syncs get five seconds then; what is not done is parked.
///
/// An error means that the listener failed by itself.
pub async fn run(
    listener: TcpListener,
    readiness: Arc<Readiness>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, mut stopped) = watch::channel(());
    let serving = axum::serve(listener, routes::router(Arc::clone(&readiness)))
        .with_graceful_shutdown(async move {
            stop.await;
            drop(stopping);
        });
    let mut serving = pin!(maybe_done(serving.into_future()));
    let all_done = async {
        serving.as_mut().await;
        // Some of it goes on for callers who have hung up.
        readiness.drain(DRAIN).await
    };
    let time_is_up = async {
        // The sender is dropped when the stop signal arrives; nothing is ever sent.
        let _ = stopped.changed().await;
        tokio::time::sleep(DRAIN).await;
    };
    let done = tokio::select! {
        done = all_done => done,
        () = time_is_up => false,
    };
    if !done {
        let parking = async {
            readiness.park_the_rest().await;
            serving.as_mut().await;
        };
        if tokio::time::timeout(PARKING, parking).await.is_err() {
            tracing::warn!(
                code = "drain_cut_short",
                "some referrals were neither synced nor parked when the time to stop ran out; whoever sent them sends them again"
            );
        }
    }
    readiness.save_activity(SAVING).await;
    readiness.flush(FLUSHING).await;
    serving.take_output().unwrap_or(Ok(()))
}
