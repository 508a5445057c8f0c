//! Secrets that are asked for: nothing of them is shown, and whoever would rather stop can.

use std::collections::BTreeMap;
use std::process::Stdio;

use sandbox::entra::{CLIENT_ID, CLIENT_SECRET};
use sandbox::settings::REFRESH_TOKEN_SECRET;
use sandbox::{Effect, Fault, Sandbox, Service};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::program;
use crate::rig::{CONNECTOR, Rig};
use crate::terminal::{CTRL_C, CTRL_D, Terminal};

const SECRET: &str = "PARTNER_CENTER_CLIENT_SECRET";
const FOR_THE_KEY: &str = "The key of the function ReferralWebhook (not shown";
const FOR_THE_SECRET: &str = "The client secret of the application";

fn address(rig: &Rig) -> String {
    let url = rig.host.url().join("api/ReferralWebhook");
    url.unwrap().to_string()
}

fn registers(rig: &Rig, more: &[&str]) -> Terminal {
    let address = address(rig);
    let arguments = [&["register", "--url", &address], more].concat();
    Terminal::start(&arguments, &rig.sandbox.settings())
}

fn is_registered(rig: &Rig) -> bool {
    rig.world().partner_center.lock().registration().is_some()
}

/// The sandbox's settings without the client secret.
fn without_secret(sandbox: &Sandbox) -> BTreeMap<String, String> {
    let mut settings = sandbox.settings();
    settings.remove(SECRET);
    let mut entra = sandbox.world().entra.lock();
    let redirects = &mut entra.app(CLIENT_ID).unwrap().redirect_uris;
    *redirects = vec!["http://localhost/consent".to_owned()];
    settings
}

fn kept(sandbox: &Sandbox) -> String {
    let vault = sandbox.world().key_vault.lock();
    vault.secret(REFRESH_TOKEN_SECRET).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_functions_key_is_typed_and_not_shown() {
    let rig = Rig::start(&[]).await;
    let key = rig.host.function_key().to_owned();
    for more in [&["--no-test"][..], &["--no-test", "--key-file", "-"]] {
        let mut terminal = registers(&rig, more);
        terminal.until(FOR_THE_KEY).await;
        terminal.press(&format!("{key}\r"));
        assert_eq!(terminal.end().await, 0, "{}", terminal.seen());
        assert!(!terminal.seen().contains(&key), "{}", terminal.seen());
        terminal.assert_in_order().await;
    }
    let url = rig
        .world()
        .partner_center
        .lock()
        .registration()
        .unwrap()
        .url
        .clone();
    assert_eq!(url.query_pairs().next().unwrap().1, key);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_and_the_end_of_the_input_end_the_question_and_leave_the_terminal_in_order() {
    let rig = Rig::start(&[]).await;
    for (keys, exit, sentence) in [
        (CTRL_C, 75, "Stopped. Nothing was changed."),
        (CTRL_D, 64, "no key was given: nothing was typed"),
    ] {
        let mut terminal = registers(&rig, &[]);
        terminal.until(FOR_THE_KEY).await;
        terminal.press("half-a-k3y");
        terminal.press("\x15");
        terminal.press(keys);
        assert_eq!(terminal.end().await, exit, "{}", terminal.seen());
        terminal.until(sentence).await;
        assert!(!terminal.seen().contains("half-a-k3y"));
        terminal.assert_in_order().await;
    }
    assert!(!is_registered(&rig));
    assert_eq!(rig.world().requests.of(Service::PartnerCenter).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_question_ctrl_c_still_stops_what_is_under_way() {
    let rig = Rig::start(&[]).await;
    let hangs = Fault::new(Service::PartnerCenter, Effect::Hang).method("GET");
    rig.world().faults.add(hangs.path("validationEvents"));
    let mut terminal = registers(&rig, &[]);
    terminal.until(FOR_THE_KEY).await;
    terminal.press(&format!("{}\r", rig.host.function_key()));
    terminal.until("waiting for its delivery").await;
    terminal.press(CTRL_C);
    assert_eq!(terminal.end().await, 75, "{}", terminal.seen());
    terminal.until("register --show").await;
    assert!(is_registered(&rig));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_functions_key_may_come_through_a_pipe() {
    let rig = Rig::start(&[]).await;
    let mut child = Command::new(CONNECTOR)
        .args(["register", "--url", &address(&rig), "--no-test"])
        .args(["--key-file", "-"])
        .env_clear()
        .envs(rig.sandbox.settings())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let key = format!("{}\n", rig.host.function_key());
    stdin.write_all(key.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(is_registered(&rig));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_secret_is_asked_for_where_it_is_not_set_and_not_shown() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = kept(&sandbox);
    let settings = without_secret(&sandbox);
    let arguments = ["consent", "--no-browser"];
    let mut terminal = Terminal::start(&arguments, &settings);
    terminal.until(FOR_THE_SECRET).await;
    terminal.press(&format!("{CLIENT_SECRET}\r"));
    terminal.until("Ctrl-C stops it").await;
    terminal.press(CTRL_C);
    assert_eq!(terminal.end().await, 75, "{}", terminal.seen());
    terminal.until("Nothing was kept").await;
    assert!(!terminal.seen().contains(CLIENT_SECRET));
    terminal.assert_in_order().await;

    for (keys, exit, sentence) in [
        (CTRL_C, 75, "Stopped. Nothing was kept"),
        (CTRL_D, 64, "no client secret was given"),
        ("\r", 64, SECRET),
    ] {
        let mut terminal = Terminal::start(&arguments, &settings);
        terminal.until(FOR_THE_SECRET).await;
        terminal.press(keys);
        assert_eq!(terminal.end().await, exit, "{}", terminal.seen());
        terminal.until(sentence).await;
        terminal.assert_in_order().await;
    }
    assert_eq!(kept(&sandbox), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_be_asked_the_missing_secret_is_named() {
    let sandbox = Sandbox::start().await.unwrap();
    let settings = without_secret(&sandbox);
    let run = program::run(&["consent", "--no-browser"], &settings).await;
    assert_eq!(run.exit, 64, "{run:?}");
    assert!(run.stderr.contains(SECRET), "{run:?}");
    assert_eq!(sandbox.world().requests.count(), 0);
}
