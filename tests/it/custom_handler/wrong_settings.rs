//! Wrong settings: under the host the process stays and says so, elsewhere it ends.

use std::collections::BTreeMap;

use sandbox::entra::CLIENT_SECRET;
use sandbox::host::{Outcome, State};
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Sandbox, Service};

use crate::program;
use crate::raw::Raw;
use crate::rig::{BOUND, Rig, overlay};

/// Something wrong of every kind: missing, unknown, of the wrong form, contradictory.
const WRONG: [(&str, &str); 6] = [
    ("DATAVERSE_URL", ""),
    ("SYNC_MODE", "sideways"),
    ("SYNC_LEAD_OWNER", "somebody"),
    ("SYNC_CLOSE_HOLD_HOURS", "soon"),
    ("CALLBACK_TRUST_ANCHORS_PEM", "/nowhere/anchors.pem"),
    ("PARTNER_CENTER_REFRESH_TOKEN_FILE", "/nowhere/token"),
];

#[tokio::test(flavor = "multi_thread")]
async fn under_the_host_the_process_stays_up_and_refuses_every_call() {
    let rig = Rig::start(&WRONG).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(Raw::new("GET", "/").send(rig.handler()).await.status, 200);
    for _ in 0..3 {
        let answer = rig.created(&id).await;
        assert_eq!((answer.status, answer.code()), (503, "misconfigured"));
    }
    assert!(matches!(rig.host.state(), State::Running { .. }));
    for service in Service::ALL {
        assert_eq!(rig.requests(service), Vec::<String>::new(), "{service}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_the_host_the_timer_fails_with_every_reason() {
    let rig = Rig::start(&WRONG).await;
    let run = rig.host.run_timer("TokenRenewal").await.unwrap();
    assert!(matches!(run.outcome, Outcome::Failed(_)), "{run:?}");
    let told: serde_json::Value = serde_json::from_slice(&run.body).unwrap();
    assert_eq!(told["code"], "misconfigured");
    for (name, _) in WRONG {
        assert!(told["reason"].as_str().unwrap().contains(name), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_the_host_every_problem_is_an_error_line_of_its_own_at_once() {
    let rig = Rig::start(&WRONG).await;
    for (name, _) in WRONG {
        let start = format!("a setting is wrong: {name}: ");
        let line = rig
            .host
            .wait_for_log(|line| line.text.contains(&start), BOUND)
            .await
            .unwrap();
        let line: serde_json::Value = serde_json::from_str(&line.text).unwrap();
        assert_eq!(
            (&line["level"], &line["code"]),
            (&"ERROR".into(), &"misconfigured".into())
        );
    }
    for line in rig.host.logs() {
        assert!(!line.text.contains(CLIENT_SECRET), "{}", line.text);
    }
}

#[tokio::test]
async fn elsewhere_they_end_the_process_with_every_problem_and_no_secret() {
    let sandbox = Sandbox::start().await.unwrap();
    let settings = overlay(sandbox.settings(), &WRONG);
    let run = program::run(&["serve", "--port", "0"], &settings).await;
    assert_eq!(run.exit, 64, "{run:?}");
    for (name, _) in WRONG {
        assert!(
            run.stderr.lines().any(|line| line.trim().starts_with(name)),
            "{name}: {run:?}"
        );
    }
    assert!(run.stderr.contains("docs/settings.md"), "{run:?}");
    assert!(!run.text().contains(CLIENT_SECRET), "{run:?}");
}

#[tokio::test]
async fn without_a_port_there_is_nothing_to_serve() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut settings = sandbox.settings();
    for port in [None, Some("http"), Some("65536"), Some("")] {
        settings.remove("FUNCTIONS_CUSTOMHANDLER_PORT");
        settings
            .extend(port.map(|port| ("FUNCTIONS_CUSTOMHANDLER_PORT".to_owned(), port.to_owned())));
        let run = program::run(&["serve"], &settings).await;
        assert_eq!(run.exit, 64, "{run:?}");
        assert!(
            run.stderr.contains("FUNCTIONS_CUSTOMHANDLER_PORT"),
            "{run:?}"
        );
        assert_eq!(run.stdout, "");
    }
}

#[tokio::test]
async fn with_no_setting_at_all_every_required_one_is_named() {
    let run = program::run(&["serve", "--port", "0"], &BTreeMap::new()).await;
    assert_eq!(run.exit, 64);
    for name in [
        "PARTNER_CENTER_TENANT_ID",
        "PARTNER_CENTER_CLIENT_ID",
        "PARTNER_CENTER_CLIENT_SECRET",
        "KEY_VAULT_URL",
        "DATAVERSE_URL",
    ] {
        assert!(
            run.stderr.contains(&format!("{name}: is not set (")),
            "{name}: {run:?}"
        );
    }
}
