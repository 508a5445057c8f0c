//! Keeps the one handler process: starts it, waits until it answers, and applies the host's rules when it ends.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::{mpsc, watch};

use super::console::{Console, Level};
use super::process::{self, Launch, Process, Readiness};

/// What the host thinks of its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is no function to serve, so no handler is started.
    NoFunctions,
    /// The handler runs or is about to, and has not answered `GET /` yet.
    Starting,
    /// The handler answered.
    Running {
        /// The handler's process id.
        pid: i32,
        /// The port it was given.
        port: u16,
    },
    /// The handler exited with code 0: the host believes it still runs, and every invocation fails.
    Zombie {
        /// The port nobody listens at any more.
        port: u16,
    },
    /// The host has shut itself down.
    Stopped,
}

/// How many counted errors stop the host, when none is more than [`COUNTED_FOR`] after the one before.
const COUNTED_ERRORS: usize = 3;
const COUNTED_FOR: Duration = Duration::from_mins(30);
/// The exit code by which a handler asks for a restart that is not counted.
const RESTART_REQUESTED: i32 = 200;

/// The handle to the task that keeps the handler.
#[derive(Debug)]
pub(super) struct Worker {
    state: watch::Receiver<State>,
    exits: watch::Receiver<Vec<ExitStatus>>,
    orders: mpsc::UnboundedSender<Order>,
    task: tokio::task::JoinHandle<()>,
}

/// What the rest of the host asks of the keeper.
#[derive(Debug)]
enum Order {
    /// Kill the handler and start it again, uncounted, as after a function timeout.
    Restart,
    /// Kill the handler for good, as when the host ends.
    Stop,
}

impl Worker {
    /// Starts keeping the handler that `launch` describes.
    pub(super) fn keep(launch: Launch, console: Arc<Console>) -> Self {
        let (state_sender, state) = watch::channel(State::Starting);
        let (exit_sender, exits) = watch::channel(Vec::new());
        let (orders, received) = mpsc::unbounded_channel();
        let keeper = Keeper {
            launch,
            console,
            state: state_sender,
            exits: exit_sender,
            orders: received,
            errors: Vec::new(),
        };
        Self {
            state,
            exits,
            orders,
            task: tokio::spawn(keeper.run()),
        }
    }

    pub(super) fn state(&self) -> State {
        *self.state.borrow()
    }

    /// The first state for which `wanted` holds.
    pub(super) async fn wait_for(
        &self,
        wanted: impl Fn(State) -> bool,
        bound: Duration,
    ) -> Result<State> {
        let mut state = self.state.clone();
        let reached = tokio::time::timeout(bound, state.wait_for(|state| wanted(*state))).await;
        match reached {
            Ok(state) => Ok(*state.context("the keeper of the handler has ended")?),
            Err(_) => bail!("the handler is {:?} after {bound:?}", self.state()),
        }
    }

    /// Sends a signal and waits until the process has ended.
    pub(super) async fn signal(&self, signal: Signal, bound: Duration) -> Result<ExitStatus> {
        let State::Running { pid, .. } = self.state() else {
            bail!("no handler runs, its state is {:?}", self.state());
        };
        let before = self.exits.borrow().len();
        let pid = Pid::from_raw(pid).expect("a running process has an id above zero");
        kill_process(pid, signal).with_context(|| format!("send {signal:?} to the handler"))?;
        let mut exits = self.exits.clone();
        let ended = tokio::time::timeout(bound, exits.wait_for(|exits| exits.len() > before)).await;
        let exits =
            ended.map_err(|_| anyhow!("the handler still runs {bound:?} after {signal:?}"))??;
        Ok(exits[before])
    }

    /// Kills the handler and starts it again; the kill is not counted. Gives when the old process is gone.
    pub(super) async fn restart(&self) -> Result<()> {
        let before = self.exits.borrow().len();
        self.orders
            .send(Order::Restart)
            .context("the keeper of the handler has ended")?;
        if matches!(self.state(), State::Running { .. } | State::Starting) {
            let mut exits = self.exits.clone();
            exits.wait_for(|exits| exits.len() > before).await?;
        }
        Ok(())
    }

    /// Kills the handler for good.
    pub(super) async fn stop(&self) {
        if self.orders.send(Order::Stop).is_ok() {
            let mut state = self.state.clone();
            // An error means that the keeper has ended already, which is what was asked for.
            drop(state.wait_for(|state| *state == State::Stopped).await);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Keeper {
    launch: Launch,
    console: Arc<Console>,
    state: watch::Sender<State>,
    exits: watch::Sender<Vec<ExitStatus>>,
    orders: mpsc::UnboundedReceiver<Order>,
    errors: Vec<Instant>,
}

/// Why a handler process is no longer watched.
enum End {
    Exited(ExitStatus),
    Restart,
    Stop,
    NotReady(String),
}

impl Keeper {
    async fn run(mut self) {
        loop {
            self.state.send_replace(State::Starting);
            let goes_on = match process::start(&self.launch, &self.console) {
                Ok(process) => self.watch(process).await,
                Err(error) => self.count(&format!("failed to start the handler: {error:#}")),
            };
            if !goes_on {
                break;
            }
        }
        self.state.send_replace(State::Stopped);
    }

    /// Watches one process to its end; gives whether another is to be started.
    async fn watch(&mut self, mut process: Process) -> bool {
        let port = process.port;
        let end = self.until_end(&mut process).await;
        if !matches!(end, End::Exited(_)) {
            let status = process.kill().await;
            self.ended(State::Starting, status.ok());
        }
        match end {
            End::Stop => false,
            End::Restart => true,
            End::NotReady(reason) => self.count(&reason),
            End::Exited(status) => match status.code() {
                // The host takes it for nothing at all: no restart, no error, and no handler.
                Some(0) => {
                    self.ended(State::Zombie { port }, Some(status));
                    matches!(self.orders.recv().await, Some(Order::Restart))
                }
                Some(RESTART_REQUESTED) => {
                    self.ended(State::Starting, Some(status));
                    let text = "the handler asked for a restart (exit code 200)";
                    self.console.host(Level::Information, text);
                    true
                }
                _ => {
                    self.ended(State::Starting, Some(status));
                    self.count(&format!("the handler exited with code {}", code(status)))
                }
            },
        }
    }

    /// Whoever waits for an exit finds the state that followed from it.
    fn ended(&self, state: State, status: Option<ExitStatus>) {
        self.state.send_replace(state);
        self.exits.send_modify(|exits| exits.extend(status));
    }

    async fn until_end(&mut self, process: &mut Process) -> End {
        let (pid, port) = (process.pid().unwrap_or_default(), process.port);
        let ready = process::until_ready(port, &self.launch);
        tokio::pin!(ready);
        let mut waiting = true;
        loop {
            tokio::select! {
                status = process.wait() => match status {
                    Ok(status) => return End::Exited(status),
                    Err(error) => return End::NotReady(format!("failed to wait for the handler: {error}")),
                },
                order = self.orders.recv() => return order.map_or(End::Stop, |order| match order {
                    Order::Restart => End::Restart,
                    Order::Stop => End::Stop,
                }),
                readiness = &mut ready, if waiting => match readiness {
                    Readiness::Answered => {
                        waiting = false;
                        self.state.send_replace(State::Running { pid, port });
                    }
                    Readiness::TimedOut(after) => {
                        return End::NotReady(format!("the handler did not answer GET / within {after:?}"));
                    }
                },
            }
        }
    }

    /// Records an error that counts; gives whether the host still starts another handler.
    fn count(&mut self, reason: &str) -> bool {
        self.console.host(Level::Error, reason);
        let now = Instant::now();
        if self
            .errors
            .last()
            .is_some_and(|last| now - *last > COUNTED_FOR)
        {
            self.errors.clear();
        }
        self.errors.push(now);
        if self.errors.len() < COUNTED_ERRORS {
            return true;
        }
        let text = "Exceeded http worker restart retry count. Shutting down Functions Host";
        self.console.host(Level::Error, text);
        false
    }
}

/// The exit code as a shell and the host give it: 128 plus the number for a signal.
fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}
