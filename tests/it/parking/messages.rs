//! Messages that are not ours, or not any more.

use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_and_a_broken_message_end_in_the_dead_letters_with_a_reason() {
    let rig = Rig::start(&IMPATIENT).await;
    for text in [
        "Please call them, Miriam Okafor",
        r#"{"Id":"../../state/x","name":"Miriam Okafor"}"#,
        r#"{"format":1,"referral":"Miriam Okafor"}"#,
        "\u{feff}<x>&amp;</x>",
    ] {
        rig.world().storage.send(QUEUE, text).await.unwrap();
    }
    rig.until(|rig| count(rig, "dead_lettered") == 4).await;
    nothing_is_parked(&rig).await;
    let letters = letters(&rig).await;
    assert_eq!(letters.len(), 4);
    let about_messages = |name: &String| name.starts_with("dead-letters/message-");
    assert!(letters.iter().all(about_messages), "{letters:?}");
    let causes: Vec<_> = rig.lines("dead_lettered").await;
    let broken = causes.iter().filter(|it| it["cause"] == "broken_message");
    assert_eq!(broken.count(), 1);
    // What it said is kept in its blob; the rig sees to it that the log repeats none of it.
    for name in letters {
        let storage = &rig.world().storage;
        let blob = storage.blob("referral-connector", &name).await.unwrap();
        let letter: serde_json::Value = serde_json::from_slice(&blob.unwrap()).unwrap();
        assert!(letter["message"].is_string(), "{letter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_newer_program_is_put_back_as_it_is() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let text = json!({ "format": 2, "referral": id, "route": "another" }).to_string();
    rig.world().storage.send(QUEUE, &text).await.unwrap();
    rig.lines("parked").await;
    rig.until(|rig| count(rig, "parked") == 1).await;
    let texts = parked(&rig).await.into_iter().map(|it| it.text);
    assert!(texts.into_iter().all(|it| it == text));
    assert!(rig.leads().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_look_is_taken_when_it_is_due_and_put_back_before() {
    let rig = Rig::start(&IMPATIENT).await;
    let id = rig.seed(ReferralBuilder::new());
    let due = |seconds| jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    let look = |at: jiff::Timestamp| {
        let at = at.to_string();
        json!({ "format": 1, "referral": id, "first_attempt": at, "attempts": 0, "why": "planned" })
    };
    let early = look(due(3)).to_string();
    rig.world().storage.send(QUEUE, &early).await.unwrap();
    rig.lines("early").await;
    assert!(rig.leads().is_empty());
    rig.until(|rig| rig.lead(&id).is_some()).await;
    nothing_is_parked(&rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_settings_cannot_be_read_no_message_is_taken() {
    let rig = Rig::start(&[("SYNC_MODE", "sideways")]).await;
    let run = rig
        .host
        .run_queue("ReferralRetry", &message("anything"))
        .await;
    assert!(matches!(run.unwrap().outcome, Outcome::Failed(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_that_partner_center_does_not_show_is_let_go_after_a_second_look() {
    let rig = Rig::start(&IMPATIENT).await;
    let stranger = Uuid::from_u128(404).to_string();
    assert_eq!(rig.created(&stranger).await.code(), "parked");
    let messages = parked(&rig).await;
    let wait = messages[0].hidden_for();
    assert!((50..=70).contains(&wait.as_secs()), "{wait:?}");
    rig.world().storage.release(QUEUE).await.unwrap();
    rig.lines("absent").await;
    nothing_is_parked(&rig).await;
    assert!(rig.leads().is_empty());
    assert_eq!(letters(&rig).await, Vec::<String>::new());
}
