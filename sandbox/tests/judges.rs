//! Clients of the Dataverse Web API that nobody here wrote run against the simulated one: Microsoft's Python client
//! and the npm package dynamics-web-api, in the versions pinned under `judges/`.
//!
//! The first run installs them under the target directory; later runs find them there.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sandbox::entra::{CLIENT_ID, CLIENT_SECRET, TENANT_ID};
use sandbox::{Sandbox, Service};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    not(judge_python),
    ignore = "Python 3.11 or newer with venv is not installed"
)]
async fn microsofts_python_client_finds_what_it_expects() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox
        .world()
        .dataverse
        .lock()
        .define_lead_key("new_SicKey", &["sic"]);
    let home = installed("judge-python", &["requirements.txt"], |home| {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(home));
        let mut pip = python(home);
        pip.args([
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "--quiet",
        ]);
        run(pip.arg("--requirement").arg(source("requirements.txt")));
    });
    let mut judge = python(&home);
    judge.arg(source("powerplatform_dataverse_client.py"));
    judge.env("REQUESTS_CA_BUNDLE", sandbox.ca_file());
    judged(&sandbox, judge).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(judge_node), ignore = "Node.js with npm is not installed")]
async fn the_npm_client_finds_what_it_expects() {
    let sandbox = Sandbox::start().await.unwrap();
    let files = ["package.json", "package-lock.json", ".npmrc"];
    let home = installed("judge-node", &files, |home| {
        for file in files {
            fs::copy(source(file), home.join(file)).unwrap();
        }
        run(Command::new("npm")
            .args(["ci", "--loglevel=error"])
            .current_dir(home));
    });
    // Node.js looks for packages from where the script is.
    let script = home.join("dynamics_web_api.js");
    fs::copy(source("dynamics_web_api.js"), &script).unwrap();
    let mut judge = Command::new("node");
    judge.arg(script);
    judge.env("NODE_EXTRA_CA_CERTS", sandbox.ca_file());
    judged(&sandbox, judge).await;
}

/// The directory `name` under the target directory, filled by `install` unless it was with the same `files`.
fn installed(name: &str, files: &[&str], install: impl FnOnce(&Path)) -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&home).unwrap();
    let lock = File::create(home.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let pinned: String = files
        .iter()
        .map(|file| fs::read_to_string(source(file)).unwrap())
        .collect();
    let mark = home.join("installed");
    if fs::read_to_string(&mark).ok().as_deref() != Some(&pinned) {
        install(&home);
        fs::write(mark, pinned).unwrap();
    }
    home
}

fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("judges")
        .join(file)
}

fn python(home: &Path) -> Command {
    Command::new(home.join("bin/python"))
}

/// Runs the judge with a token for the organisation; its verdict is its exit code.
async fn judged(sandbox: &Sandbox, mut judge: Command) {
    let url = sandbox.url(Service::Dataverse);
    judge.env("DATAVERSE_URL", url.as_str().trim_end_matches('/'));
    judge.env("DATAVERSE_TOKEN", token(sandbox).await);
    // A proxy in the environment must not come between the judge and the sandbox.
    judge.env("NO_PROXY", "127.0.0.1");
    tokio::task::spawn_blocking(move || run(&mut judge))
        .await
        .unwrap();
}

async fn token(sandbox: &Sandbox) -> String {
    let authority = fs::read(sandbox.ca_file()).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    let client = reqwest::Client::builder()
        .add_root_certificate(authority)
        .no_proxy()
        .build()
        .unwrap();
    let path = format!("{TENANT_ID}/oauth2/v2.0/token");
    let scope = format!("{}.default", sandbox.url(Service::Dataverse));
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", CLIENT_ID)
        .append_pair("client_secret", CLIENT_SECRET)
        .append_pair("scope", &scope)
        .finish();
    let request = client
        .post(sandbox.url(Service::Entra).join(&path).unwrap())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let answer = request.send().await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

fn run(command: &mut Command) {
    let program = command.get_program().to_string_lossy().into_owned();
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    assert!(
        status.success(),
        "{program}: {status}\n{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
}
