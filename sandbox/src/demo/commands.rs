//! The connector's own commands, as an administrator types them, and a browser played by the demonstration.

use std::process::Stdio;

use anyhow::{Context, Result};
use reqwest::redirect::Policy;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use url::Url;

use super::stage::{PATIENCE, Stage};
use crate::screen::{Screen, Tone, uncoloured, verbatim};

/// What a command came to.
pub(super) struct Ran {
    pub(super) exit: Option<i32>,
    /// What it printed, in its colours where the page has any.
    pub(super) out: String,
    /// What it told meanwhile.
    pub(super) told: String,
}

impl Ran {
    /// Everything it said, without colours.
    pub(super) fn text(&self) -> String {
        uncoloured(&format!("{}{}", self.told, self.out))
    }
}

/// Runs `arguments` to the end, and prints the command line and all that it said.
pub(super) async fn run(
    screen: Screen,
    stage: &Stage,
    arguments: &[&str],
    more: &[(&str, &str)],
) -> Result<Ran> {
    introduce(screen, arguments, more)?;
    let mut command = command(screen, stage, arguments, more);
    let output = tokio::time::timeout(PATIENCE, command.stdin(Stdio::null()).output());
    let output = output.await.context("wait for the command")??;
    let ran = Ran {
        exit: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        told: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    ran.told.lines().try_for_each(|line| tell(screen, line))?;
    show(&ran.out)?;
    Ok(ran)
}

/// The same for `consent`, whose address is opened in a browser, and whose answer is pasted back.
pub(super) async fn consent(screen: Screen, stage: &Stage) -> Result<Ran> {
    let arguments = ["consent", "--no-browser"];
    introduce(screen, &arguments, &[])?;
    let mut child = command(screen, stage, &arguments, &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start the command")?;
    let stderr = child.stderr.take().context("take what it tells")?;
    let mut stdin = child.stdin.take().context("take its input")?;
    let mut lines = BufReader::new(stderr).lines();
    let mut told = String::new();
    let mut address = None;
    let signing_in = async {
        while let Some(line) = lines.next_line().await? {
            tell(screen, &line)?;
            told = told.clone() + &line + "\n";
            address = address.or_else(|| Url::parse(&line).ok());
            if line.contains("Ctrl-C stops it") {
                let address = address.take().context("find the address to open")?;
                let back = open(stage, &address).await?;
                let pasted = format!(
                    "(in the browser: signed in with the second factor; pasted here: {back})"
                );
                screen.text(Tone::Faint, &pasted)?;
                stdin.write_all(format!("{back}\n").as_bytes()).await?;
            }
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, signing_in)
        .await
        .context("wait for the sign-in")??;
    let output = child.wait_with_output().await?;
    let ran = Ran {
        exit: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        told,
    };
    show(&ran.out)?;
    Ok(ran)
}

/// Opens `address` as a browser does in which the user is signed in; gives where it is sent.
async fn open(stage: &Stage, address: &Url) -> Result<Url> {
    let authority = std::fs::read(stage.sandbox.ca_file()).context("read the authority")?;
    let browser = reqwest::Client::builder()
        .tls_certs_merge([reqwest::Certificate::from_pem(&authority)?])
        .redirect(Policy::none())
        .timeout(PATIENCE)
        .build()?;
    let page = browser.get(address.clone()).send().await?;
    let location = page.headers().get("location");
    let location = location.context("Entra ID sends the browser back")?;
    Ok(Url::parse(location.to_str()?)?)
}

fn command(screen: Screen, stage: &Stage, arguments: &[&str], more: &[(&str, &str)]) -> Command {
    let mut command = Command::new(&stage.binary);
    command
        .args(arguments)
        .env_clear()
        .envs(&stage.settings)
        .envs(more.iter().copied())
        .kill_on_drop(true);
    if screen.is_coloured() {
        command.env("CLICOLOR_FORCE", "1");
    }
    command
}

/// The command line. What is in `more` is given by the environment, and not shown.
fn introduce(screen: Screen, arguments: &[&str], more: &[(&str, &str)]) -> Result<()> {
    let names = more.iter().map(|(name, _)| format!("{name}=… "));
    let names: String = names.collect();
    screen.heading(&format!(
        "$ {names}referral-connector {}",
        arguments.join(" ")
    ))
}

/// A sentence is broken into lines, an address is cut.
fn tell(screen: Screen, line: &str) -> Result<()> {
    if line.contains(' ') {
        screen.wrapped(Tone::Plain, line)
    } else {
        verbatim(line)
    }
}

/// A table is cut, so that its columns stay.
fn show(text: &str) -> Result<()> {
    text.lines().try_for_each(verbatim)
}
