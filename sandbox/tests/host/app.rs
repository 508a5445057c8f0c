//! App folders whose handler is the scripted one.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use sandbox::host::{Host, HostOptions, Wire};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An app folder whose handler is the scripted one.
pub(crate) struct App {
    pub(crate) folder: TempDir,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) wire: Wire,
}

impl App {
    pub(crate) fn new() -> Result<Self> {
        let app = Self {
            folder: TempDir::new()?,
            settings: BTreeMap::new(),
            wire: Wire::Proxying,
        };
        app.host_json(&json!({}))?;
        app.function(
            "Hook",
            &http(&json!({ "methods": ["post"], "route": "{*rest}", "authLevel": "function" })),
        )?;
        Ok(app)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn with_timer(self) -> Result<Self> {
        let schedule = json!({ "type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "%WHEN%" });
        self.function("Tick", &json!({ "bindings": [schedule] }))?;
        Ok(self.with("WHEN", "0 0 5 * * *"))
    }

    pub(crate) fn forwarding(mut self) -> Self {
        self.wire = Wire::Forwarding;
        self
    }

    /// Members given here replace those of a plain `host.json`.
    pub(crate) fn host_json(&self, members: &Value) -> Result<()> {
        let mut all = json!({
            "version": "2.0",
            "customHandler": {
                "description": { "defaultExecutablePath": "scripted-handler", "arguments": ["serve", "%WHEN%"] },
                "enableForwardingHttpRequest": true,
                "enableProxyingHttpRequest": true,
                "initializationTimeout": "00:00:10",
            },
        });
        for (name, value) in members.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        std::fs::write(self.folder.path().join("host.json"), all.to_string())?;
        Ok(())
    }

    pub(crate) fn function(&self, name: &str, json: &Value) -> Result<()> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("function.json"), json.to_string())?;
        Ok(())
    }

    pub(crate) fn options(&self) -> HostOptions {
        HostOptions {
            executable: Some(Path::new(env!("CARGO_BIN_EXE_scripted-handler")).to_owned()),
            wire: self.wire,
            ..HostOptions::new(self.folder.path(), self.settings.clone())
        }
    }

    pub(crate) async fn start(&self) -> Result<Host> {
        Host::start(self.options()).await
    }
}

/// An HTTP function with these members of its trigger.
pub(crate) fn http(members: &Value) -> Value {
    let mut trigger = json!({ "type": "httpTrigger", "direction": "in", "name": "req" });
    for (name, value) in members.as_object().into_iter().flatten() {
        trigger[name] = value.clone();
    }
    json!({ "bindings": [trigger, { "type": "http", "direction": "out", "name": "res" }] })
}
