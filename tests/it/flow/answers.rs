//! What the flow answers, and what of it the referral is told.

use sandbox::flow::Answer;

use super::*;

fn answers(rig: &Rig, answer: Answer) {
    rig.world().flow.lock().set_answer(answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_an_id_is_an_answer_and_is_reported_once() {
    for answer in [
        Answer::Nothing,
        Answer::Body("{}".to_owned()),
        Answer::Body("done".to_owned()),
        Answer::Body(r#"{"id":"a very\u0007 odd id"}"#.to_owned()),
    ] {
        let rig = rig(&[]).await;
        answers(&rig, answer.clone());
        let id = rig.seed(ReferralBuilder::new());
        let first = rig.created(&id).await;
        assert_eq!(first.code(), "synced", "{answer:?}");
        assert_eq!(rig.reports(&first).await, ["no_record_id"], "{answer:?}");
        let again = rig.updated(&id).await;
        assert_eq!(rig.reports(&again).await, Vec::<String>::new());
        assert_eq!((runs(&rig).len(), rig.patches().len()), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_for_people_is_not_the_flow_and_the_referral_is_handed_over_later() {
    let rig = rig(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    answers(&rig, Answer::Body("<html>Sign in</html>".to_owned()));
    assert_eq!(rig.created(&id).await.code(), "parked");
    answers(&rig, Answer::Record);
    rig.until(|rig| named(rig, &id).is_string()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_id_later_takes_the_place_of_the_one_that_was_ours() {
    let rig = rig(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    rig.world().flow.lock().set_record(&id, "CASE-4711");
    rig.partner_center_edits(&id, &json!({ "details": { "notes": "News" } }));
    let answer = rig.updated(&id).await;
    assert_eq!(rig.reports(&answer).await, ["record_changed"]);
    assert_eq!(named(&rig, &id), "CASE-4711");
    // It is no GUID, and might be anything: the log does not repeat it.
    let log = rig.log(&answer).await;
    assert!(!log.to_string().contains("CASE-4711"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_systems_reference_is_left_and_reported_once() {
    let rig = rig(&[]).await;
    let id = rig.seed(ReferralBuilder::new().set("/externalReferenceId", "SAP-1"));
    let answer = rig.created(&id).await;
    assert_eq!(rig.reports(&answer).await, ["foreign_reference"]);
    let again = rig.updated(&id).await;
    assert_eq!(rig.reports(&again).await, Vec::<String>::new());
    assert_eq!((named(&rig, &id), rig.patches().len()), ("SAP-1".into(), 0));
    assert_eq!(
        runs(&rig)[0].body["referral"]["externalReferenceId"],
        "SAP-1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_that_the_old_flow_named_is_left_when_this_one_finds_it_too() {
    let rig = rig(&[]).await;
    let id = rig.seed(ReferralBuilder::new().set("/externalReferenceId", "LEAD-9"));
    rig.world().flow.lock().set_record(&id, "LEAD-9");
    let answer = rig.created(&id).await;
    assert_eq!(rig.reports(&answer).await, Vec::<String>::new());
    assert_eq!(rig.patches().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_modes_say_what_is_written() {
    let observing = rig(&[("SYNC_MODE", "observe")]).await;
    let id = observing.seed(ReferralBuilder::new());
    let answer = observing.created(&id).await;
    assert_eq!(observing.log(&answer).await["cause"], "observed");
    assert_eq!(observing.reports(&answer).await, ["would_post"]);
    assert_eq!((runs(&observing).len(), observing.patches().len()), (0, 0));

    for settings in [("SYNC_MODE", "inbound"), ("SYNC_ENVIRONMENT", "test")] {
        let inbound = rig(&[settings]).await;
        let id = inbound.seed(ReferralBuilder::new());
        assert_eq!(inbound.created(&id).await.code(), "synced");
        assert_eq!((runs(&inbound).len(), inbound.patches().len()), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_alone_is_not_handed_over_and_a_close_of_what_was_is() {
    let rig = rig(&[]).await;
    let closed = json!({ "status": "Closed", "substatus": "Lost" });
    let id = rig.seed(ReferralBuilder::new());
    rig.partner_center_edits(&id, &closed);
    assert_eq!(rig.updated(&id).await.code(), "ignored");
    let outgoing = rig.seed(ReferralBuilder::new().set("/direction", "Outgoing"));
    assert_eq!(rig.created(&outgoing).await.code(), "ignored");
    assert_eq!(runs(&rig).len(), 0);

    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.code(), "synced");
    rig.partner_center_edits(&id, &closed);
    assert_eq!(cause(&rig, &id).await, "posted");
    assert_eq!(runs(&rig)[1].body["referral"]["status"], "Closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_failed_is_made_later_without_another_run() {
    let rig = rig(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    let refused = Fault::new(Service::PartnerCenter, Effect::status(503)).method("PATCH");
    rig.world().faults.add(refused);
    assert_eq!(rig.created(&id).await.code(), "parked");
    rig.world().faults.clear();
    rig.until(|rig| named(rig, &id).is_string()).await;
    assert_eq!(runs(&rig).len(), 1);
}
