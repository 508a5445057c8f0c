//! Mapping rules of a customer's own: what they make of a referral, and what becomes of a file that is wrong.

use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Sandbox, Service};
use serde_json::{Value, json};

use crate::program::{self, Run};
use crate::rig::{Rig, overlay};

const RULES: &str = r#"
[[column]]
column = "sic"
from = "mpnId"

[[column]]
column = "industrycode"
type = "choice"
from = "details.requirements"
map = { Azure = "Accounting" }
otherwise = "accounting"

[[column]]
column = "numberofemployees"
type = "number"
from = "customerProfile.size"
map = { 251to1000employees = 251 }

[[column]]
column = "decisionmaker"
type = "flag"
value = true
winner = "crm"

[[column]]
column = "donotbulkemail"
direction = "off"

[[column]]
column = "jobtitle"
template = "{qualification} ({customerProfile.team[].email})"
"#;

struct File(tempfile::TempDir);

impl File {
    fn of(content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mapping.toml"), content).unwrap();
        Self(folder)
    }

    fn path(&self) -> String {
        let path = self.0.path().join("mapping.toml");
        path.to_str().unwrap().to_owned()
    }
}

fn seed(sandbox: &Sandbox, referral: ReferralBuilder) -> String {
    let mut partner_center = sandbox.world().partner_center.lock();
    partner_center.seed_referral(referral).unwrap()
}

async fn run(sandbox: &Sandbox, file: &str, arguments: &[&str]) -> Run {
    let settings = overlay(sandbox.settings(), &[("MAPPING_FILE", file)]);
    program::run(arguments, &settings).await
}

async fn outcome(sandbox: &Sandbox, file: &str, id: &str) -> String {
    let run = run(sandbox, file, &["sync", id, "--json"]).await;
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    run.json()["outcome"].as_str().unwrap().to_owned()
}

fn lead(sandbox: &Sandbox, id: &str) -> Value {
    let dataverse = sandbox.world().dataverse.lock();
    dataverse.lead(id.parse().unwrap()).unwrap()
}

/// What `check` says about the mapping.
async fn checked(sandbox: &Sandbox, file: &str) -> (Vec<String>, i32) {
    let run = run(sandbox, file, &["check", "--json"]).await;
    let json = run.json();
    let findings = json["findings"].as_array().unwrap().iter();
    let of_mapping = findings.filter(|it| it["code"] == "mapping");
    let details = of_mapping.map(|it| it["detail"].as_str().unwrap().to_owned());
    (details.collect(), run.exit)
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_ones_own_fill_columns_of_every_kind_and_come_to_rest() {
    let (sandbox, file) = (Sandbox::start().await.unwrap(), File::of(RULES));
    let id = seed(&sandbox, ReferralBuilder::new().set("/mpnId", "4711"));
    let preview = run(&sandbox, &file.path(), &["preview", &id, "--json"]).await;
    let preview = preview.json();
    let columns = preview["columns"].as_array().unwrap();
    assert!(
        columns
            .iter()
            .any(|it| it["column"] == "sic" && it["after"] == "4711"),
        "{preview:#}"
    );

    assert_eq!(outcome(&sandbox, &file.path(), &id).await, "created");

    let made = lead(&sandbox, &id);
    assert_eq!(made["sic"], "4711");
    assert_eq!(made["industrycode"], 1);
    assert_eq!(made["numberofemployees"], 251);
    assert_eq!(made["decisionmaker"], true);
    assert_eq!(made["donotbulkemail"], false, "its rule is off");
    assert_eq!(
        made["jobtitle"],
        "SalesQualified (miriam.okafor@tailspin.example)"
    );
    sandbox.world().requests.clear();
    assert_eq!(outcome(&sandbox, &file.path(), &id).await, "unchanged");
    let writes = sandbox.world().requests.of(Service::Dataverse);
    assert!(writes.iter().all(|it| it.method == "GET"), "{writes:#?}");
    let (findings, exit) = checked(&sandbox, &file.path()).await;
    assert_eq!((findings.len(), exit), (1, 0), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_rule_is_no_edit_and_counts_from_the_next_one() {
    let sandbox = Sandbox::start().await.unwrap();
    let rule = |from: &str| File::of(format!("[[column]]\ncolumn = \"sic\"\nfrom = \"{from}\"\n"));
    let (before, after) = (rule("mpnId"), rule("qualification"));
    let id = seed(&sandbox, ReferralBuilder::new().set("/mpnId", "4711"));
    assert_eq!(outcome(&sandbox, &before.path(), &id).await, "created");

    assert_eq!(outcome(&sandbox, &after.path(), &id).await, "unchanged");
    assert_eq!(lead(&sandbox, &id)["sic"], "4711");
    let change = json!({ "qualification": "MarketingQualified" });
    sandbox.world().edit_referral(&id, &change).unwrap();
    assert_eq!(outcome(&sandbox, &after.path(), &id).await, "updated");
    assert_eq!(lead(&sandbox, &id)["sic"], "MarketingQualified");

    // An edit that comes with another rule still counts as one.
    let change = json!({ "qualification": "SalesQualified" });
    sandbox.world().edit_referral(&id, &change).unwrap();
    assert_eq!(outcome(&sandbox, &before.path(), &id).await, "updated");
    assert_eq!(lead(&sandbox, &id)["sic"], "4711");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_file_keeps_nothing_from_starting_and_says_so_loudly() {
    let file = File::of("[[column]]\ncolumn = \"companyname\"\nfrom = \"nonsense\"\n");
    let rig = Rig::start(&[("MAPPING_FILE", &file.path())]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    assert_eq!(rig.lead(&id).unwrap()["companyname"], "Tailspin Toys");
    let lines = rig.lines("mapping_file").await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["level"], "ERROR");
    let message = lines[0]["message"].as_str().unwrap();
    assert!(
        message.contains("line 3: \"nonsense\" is no part of a referral"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_a_finding_and_no_reason_to_stop() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = seed(&sandbox, ReferralBuilder::new());
    let long = vec![b'#'; 256 * 1024 + 1];
    let cases: [(&[u8], &str); 3] = [
        (b"\xff\xfe", "is not UTF-8"),
        (&long, "has more than 262144 bytes"),
        (
            b"[[column]]\ncolumn = \"a\"\n",
            "line 1: what is it made of?",
        ),
    ];
    for (content, why) in cases {
        let file = File::of(content);
        let (findings, exit) = checked(&sandbox, &file.path()).await;
        assert_eq!(exit, 2, "{findings:?}");
        assert!(findings[0].contains(why), "{findings:?}");
        let run = program::run(&["mapping", &file.path()], &[].into()).await;
        assert_eq!((run.exit, run.stdout.as_str()), (1, ""), "{run:?}");
        assert!(run.stderr.contains(why), "{run:?}");
    }
    let (findings, exit) = checked(&sandbox, "nowhere/mapping.toml").await;
    assert_eq!(exit, 2);
    assert!(
        findings[0].contains("nowhere/mapping.toml cannot be read"),
        "{findings:?}"
    );
    assert_eq!(
        outcome(&sandbox, "nowhere/mapping.toml", &id).await,
        "created"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_organisation_lacks_is_found_with_its_line_and_left_out() {
    let sandbox = Sandbox::start().await.unwrap();
    let rules = "[[column]]\ncolumn = \"new_nowhere\"\nvalue = \"x\"\n\
        [[column]]\ncolumn = \"decisionmaker\"\nvalue = \"x\"\n\
        [[column]]\ncolumn = \"fullname\"\nvalue = \"x\"\n\
        [[column]]\ncolumn = \"industrycode\"\ntype = \"choice\"\nvalue = \"Alchemy\"\n\
        [[column]]\ncolumn = \"prioritycode\"\ntype = \"choice\"\nvalue = 99\n\
        [[column]]\ncolumn = \"numberofemployees\"\ntype = \"number\"\nvalue = -1\n\
        [[column]]\ncolumn = \"sic\"\nvalue = \"x\"\n\
        [status]\nactive = 4711\n";
    let file = File::of(rules);
    let (findings, exit) = checked(&sandbox, &file.path()).await;
    assert_eq!(exit, 2);
    assert_eq!(
        findings,
        [
            "line 2: the lead table has no column new_nowhere",
            "line 5: the column decisionmaker does not hold text here",
            "line 8: the column fullname is read-only here",
            "line 11: the column industrycode has no choice, or several, called \"Alchemy\"",
            "line 15: the column prioritycode has no choice 99",
            "line 19: the column numberofemployees takes numbers from 0 to 1000000, and not -1",
            "[status] active: a lead has no status reason 4711 here",
        ]
    );
    let id = seed(&sandbox, ReferralBuilder::new());
    assert_eq!(outcome(&sandbox, &file.path(), &id).await, "created");
    let lead = lead(&sandbox, &id);
    assert_eq!(lead["sic"], "x", "the others go on: {lead:#}");
    assert_eq!(outcome(&sandbox, &file.path(), &id).await, "unchanged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_reads_and_copies_the_default_rules() {
    let printed = program::run(&["mapping"], &[].into()).await;
    assert_eq!((printed.exit, printed.stderr.as_str()), (0, ""));
    let file = File::of(&printed.stdout);
    let looked_through = program::run(&["mapping", &file.path()], &[].into()).await;
    assert_eq!(looked_through.exit, 0, "{looked_through:?}");
    assert!(
        looked_through.stdout.contains("22 columns are mapped"),
        "{looked_through:?}"
    );

    let sandbox = Sandbox::start().await.unwrap();
    let id = seed(&sandbox, ReferralBuilder::new());
    let without = program::run(&["preview", &id, "--json"], &sandbox.settings()).await;
    let with = run(&sandbox, &file.path(), &["preview", &id, "--json"]).await;
    assert_eq!(with.json(), without.json());
}
