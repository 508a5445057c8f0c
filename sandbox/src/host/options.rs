//! How a host is started.

use std::collections::BTreeMap;
use std::path::PathBuf;

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
        }
    }
}
