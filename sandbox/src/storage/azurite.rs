//! The Azurite processes of this process: one as a rule, started when the first account is asked for, and ended with
//! this process.

mod installation;

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;
use url::Url;

use super::account::{Account, Credentials};
use crate::world::lock;

/// How many accounts one process has: what fits into the one environment variable that names them.
const ACCOUNTS: usize = 500;
/// How long Azurite may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
const ARGUMENTS: [&str; 8] = [
    "--blobPort=0",
    "--queuePort=0",
    "--tablePort=0",
    "--blobKeepAliveTimeout=60",
    "--queueKeepAliveTimeout=60",
    "--inMemoryPersistence",
    "--disableTelemetry",
    "--silent",
];
/// Azurite says so of each service once it listens.
const LISTENING: &str = " service is successfully listening at ";

/// Begins the line that answers a question.
const ANSWER: &str = "answer ";

/// None is ended before this process ends: its accounts may be in use.
static STARTED: Mutex<Vec<Azurite>> = Mutex::new(Vec::new());

/// An account that nobody has yet.
pub(crate) async fn account() -> anyhow::Result<Account> {
    tokio::task::spawn_blocking(free_account)
        .await
        .context("wait for Azurite")?
}

fn free_account() -> anyhow::Result<Account> {
    let mut started = lock(&STARTED);
    if let Some(account) = started.last_mut().and_then(Azurite::free_account) {
        return Ok(account);
    }
    let mut azurite = Azurite::start().context("start Azurite, the sandbox's storage")?;
    let account = azurite.free_account();
    started.push(azurite);
    account.context("Azurite ended as soon as it had started")
}

struct Azurite {
    process: Child,
    console: Arc<Console>,
    blobs: Url,
    queues: Url,
    free: Vec<Credentials>,
}

impl Azurite {
    fn start() -> anyhow::Result<Self> {
        let home = installation::home()?;
        let free: Vec<_> = (0..ACCOUNTS)
            .map(Credentials::generate)
            .collect::<Result<_, _>>()?;
        let accounts: Vec<_> = free
            .iter()
            .map(Credentials::as_azurite_reads_them)
            .collect();
        let mut process = Command::new(installation::NODE)
            .arg(installation::PROGRAM)
            .args(ARGUMENTS)
            .current_dir(home)
            .env("AZURITE_ACCOUNTS", accounts.join(";"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| installation::not_started(installation::NODE, error))?;
        let (sender, lines) = mpsc::channel();
        follow(process.stdout.take(), sender.clone());
        follow(process.stderr.take(), sender);
        let listening = listening(&lines);
        if listening.is_err() {
            // It may have ended by itself.
            drop(process.kill());
            drop(process.wait());
        }
        let [blobs, queues] = listening?;
        let input = process.stdin.take().context("take Azurite's input")?;
        Ok(Self {
            process,
            console: Arc::new(Console(Mutex::new((input, lines)))),
            blobs,
            queues,
            free,
        })
    }

    /// An account, unless all are taken or the process has ended.
    fn free_account(&mut self) -> Option<Account> {
        match self.process.try_wait() {
            Ok(None) => Some(Account {
                credentials: self.free.pop()?,
                blobs: self.blobs.clone(),
                queues: self.queues.clone(),
                console: Arc::clone(&self.console),
            }),
            _ => None,
        }
    }
}

/// Azurite's standard input, whose end ends it, and the lines it writes.
#[derive(Debug)]
pub(super) struct Console(Mutex<(ChildStdin, Receiver<String>)>);

impl Console {
    /// The answer to `question`, of those that the emulator's program lists.
    pub(super) async fn ask(self: Arc<Self>, question: Value) -> anyhow::Result<Value> {
        tokio::task::spawn_blocking(move || self.exchange(&question))
            .await
            .context("wait for Azurite")?
    }

    fn exchange(&self, question: &Value) -> anyhow::Result<Value> {
        let (input, lines) = &mut *lock(&self.0);
        writeln!(input, "{question}").context("ask Azurite")?;
        let answer = loop {
            let line = lines.recv_timeout(PATIENCE);
            let line = line.context("wait for Azurite's answer")?;
            if let Some(answer) = line.strip_prefix(ANSWER) {
                break serde_json::from_str::<Value>(answer)?;
            }
        };
        match answer.get("answer") {
            Some(answer) => Ok(answer.clone()),
            None => Err(anyhow!("Azurite refuses to tell: {answer}")),
        }
    }
}

/// Sends every line of `stream` on, as long as there is one.
fn follow(stream: Option<impl Read + Send + 'static>, lines: Sender<String>) {
    let Some(stream) = stream else { return };
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Nobody reads them when the start failed.
            drop(lines.send(line));
        }
    });
}

/// The addresses of the blob and the queue service, as soon as both are there.
fn listening(lines: &Receiver<String>) -> anyhow::Result<[Url; 2]> {
    let deadline = Instant::now() + PATIENCE;
    let mut said = String::new();
    let (mut blobs, mut queues): (Option<Url>, Option<Url>) = (None, None);
    loop {
        if let (Some(blobs), Some(queues)) = (&blobs, &queues) {
            return Ok([blobs.clone(), queues.clone()]);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(line) = lines.recv_timeout(left) else {
            bail!("it ended, or did not listen within {PATIENCE:?}; it said:\n{said}");
        };
        match line.split_once(LISTENING) {
            Some(("Azurite Blob", address)) => blobs = Some(address.parse()?),
            Some(("Azurite Queue", address)) => queues = Some(address.parse()?),
            _ => {}
        }
        said += &line;
        said.push('\n');
    }
}
