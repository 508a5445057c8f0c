//! Builds the connector as it is in this workspace.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::process::Command;

const BINARY: &str = "referral-connector";

/// The workspace this program was built in.
pub(super) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the sandbox is a member of the workspace")
}

/// Builds the connector's binary and gives its path.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo names itself to the programs it runs"
)]
pub(super) async fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(workspace())
        // No package is chosen: the features are then those of `cargo test`, and little is built twice.
        .args(["build", "--bin", BINARY])
        .args(["--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.output().await.context("run cargo build")?;
    if !output.status.success() {
        bail!("cargo could not build {BINARY}; its messages are above");
    }
    executable(&String::from_utf8_lossy(&output.stdout)).context("find the binary cargo has built")
}

/// The path in the message that cargo writes about the finished binary.
fn executable(messages: &str) -> Option<PathBuf> {
    let parsed = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let path = |message: Value| Some(PathBuf::from(message["executable"].as_str()?));
    parsed
        .filter_map(path)
        .find(|path| path.file_stem().is_some_and(|stem| stem == BINARY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_is_the_one_cargo_names() {
        let messages = concat!(
            "{\"reason\":\"compiler-artifact\",\"executable\":null}\n",
            "{\"reason\":\"compiler-artifact\",\"executable\":\"/x/target/debug/referral-connector\"}\n",
            "{\"reason\":\"build-finished\",\"success\":true}\n",
        );
        assert_eq!(
            executable(messages),
            Some("/x/target/debug/referral-connector".into())
        );
        assert_eq!(executable("{}"), None);
    }
}
