//! `provision`: columns, role and application user, made once, and what may be in the way.

use sandbox::host::Wire;
use sandbox::partner_center::ReferralBuilder;
use sandbox::{Record, Sandbox, Service};
use serde_json::{Value, json};

use crate::program::{self, Run};
use crate::rig::{Rig, overlay};

/// A managed identity that Dynamics 365 has never heard of.
const IDENTITY: &str = "7f4b1c52-91d7-4a36-8e0b-2c6f3d5a9e14";

async fn provision(sandbox: &Sandbox, more: &[&str]) -> Run {
    let arguments: Vec<&str> = [&["provision"], more].concat();
    program::run(&arguments, &sandbox.settings()).await
}

/// Requests that changed something in Dynamics 365, or tried to.
fn changes(sandbox: &Sandbox) -> Vec<String> {
    let mut records = sandbox.world().requests.of(Service::Dataverse);
    records.retain(|it| it.method != "GET");
    records.iter().map(Record::line).collect()
}

fn steps(run: &Run) -> Vec<String> {
    let steps = run.json()["steps"].as_array().unwrap().clone();
    let word = |step: &Value| step["step"].as_str().unwrap().to_owned();
    steps.iter().map(word).collect()
}

async fn with_identity() -> Sandbox {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.world().identity.lock().assign(IDENTITY);
    sandbox
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wanted_is_there_afterwards_and_a_second_run_has_nothing_to_do() {
    let sandbox = with_identity().await;
    let wanted = ["--yes", "--json", "--application-id", IDENTITY];
    let first = provision(&sandbox, &wanted).await;
    assert_eq!(first.exit, 0, "{first:?}");
    let all = first.json();
    let all = all["steps"].as_array().unwrap();
    assert!(all.iter().all(|step| step["done"] == true), "{all:?}");
    let columns = sandbox.world().dataverse.lock().added_columns();
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "pcref_referralid",
            "pcref_referrallink",
            "pcref_referralkind",
            "pcref_referralstatus",
            "pcref_answerby",
            "pcref_decision",
            "pcref_lastsynced",
            "pcref_sellermessage",
        ]
    );
    let ours = Some("ReferralConnector_pcref".to_owned());
    assert!(columns.iter().all(|(_, solution)| *solution == ours));

    sandbox.world().requests.clear();
    let second = provision(&sandbox, &wanted).await;
    assert_eq!((second.exit, steps(&second).len()), (0, 0), "{second:?}");
    assert_eq!(changes(&sandbox), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_are_in_every_language_that_is_enabled() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.world().dataverse.lock().switches.languages = vec![1033, 1031, 1036];
    let run = provision(&sandbox, &["--yes", "--skip", "role"]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    let sent = sandbox.world().requests.of(Service::Dataverse);
    let decision = sent
        .iter()
        .filter(|it| it.method == "POST" && it.path.ends_with("/Attributes"))
        .filter_map(|it| it.body.clone())
        .find(|body| body["SchemaName"] == "pcref_Decision")
        .unwrap();
    let labels = |label: &Value| {
        let labels = label["LocalizedLabels"].as_array().unwrap().clone();
        let texts = labels
            .iter()
            .map(|it| (it["LanguageCode"].clone(), it["Label"].clone()));
        texts.collect::<Vec<_>>()
    };
    let in_all = |english: &str, german: &str| {
        vec![
            (json!(1033), json!(english)),
            (json!(1031), json!(german)),
            (json!(1036), json!(english)),
        ]
    };
    let name = in_all("Referral decision", "Entscheidung zur Empfehlung");
    assert_eq!(labels(&decision["DisplayName"]), name);
    let decline = &decision["OptionSet"]["Options"][2];
    assert_eq!(labels(&decline["Label"]), in_all("Decline", "Ablehnen"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_is_enough_for_a_sync_and_for_nothing_like_this_command() {
    let sandbox = with_identity().await;
    let run = provision(&sandbox, &["--yes", "--application-id", IDENTITY]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    let as_identity = [("AZURE_CLIENT_ID", IDENTITY)];
    let rig = Rig::with(sandbox, Wire::Proxying, &as_identity).await;
    let (account, contact) = {
        let now = rig.world().clock.now();
        let mut dataverse = rig.world().dataverse.lock();
        let account = json!({ "name": "Tailspin Toys" });
        let contact = json!({ "emailaddress1": "miriam.okafor@tailspin.example" });
        (
            dataverse.seed_account(&account, now).unwrap(),
            dataverse.seed_contact(&contact, now).unwrap(),
        )
    };
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    let lead = rig.lead(&id).unwrap();
    assert_eq!(lead["_parentaccountid_value"], account.to_string());
    assert_eq!(lead["_parentcontactid_value"], contact.to_string());
    let who = rig.lead(&id).unwrap()["_createdby_value"].clone();
    let application = json!(sandbox::dataverse::APPLICATION_USER_ID);
    assert_ne!(who, application, "it was written by the new user");
    rig.seller_edits(&id, &json!({ "subject": "The seller's own topic" }));
    rig.partner_center_edits(&id, &json!({ "name": "Another topic" }));
    assert_eq!(rig.updated(&id).await.code(), "synced");

    let team = format!("team:{}", sandbox::dataverse::SALES_TEAM_ID);
    let owned = [as_identity[0], ("SYNC_LEAD_OWNER", &team)];
    let settings = overlay(rig.sandbox.settings(), &owned);
    let run = program::run(&["check", "--json"], &settings).await;
    let findings = run.json()["findings"].as_array().unwrap().clone();
    let of_privileges = findings.iter().filter(|it| it["code"] == "privileges");
    let levels: Vec<_> = of_privileges.map(|it| &it["level"]).collect();
    assert_eq!(
        levels,
        ["ok"],
        "what is granted is what is asked for: {run:?}"
    );

    let settings = overlay(rig.sandbox.settings(), &as_identity);
    let denied = program::run(&["provision", "--yes", "--prefix", "other"], &settings).await;
    assert_eq!(denied.exit, 78, "{denied:?}");
    assert!(
        denied.stderr.contains("sign in as a system administrator"),
        "{denied:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_and_a_run_that_nobody_agreed_to_change_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let shown = provision(&sandbox, &["--dry-run"]).await;
    assert_eq!(shown.exit, 0, "{shown:?}");
    for text in [
        "pcref_decision",
        "Accept, Decline",
        "prvCreateLead (organization)",
        "--application-id",
    ] {
        assert!(shown.stdout.contains(text), "{text}: {}", shown.stdout);
    }
    let unasked = provision(&sandbox, &[]).await;
    assert_eq!(unasked.exit, 64, "{unasked:?}");
    assert!(unasked.stderr.contains("--yes"), "{unasked:?}");
    assert_eq!(changes(&sandbox), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_can_be_left_out() {
    for (skipped, words) in [
        (
            &["columns"][..],
            &[
                "create_role",
                "grant_privileges",
                "add_application_user",
                "assign_role",
            ][..],
        ),
        (
            &["columns", "application-user"],
            &["create_role", "grant_privileges"],
        ),
        (&["columns", "role", "application-user"], &[]),
    ] {
        let sandbox = with_identity().await;
        let mut arguments = vec!["--dry-run", "--json", "--application-id", IDENTITY];
        arguments.extend(skipped.iter().flat_map(|part| ["--skip", part]));
        let run = provision(&sandbox, &arguments).await;
        assert_eq!(run.exit, 0, "{run:?}");
        assert_eq!(steps(&run), words, "{skipped:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_cut_short_is_gone_on_with_where_it_stopped() {
    let sandbox = Sandbox::start().await.unwrap();
    let denied = |privileges: &[&str]| {
        let mut state = sandbox.world().dataverse.lock();
        state.switches.missing_privileges = privileges.iter().map(|&it| it.to_owned()).collect();
    };
    denied(&["prvPublishCustomization"]);
    let first = provision(&sandbox, &["--yes"]).await;
    assert_eq!(first.exit, 78, "{first:?}");
    assert!(
        first.stderr.contains("publishing the lead table"),
        "{first:?}"
    );
    assert!(first.stderr.contains("goes on from there"), "{first:?}");
    denied(&[]);
    let second = provision(&sandbox, &["--yes", "--json"]).await;
    assert_eq!(second.exit, 0, "{second:?}");
    assert_eq!(
        steps(&second),
        ["publish", "create_role", "grant_privileges"]
    );
    assert_eq!(sandbox.world().dataverse.lock().counters.published, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_customization_and_slow_caches_are_waited_for() {
    let sandbox = Sandbox::start().await.unwrap();
    {
        let switches = &mut sandbox.world().dataverse.lock().switches;
        switches.customizations_running = 5;
        switches.metadata_cache_seconds = 6;
    }
    let run = provision(&sandbox, &["--yes", "--skip", "role"]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    for text in ["another customization", "does not show the new columns yet"] {
        assert!(run.stderr.contains(text), "{text}: {run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_prefix_and_column_are_left_alone() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox
        .world()
        .dataverse
        .lock()
        .seed_publisher("fabrikam", "pcref");
    let taken = provision(&sandbox, &["--yes"]).await;
    assert_eq!(taken.exit, 1, "{taken:?}");
    for text in ["fabrikam", "--prefix"] {
        assert!(taken.stderr.contains(text), "{taken:?}");
    }
    assert_eq!(changes(&sandbox), Vec::<String>::new());
    let own = provision(
        &sandbox,
        &["--yes", "--skip", "role", "--prefix", "contoso"],
    )
    .await;
    assert_eq!(own.exit, 0, "{own:?}");

    let sandbox = Sandbox::start().await.unwrap();
    sandbox
        .world()
        .dataverse
        .lock()
        .seed_memo_column("pcref_decision");
    let other = provision(&sandbox, &["--yes", "--json"]).await;
    assert_eq!(other.exit, 1, "{other:?}");
    let problem = other.json()["problems"][0].as_str().unwrap().to_owned();
    for text in ["pcref_decision", "Memo", "Picklist"] {
        assert!(problem.contains(text), "{problem}");
    }
    assert_eq!(changes(&sandbox), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_without_sales_is_told_apart() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.world().dataverse.lock().switches.sales = false;
    let run = provision(&sandbox, &["--yes"]).await;
    assert_eq!(run.exit, 78, "{run:?}");
    assert!(
        run.stderr.contains("leads need Dynamics 365 Sales"),
        "{run:?}"
    );
    assert_eq!(changes(&sandbox), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_not_customize_is_told_whom_to_ask() {
    for privilege in [
        "prvCreatePublisher",
        "prvCreateAttribute",
        "prvCreateRole",
        "prvCreateUser",
    ] {
        let sandbox = with_identity().await;
        let denied = [privilege.to_owned()].into();
        sandbox.world().dataverse.lock().switches.missing_privileges = denied;
        let run = provision(&sandbox, &["--yes", "--application-id", IDENTITY]).await;
        assert_eq!(run.exit, 78, "{privilege}: {run:?}");
        assert!(
            run.stderr.contains("system administrator"),
            "{privilege}: {run:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_the_tenant_does_not_know_is_named() {
    let sandbox = Sandbox::start().await.unwrap();
    let run = provision(
        &sandbox,
        &["--yes", "--skip", "columns", "--application-id", IDENTITY],
    )
    .await;
    assert_eq!(run.exit, 1, "{run:?}");
    for text in [IDENTITY, "managed identity of the environment's own tenant"] {
        assert!(run.stderr.contains(text), "{run:?}");
    }
}
