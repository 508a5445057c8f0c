//! Starting the handler process: environment, port, output, and the wait for its first answer.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http::{Method, Request};
use http_body_util::Empty;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::app::App;
use super::connection::{self, Dial};
use super::console::{Console, Source};

/// Everything needed to start the handler again and again.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    executable: PathBuf,
    arguments: Vec<String>,
    working_directory: PathBuf,
    environment: BTreeMap<String, String>,
    worker_id: String,
    app_root: PathBuf,
    initialization_timeout: Duration,
    ping_timeout: Option<Duration>,
}

/// A started handler.
pub(super) struct Process {
    child: Child,
    pub(super) port: u16,
    output: JoinSet<()>,
}

/// How the wait for the first answer ended.
pub(super) enum Readiness {
    Answered,
    TimedOut(Duration),
}

/// The pause between two tries of `GET /`.
const PING_PAUSE: Duration = Duration::from_millis(25);
/// How long the last lines of an ended process are waited for.
const OUTPUT_BOUND: Duration = Duration::from_secs(1);
/// What a process needs of its parent's environment to run at all; everything else comes from app settings.
const INHERITED: [&str; 4] = ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"];

impl Launch {
    /// How the handler of `app` is started; `executable` stands in for the file that `host.json` names.
    pub(super) fn new(
        app: &App,
        executable: Option<PathBuf>,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let named = &app.config.executable;
        let below_root = app.root.join(named);
        let executable = match executable {
            Some(path) if path.file_name() != below_root.file_name() => {
                bail!(
                    "host.json names the executable {named:?}, not {}",
                    path.display()
                )
            }
            Some(path) => std::fs::canonicalize(&path)
                .with_context(|| format!("find the handler {}", path.display()))?,
            None if below_root.is_file() => below_root,
            // Left as it is written, for the look-up in PATH.
            None => PathBuf::from(named),
        };
        let mut environment = inherited();
        environment.extend(settings.clone());
        Ok(Self {
            executable,
            arguments: app.config.arguments.clone(),
            working_directory: app.root.join(&app.config.working_directory),
            environment,
            worker_id: uuid::Uuid::new_v4().to_string(),
            app_root: app.root.clone(),
            initialization_timeout: app.config.initialization_timeout,
            ping_timeout: app
                .config
                .function_timeout
                .map(|timeout| timeout + Duration::from_mins(1)),
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a child process is given a part of the parent's environment"
)]
fn inherited() -> BTreeMap<String, String> {
    let value = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
    INHERITED.into_iter().filter_map(value).collect()
}

/// Starts the process with its two output streams followed; gives it with the port it was told.
pub(super) fn start(launch: &Launch, console: &Arc<Console>) -> Result<Process> {
    let port = free_port()?;
    let mut child = Command::new(&launch.executable)
        .args(&launch.arguments)
        .current_dir(&launch.working_directory)
        .env_clear()
        .envs(&launch.environment)
        .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
        .env("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", &launch.worker_id)
        .env("FUNCTIONS_HTTPWORKER_PORT", port.to_string())
        .env("FUNCTIONS_HTTPWORKER_ID", &launch.worker_id)
        .env("FUNCTIONS_APP_ROOT_PATH", &launch.app_root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("start the handler {}", launch.executable.display()))?;
    let mut output = JoinSet::new();
    if let Some(stdout) = child.stdout.take() {
        let console = Arc::clone(console);
        output.spawn(async move { console.follow(Source::Stdout, stdout).await });
    }
    if let Some(stderr) = child.stderr.take() {
        let console = Arc::clone(console);
        output.spawn(async move { console.follow(Source::Stderr, stderr).await });
    }
    Ok(Process {
        child,
        port,
        output,
    })
}

impl Process {
    /// Waits for the end of the process and of what it wrote.
    pub(super) async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        // A child of the handler may hold the streams open for longer; its lines are not waited for.
        let rest = async { while self.output.join_next().await.is_some() {} };
        drop(tokio::time::timeout(OUTPUT_BOUND, rest).await);
        Ok(status)
    }

    /// Kills the process and waits for its end.
    pub(super) async fn kill(&mut self) -> std::io::Result<ExitStatus> {
        self.child.start_kill()?;
        self.wait().await
    }

    pub(super) fn pid(&self) -> Option<i32> {
        self.child.id().and_then(|pid| i32::try_from(pid).ok())
    }
}

/// The host's own way: bind, note the number, close. Another process may take the port in between.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("look for a free port")?;
    Ok(listener.local_addr().context("read the free port")?.port())
}

/// Sends `GET /` every 25 ms. Any answer is good, and so is any failure but a refused connection. The limit is
/// looked at between two tries: a handler that accepts and does not answer stalls the start for longer.
pub(super) async fn until_ready(port: u16, launch: &Launch) -> Readiness {
    let started = Instant::now();
    while !answers(port, launch.ping_timeout).await {
        if started.elapsed() >= launch.initialization_timeout {
            return Readiness::TimedOut(launch.initialization_timeout);
        }
        tokio::time::sleep(PING_PAUSE).await;
    }
    Readiness::Answered
}

async fn answers(port: u16, bound: Option<Duration>) -> bool {
    let ping = Request::builder()
        .method(Method::GET)
        .uri("/")
        .header(http::header::HOST, format!("127.0.0.1:{port}"))
        .body(Empty::<bytes::Bytes>::new())
        .expect("the parts are constants and a number");
    let Ok(handler) = connection::dial(port, Dial::Once).await else {
        return false;
    };
    let answer = handler.send(ping);
    match bound {
        Some(bound) => drop(tokio::time::timeout(bound, answer).await),
        None => drop(answer.await),
    }
    true
}
