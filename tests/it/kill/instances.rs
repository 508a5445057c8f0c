//! Two instances of the program on one sandbox, each behind a host of its own, and their ends.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sandbox::Sandbox;
use sandbox::deliveries::Delivery;
use sandbox::host::{Host, HostOptions};
use tokio::sync::RwLock;

use crate::rig::{APP_ROOT, Answer, CONNECTOR, overlay, try_post};

/// How long a caller tries to get one delivery accepted. Partner Center's ten attempts take longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(150);

pub(super) struct Instances {
    both: [Instance; 2],
    /// The code words of the deliveries that were accepted.
    accepted: Mutex<Vec<String>>,
}

struct Instance {
    options: HostOptions,
    host: RwLock<Arc<Host>>,
}

impl Instances {
    pub(super) async fn start(sandbox: &Sandbox, settings: &[(&str, &str)]) -> Self {
        let mut options = HostOptions::new(APP_ROOT, overlay(sandbox.settings(), settings));
        options.executable = Some(CONNECTOR.into());
        options.polling.longest_pause = Some(Duration::from_millis(250));
        options.polling.failed_again_after = Some(Duration::from_secs(1));
        // So long is a message hidden that an instance took with it.
        options.polling.hidden = Duration::from_secs(4);
        let both = tokio::join!(Instance::start(options.clone()), Instance::start(options));
        Self {
            both: both.into(),
            accepted: Mutex::default(),
        }
    }

    /// The host of an instance as it is now.
    pub(super) async fn host(&self, index: usize) -> Arc<Host> {
        Arc::clone(&*self.both[index].host.read().await)
    }

    /// Delivers until one of the instances accepts, the first try at instance `first`.
    pub(super) async fn deliver(&self, delivery: &Delivery, first: usize) {
        let begun = Instant::now();
        for attempt in 0.. {
            let host = self.host((first + attempt) % 2).await;
            let answer = try_post(&host, delivery).await;
            match answer {
                Some(answer) if answer.status == 200 => return self.accept(&answer),
                Some(answer) => assert!(answer.status >= 500, "{answer:?}"),
                None => {}
            }
            assert!(begun.elapsed() < PATIENCE, "a delivery is never accepted");
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn accept(&self, answer: &Answer) {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.push(answer.code().to_owned());
    }

    /// The code words of all deliveries that were accepted.
    pub(super) fn accepted(&self) -> Vec<String> {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.clone()
    }

    /// SIGKILL for the program alone: its host lives, tells its callers, and starts another.
    pub(super) async fn kill_program(&self, index: usize) {
        self.host(index).await.restart().await.unwrap();
    }

    /// The whole instance ends without a warning, its host included: whatever it had taken from the queue stays hidden
    /// until its time is over. Another instance takes its place.
    pub(super) async fn kill_instance(&self, index: usize) {
        let instance = &self.both[index];
        self.host(index).await.stop().await;
        let next = Host::start(instance.options.clone()).await.unwrap();
        *instance.host.write().await = Arc::new(next);
    }
}

impl Instance {
    async fn start(options: HostOptions) -> Self {
        let host = Host::start(options.clone()).await.unwrap();
        Self {
            options,
            host: RwLock::new(Arc::new(host)),
        }
    }
}
