//! `consent`: the unmodified program, and a browser played by the test.

mod bad_input;
mod device;
mod loopback;
mod place;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use sandbox::entra::{CLIENT_ID, USER_NAME};
use sandbox::partner_center::ReferralBuilder;
use sandbox::settings::REFRESH_TOKEN_SECRET;
use sandbox::{Sandbox, Service};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use url::Url;

use crate::program::Run;
use crate::rig::{BOUND, CONNECTOR, overlay};

/// Longest run of the command once somebody has answered.
const END: Duration = Duration::from_mins(1);

/// A consent under way.
struct Consenting {
    child: Child,
    stdin: Option<ChildStdin>,
    stderr: Lines<BufReader<ChildStderr>>,
    /// What was told so far.
    told: Vec<String>,
}

impl Consenting {
    fn start(arguments: &[&str], environment: &BTreeMap<String, String>) -> Self {
        let mut child = Command::new(CONNECTOR)
            .arg("consent")
            .args(arguments)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        Self {
            stdin: child.stdin.take(),
            stderr,
            child,
            told: Vec::new(),
        }
    }

    /// The first line, told already or still to come, that has `text` in it.
    async fn line(&mut self, text: &str) -> String {
        if let Some(line) = self.told.iter().find(|it| it.contains(text)) {
            return line.clone();
        }
        let reading = async {
            while let Some(line) = self.stderr.next_line().await.unwrap() {
                self.told.push(line.clone());
                if line.contains(text) {
                    return line;
                }
            }
            panic!("it ended without {text:?}: {:#?}", self.told)
        };
        let told = tokio::time::timeout(BOUND, reading).await;
        told.unwrap_or_else(|_| panic!("nobody said {text:?}"))
    }

    /// The address to open in a browser.
    async fn address(&mut self) -> Url {
        let line = self.line("/oauth2/v2.0/authorize?").await;
        self.line("Ctrl-C stops it").await;
        Url::parse(&line).unwrap()
    }

    /// Types a line.
    async fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).await.unwrap();
        stdin.write_all(b"\n").await.unwrap();
        stdin.flush().await.unwrap();
    }

    /// Waits for the end.
    async fn end(mut self) -> Run {
        let mut stdout = self.child.stdout.take().unwrap();
        let ending = async {
            let mut text = String::new();
            stdout.read_to_string(&mut text).await.unwrap();
            while let Some(line) = self.stderr.next_line().await.unwrap() {
                self.told.push(line);
            }
            (text, self.child.wait().await.unwrap())
        };
        let (stdout, status) = tokio::time::timeout(END, ending)
            .await
            .expect("an end in time");
        let run = Run {
            exit: status.code().unwrap_or(-1),
            stdout,
            stderr: self.told.join("\n"),
        };
        assert_no_secret(&run);
        run
    }
}

/// No token and no code is ever shown, but for the address that the person needs.
fn assert_no_secret(run: &Run) {
    for text in ["eyJ", "1.AX0A", sandbox::entra::CLIENT_SECRET] {
        assert!(!run.text().contains(text), "{text}: {run:?}");
    }
}

/// A browser: it trusts the sandbox, and stops at each redirect.
fn browser(sandbox: &Sandbox) -> reqwest::Client {
    let pem = std::fs::read(sandbox.ca_file()).unwrap();
    reqwest::Client::builder()
        .tls_certs_merge([reqwest::Certificate::from_pem(&pem).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .timeout(BOUND)
        .build()
        .unwrap()
}

/// Signs in at `address`, and gives the address that the browser is sent back to.
async fn sign_in(sandbox: &Sandbox, address: &Url) -> Url {
    let page = browser(sandbox).get(address.clone()).send().await.unwrap();
    assert_eq!(page.status(), 302, "{:?}", page.text().await);
    Url::parse(page.headers()["location"].to_str().unwrap()).unwrap()
}

/// Opens `address` on this machine; gives the status and the page.
async fn open(sandbox: &Sandbox, address: &Url) -> (u16, String) {
    let page = browser(sandbox).get(address.clone()).send().await.unwrap();
    (page.status().as_u16(), page.text().await.unwrap())
}

/// A whole consent in a browser on this machine.
async fn consent(sandbox: &Sandbox, arguments: &[&str], changes: &[(&str, &str)]) -> Run {
    let mut arguments = arguments.to_vec();
    arguments.push("--no-browser");
    let mut it = Consenting::start(&arguments, &settings(sandbox, changes));
    let back = sign_in(sandbox, &it.address().await).await;
    let (status, page) = open(sandbox, &back).await;
    assert_eq!(status, 200, "{page}");
    it.end().await
}

/// The sandbox's settings, its application knowing the address that the program comes back to.
fn settings(sandbox: &Sandbox, changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut entra = sandbox.world().entra.lock();
    let redirects = &mut entra.app(CLIENT_ID).unwrap().redirect_uris;
    *redirects = vec!["http://localhost/consent".to_owned()];
    overlay(sandbox.settings(), changes)
}

fn stored(sandbox: &Sandbox) -> String {
    let vault = sandbox.world().key_vault.lock();
    vault
        .secret(REFRESH_TOKEN_SECRET)
        .unwrap_or_default()
        .to_owned()
}

/// Asserts that it failed so, and that the token of before is still there.
fn assert_nothing_kept(sandbox: &Sandbox, before: &str, run: &Run, exit: i32, sentences: &[&str]) {
    assert_eq!(run.exit, exit, "{run:?}");
    for sentence in sentences {
        assert!(run.stderr.contains(sentence), "{sentence}: {run:?}");
    }
    assert!(run.stderr.contains("Nothing was kept"), "{run:?}");
    assert_eq!(stored(sandbox), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_the_connector_can_work() {
    let sandbox = Sandbox::start().await.unwrap();
    let world = sandbox.world();
    world.key_vault.lock().remove(REFRESH_TOKEN_SECRET);
    for location in ["loc-1", "loc-1", "loc-2"] {
        let referral = ReferralBuilder::new().set(
            "/target",
            json!([{ "type": "BusinessProfileLocation", "id": location }]),
        );
        world
            .partner_center
            .lock()
            .seed_referral(referral.set("/mpnId", "7654321"))
            .unwrap();
    }
    let run = consent(&sandbox, &[], &[]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    for text in [
        sandbox::entra::TENANT_ID,
        USER_NAME,
        "4a9c2e1f-6b3d-4f58-8e07-d1c5b2a39f64",
        "mfa is in the token's amr",
        "3 referrals, all that this user sees",
        "loc-1 (2), loc-2 (1)",
        "7654321 (3)",
        REFRESH_TOKEN_SECRET,
    ] {
        assert!(run.stdout.contains(text), "{text}: {run:?}");
    }
    assert!(!run.stdout.contains("warning"), "{run:?}");

    world.requests.clear();
    let check = crate::program::run(&["check"], &sandbox.settings()).await;
    assert!(
        check.stdout.contains("referrals can be listed"),
        "{check:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_factor_and_a_new_sign_in_are_demanded_with_pkce_state_and_nonce() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut it = Consenting::start(&["--no-browser"], &settings(&sandbox, &[]));
    let address = it.address().await;
    let query: BTreeMap<_, _> = address.query_pairs().into_owned().collect();
    let expected = [
        ("response_type", "code"),
        ("response_mode", "query"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("amr_values", "mfa"),
        (
            "scope",
            "https://api.partner.microsoft.com/.default offline_access openid profile",
        ),
    ];
    for (name, value) in expected {
        assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert!(20 < query[name].len(), "{name}");
    }
    assert!(query["redirect_uri"].starts_with("http://localhost:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_gets_one_object() {
    let sandbox = Sandbox::start().await.unwrap();
    let run = consent(&sandbox, &["--json"], &[]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    let json = run.json();
    assert_eq!(json["tenantId"], sandbox::entra::TENANT_ID);
    assert_eq!(json["consentedBy"]["userPrincipalName"], USER_NAME);
    assert_eq!(json["secondFactor"], "used");
    assert_eq!(json["registration"], true);
    assert_eq!(json["referrals"]["seen"], 0);
    assert_eq!(json["kept"]["secret"], REFRESH_TOKEN_SECRET);
    let renew_by: jiff::civil::Date = json["renewBy"].as_str().unwrap().parse().unwrap();
    let today = jiff::Zoned::now()
        .with_time_zone(jiff::tz::TimeZone::UTC)
        .date();
    let days = (renew_by - today).get_days();
    assert!((89..=90).contains(&days), "{days}");
    // Nothing to see is something to tell.
    assert!(json["warnings"][0].as_str().unwrap().contains("scoped"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_of_the_settings_that_the_user_does_not_see_is_told() {
    let sandbox = Sandbox::start().await.unwrap();
    let referral = ReferralBuilder::new();
    sandbox
        .world()
        .partner_center
        .lock()
        .seed_referral(referral)
        .unwrap();
    let run = consent(&sandbox, &[], &[("SYNC_LOCATIONS", "some-other-place")]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    let warning = run.stdout.lines().find(|it| it.starts_with("warning"));
    assert!(
        warning
            .unwrap()
            .contains("some-other-place of SYNC_LOCATIONS"),
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_permission_for_webhooks_the_consent_is_kept_and_that_is_told() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    let audience = sandbox::entra::PARTNER_CENTER_API;
    sandbox
        .world()
        .entra
        .lock()
        .withdraw_consent(CLIENT_ID, audience);
    let run = consent(&sandbox, &[], &[]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(
        run.stdout.contains("webhooks cannot be registered"),
        "{run:?}"
    );
    assert!(run.stdout.contains("AADSTS65001"), "{run:?}");
    assert_ne!(stored(&sandbox), before);
}

/// Every request that reached Entra ID's token endpoint.
fn redemptions(sandbox: &Sandbox) -> usize {
    let lines = sandbox.world().requests.lines(Service::Entra);
    lines
        .iter()
        .filter(|it| it.starts_with("POST") && it.contains("/token"))
        .count()
}
