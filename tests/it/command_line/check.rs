//! `check`: a plain verdict a line, and not one write but the storage account's probe.

mod consent;
mod privileges;
mod surroundings;
mod unattended;

use sandbox::entra::CLIENT_SECRET;
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::settings::REFRESH_TOKEN_SECRET;
use sandbox::{Effect, Fault, Sandbox, Service};
use serde_json::Value;

use crate::program::{self, Run};
use crate::rig::overlay;

async fn check(sandbox: &Sandbox, changes: &[(&str, &str)]) -> Run {
    let run = program::run(&["check"], &overlay(sandbox.settings(), changes)).await;
    assert_eq!(run.stderr, "", "{run:?}");
    assert!(!run.stdout.contains(CLIENT_SECRET));
    run
}

/// A sandbox whose user sees a referral.
async fn with_a_referral() -> Sandbox {
    let sandbox = Sandbox::start().await.unwrap();
    let referral = ReferralBuilder::new().set("/externalReferenceId", "");
    let seeded = sandbox
        .world()
        .partner_center
        .lock()
        .seed_referral(referral);
    seeded.unwrap();
    sandbox
}

/// The same, where it is noted that no webhook is wanted.
async fn without_a_webhook() -> Sandbox {
    let sandbox = with_a_referral().await;
    let run = program::run(&["register", "--poll-only"], &sandbox.settings()).await;
    assert_eq!(run.exit, 0, "{run:?}");
    sandbox.world().requests.clear();
    sandbox
}

/// The line about `name`, with the line of advice below it.
fn line<'a>(run: &'a Run, name: &str) -> (&'a str, &'a str) {
    let mut lines = run.stdout.lines();
    let line = lines.find(|line| line.split_whitespace().nth(1) == Some(name));
    (
        line.unwrap_or_else(|| panic!("{name}: {run:?}")),
        lines.next().unwrap_or_default(),
    )
}

/// Every line about `name`.
fn lines<'a>(run: &'a Run, name: &str) -> Vec<&'a str> {
    let lines = run.stdout.lines();
    lines
        .filter(|line| line.split_whitespace().nth(1) == Some(name))
        .collect()
}

/// The worst of it is a warning, and one of them is about `name`, with what to do.
fn assert_warns(run: &Run, name: &str, sentences: &[&str]) {
    assert_eq!(run.exit, 1, "{run:?}");
    let warning = run.stdout.lines().zip(run.stdout.lines().skip(1));
    let mut warning = warning.filter(|(line, _)| {
        line.starts_with("warning") && line.split_whitespace().nth(1) == Some(name)
    });
    let (line, advice) = warning.next().unwrap_or_else(|| panic!("{name}: {run:?}"));
    assert!(advice.trim_start().starts_with('→'), "{run:?}");
    for sentence in sentences {
        assert!(line.contains(sentence), "{sentence}: {run:?}");
    }
}

fn assert_fails(run: &Run, name: &str, sentences: &[&str]) {
    assert_eq!(run.exit, 2, "{run:?}");
    let (line, advice) = line(run, name);
    assert!(line.starts_with("failed"), "{run:?}");
    assert!(advice.trim_start().starts_with('→'), "{run:?}");
    for sentence in sentences {
        assert!(line.contains(sentence), "{sentence}: {run:?}");
    }
}

/// Requests that could have changed something, at any service but the two that sign in and the storage account.
fn writes(sandbox: &Sandbox) -> Vec<String> {
    let mut records = sandbox.world().requests.all();
    records.retain(|it| {
        let spared = [Service::Entra, Service::Identity, Service::Storage];
        it.method != "GET" && !spared.contains(&it.service)
    });
    records.iter().map(sandbox::Record::line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_every_line_says_so_and_nothing_is_written() {
    let sandbox = without_a_webhook().await;
    let run = check(&sandbox, &[]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(
        run.stdout.lines().all(|line| line.starts_with("ok ")),
        "{}",
        run.stdout
    );
    for name in [
        "settings",
        "refresh_token",
        "consent",
        "webhook_token",
        "partner_center",
        "second_factor",
        "referral_reach",
        "other_writer",
        "deal_currencies",
        "webhook",
        "dataverse",
        "leads",
        "lead_columns",
        "privileges",
        "currencies",
        "signing_certificate",
        "certificate_chain",
        "blobs",
        "queue",
        "waiting",
        "poison",
        "dead_letters",
        "clock",
    ] {
        line(&run, name);
    }
    assert_eq!(writes(&sandbox), Vec::<String>::new());
    assert_eq!(
        sandbox
            .world()
            .key_vault
            .lock()
            .versions(REFRESH_TOKEN_SECRET)
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_gets_the_same_as_one_object() {
    let sandbox = without_a_webhook().await;
    let well = program::run(&["check", "--json"], &sandbox.settings()).await;
    assert_eq!(
        (well.exit, &well.json()["verdict"]),
        (0, &Value::from("ok"))
    );
    for check in well.json()["findings"].as_array().unwrap() {
        assert_eq!(
            (&check["level"], &check["advice"]),
            (&Value::from("ok"), &Value::Null),
            "{check}"
        );
        assert!(
            check["code"].is_string() && check["detail"].is_string(),
            "{check}"
        );
    }

    sandbox
        .world()
        .faults
        .add(Fault::new(Service::PartnerCenter, Effect::status(403)));
    let ill = program::run(&["check", "--json"], &sandbox.settings()).await;
    assert_eq!(
        (ill.exit, &ill.json()["verdict"]),
        (2, &Value::from("failed"))
    );
    let checks = ill.json()["findings"].as_array().unwrap().clone();
    let failed: Vec<_> = checks
        .iter()
        .filter(|check| check["level"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1, "{checks:?}");
    assert_eq!(failed[0]["code"], "partner_center");
    assert!(failed[0]["advice"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_privilege_in_dataverse_is_a_matter_of_its_roles() {
    let sandbox = Sandbox::start().await.unwrap();
    let denied = "prvReadLead".to_owned();
    sandbox
        .world()
        .dataverse
        .lock()
        .switches
        .missing_privileges
        .insert(denied);
    let run = check(&sandbox, &[]).await;
    assert_fails(&run, "leads", &["security role"]);
    assert!(line(&run, "dataverse").0.starts_with("ok"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_is_no_application_user_is_told_apart() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox
        .world()
        .dataverse
        .lock()
        .switches
        .unknown_application = true;
    let run = check(&sandbox, &[]).await;
    assert_fails(&run, "dataverse", &["application user"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_account_is_tried_with_a_blob_of_its_own_and_a_message_that_nobody_sees() {
    let sandbox = without_a_webhook().await;
    for _ in 0..2 {
        assert_eq!(check(&sandbox, &[]).await.exit, 0);
    }
    let records = sandbox.world().requests.of(Service::Storage);
    let writes = records.iter().filter(|it| it.method != "GET");
    let blobs = writes.filter(|it| it.path.contains(".json"));
    assert!(blobs.clone().count() >= 4);
    assert!(blobs.clone().all(|it| it.path.ends_with("/check.json")));
    let sent = records.iter().filter(|it| it.method == "POST");
    for message in sent {
        assert!(
            message
                .query
                .as_deref()
                .unwrap_or_default()
                .contains("visibilitytimeout=60"),
            "{message:?}"
        );
    }
    let left = sandbox.world().storage.messages("referral-retry").await;
    assert!(left.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_account_without_a_connection_string_is_opened_by_the_managed_identity() {
    let sandbox = without_a_webhook().await;
    let run = program::run(&["check"], &sandbox.settings_with_identity()).await;
    assert_eq!(run.exit, 0, "{run:?}");
    for name in ["blobs", "queue"] {
        assert!(line(&run, name).0.starts_with("ok"), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_account_that_refuses_is_told_with_what_to_do() {
    let sandbox = Sandbox::start().await.unwrap();
    let refused = Effect::Status {
        code: 403,
        headers: [("x-ms-error-code", "KeyBasedAuthenticationNotPermitted")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        body: Value::Null,
    };
    sandbox
        .world()
        .faults
        .add(Fault::new(Service::Storage, refused));
    let run = check(&sandbox, &[]).await;
    let what_to_do = ["status 403", "AzureWebJobsStorage__accountName"];
    for name in ["blobs", "queue"] {
        assert_fails(&run, name, &what_to_do);
    }
    assert!(line(&run, "dataverse").0.starts_with("ok"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_setting_is_a_line_and_nothing_is_asked() {
    let sandbox = Sandbox::start().await.unwrap();
    let changes = [
        ("DATAVERSE_URL", "http://plain.invalid"),
        ("SYNC_MODE", "sideways"),
        ("AZURE_CREDENTIAL", "luck"),
        ("AzureWebJobsStorage", "AccountName=contoso"),
    ];
    let run = check(&sandbox, &changes).await;
    assert_eq!(run.exit, 2);
    for (name, _) in changes {
        let told = run.stdout.lines().any(|line| {
            line.starts_with("failed ") && line.contains(" settings ") && line.contains(name)
        });
        assert!(told, "{name}: {run:?}");
    }
    assert_eq!(sandbox.world().requests.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_does_not_answer_is_a_finding_and_keeps_nothing_else_waiting() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox
        .world()
        .faults
        .add(Fault::new(Service::Dataverse, Effect::Hang));
    let begun = std::time::Instant::now();
    let run = program::run(&["check", "--timeout", "2"], &sandbox.settings()).await;
    assert!(begun.elapsed().as_secs() < 15, "{run:?}");
    assert_fails(&run, "dataverse", &["no time left"]);
    assert!(line(&run, "partner_center").0.starts_with("ok"), "{run:?}");
}
