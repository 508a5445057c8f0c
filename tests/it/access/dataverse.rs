//! Dataverse refuses: by role, by installation, by custom logic, by the lead's state, for too much traffic.

use sandbox::dataverse::{ClosedLeads, CodeSpelling, Limits, Switches};
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Effect, Fault, Service};
use serde_json::json;

use super::{assert_answer, assert_nothing_was_written, error};
use crate::rig::{IMPATIENT, Rig};

/// Brings back an organisation that lets us.
fn relent(rig: &Rig) {
    rig.world().dataverse.lock().switches = Switches::default();
}

fn lacking(privilege: &str) -> Switches {
    Switches {
        missing_privileges: [privilege.to_owned()].into(),
        ..Switches::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_an_administrator_can_put_right_says_what_and_heals_by_itself() {
    let unknown = Switches {
        unknown_application: true,
        ..Switches::default()
    };
    let no_sales = Switches {
        sales: false,
        ..Switches::default()
    };
    for (switches, advice) in [
        (lacking("prvReadLead"), "application user lacks a privilege"),
        (
            lacking("prvCreateLead"),
            "application user lacks a privilege",
        ),
        (
            lacking("prvReadTransactionCurrency"),
            "application user lacks a privilege",
        ),
        (unknown, "no enabled application user"),
        (no_sales, "Dynamics 365 Sales"),
    ] {
        let rig = Rig::start(&IMPATIENT).await;
        let id = rig.seed(ReferralBuilder::new());
        rig.world().dataverse.lock().switches = switches;

        let answer = rig.created(&id).await;

        assert_answer(&answer, 200, "parked");
        assert_eq!(rig.lines("misconfigured").await[0]["level"], "ERROR");
        let error = error(&rig, &answer).await;
        assert!(error.contains(advice), "{error}");
        assert_nothing_was_written(&rig);
        relent(&rig);
        rig.synced_soon(&id).await;
        assert!(rig.lead(&id).is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_privilege_is_known_however_its_code_is_spelt() {
    for code_spelling in [
        CodeSpelling::Hex,
        CodeSpelling::SignedDecimal,
        CodeSpelling::Empty,
    ] {
        let rig = Rig::start(&[]).await;
        let id = rig.seed(ReferralBuilder::new());
        rig.world().dataverse.lock().switches = Switches {
            code_spelling,
            ..lacking("prvCreateLead")
        };
        assert_answer(&rig.created(&id).await, 200, "parked");
        rig.lines("misconfigured").await;
        assert_nothing_was_written(&rig);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_cannot_be_changed_for_want_of_a_privilege_asks_for_a_person() {
    let rig = Rig::start(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.created(&id).await;
    rig.world().dataverse.lock().switches = lacking("prvWriteLead");
    rig.partner_center_edits(&id, &json!({ "name": "Another topic" }));
    assert_answer(&rig.updated(&id).await, 200, "parked");
    rig.lines("misconfigured").await;
    relent(&rig);
    rig.synced_soon(&id).await;
    assert_eq!(rig.lead(&id).unwrap()["subject"], "Another topic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plug_ins_refusal_is_no_passing_trouble_and_its_words_stay_out_of_the_log() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let words = "Miriam Okafor already has an account manager";
    rig.world().dataverse.lock().switches.plugin_refusal = Some(words.to_owned());

    let answer = rig.created(&id).await;

    assert_answer(&answer, 200, "dead_lettered");
    assert_eq!(rig.log(&answer).await["level"], "ERROR");
    let error = error(&rig, &answer).await;
    assert!(error.contains("plug-in trace log"), "{error}");
    for line in rig.host.logs() {
        assert!(!line.text.contains("Okafor"), "{}", line.text);
    }
    let attempts = rig.writes().len();
    assert_eq!(attempts, 1, "a refusal is not repeated");
    assert_nothing_was_written(&rig);
    relent(&rig);
    assert_answer(&rig.created(&id).await, 200, "synced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_lead_that_takes_no_change_is_reported_and_not_fought() {
    for closed_leads in [ClosedLeads::AlreadyClosed, ClosedLeads::ReadOnly] {
        for code_spelling in [CodeSpelling::Hex, CodeSpelling::SignedDecimal] {
            let rig = Rig::start(&[]).await;
            let id = rig.seed(ReferralBuilder::new());
            rig.created(&id).await;
            rig.seller_edits(&id, &json!({ "statecode": 2, "statuscode": 4 }));
            rig.world().dataverse.lock().switches = Switches {
                closed_leads,
                code_spelling,
                ..Switches::default()
            };
            rig.partner_center_edits(&id, &json!({ "name": "Another topic" }));
            rig.forget_requests();

            let answer = rig.updated(&id).await;

            assert_answer(&answer, 200, "synced");
            assert_eq!(rig.reports(&answer).await, ["lead_read_only"]);
            assert_eq!(rig.writes().len(), 1, "{:#?}", rig.writes());
            // A seller who reopens it gets what was missed with the next event.
            rig.seller_edits(&id, &json!({ "statecode": 0, "statuscode": 1 }));
            assert_answer(&rig.updated(&id).await, 200, "synced");
            assert_eq!(rig.lead(&id).unwrap()["subject"], "Another topic");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn service_protection_beyond_the_budget_is_waited_out_in_the_queue() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world().dataverse.lock().switches.limits = Some(Limits {
        requests: 3,
        window_seconds: 300,
        concurrent: 52,
    });
    let answer = rig.created(&id).await;
    assert_answer(&answer, 200, "parked");
    let wait = rig.log(&answer).await["parked_s"].as_u64().unwrap();
    assert!((280..=340).contains(&wait), "{wait}");
    assert_nothing_was_written(&rig);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_ends_within_the_budget() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world().faults.add(
        Fault::new(Service::Dataverse, Effect::Hang)
            .path("/leads(")
            .times(1),
    );
    let started = std::time::Instant::now();
    let answer = rig.created(&id).await;
    assert_answer(&answer, 200, "parked");
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    assert_answer(&rig.created(&id).await, 200, "synced");
}
