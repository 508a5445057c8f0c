//! One function folder: its trigger, and what the host refuses about it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::values;

/// A function the host has indexed.
#[derive(Debug, Clone)]
pub struct Function {
    /// The folder's name, which is also the path of its trigger endpoint.
    pub name: String,
    /// The trigger binding's name, the key under `Data`.
    pub binding: String,
    /// What starts it.
    pub trigger: Trigger,
    /// Exactly one `httpTrigger` in and one `http` out: only then a request is handed on as it came.
    pub http_in_and_out: bool,
    /// The name of its `http` output binding, if it has one.
    pub http_output: Option<String>,
    /// `retry.maxRetryCount`, when the function has a retry policy.
    pub max_retry_count: Option<i64>,
}

/// What starts a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// An HTTP call below the route prefix.
    Http {
        /// The route without the prefix; the function's name when `function.json` gives none.
        route: String,
        /// The methods it answers; empty stands for all.
        methods: Vec<Method>,
        /// Whose key a caller needs.
        access: Access,
    },
    /// A schedule.
    Timer {
        /// The schedule with its setting filled in.
        schedule: String,
        /// Whether the host remembers the last run and fills `ScheduleStatus`.
        use_monitor: bool,
    },
    /// A message of a Storage queue.
    Queue {
        /// The queue's name with its setting filled in.
        queue: String,
        /// The connection's name: `Storage`, which is the app setting `AzureWebJobsStorage`, when none is given.
        connection: String,
    },
}

/// Whose key a caller of an HTTP function needs (`authLevel`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nobody's.
    Anonymous,
    /// The function's or the master key; the default.
    Function,
    /// The master key.
    Admin,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionJson {
    bindings: Vec<Binding>,
    #[serde(default)]
    disabled: bool,
    retry: Option<Retry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    direction: String,
    route: Option<String>,
    #[serde(default)]
    methods: Vec<String>,
    auth_level: Option<String>,
    schedule: Option<String>,
    use_monitor: Option<Value>,
    queue_name: Option<String>,
    connection: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Retry {
    max_retry_count: i64,
}

/// Reads the function in `folder`; the error is what the host would log as its reason not to index it.
pub(super) fn read(
    name: &str,
    folder: &Path,
    settings: &BTreeMap<String, String>,
) -> Result<Function> {
    if !is_function_name(name) {
        bail!(
            "{name:?} is no function name: a letter first, then up to 127 letters, digits, '_' or '-'"
        );
    }
    refuse_other_files(folder)?;
    let text =
        std::fs::read_to_string(folder.join("function.json")).context("read function.json")?;
    let json: FunctionJson = serde_json::from_str(&text).context("parse function.json")?;
    if json.disabled {
        bail!("function.json says disabled");
    }
    for binding in &json.bindings {
        if !is_binding_name(&binding.name) {
            bail!("{:?} is no binding name", binding.name);
        }
    }
    index(name, &json, settings)
}

fn index(name: &str, json: &FunctionJson, settings: &BTreeMap<String, String>) -> Result<Function> {
    let mut triggers = json.bindings.iter().filter(|binding| is_trigger(binding));
    let Some(binding) = triggers.next() else {
        bail!("no trigger binding was found")
    };
    if triggers.next().is_some() {
        bail!("more than one trigger binding was found");
    }
    let (inputs, outputs): (Vec<_>, Vec<_>) = json
        .bindings
        .iter()
        .partition(|binding| binding.direction.eq_ignore_ascii_case("in"));
    let http_output = outputs
        .iter()
        .find(|binding| binding.kind.eq_ignore_ascii_case("http"));
    Ok(Function {
        name: name.to_owned(),
        binding: binding.name.clone(),
        trigger: trigger(name, binding, settings)?,
        http_in_and_out: inputs.len() == 1
            && inputs[0].kind.eq_ignore_ascii_case("httpTrigger")
            && outputs.len() == 1
            && http_output.is_some(),
        http_output: http_output.map(|binding| binding.name.clone()),
        max_retry_count: json.retry.as_ref().map(|retry| retry.max_retry_count),
    })
}

fn trigger(name: &str, binding: &Binding, settings: &BTreeMap<String, String>) -> Result<Trigger> {
    let resolve = |text: &str| match values::resolve(text, settings) {
        Ok(value) => Ok(value),
        Err(setting) => {
            bail!("%{setting}% does not resolve to a value: the app setting {setting} is missing")
        }
    };
    match binding.kind.to_ascii_lowercase().as_str() {
        "httptrigger" => http_trigger(name, binding),
        "timertrigger" => {
            let schedule = resolve(binding.schedule.as_deref().unwrap_or_default())?;
            if !values::is_schedule(&schedule) {
                bail!(
                    "the schedule expression {schedule:?} was not recognized as a valid cron expression"
                );
            }
            let monitor = binding.use_monitor.as_ref().and_then(Value::as_bool);
            Ok(Trigger::Timer {
                schedule,
                use_monitor: monitor.unwrap_or(true),
            })
        }
        "queuetrigger" => match resolve(binding.queue_name.as_deref().unwrap_or_default())? {
            queue if queue.is_empty() => bail!("the queue trigger names no queueName"),
            queue => {
                let connection = resolve(binding.connection.as_deref().unwrap_or_default())?;
                Ok(Trigger::Queue {
                    queue,
                    connection: if connection.is_empty() {
                        "Storage".to_owned()
                    } else {
                        connection
                    },
                })
            }
        },
        other => bail!("the binding type {other:?} is not registered"),
    }
}

fn http_trigger(name: &str, binding: &Binding) -> Result<Trigger> {
    let route = binding
        .route
        .as_deref()
        .unwrap_or(name)
        .trim_matches('/')
        .to_owned();
    let first = route
        .split('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    if first == "admin" || first == "runtime" {
        bail!("the route {route:?} conflicts with one or more built in routes");
    }
    let access = match binding
        .auth_level
        .as_deref()
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        None | Some("function") => Access::Function,
        Some("anonymous") => Access::Anonymous,
        Some("admin") => Access::Admin,
        Some(other) => bail!("authLevel {other:?} is unknown"),
    };
    let mut methods = Vec::new();
    for method in &binding.methods {
        methods.push(
            method
                .to_ascii_uppercase()
                .parse()
                .with_context(|| format!("read the method {method:?}"))?,
        );
    }
    Ok(Trigger::Http {
        route,
        methods,
        access,
    })
}

/// The host takes a lone second file for the function's script, which a custom handler has none of.
fn refuse_other_files(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).context("list the function's folder")? {
        let name = entry.context("list the function's folder")?.file_name();
        if name != "function.json" {
            bail!(
                "the folder holds {} beside function.json: it would be taken for a script",
                name.display()
            );
        }
    }
    Ok(())
}

fn is_trigger(binding: &Binding) -> bool {
    binding.kind.to_ascii_lowercase().ends_with("trigger")
}

fn is_function_name(name: &str) -> bool {
    starts_with_letter_and_only(name, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && !name.eq_ignore_ascii_case("host")
}

fn is_binding_name(name: &str) -> bool {
    name == "$return" || starts_with_letter_and_only(name, |c| c.is_ascii_alphanumeric())
}

fn starts_with_letter_and_only(name: &str, allowed: impl Fn(char) -> bool) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(allowed)
}
