use super::office::{Office, Script, id, soon};
use super::*;

const MESSAGE: Uuid = Uuid::from_u128(9);

#[tokio::test]
async fn a_planned_look_that_comes_early_is_put_back_until_it_is_due() {
    let office = Office::open([]);
    let due = office.now() + jiff::SignedDuration::from_hours(72);
    let text = Job::look_again(id(1), due).text();
    let disposal = office.retry(&text).await;
    assert!(matches!(disposal, Disposal::Parked { until, .. } if until == due));
    assert_eq!(office.deadlines(), []);
    let (text, delay) = office.queue().remove(0);
    office.wait(delay);
    assert!(matches!(office.retry(&text).await, Disposal::Done(_)));
}

#[tokio::test]
async fn a_look_that_is_planned_for_longer_than_a_queue_hides_is_put_back_more_than_once() {
    let office = Office::open([]);
    let due = office.now() + jiff::SignedDuration::from_hours(20 * 24);
    let mut text = Job::look_again(id(1), due).text();
    let mut rounds = 0;
    while let Disposal::Parked { .. } = office.retry(&text).await {
        let (next, delay) = office.queue().remove(0);
        office.wait(delay);
        (text, rounds) = (next, rounds + 1);
    }
    assert_eq!((rounds, office.now()), (3, due));
}

#[tokio::test]
async fn a_foreign_and_a_broken_message_are_kept_with_a_reason() {
    for (text, why) in [
        ("Miriam Okafor", FOREIGN),
        (r#"{"format":1,"referral":"Miriam Okafor"}"#, BROKEN),
    ] {
        let office = Office::open([]);
        let disposal = office.retry(text).await;
        assert!(
            matches!(&disposal, Disposal::DeadLettered(it) if it.word == why),
            "{disposal:?}"
        );
        let letter = office.letters().await.remove(0);
        assert_eq!(
            (letter.subject, &*letter.why),
            (Subject::Message(MESSAGE), why)
        );
        // The message may be anybody's: it is kept whole, and no sentence repeats it.
        assert_eq!(letter.retry(office.now()), text);
        assert!(!letter.reason.contains("Miriam") && !letter.advice.contains("Miriam"));
        let blobs = office.blobs();
        let name = format!("dead-letters/message-{MESSAGE}.json");
        assert_eq!(blobs.keys().collect::<Vec<_>>(), [&name]);
    }
}

#[tokio::test]
async fn a_message_of_a_newer_program_waits_for_that_program() {
    let office = Office::open([]);
    let text = format!(r#"{{"format":2,"referral":"{}","more":true}}"#, id(1));
    let disposal = office.retry(&text).await;
    assert!(matches!(disposal, Disposal::Parked { .. }), "{disposal:?}");
    assert_eq!(office.queue(), [(text, Duration::from_hours(1))]);
    assert_eq!(office.deadlines(), []);
}

#[tokio::test]
async fn a_poisoned_referral_is_told_of_and_tried_once_more() {
    let office = Office::open([Script::Synced]);
    let text = Job::new(id(1), office.now(), job::EVENT).text();
    let disposal = office.desk.poisoned(&text, MESSAGE, soon()).await;
    assert!(
        matches!(disposal, Disposal::DeadLettered(_)),
        "{disposal:?}"
    );
    assert_eq!(office.letters().await[0].why, POISONED);
    let (text, _) = office.queue().remove(0);
    assert!(matches!(office.retry(&text).await, Disposal::Done(_)));
    assert_eq!(office.letters().await, []);
}

#[tokio::test]
async fn a_referral_that_is_poisoned_twice_waits_for_a_person() {
    let office = Office::open([]);
    let text = Job::new(id(1), office.now(), job::EVENT).text();
    for _ in 0..2 {
        office.desk.poisoned(&text, MESSAGE, soon()).await;
    }
    assert_eq!(office.queue().len(), 1);
    assert_eq!(office.letters().await.len(), 1);
}

#[tokio::test]
async fn a_poisoned_message_of_somebody_else_is_kept_like_any_other() {
    let office = Office::open([]);
    office.desk.poisoned("hello", MESSAGE, soon()).await;
    assert_eq!(office.letters().await[0].why, FOREIGN);
    assert_eq!(office.queue(), []);
}
