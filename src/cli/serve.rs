//! `serve`: answers the Functions host until it says stop.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::output::{complain, complain_about};
use super::{Exit, config, environment};
use crate::app::App;
use crate::failure::Chain;
use crate::server::{self, Readiness};
use crate::telemetry::{self, LogFormat};

/// The Functions host names the port here.
const HOST_PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// How often wrong settings are repeated in the log: often enough to be at its end when somebody looks.
const REMINDER: Duration = Duration::from_mins(1);

/// Serve the app's functions as a custom handler.
///
/// The Azure Functions host starts this command and passes the port in `FUNCTIONS_CUSTOMHANDLER_PORT`; calls are taken on
/// 127.0.0.1 only. With wrong settings the process stays up under the host, refuses every call as `misconfigured` and
/// logs each problem once a minute. Started by hand (`--port`), wrong settings end it with exit code 64.
#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// Listen on this port of 127.0.0.1 instead of the one the Functions host names.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Log JSON lines even on a terminal, whatever `LOG_FORMAT` says.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: ServeArgs) -> Exit {
    let levels = environment("RUST_LOG").unwrap_or_default();
    telemetry::start(log_format(&args), &levels);
    telemetry::log_panics();

    let (port, under_host) = match port(&args) {
        Ok(port) => port,
        Err(problem) => {
            complain(&problem);
            return Exit::Usage;
        }
    };
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => listener,
        Err(error) => {
            complain(&format!("cannot listen on 127.0.0.1:{port}: {error}"));
            return Exit::TryAgain;
        }
    };
    let readiness = Arc::new(Readiness::default());
    let starting = tokio::spawn(start(Arc::clone(&readiness), under_host));
    serve(listener, readiness, starting).await
}

/// A `LOG_FORMAT` that is no format counts as not set: a log in the wrong form is better than none.
fn log_format(args: &ServeArgs) -> LogFormat {
    if args.json {
        return LogFormat::Json;
    }
    let format = environment("LOG_FORMAT").and_then(|text| text.parse().ok());
    format.unwrap_or_default()
}

/// The port, and whether the Functions host named it.
fn port(args: &ServeArgs) -> Result<(u16, bool), String> {
    match (args.port, environment(HOST_PORT)) {
        (Some(port), _) => Ok((port, false)),
        (None, Some(text)) => match text.parse() {
            Ok(port) => Ok((port, true)),
            Err(_) => Err(format!("{HOST_PORT}={text:?} is no port")),
        },
        (None, None) => Err(format!(
            "{HOST_PORT} is not set: the Functions host sets it; without a host, give --port"
        )),
    }
}

async fn serve(
    listener: TcpListener,
    readiness: Arc<Readiness>,
    mut starting: tokio::task::JoinHandle<Result<(), Exit>>,
) -> Exit {
    let stop = async {
        if let Err(error) = server::terminated().await {
            tracing::error!(code = "no_signals", %error, "cannot listen for the signal to stop");
            std::future::pending::<()>().await;
        }
    };
    let serving = server::run(listener, readiness, stop);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        started = &mut starting => match started {
            Ok(Err(exit)) => return exit,
            _ => serving.await,
        },
    };
    match ended {
        Ok(()) => {
            tracing::info!(code = "stopped", "stopped as told");
            Exit::Success
        }
        Err(error) => {
            tracing::error!(code = "listener_failed", error = %Chain(&error), "the listener failed");
            Exit::Failure
        }
    }
}

/// Builds everything that takes time, after the host can already reach us.
async fn start(readiness: Arc<Readiness>, under_host: bool) -> Result<(), Exit> {
    let built = tokio::task::spawn_blocking(|| config().and_then(App::build)).await;
    let error = match built {
        Ok(Ok(app)) => {
            tracing::info!(
                code = "started",
                version = env!("CARGO_PKG_VERSION"),
                mode = app.options.mode.word(),
                "ready to take deliveries"
            );
            for problem in &app.mapping_file.problems {
                tracing::error!(
                    code = "mapping_file",
                    "MAPPING_FILE cannot be used, the default rules are in force: {problem}"
                );
            }
            let app = Arc::new(app);
            readiness.ready(Arc::clone(&app));
            tokio::spawn(async move { app.keep_activity().await });
            return Ok(());
        }
        Ok(Err(error)) => error,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    if !under_host {
        complain_about(&error);
        return Err(Exit::Usage);
    }
    readiness.misconfigured(error.problems.clone());
    let mut reminder = tokio::time::interval(REMINDER);
    loop {
        reminder.tick().await;
        for problem in &error.problems {
            tracing::error!(code = "misconfigured", "a setting is wrong: {problem}");
        }
    }
}
