//! Tables in colour and a sign of life, for every command; and none of it for those who want none, or in a pipe.

use sandbox::partner_center::ReferralBuilder;
use sandbox::{Effect, Fault, Sandbox, Service};
use serde_json::Value;

use crate::program;
use crate::rig::{Rig, overlay};
use crate::terminal::Terminal;

/// What begins every sequence that a terminal acts on.
const ESCAPE: char = '\u{1b}';
/// Back to the beginning of the line, which is emptied.
const CLEAR: &str = "\r\u{1b}[K";

const ID: &str = "0f7c1d8e-35a2-4b6f-9c10-7e2d4a8b5c61";

/// Every command that asks something of somebody and prints it, and whom it asks. What waits for a person is gone after the last.
const COMMANDS: [(&[&str], Service); 9] = [
    (&["dead-letters", "list"], Service::Storage),
    (&["check"], Service::PartnerCenter),
    (&["status"], Service::Storage),
    (&["register", "--show"], Service::PartnerCenter),
    (&["preview", ID], Service::PartnerCenter),
    (&["erase", ID, "--dry-run"], Service::Storage),
    (&["provision", "--dry-run"], Service::Dataverse),
    (&["reconcile"], Service::PartnerCenter),
    (&["sync", ID], Service::PartnerCenter),
];

/// A referral that waits for a person, and another product's webhook.
async fn scene() -> Rig {
    let rig = Rig::start(&[("SYNC_MODE", "two-way")]).await;
    let world = rig.world();
    rig.seed(ReferralBuilder::new().set("/id", ID));
    let theirs = "https://cipp.example/api/PublicWebhooks".parse().unwrap();
    let partner_center = &world.partner_center;
    partner_center
        .lock()
        .register(theirs, &["referral-created"], true);
    let refused = Fault::new(Service::PartnerCenter, Effect::status(400));
    world.faults.add(refused.method("PATCH"));
    assert_eq!(rig.created(ID).await.code(), "dead_lettered");
    world.faults.clear();
    rig
}

/// What the command shows on a terminal with these settings.
async fn shown(sandbox: &Sandbox, command: &[&str], settings: &[(&str, &str)]) -> String {
    let environment = overlay(sandbox.settings(), settings);
    let mut terminal = Terminal::start(command, &environment);
    terminal.end().await;
    // The last of it may still be on its way to the screen.
    terminal.assert_in_order().await;
    let seen = terminal.seen();
    seen.split("shown again").next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_in_colour_on_a_terminal_and_in_plain_text_for_those_who_want_it() {
    let rig = scene().await;
    let sandbox = &rig.sandbox;
    for (command, _) in COMMANDS {
        let coloured = shown(sandbox, command, &[("TERM", "xterm")]).await;
        let said = coloured.contains("no dead letters");
        assert_eq!(
            coloured.contains("\u{1b}["),
            !said,
            "{command:?}: {coloured}"
        );
        for plain in [
            [("TERM", "xterm"), ("NO_COLOR", "1")],
            [("TERM", "dumb"), ("NO_COLOR", "")],
        ] {
            let plain = shown(sandbox, command, &plain).await;
            assert!(
                !plain.contains("\u{1b}[1m") && !plain.contains("\u{1b}[3"),
                "{plain}"
            );
        }
        let piped = program::run(command, &sandbox.settings()).await;
        assert!(!piped.text().contains(ESCAPE), "{piped:?}");
    }
}

/// Has the next answer of `service` take a while.
fn slow(sandbox: &Sandbox, service: Service) {
    let late = Fault::new(service, Effect::Delay(1500));
    sandbox.world().faults.add(late.times(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_longer_than_a_second_says_so_and_takes_that_away_again() {
    let rig = scene().await;
    let sandbox = &rig.sandbox;
    for (command, service) in COMMANDS {
        slow(sandbox, service);
        let settings = [("TERM", "xterm"), ("NO_COLOR", "1")];
        let seen = shown(sandbox, command, &settings).await;
        assert!(seen.contains(" … 1 s"), "{command:?}: {seen:?}");
        let mut left = seen.split('\n').map(|line| line.rsplit(CLEAR).next());
        let is_left = left.any(|line| line.is_some_and(|it| it.contains(" … ")));
        assert!(!is_left, "{command:?}: {seen:?}");
    }
    slow(sandbox, Service::Storage);
    let piped = program::run(&["status"], &sandbox.settings()).await;
    assert!(!piped.text().contains(['\r', '…']), "{piped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_can_take_nothing_away_gets_no_sequence_at_all() {
    let sandbox = Sandbox::start().await.unwrap();
    slow(&sandbox, Service::Storage);
    let seen = shown(&sandbox, &["status"], &[("TERM", "dumb")]).await;
    assert!(!seen.contains(ESCAPE), "{seen:?}");
    assert_eq!(seen.matches(" …").count(), 1, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_for_a_script_is_the_same_on_a_terminal() {
    let rig = scene().await;
    let sandbox = &rig.sandbox;
    for (command, _) in COMMANDS {
        let command = [command, &["--json"]].concat();
        let seen = shown(sandbox, &command, &[("TERM", "xterm")]).await;
        let object: Result<Value, _> = serde_json::from_str(seen.trim());
        assert!(object.is_ok_and(|it| it.is_object()), "{command:?}: {seen}");
    }
}
