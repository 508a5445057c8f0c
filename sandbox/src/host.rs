//! A stand-in for the Azure Functions host: reads the real `host.json` and `function.json` files, starts the real
//! handler, and speaks to it as the host does.
//!
//! It follows the sources of Azure/azure-functions-host and Azure/azure-functions-core-tools (2024 to 2026): the
//! environment and port of the child, the wait for `GET /`, both wire forms of an HTTP call, the JSON envelope of
//! every other trigger, the verdict on its answer, the levels of console lines, and what an exit code means. It is
//! no replacement for a run on the real host. Queues are polled as there. Timers do not fire by themselves here: a
//! test says when.

mod app;
mod connection;
mod console;
mod envelope;
mod forwarding;
mod front;
pub mod funcignore;
mod function;
mod invocation;
mod options;
mod paths;
mod process;
mod proxying;
mod queues;
mod routes;
mod runs;
mod values;
mod worker;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use jiff::Timestamp;
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

pub use app::{App, Config, Refusal};
pub use console::{Level, LogLine, Source};
pub use envelope::{QueueMessage, Tick};
pub use function::{Access, Function, Trigger};
pub use invocation::{Invocation, Outcome};
pub use options::{HostOptions, Polling, Wire};
pub use queues::{MessageEncoding, Queues};
pub use worker::State;

use console::Console;
use process::Launch;
use worker::Worker;

/// The version the host reports to its handler.
const HOST_VERSION: &str = "4.1052.200";
const VERSION_HEADER: HeaderName = HeaderName::from_static("x-azure-functions-hostversion");
const INVOCATION_ID: HeaderName = HeaderName::from_static("x-azure-functions-invocationid");
const KEY_HEADER: HeaderName = HeaderName::from_static("x-functions-key");

/// A running host. Dropping it kills the handler, as the real host does when it ends.
#[derive(Debug)]
pub struct Host {
    shared: Arc<Shared>,
    front: JoinHandle<()>,
    listeners: Vec<JoinHandle<()>>,
    /// The caller outside, for [`Host::post`].
    caller: reqwest::Client,
}

/// What the front, the runs and the handle share.
#[derive(Debug)]
struct Shared {
    app: App,
    wire: Wire,
    keys: Keys,
    console: Arc<Console>,
    /// Absent when there is no function to serve.
    worker: Option<Worker>,
    last_runs: Mutex<BTreeMap<String, Timestamp>>,
    url: Url,
}

#[derive(Debug)]
struct Keys {
    function: String,
    master: String,
    enforced: bool,
}

impl Host {
    /// Starts the host and its handler and waits until the handler answers; an error carries the whole log.
    pub async fn start(options: HostOptions) -> Result<Self> {
        let host = Self::begin(options).await?;
        let bound = host.shared.app.config.initialization_timeout * 4;
        match host
            .wait_for_state(|state| state != State::Starting, bound)
            .await
        {
            Ok(State::Running { .. } | State::NoFunctions) => Ok(host),
            Ok(state) => bail!(
                "the handler did not come up, the host is {state:?}; {}",
                host.log_text()
            ),
            Err(error) => bail!("{error:#}; {}", host.log_text()),
        }
    }

    /// Starts the host and returns at once, whatever becomes of the handler.
    pub async fn begin(options: HostOptions) -> Result<Self> {
        let app = App::read(&options.app_root, &options.settings)?;
        let console = Arc::new(Console::new());
        for refusal in &app.refused {
            let text = format!(
                "The '{}' function is in error: {}",
                refusal.function, refusal.reason
            );
            console.host(Level::Error, text);
        }
        let launch = Launch::new(&app, options.executable.clone(), &options.settings)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port.unwrap_or_default()))
            .await
            .with_context(|| format!("listen at port {:?} for the host", options.port))?;
        let port = listener
            .local_addr()
            .context("read the host's own port")?
            .port();
        let shared = Arc::new(Shared {
            wire: options.wire,
            keys: Keys {
                function: key(),
                master: key(),
                enforced: options.enable_auth,
            },
            worker: (!app.functions.is_empty()).then(|| Worker::keep(launch, Arc::clone(&console))),
            console,
            last_runs: Mutex::default(),
            url: format!("http://127.0.0.1:{port}/")
                .parse()
                .expect("a number makes a good URL"),
            app,
        });
        let mut listeners = Vec::new();
        if options.polling.enabled {
            let all = queues::listeners(&shared, &options).into_iter();
            listeners.extend(all.map(|listener| tokio::spawn(listener.listen())));
        }
        let front = tokio::spawn(front::serve(Arc::clone(&shared), listener));
        let caller = reqwest::Client::builder()
            .no_proxy()
            .build()
            .context("build an http client")?;
        Ok(Self {
            shared,
            front,
            listeners,
            caller,
        })
    }

    /// The host's own address, with a trailing slash.
    pub fn url(&self) -> &Url {
        &self.shared.url
    }

    /// The address of an HTTP function without its key.
    pub fn function_url(&self, function: &str) -> Result<Url> {
        let Some(Function {
            trigger: Trigger::Http { route, .. },
            ..
        }) = self.shared.app.function(function)
        else {
            bail!(
                "the app has no HTTP function {function:?}; {}",
                self.log_text()
            );
        };
        let prefix = &self.shared.app.config.route_prefix;
        let path = if prefix.is_empty() {
            route.clone()
        } else {
            format!("{prefix}/{route}")
        };
        self.url()
            .join(&path)
            .context("write the function's address")
    }

    /// The key that admits a caller to functions of the level `function`.
    pub fn function_key(&self) -> &str {
        &self.shared.keys.function
    }

    /// The key that admits a caller to everything, the admin routes included.
    pub fn master_key(&self) -> &str {
        &self.shared.keys.master
    }

    /// The app as it was read.
    pub fn app(&self) -> &App {
        &self.shared.app
    }

    /// Posts a body to an HTTP function with its key, as a caller outside would.
    pub async fn post(
        &self,
        function: &str,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<Response<Bytes>> {
        let mut key =
            HeaderValue::from_str(self.function_key()).context("write the function key")?;
        key.set_sensitive(true);
        let response = self
            .caller
            .post(self.function_url(function)?)
            .header(KEY_HEADER, key)
            .headers(headers)
            .body(body.into())
            .send()
            .await
            .with_context(|| format!("post to {function}"))?;
        let mut read = Response::new(Bytes::new());
        *read.status_mut() = response.status();
        *read.headers_mut() = response.headers().clone();
        *read.body_mut() = response
            .bytes()
            .await
            .with_context(|| format!("read the answer of {function}"))?;
        Ok(read)
    }

    /// Fires a timer once, on time, and gives how the host judges the run.
    pub async fn run_timer(&self, function: &str) -> Result<Invocation> {
        let last = crate::world::lock(&self.shared.last_runs)
            .get(function)
            .copied();
        runs::timer(
            &self.shared,
            function,
            &Tick {
                last,
                ..Tick::default()
            },
        )
        .await
    }

    /// Fires a timer once under the given circumstances.
    pub async fn run_timer_with(&self, function: &str, tick: &Tick) -> Result<Invocation> {
        runs::timer(&self.shared, function, tick).await
    }

    /// Delivers one message to a queue function.
    pub async fn run_queue(&self, function: &str, message: &QueueMessage) -> Result<Invocation> {
        runs::queue(&self.shared, function, message).await
    }

    /// All log lines since the start.
    pub fn logs(&self) -> Vec<LogLine> {
        self.shared.console.lines()
    }

    /// The log lines after the first `seen`, as soon as there are any.
    pub async fn logs_after(&self, seen: usize) -> Vec<LogLine> {
        self.shared.console.after(seen).await
    }

    /// The lines of level Error: the handler's error stream, and the host's own complaints.
    pub fn errors(&self) -> Vec<LogLine> {
        self.logs()
            .into_iter()
            .filter(|line| line.level == Level::Error)
            .collect()
    }

    /// The first line, past or to come, for which `wanted` holds.
    pub async fn wait_for_log(
        &self,
        wanted: impl Fn(&LogLine) -> bool,
        bound: Duration,
    ) -> Result<LogLine> {
        self.shared.console.wait_for(wanted, bound).await
    }

    /// What the host thinks of its handler.
    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// Waits for a state.
    pub async fn wait_for_state(
        &self,
        wanted: impl Fn(State) -> bool,
        bound: Duration,
    ) -> Result<State> {
        match &self.shared.worker {
            Some(worker) => worker.wait_for(wanted, bound).await,
            None => Ok(State::NoFunctions),
        }
    }

    /// The handler's process id while it runs.
    pub fn pid(&self) -> Option<i32> {
        match self.state() {
            State::Running { pid, .. } => Some(pid),
            _ => None,
        }
    }

    /// Sends SIGTERM, as the platform does when it takes an instance away, and waits for the end.
    pub async fn terminate(&self, bound: Duration) -> Result<ExitStatus> {
        self.shared.worker()?.signal(Signal::TERM, bound).await
    }

    /// Sends SIGKILL. The host counts that as a crash and starts the handler again.
    pub async fn kill(&self) -> Result<ExitStatus> {
        self.shared
            .worker()?
            .signal(Signal::KILL, Duration::from_secs(5))
            .await
    }

    /// Kills the handler and starts another, uncounted, and waits until it answers.
    pub async fn restart(&self) -> Result<()> {
        let worker = self.shared.worker()?;
        worker.restart().await?;
        let bound = self.shared.app.config.initialization_timeout * 4;
        worker
            .wait_for(|state| matches!(state, State::Running { .. }), bound)
            .await?;
        Ok(())
    }

    /// Ends the host: the handler is killed without a warning, and every call is answered 503.
    pub async fn stop(&self) {
        // What they work on stays hidden, as when the host's process is gone.
        self.listeners.iter().for_each(JoinHandle::abort);
        if let Some(worker) = &self.shared.worker {
            worker.stop().await;
        }
    }

    fn log_text(&self) -> String {
        let lines = self
            .logs()
            .into_iter()
            .map(|line| format!("\n  {:?} {}", line.level, line.text));
        format!("the log holds:{}", lines.collect::<String>())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.front.abort();
        self.listeners.iter().for_each(JoinHandle::abort);
    }
}

impl Shared {
    fn state(&self) -> State {
        self.worker
            .as_ref()
            .map_or(State::NoFunctions, Worker::state)
    }

    fn worker(&self) -> Result<&Worker> {
        self.worker
            .as_ref()
            .context("the app has no function, so no handler was started")
    }
}

/// Whether a request to the storage account is the host's own, not the handler's.
pub(crate) fn is_hosts_own(headers: &HeaderMap) -> bool {
    headers
        .get(http::header::USER_AGENT)
        .is_some_and(|agent| agent == queues::HOST_AGENT)
}

/// A key of the strength Azure makes them.
fn key() -> String {
    format!(
        "{}{}",
        uuid::Uuid::new_v4().simple(),
        uuid::Uuid::new_v4().simple()
    )
}
