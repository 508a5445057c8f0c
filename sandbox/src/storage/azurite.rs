//! The Azurite processes of this process: one as a rule, started when the first account is asked for, and ended with
//! this process.

mod installation;

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Mutex,
        mpsc::{self, Receiver, Sender},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
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
    /// Azurite ends when this closes.
    _input: ChildStdin,
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
        Ok(Self {
            _input: process.stdin.take().context("take Azurite's input")?,
            process,
            blobs,
            queues,
            free,
        })
    }

    /// An account, unless all are taken or the process has ended.
    fn free_account(&mut self) -> Option<Account> {
        match self.process.try_wait() {
            Ok(None) => Some(Account::new(self.free.pop()?, &self.blobs, &self.queues)),
            _ => None,
        }
    }
}

/// Sends every line of `stream` on, and reads the rest when nobody wants them any more: Azurite must be able to write.
fn follow(stream: Option<impl Read + Send + 'static>, lines: Sender<String>) {
    let Some(stream) = stream else { return };
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // The receiver is gone once Azurite has started.
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
