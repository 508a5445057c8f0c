//! The HTTP side of the custom handler: what the Functions host calls.

mod body;
mod code;
mod invocation;
mod readiness;
mod respond;
mod routes;
mod shutdown;
mod timer;
mod webhook;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

pub use readiness::Readiness;
pub use shutdown::terminated;
pub use timer::is_trigger_envelope;

/// How long running syncs may go on after the host told us to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// How long a delivery may take, counted from its receipt. Well below `functionTimeout` of `host.json`,
/// after which the host would kill this process with everything it is doing.
pub const WEBHOOK_BUDGET: Duration = Duration::from_secs(8);

/// How long a token renewal may take.
pub const RENEWAL_BUDGET: Duration = Duration::from_mins(1);

/// Answers on `listener` until `stop` resolves, then lets running work end for at most five seconds.
///
/// An error means that the listener failed by itself.
pub async fn run(
    listener: TcpListener,
    readiness: Arc<Readiness>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, mut stopped) = watch::channel(());
    let server = axum::serve(listener, routes::router(Arc::clone(&readiness)))
        .with_graceful_shutdown(async move {
            stop.await;
            drop(stopping);
        });
    let work = async {
        server.await?;
        // Some of it goes on for callers who have hung up.
        io::Result::Ok(readiness.drain(DRAIN).await)
    };
    let give_up = async {
        // The sender is dropped when the stop signal arrives; nothing is ever sent.
        let _ = stopped.changed().await;
        tokio::time::sleep(DRAIN).await;
    };
    let drained = tokio::select! {
        drained = work => drained?,
        () = give_up => false,
    };
    if !drained {
        tracing::warn!(
            code = "drain_cut_short",
            "some syncs were still under way when the time to stop ran out; Partner Center will deliver their events again"
        );
    }
    Ok(())
}
