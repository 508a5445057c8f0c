//! The program `sandbox`, as a person starts it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// Long enough for the first start below a target directory, which installs Azurite.
const BOUND: Duration = Duration::from_mins(3);

#[tokio::test]
async fn run_serves_until_ctrl_c_and_leaves_settings() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .args(["run", "--port-base", "0"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().context("take the output")?;
    let mut lines = BufReader::new(stdout).lines();
    let url = tokio::time::timeout(BOUND, async {
        while let Some(line) = lines.next_line().await? {
            if let Some(url) = line.trim().strip_prefix("control API") {
                return Ok(url.trim().to_owned());
            }
        }
        anyhow::bail!("the control API's address was not printed")
    })
    .await??;
    tokio::time::timeout(BOUND, async {
        while let Some(line) = lines.next_line().await? {
            if line.starts_with("Ctrl-C") {
                return anyhow::Ok(());
            }
        }
        anyhow::bail!("the last line was not printed")
    })
    .await??;
    let described: Value = serde_json::from_str(&reqwest::get(&url).await?.text().await?)?;
    let file = std::fs::read_to_string(folder.path().join("local.settings.json"))?;
    let values = serde_json::from_str::<Value>(&file)?["Values"].clone();
    assert_eq!(
        values["DATAVERSE_URL"],
        described["settings"]["DATAVERSE_URL"]
    );
    assert!(Path::new(values["OUTBOUND_CA_FILE"].as_str().unwrap_or_default()).is_file());
    let pid = i32::try_from(child.id().context("the program runs")?)?;
    let pid = rustix::process::Pid::from_raw(pid).context("read the process id")?;
    rustix::process::kill_process(pid, rustix::process::Signal::INT)?;
    assert!(tokio::time::timeout(BOUND, child.wait()).await??.success());
    Ok(())
}

#[tokio::test]
async fn the_demonstration_comes_out_as_it_should() -> Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .arg("demo")
        .kill_on_drop(true)
        .output()
        .await?;
    let (page, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{page}\n{errors}");
    assert!(!page.contains('✗') && !page.contains('\u{1b}'), "{page}");
    for part in [
        "$ referral-connector consent --no-browser",
        "consented by",
        "$ REFERRAL_WEBHOOK_KEY=… referral-connector register --url",
        "delivered  the test event arrived",
        "$ referral-connector check",
        "ok  second_factor",
        "$ referral-connector erase",
        "A referral arrives",
        "A forgery",
        "A duplicate",
        "Upstream calls",
        "checks passed",
    ] {
        assert!(page.contains(part), "{part} is missing in\n{page}");
    }
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn its_storage_ends_with_it_even_when_it_is_killed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .args(["run", "--port-base", "0"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().context("take the output")?;
    let mut lines = BufReader::new(stdout).lines();
    let first = tokio::time::timeout(BOUND, lines.next_line()).await??;
    assert_eq!(first.as_deref(), Some("The sandbox is running"));
    let parent = child.id().context("the program runs")?;
    let [storage] = children(parent)?[..] else {
        anyhow::bail!("the sandbox has one child");
    };
    child.kill().await?;
    let ended = async {
        while Path::new(&format!("/proc/{storage}")).exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    Ok(tokio::time::timeout(BOUND, ended).await?)
}

/// The processes that `parent` started and that run.
#[cfg(target_os = "linux")]
fn children(parent: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(process) = entry?.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        // A process may end while it is looked at.
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        if status.contains(&format!("\nPPid:\t{parent}\n")) {
            found.push(process);
        }
    }
    Ok(found)
}

#[tokio::test]
async fn without_node_it_says_what_is_missing() -> Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .args(["run", "--port-base", "0"])
        .env("PATH", "/nowhere")
        .output()
        .await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        errors.contains("is not installed: the sandbox's storage needs Node.js 20"),
        "{errors}"
    );
    Ok(())
}

#[test]
fn the_page_on_the_sandbox_lists_every_route_of_the_control_api() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(root.join("src/control.rs"))?;
    let page = std::fs::read_to_string(root.join("../docs/sandbox.md"))?;
    let route = |row: &str| row.split('|').take(2).collect::<Vec<_>>().join("|");
    let of = |text: &str, mark: &str| -> Vec<String> {
        let rows = text.lines().filter_map(|line| line.strip_prefix(mark));
        let rows = rows.filter(|row| {
            ["GET", "POST", "PUT", "PATCH", "DELETE"]
                .iter()
                .any(|it| row.starts_with(it))
        });
        rows.map(route).collect()
    };
    let routes = of(&source, "//! | ");
    assert!(routes.len() > 20, "{routes:?}");
    assert_eq!(of(&page, "| "), routes);
    Ok(())
}
