//! What the host reads from an app's folder: `host.json` and every `*/function.json`, with the refusals of the real host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::Value;

use super::function::{self, Function};
use super::queues::{Queues, QueuesJson};
use super::values;

/// An app as the host sees it after start-up.
#[derive(Debug, Clone)]
pub struct App {
    /// The folder that holds `host.json`, absolute.
    pub root: PathBuf,
    /// What `host.json` says, after the overrides by app settings.
    pub config: Config,
    /// The functions that were indexed, by name.
    pub functions: Vec<Function>,
    /// The functions that were not, and why.
    pub refused: Vec<Refusal>,
}

/// A function folder the host does not index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The folder's name.
    pub function: String,
    /// What the host objects to.
    pub reason: String,
}

/// The part of `host.json` that decides how the handler is started and spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `customHandler.description.defaultExecutablePath`, as written.
    pub executable: String,
    /// `customHandler.description.arguments`, with `%NAME%` expanded.
    pub arguments: Vec<String>,
    /// `customHandler.description.workingDirectory`; empty stands for the app's folder.
    pub working_directory: String,
    /// `customHandler.enableForwardingHttpRequest`.
    pub forwarding: bool,
    /// `customHandler.enableProxyingHttpRequest`.
    pub proxying: bool,
    /// `customHandler.initializationTimeout`, 30 seconds when absent.
    pub initialization_timeout: Duration,
    /// `functionTimeout`; `None` stands for `-1`, no limit.
    pub function_timeout: Option<Duration>,
    /// `extensions.http.routePrefix`, `api` when absent.
    pub route_prefix: String,
    /// `extensions.queues`.
    pub queues: Queues,
}

impl App {
    /// Reads the app below `root` with the given app settings.
    pub fn read(root: &Path, settings: &BTreeMap<String, String>) -> Result<Self> {
        let root = std::fs::canonicalize(root)
            .with_context(|| format!("find the app folder {}", root.display()))?;
        let config = read_config(&root, settings)?;
        let mut functions: Vec<Function> = Vec::new();
        let mut refused = Vec::new();
        for (name, path) in function_folders(&root)? {
            match function::read(&name, &path, settings) {
                Ok(function) => functions.push(function),
                Err(reason) => refused.push(Refusal {
                    function: name,
                    reason: format!("{reason:#}"),
                }),
            }
        }
        Ok(Self {
            root,
            config,
            functions,
            refused,
        })
    }

    /// The indexed function of this name, compared without regard to case.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions
            .iter()
            .find(|function| function.name.eq_ignore_ascii_case(name))
    }
}

/// Every folder directly below the root that holds a `function.json`, by name.
fn function_folders(root: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let entries = std::fs::read_dir(root)
        .with_context(|| format!("list the app folder {}", root.display()))?;
    let mut folders = BTreeMap::new();
    for entry in entries {
        let path = entry.context("list the app folder")?.path();
        if path.join("function.json").is_file() {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            folders.insert(name, path);
        }
    }
    Ok(folders)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HostJson {
    version: String,
    #[serde(default)]
    function_timeout: Option<String>,
    #[serde(default)]
    extensions: Extensions,
    custom_handler: CustomHandler,
}

#[derive(Default, Deserialize)]
struct Extensions {
    #[serde(default)]
    http: HttpExtension,
    #[serde(default)]
    queues: QueuesJson,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpExtension {
    route_prefix: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomHandler {
    description: Description,
    #[serde(default)]
    enable_forwarding_http_request: bool,
    #[serde(default)]
    enable_proxying_http_request: bool,
    initialization_timeout: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    default_executable_path: String,
    #[serde(default)]
    working_directory: String,
    #[serde(default)]
    arguments: Vec<String>,
}

/// The host's default run time of a function on a Consumption plan.
const DEFAULT_FUNCTION_TIMEOUT: &str = "00:05:00";
const DEFAULT_INITIALIZATION_TIMEOUT: &str = "00:00:30";
/// An app setting that begins so replaces one value of `host.json`.
const OVERRIDE_PREFIX: &str = "AzureFunctionsJobHost__";

fn read_config(root: &Path, settings: &BTreeMap<String, String>) -> Result<Config> {
    let path = root.join("host.json");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let mut json: Value =
        serde_json::from_str(&text).with_context(|| format!("parse {}", path.display()))?;
    for (name, value) in settings {
        if let Some(place) = name.strip_prefix(OVERRIDE_PREFIX) {
            set(&mut json, place, value);
        }
    }
    let parsed: HostJson =
        serde_json::from_value(json).with_context(|| format!("read {}", path.display()))?;
    config(parsed, settings)
}

fn config(host: HostJson, settings: &BTreeMap<String, String>) -> Result<Config> {
    if host.version != "2.0" {
        bail!("host.json must say version 2.0, it says {:?}", host.version);
    }
    let description = host.custom_handler.description;
    if description.default_executable_path.is_empty() {
        bail!("host.json names no customHandler.description.defaultExecutablePath");
    }
    let timeout = host
        .function_timeout
        .as_deref()
        .unwrap_or(DEFAULT_FUNCTION_TIMEOUT);
    let initialization = host
        .custom_handler
        .initialization_timeout
        .as_deref()
        .unwrap_or(DEFAULT_INITIALIZATION_TIMEOUT);
    Ok(Config {
        executable: description.default_executable_path,
        arguments: description
            .arguments
            .iter()
            .map(|text| values::expand(text, settings))
            .collect(),
        working_directory: description.working_directory,
        forwarding: host.custom_handler.enable_forwarding_http_request,
        proxying: host.custom_handler.enable_proxying_http_request,
        initialization_timeout: values::time_span(initialization)
            .ok_or_else(|| anyhow!("initializationTimeout {initialization:?} is not hh:mm:ss"))?,
        function_timeout: match timeout {
            "-1" => None,
            text => Some(
                values::time_span(text)
                    .ok_or_else(|| anyhow!("functionTimeout {text:?} is not hh:mm:ss"))?,
            ),
        },
        queues: host
            .extensions
            .queues
            .read()
            .context("read extensions.queues")?,
        route_prefix: host
            .extensions
            .http
            .route_prefix
            .unwrap_or_else(|| "api".to_owned())
            .trim_matches('/')
            .to_owned(),
    })
}

/// Replaces the value at `place` (`a__b__c`, keys in any case); booleans and numbers keep their JSON type.
fn set(json: &mut Value, place: &str, value: &str) {
    let mut at = json;
    for key in place.split("__") {
        let Some(object) = at.as_object_mut() else {
            return;
        };
        let key = object
            .keys()
            .find(|existing| existing.eq_ignore_ascii_case(key))
            .cloned()
            .unwrap_or_else(|| key.to_owned());
        at = object
            .entry(key)
            .or_insert_with(|| Value::Object(serde_json::Map::new()));
    }
    *at = match value.to_ascii_lowercase().as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::String(value.to_owned()),
    };
}
