//! The connector's own columns of leads: what shows there, and what a seller decides there.

mod decisions;
mod there;

use sandbox::Sandbox;
use sandbox::host::Wire;
use sandbox::partner_center::builder::ReferralBuilder;
use serde_json::{Value, json};

use crate::program;
use crate::rig::{Answer, Rig, overlay};

const TWO_WAY: (&str, &str) = ("SYNC_MODE", "two-way");
const ACCEPT: i64 = 418_700_001;
const DECLINE: i64 = 418_700_002;
const WAIT: i64 = 418_700_000;

/// A sandbox whose lead table has the columns.
async fn provisioned(more: &[&str]) -> Sandbox {
    let sandbox = Sandbox::start().await.unwrap();
    let arguments: Vec<&str> = [&["provision", "--yes", "--skip", "role"], more].concat();
    let run = program::run(&arguments, &sandbox.settings()).await;
    assert_eq!(run.exit, 0, "{run:?}");
    sandbox.world().requests.clear();
    sandbox
}

/// In a world with the columns, a new referral and its lead.
async fn shown(settings: &[(&str, &str)]) -> (Rig, String) {
    shown_of(settings, ReferralBuilder::new()).await
}

async fn shown_of(settings: &[(&str, &str)], referral: ReferralBuilder) -> (Rig, String) {
    let sandbox = provisioned(&[]).await;
    let rig = Rig::with(sandbox, Wire::Proxying, settings).await;
    let id = rig.seed(referral.set("/expirationDateTime", "2027-01-15T23:30:00Z"));
    assert_synced(&rig.created(&id).await);
    (rig, id)
}

fn assert_synced(answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (200, "synced"));
}

/// What the lead of `id` shows in the column `pcref_<name>`.
fn column(rig: &Rig, id: &str, name: &str) -> Value {
    rig.lead(id).unwrap()[format!("pcref_{name}")].clone()
}

fn message(rig: &Rig, id: &str) -> String {
    let message = column(rig, id, "sellermessage");
    message.as_str().unwrap_or_default().to_owned()
}

/// The status and substatus of the referral.
fn standing(rig: &Rig, id: &str) -> String {
    let referral = rig.referral(id);
    let word = |member: &str| referral[member].as_str().unwrap_or_default().to_owned();
    format!("{}/{}", word("status"), word("substatus"))
}

/// A sync has nothing to write.
async fn assert_at_rest(rig: &Rig, id: &str) {
    rig.forget_requests();
    assert_synced(&rig.updated(id).await);
    assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_lead_shows_its_referral_and_asks_for_the_answer() {
    let (rig, id) = shown(&[TWO_WAY, ("SYNC_TIME_ZONE", "Europe/Berlin")]).await;
    assert_eq!(column(&rig, &id, "referralid"), json!(id));
    let link = "https://partner.microsoft.com/dashboard/referrals/v2/leads";
    assert_eq!(column(&rig, &id, "referrallink"), link);
    assert_eq!(column(&rig, &id, "referralkind"), "Qualified lead");
    assert_eq!(column(&rig, &id, "referralstatus"), "New");
    assert_eq!(column(&rig, &id, "answerby"), "2027-01-16", "in Berlin");
    assert_eq!(column(&rig, &id, "decision"), Value::Null);
    assert!(column(&rig, &id, "lastsynced").is_string());
    assert_eq!(
        message(&rig, &id),
        "Accept or decline this referral by 2027-01-16, with the referral decision of this lead."
    );
    assert_eq!(
        rig.writes()
            .iter()
            .filter(|it| it.method == "PATCH")
            .count(),
        3,
        "lead, note, link"
    );
    assert_at_rest(&rig, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_columns_follow_the_referral_in_the_request_that_is_sent_anyway() {
    let (rig, id) = shown(&[]).await;
    let asked = "Accept or decline this referral by 2027-01-15, in Partner Center.";
    assert_eq!(message(&rig, &id), asked);
    rig.forget_requests();
    rig.partner_center_edits(
        &id,
        &json!({ "status": "Active", "substatus": "Accepted", "customerProfile": { "name": "Fabrikam" } }),
    );
    assert_synced(&rig.updated(&id).await);
    assert_eq!(column(&rig, &id, "referralstatus"), "Accepted");
    assert_eq!(column(&rig, &id, "answerby"), Value::Null);
    assert_eq!(message(&rig, &id), "");
    let lead = rig.lead(&id).unwrap();
    assert_eq!(
        (&lead["companyname"], &lead["statuscode"]),
        (&json!("Fabrikam"), &json!(2))
    );
    assert_eq!(rig.writes().len(), 1, "{:#?}", rig.writes());

    rig.world().close_referral(&id, "Lost").unwrap();
    assert_synced(&rig.updated(&id).await);
    assert_eq!(column(&rig, &id, "referralstatus"), "Closed: Lost");
    assert_eq!(
        message(&rig, &id),
        "The referral is closed in Partner Center (Closed: Lost) while this lead is open: decide what that means for it."
    );
    assert_at_rest(&rig, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_seller_writes_over_is_put_right_without_a_word() {
    let (rig, id) = shown(&[]).await;
    let edits = json!({
        "pcref_referralstatus": "Won!", "pcref_answerby": null, "pcref_referralid": null,
        "pcref_sellermessage": "call them", "pcref_lastsynced": null,
    });
    rig.seller_edits(&id, &edits);
    let answer = rig.updated(&id).await;
    assert_synced(&answer);
    assert_eq!(rig.reports(&answer).await, Vec::<String>::new());
    assert_eq!(column(&rig, &id, "referralstatus"), "New");
    assert_eq!(column(&rig, &id, "answerby"), "2027-01-15");
    assert_eq!(column(&rig, &id, "referralid"), json!(id));
    assert!(message(&rig, &id).starts_with("Accept or decline"));
    assert!(column(&rig, &id, "lastsynced").is_string());
    assert_at_rest(&rig, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_is_as_it_should_be_is_not_written_to_say_when_it_was_looked_at() {
    let (rig, id) = shown(&[]).await;
    rig.seller_edits(&id, &json!({ "pcref_lastsynced": "2020-01-01T00:00:00Z" }));
    assert_at_rest(&rig, &id).await;
    assert_eq!(column(&rig, &id, "lastsynced"), "2020-01-01T00:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_message_names_what_was_cut_and_what_differs_but_no_value() {
    let company = "Tailspin Toys ".repeat(10);
    let referral = ReferralBuilder::new().company(company.trim());
    let (rig, id) = shown_of(&[], referral).await;
    rig.seller_edits(&id, &json!({ "estimatedamount": 61000.0 }));
    rig.partner_center_edits(&id, &json!({ "details": { "dealValue": 50_000 } }));
    assert_synced(&rig.updated(&id).await);
    let told = message(&rig, &id);
    for line in [
        "Not carried over in full: companyname. The timeline has what Partner Center holds.",
        "Different in Partner Center, and left so on both sides: deal.",
    ] {
        assert!(told.lines().any(|it| it == line), "{told}");
    }
    assert!(
        !told.contains("Tailspin") && !told.contains("50000"),
        "{told}"
    );
    assert_at_rest(&rig, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn observe_mode_says_what_it_would_show() {
    let sandbox = provisioned(&[]).await;
    let rig = Rig::with(sandbox, Wire::Proxying, &[("SYNC_MODE", "observe")]).await;
    let lead = rig.seed_lead(&json!({ "companyname": "Tailspin Toys" }));
    let id = rig.seed(ReferralBuilder::new().set("/externalReferenceId", lead.as_str()));
    let answer = rig.updated(&id).await;
    let reports = rig.reports(&answer).await;
    for name in [
        "referralid",
        "referralstatus",
        "lastsynced",
        "sellermessage",
    ] {
        let word = format!("would_write:pcref_{name}");
        assert!(reports.contains(&word), "{reports:?}");
    }
    assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn preview_shows_the_columns_beside_the_mapped_ones() {
    let (rig, id) = shown(&[TWO_WAY]).await;
    rig.seller_edits(
        &id,
        &json!({ "pcref_decision": ACCEPT, "pcref_referralstatus": "Won!" }),
    );
    let settings = overlay(rig.sandbox.settings(), &[TWO_WAY]);
    let preview = program::run(&["preview", &id, "--json"], &settings)
        .await
        .json();
    let field = |name: &str| {
        let mut columns = preview["columns"].as_array().unwrap().iter();
        columns.find(|it| it["column"] == name).unwrap().clone()
    };
    let status = field("pcref_referralstatus");
    assert_eq!(
        (&status["now"], &status["after"]),
        (&json!("Won!"), &json!("New"))
    );
    assert_eq!(
        (&status["decision"], &status["unit"]),
        (&json!("written"), &Value::Null)
    );
    assert_eq!(status["winner"], "not merged");
    let decision = field("pcref_decision");
    assert_eq!(
        (&decision["now"], &decision["decision"]),
        (&json!(ACCEPT), &json!("kept"))
    );
    assert_eq!(field("pcref_referralid")["decision"], "same");
    let sends = preview["sends"].to_string();
    assert!(sends.contains("Accepted"), "{sends}");
}
