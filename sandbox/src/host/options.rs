//! How a host is started.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Which generation of the host is played: whether it knows `enableProxyingHttpRequest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wire {
    /// A host of 2025 or later, which prefers the reverse proxy.
    #[default]
    Proxying,
    /// An older host, which ignores that flag and builds the request anew.
    Forwarding,
}

/// How a host is started.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// The folder that holds `host.json`.
    pub app_root: PathBuf,
    /// The handler's file, when it is not the one `host.json` names below the app's folder. The file's name
    /// must be the one that `host.json` gives.
    pub executable: Option<PathBuf>,
    /// The app settings. The handler sees them, and nothing else of this process but `PATH` and its like.
    pub settings: BTreeMap<String, String>,
    /// The generation of the host.
    pub wire: Wire,
    /// The port of the front; any free one when absent.
    pub port: Option<u16>,
    /// Whether function keys are asked for, as on Azure. `func start` asks only under `--enableAuth`.
    pub enable_auth: bool,
    /// How queues are polled.
    pub polling: Polling,
}

/// How the host looks for messages of queue functions. What is absent is as `host.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polling {
    /// Whether it looks at all. Without, a test delivers messages by [`Host::run_queue`](super::Host::run_queue).
    pub enabled: bool,
    /// The longest pause between two looks at an empty queue, in place of `maxPollingInterval`.
    pub longest_pause: Option<Duration>,
    /// When a message is tried again after a failure, in whole seconds, in place of `visibilityTimeout`.
    pub failed_again_after: Option<Duration>,
    /// How long a message is hidden while the handler has it, in whole seconds; renewed after half of that.
    pub hidden: Duration,
}

impl Default for Polling {
    fn default() -> Self {
        Self {
            enabled: true,
            longest_pause: None,
            failed_again_after: None,
            hidden: Duration::from_mins(10),
        }
    }
}

impl HostOptions {
    /// The app below `app_root` with these settings, a current host, keys asked for.
    pub fn new(app_root: impl Into<PathBuf>, settings: BTreeMap<String, String>) -> Self {
        Self {
            app_root: app_root.into(),
            executable: None,
            settings,
            wire: Wire::default(),
            port: None,
            enable_auth: true,
            polling: Polling::default(),
        }
    }
}
