//! `preview`: what a sync would write, and not one write.

use std::path::{Path, PathBuf};

use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Effect, Fault, Sandbox, Service};
use serde_json::{Value, json};

use crate::program::{self, Run};
use crate::rig::overlay;

fn seed(sandbox: &Sandbox, referral: impl Into<Value>) -> String {
    let mut partner_center = sandbox.world().partner_center.lock();
    partner_center.seed_referral(referral).unwrap()
}

async fn json_of(sandbox: &Sandbox, what: &str, settings: &[(&str, &str)]) -> Value {
    let settings = overlay(sandbox.settings(), settings);
    let run = program::run(&["preview", what, "--json"], &settings).await;
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    run.json()
}

async fn sync(sandbox: &Sandbox, id: &str, settings: &[(&str, &str)]) {
    let run = program::run(&["sync", id], &overlay(sandbox.settings(), settings)).await;
    assert_eq!(run.exit, 0, "{run:?}");
}

fn lead(sandbox: &Sandbox, id: &str) -> Option<Value> {
    let dataverse = sandbox.world().dataverse.lock();
    dataverse.lead(id.parse().unwrap())
}

fn seller_edits(sandbox: &Sandbox, id: &str, columns: &Value) {
    let now = sandbox.world().clock.now();
    let mut dataverse = sandbox.world().dataverse.lock();
    dataverse
        .edit_lead(id.parse().unwrap(), columns, now)
        .unwrap();
}

/// Requests that could have changed anything anywhere.
fn writes(sandbox: &Sandbox) -> Vec<String> {
    let mut records = sandbox.world().requests.all();
    records.retain(|it| {
        let signs_in = [Service::Entra, Service::Identity];
        it.method != "GET" && !signs_in.contains(&it.service)
    });
    records.iter().map(sandbox::Record::line).collect()
}

/// The entry about `column`.
fn field<'a>(preview: &'a Value, column: &str) -> &'a Value {
    let mut columns = preview["columns"].as_array().unwrap().iter();
    let field = columns.find(|it| it["column"] == column);
    field.unwrap_or_else(|| panic!("{column}: {preview:#}"))
}

struct File(tempfile::TempDir);

impl File {
    fn of(content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("referral.json"), content).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("referral.json")
    }
}

async fn of_file(sandbox: &Sandbox, path: &Path) -> Run {
    program::run(&["preview", path.to_str().unwrap()], &sandbox.settings()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_previewed_is_what_the_sync_writes_and_the_preview_writes_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = seed(&sandbox, ReferralBuilder::new());

    let preview = json_of(&sandbox, &id, &[]).await;

    assert_eq!(writes(&sandbox), [""; 0]);
    assert_eq!(lead(&sandbox, &id), None);
    assert_eq!(
        (&preview["outcome"], &preview["leadId"]),
        (&json!("created"), &json!(id))
    );
    assert_eq!(preview["mode"], "link");
    assert_eq!(preview["assumed"], json!([]));
    let link = json!([{ "op": "add", "path": "/externalReferenceId", "value": id }]);
    assert_eq!(preview["sends"], link);
    sync(&sandbox, &id, &[]).await;
    let lead = lead(&sandbox, &id).unwrap();
    let columns = preview["columns"].as_array().unwrap();
    assert!(15 < columns.len(), "{preview:#}");
    for field in columns {
        let column = field["column"].as_str().unwrap();
        assert_eq!(field["decision"], "written", "{field}");
        match column {
            "estimatedamount" => {
                let after: f64 = field["after"].as_str().unwrap().parse().unwrap();
                assert_eq!(Some(after), lead[column].as_f64());
            }
            "transactioncurrencyid" => assert_eq!(field["after"], "EUR"),
            _ => assert_eq!(field["after"], lead[column], "{column}"),
        }
    }
    let notes = sandbox.world().dataverse.lock().notes(id.parse().unwrap());
    let texts: Vec<&Value> = notes.iter().map(|note| &note["notetext"]).collect();
    let previewed = preview["notes"].as_array().unwrap();
    assert_eq!(
        texts,
        previewed.iter().map(|it| &it["text"]).collect::<Vec<_>>()
    );

    let settled = json_of(&sandbox, &id, &[]).await;
    assert_eq!(settled["outcome"], "unchanged");
    for field in settled["columns"].as_array().unwrap() {
        let is_said = !field["referral"].is_null();
        let expected = if is_said { "same" } else { "kept" };
        assert_eq!(field["decision"], expected, "{field}");
    }
    assert_eq!(settled["notes"], json!([]), "they are there");
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_both_sides_show_who_wins_and_what_is_noted() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = seed(&sandbox, ReferralBuilder::new());
    sync(&sandbox, &id, &[]).await;
    let edits = json!({ "companyname": "Seller's company", "telephone1": "1", "emailaddress1": "seller@example.com" });
    seller_edits(&sandbox, &id, &edits);
    let change = json!({ "customerProfile": { "name": "Partner's company",
        "team": [{ "firstName": "Miriam", "lastName": "Okafor", "email": "partner@example.com", "phoneNumber": "+49 40 555 0100" }] } });
    sandbox.world().edit_referral(&id, &change).unwrap();
    sandbox.world().requests.clear();

    let preview = json_of(&sandbox, &id, &[]).await;

    assert_eq!(writes(&sandbox), [""; 0]);
    assert_eq!(preview["outcome"], "updated");
    let company = field(&preview, "companyname");
    assert_eq!(company["now"], "Seller's company");
    assert_eq!(company["after"], "Partner's company");
    assert_eq!(
        (&company["decision"], &company["winner"], &company["unit"]),
        (
            &json!("written"),
            &json!("Partner Center"),
            &json!("company")
        )
    );
    let email = field(&preview, "emailaddress1");
    assert_eq!(
        (&email["decision"], &email["winner"], &email["after"]),
        (
            &json!("kept"),
            &json!("the CRM"),
            &json!("seller@example.com")
        )
    );
    assert_eq!(email["referral"], "partner@example.com");
    let notes = preview["notes"].to_string();
    assert!(
        notes.contains("Seller's company"),
        "what gives way is noted: {notes}"
    );
    assert!(
        preview["reports"]
            .as_array()
            .unwrap()
            .contains(&json!("differs:company"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_go_to_the_referral_is_shown_and_observe_mode_shows_what_link_mode_does() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = seed(&sandbox, ReferralBuilder::new());
    let observed = json_of(&sandbox, &id, &[("SYNC_MODE", "observe")]).await;
    assert_eq!(
        (&observed["mode"], &observed["outcome"]),
        (&json!("link"), &json!("created"))
    );
    let two_way = [("SYNC_MODE", "two-way")];
    sync(&sandbox, &id, &two_way).await;
    seller_edits(
        &sandbox,
        &id,
        &json!({ "estimatedclosedate": "2027-05-15" }),
    );
    sandbox.world().requests.clear();

    let preview = json_of(&sandbox, &id, &two_way).await;

    assert_eq!(writes(&sandbox), [""; 0]);
    assert_eq!(field(&preview, "estimatedclosedate")["decision"], "sent");
    let sends = json!([{ "op": "replace", "path": "/details/closingDateTime", "value": "2027-05-15T00:00:00Z" }]);
    assert_eq!(preview["sends"], sends);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_every_value_and_what_was_cut() {
    let sandbox = Sandbox::start().await.unwrap();
    let referral = ReferralBuilder::new()
        .set("/customerProfile/name", "x".repeat(120))
        .set("/customerProfile/address/city", "Ham\u{1b}[31mburg");
    let id = seed(&sandbox, referral);
    let run = program::run(&["preview", &id], &sandbox.settings()).await;
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    let begin = format!("referral {id}: a sync in mode link would come to created, lead {id}\n");
    assert!(run.stdout.starts_with(&begin), "{run:?}");
    assert!(
        run.stdout
            .contains("written   lastname                  – → \"Okafor\"  [the CRM]"),
        "{run:?}"
    );
    assert!(run.stdout.contains("cut companyname"), "{run:?}");
    assert!(run.stdout.contains("add /externalReferenceId"), "{run:?}");
    assert!(!run.stdout.contains('\u{1b}'), "a terminal would act on it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_read_as_what_partner_center_would_give() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = seed(&sandbox, ReferralBuilder::new());
    sync(&sandbox, &id, &[]).await;
    let mut changed = sandbox.world().partner_center.lock().referral(&id).unwrap();
    changed["name"] = "Another topic".into();
    changed["details"]["dealValue"] = json!("much");
    let file = File::of(format!("\u{feff}{changed}"));
    sandbox.world().requests.clear();

    let preview = json_of(&sandbox, file.path().to_str().unwrap(), &[]).await;

    assert_eq!(writes(&sandbox), [""; 0]);
    let topic = field(&preview, "subject");
    assert_eq!(
        (&topic["decision"], &topic["after"]),
        (&json!("written"), &json!("Another topic"))
    );
    assert_eq!(preview["unread"], json!(["details.dealValue"]));
    assert_eq!(preview["assumed"], json!([]));
    assert_eq!(
        sandbox.world().requests.lines(Service::PartnerCenter),
        [""; 0],
        "the file was enough"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_assumed_and_said() {
    let sandbox = Sandbox::start().await.unwrap();
    let referral = ReferralBuilder::new().build();
    let file = File::of(referral.to_string());
    for service in [Service::Dataverse, Service::Storage] {
        let refused = Fault::new(service, Effect::status(403));
        sandbox.world().faults.add(refused);
    }
    let preview = json_of(&sandbox, file.path().to_str().unwrap(), &[]).await;
    let assumed = preview["assumed"].as_array().unwrap();
    let words: Vec<_> = assumed
        .iter()
        .map(|it| it["assumed"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["never_synced", "no_lead", "shipped_columns"]);
    assert!(
        assumed
            .iter()
            .all(|it| !it["because"].as_str().unwrap().is_empty())
    );
    assert_eq!(preview["outcome"], "created");
    assert_eq!(field(&preview, "estimatedamount")["after"], "48000");
    assert_eq!(field(&preview, "transactioncurrencyid")["after"], "EUR");
    let run = of_file(&sandbox, &file.path()).await;
    assert!(
        run.stdout.contains("assumed: it has no lead, because"),
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_holds_no_referral_is_a_usage_error_that_says_why() {
    let sandbox = Sandbox::start().await.unwrap();
    let long = vec![b' '; 1024 * 1024 + 1];
    let cases: [(&[u8], &str); 6] = [
        (b"", "it is not one JSON object"),
        (b"[]", "it is not one JSON object"),
        (b"{\"id\": \"\xff\"}", "it is not one JSON object in UTF-8"),
        (b"{}", "it has no usable id"),
        (
            b"{\"id\": \"4111fffc-f9ee-4d53-bba6-569135228642\"}",
            "it has no usable eTag",
        ),
        (&long, "the file has more than 1048576 bytes"),
    ];
    for (content, why) in cases {
        let file = File::of(content);
        let run = of_file(&sandbox, &file.path()).await;
        assert_eq!((run.exit, run.stdout.as_str()), (64, ""), "{run:?}");
        assert!(run.stderr.contains(why), "{run:?}");
    }
    let run = of_file(&sandbox, Path::new("/nowhere/at-all.json")).await;
    assert_eq!(run.exit, 64, "{run:?}");
    assert!(
        run.stderr.contains("neither a referral's id nor a file"),
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_that_gets_no_lead_says_why() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = seed(&sandbox, ReferralBuilder::new().set("/isSpam", true));
    let preview = json_of(&sandbox, &id, &[]).await;
    assert_eq!(
        (&preview["outcome"], &preview["reason"]),
        (&json!("ignored"), &json!("spam"))
    );
    assert_eq!(preview["columns"], json!([]));
    let run = program::run(
        &["preview", "4111fffc-f9ee-4d53-bba6-569135228642"],
        &sandbox.settings(),
    )
    .await;
    assert_eq!((run.exit, run.stdout.as_str()), (1, ""), "{run:?}");
}

/// A lead of the customer of the sandbox's referrals.
fn seed_known(sandbox: &Sandbox) -> String {
    let now = sandbox.world().clock.now();
    let columns = json!({
        "emailaddress1": "miriam.okafor@tailspin.example",
        "companyname": "Tailspin Toys",
    });
    let mut dataverse = sandbox.world().dataverse.lock();
    dataverse.seed_lead(&columns, now).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_is_known_is_shown_with_the_lead_that_would_be_taken_or_told_of() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = seed(&sandbox, ReferralBuilder::new());
    let other = seed_known(&sandbox);
    let account = {
        let now = sandbox.world().clock.now();
        let account = json!({ "name": "TAILSPIN TOYS" });
        let mut dataverse = sandbox.world().dataverse.lock();
        dataverse.seed_account(&account, now).unwrap().to_string()
    };
    let told = json_of(&sandbox, &id, &[]).await;
    assert_eq!(told["leadId"], id.as_str());
    assert_eq!(told["possibleDuplicates"], json!([other]));
    assert_eq!(
        (&told["taken"], &told["contact"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(told["account"], account.as_str());
    let taken = json_of(&sandbox, &id, &[("SYNC_DUPLICATES", "link")]).await;
    assert_eq!(
        (&taken["leadId"], &taken["taken"]),
        (&json!(other), &json!(other))
    );
    assert_eq!(taken["possibleDuplicates"], json!([]));
    assert_eq!(taken["account"], Value::Null);
    let text = program::run(&["preview", &id], &sandbox.settings()).await;
    assert_eq!(text.exit, 0, "{text:?}");
    let lines = ["possible duplicates:", &other, "account:", &account];
    for line in lines {
        assert!(text.stdout.contains(line), "{line}: {text:?}");
    }
    assert_eq!(writes(&sandbox), [""; 0]);
    let file = File::of(
        sandbox
            .world()
            .partner_center
            .lock()
            .referral(&id)
            .unwrap()
            .to_string(),
    );
    let shown = of_file(&sandbox, &file.path()).await;
    assert!(shown.stdout.contains(&other), "{shown:?}");
}
