use std::time::Duration;

use sandbox::{Effect, Fault, Service};
use serde_json::json;

use super::*;
use crate::rig::{BOUND, IMPATIENT};

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_is_told_of_the_open_lead_that_may_be_the_same_once() {
    let rig = Rig::start(&[]).await;
    let other = known(&rig);
    let id = rig.seed(ReferralBuilder::new());
    let answer = rig.created(&id).await;
    assert_eq!(answer.code(), "synced");
    let word = format!("possible_duplicate:{other}");
    assert_eq!(rig.reports(&answer).await, [word]);
    let notes = told(&rig, &id);
    assert_eq!(notes.len(), 1, "{notes:?}");
    let place = format!("/main.aspx?pagetype=entityrecord&etn=lead&id={other}");
    assert!(notes[0].contains(&place), "{notes:?}");
    assert_eq!(rig.leads().len(), 2);
    assert_eq!(rig.referral(&id)["externalReferenceId"], id.as_str());
    rig.forget_requests();
    rig.partner_center_edits(&id, &json!({ "name": "Another name" }));
    assert_eq!(rig.reports(&rig.updated(&id).await).await, [""; 0]);
    assert_eq!(told(&rig, &id).len(), 1);
    assert!(
        told(&rig, &other).is_empty(),
        "the other lead is left alone"
    );
    assert_eq!(looked_for(&rig, "leads"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_takes_three_reads_more_and_nothing_else_any() {
    let rig = Rig::start(&[]).await;
    let warm = rig.seed(of("warm@tailspin.example", "Warm"));
    rig.created(&warm).await;
    rig.forget_requests();
    let id = rig.seed(ReferralBuilder::new());
    rig.created(&id).await;
    let mut reads = rig.requests(Service::Dataverse);
    reads.retain(|line| line.starts_with("GET"));
    reads.sort();
    let path = |part: &str| format!("GET /api/data/v9.2/{part}");
    let own = path(&format!("leads({id})"));
    assert_eq!(
        reads,
        [path("accounts"), path("contacts"), path("leads"), own]
    );
    rig.forget_requests();
    rig.updated(&id).await;
    assert_eq!(rig.requests(Service::Dataverse).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_that_are_closed_or_only_half_alike_are_not_told_of() {
    let rig = Rig::start(&[]).await;
    let closed = json!({ "emailaddress1": EMAIL, "companyname": COMPANY, "statecode": 2 });
    rig.seed_lead(&closed);
    rig.seed_lead(&json!({ "emailaddress1": EMAIL, "companyname": "Tailspin Toys Inc." }));
    rig.seed_lead(&json!({ "emailaddress1": "somebody@tailspin.example", "companyname": COMPANY }));
    rig.seed_lead(&json!({ "companyname": COMPANY }));
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.reports(&rig.created(&id).await).await, [""; 0]);
    assert!(told(&rig, &id).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_operators_and_letters_of_any_script_are_looked_for_as_they_are() {
    let rig = Rig::start(&[]).await;
    for (email, company) in [
        ("o'brien@tailspin.example", "O'Brien & Söhne + 100%"),
        ("a@tailspin.example", "' or companyname ne '"),
        ("b@tailspin.example", "東京株式会社 #1 / ?x=1&$top=9"),
        ("c+d@tailspin.example", "100% \"Natur\" (Süd); 😀"),
    ] {
        let other = rig
            .seed_lead(&json!({ "emailaddress1": email, "companyname": company, "lastname": "x" }));
        let id = rig.seed(of(email, company));
        let reports = rig.reports(&rig.created(&id).await).await;
        assert_eq!(
            reports,
            [format!("possible_duplicate:{other}")],
            "{company}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_address_or_a_company_no_lead_is_looked_for() {
    let rig = Rig::start(&[]).await;
    known(&rig);
    for referral in [
        ReferralBuilder::new().without("/customerProfile/team/0/email"),
        of(EMAIL, " &nbsp; "),
        of("no address", COMPANY),
        ReferralBuilder::new().set("/customerProfile/team", json!([])),
    ] {
        rig.forget_requests();
        let id = rig.seed(referral);
        assert_eq!(rig.created(&id).await.code(), "synced");
        assert_eq!(looked_for(&rig, "leads"), 0);
        assert!(told(&rig, &id).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_looked_for_where_nobody_wants_to_know() {
    let off = [("SYNC_DUPLICATES", "create"), ("SYNC_PARENTS", "off")];
    let rig = Rig::start(&off).await;
    known(&rig);
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.reports(&rig.created(&id).await).await, [""; 0]);
    for table in ["leads", "accounts", "contacts"] {
        assert_eq!(looked_for(&rig, table), 0);
    }
    assert!(told(&rig, &id).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_dies_between_the_lead_and_its_note_leaves_the_note_to_the_next() {
    let rig = Rig::start(&IMPATIENT).await;
    let other = known(&rig);
    let id = rig.seed(ReferralBuilder::new());
    let slow = Fault::new(Service::Dataverse, Effect::Delay(10_000));
    rig.world().faults.add(slow.path("/annotations("));
    let delivery = rig.event("referral-created", &id);
    let killing = async {
        let path = "/annotations(";
        rig.wait_for_request(Service::Dataverse, "PATCH", path)
            .await;
        // From now on it is not to be found by looking.
        rig.seller_edits(&other, &json!({ "companyname": "Sold" }));
        rig.host.kill().await.unwrap();
    };
    tokio::join!(rig.send(&delivery), killing);
    rig.world().faults.clear();
    let runs = |state: sandbox::host::State| matches!(state, sandbox::host::State::Running { .. });
    rig.host.wait_for_state(runs, BOUND).await.unwrap();
    assert!(rig.lead(&id).is_some() && told(&rig, &id).is_empty());
    rig.outlast_intentions(&id).await;
    let answer = rig.send(&delivery).await;
    let word = format!("possible_duplicate:{other}");
    assert!(rig.reports(&answer).await.contains(&word));
    assert_eq!(told(&rig, &id).len(), 1);
    rig.updated(&id).await;
    assert_eq!(told(&rig, &id).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_whose_answer_was_lost_is_told_of_all_the_same() {
    let rig = Rig::start(&[]).await;
    known(&rig);
    let id = rig.seed(ReferralBuilder::new());
    let cut = Fault::new(Service::Dataverse, Effect::Cut).method("PATCH");
    rig.world().faults.add(cut.path("/leads(").times(1).after());
    assert_eq!(rig.created(&id).await.code(), "synced");
    assert_eq!(told(&rig, &id).len(), 1);
    assert_eq!(rig.leads().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_fails_for_a_moment_is_made_again_before_anything_is_created() {
    let rig = Rig::start(&IMPATIENT).await;
    known(&rig);
    let id = rig.seed(ReferralBuilder::new());
    let down = Fault::new(Service::Dataverse, Effect::status(503)).method("GET");
    rig.world().faults.add(down.path("/api/data/v9.2/leads?"));
    let answer = rig.created(&id).await;
    assert_eq!(answer.code(), "parked");
    assert!(rig.lead(&id).is_none());
    rig.world().faults.clear();
    rig.until(|rig| !told(rig, &id).is_empty()).await;
    tokio::time::timeout(Duration::from_secs(1), rig.updated(&id))
        .await
        .unwrap();
    assert_eq!(told(&rig, &id).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn observing_tells_of_the_other_lead_and_writes_nothing() {
    let rig = Rig::start(&[("SYNC_MODE", "observe")]).await;
    let other = known(&rig);
    let id = rig.seed(ReferralBuilder::new());
    let reports = rig.reports(&rig.created(&id).await).await;
    assert!(reports.contains(&format!("possible_duplicate:{other}")));
    assert!(reports.contains(&"would_create".to_owned()), "{reports:?}");
    assert!(rig.writes().is_empty());
}
