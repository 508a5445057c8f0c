mod gate;
mod messages;
mod office;

use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use self::office::{EVENT, Office, Script, id};
use super::*;
use crate::upstream::azure;

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn what_is_synced_is_done_and_leaves_nothing_behind() {
    let office = Office::open([Script::Synced]);
    assert!(matches!(office.event(1).await, Disposal::Done(_)));
    assert!(office.queue().is_empty());
    assert_eq!(office.letters().await, []);
}

#[tokio::test]
async fn a_passing_failure_is_parked_before_it_is_acknowledged() {
    let office = Office::open([Script::Passing(None)]);
    let disposal = office.event(1).await;
    let Disposal::Parked { until, why } = disposal else {
        panic!("{disposal:?}")
    };
    assert_eq!(why.word, "unsettled");
    let (text, delay) = office.queue().remove(0);
    let job = Job::parse(&text).unwrap();
    assert_eq!((job.referral, job.attempts), (id(1), 1));
    assert_eq!(until, office.now() + delay);
    assert!(Duration::from_millis(7_500) <= delay && delay <= Duration::from_secs(15));
}

#[tokio::test]
async fn nothing_is_tried_before_the_other_side_wants_to_be_asked_again() {
    let asked = Duration::from_mins(5);
    let office = Office::open([Script::Passing(Some(asked))]);
    office.event(1).await;
    assert!(asked <= office.queue()[0].1);
}

#[tokio::test]
async fn delays_grow_to_an_hour_and_after_seven_days_a_dead_letter_tells_of_it() {
    let office = Office::open([]);
    office.always(Script::Passing(None));
    let begun = office.now();
    office.event(1).await;
    let mut delays = Vec::new();
    let last = loop {
        let (text, delay) = office.queue().remove(0);
        delays.push(delay);
        office.wait(delay);
        match office.retry(&text).await {
            Disposal::Parked { .. } => {}
            other => break other,
        }
    };
    assert!(matches!(last, Disposal::DeadLettered(_)), "{last:?}");
    assert!(delays[0] < Duration::from_secs(20));
    assert!(delays.iter().all(|it| *it <= HOUR));
    assert!(delays.iter().rev().take(20).all(|it| HOUR / 2 <= *it));
    let tried_for = office.now().duration_since(begun).as_hours();
    assert!((168..=169).contains(&tried_for), "{tried_for}");
    let letter = office.letters().await.remove(0);
    assert_eq!(letter.first_attempt, begun);
    assert_eq!(letter.attempts as usize, delays.len() + 1);
    assert!(letter.reason.contains("7 days"), "{}", letter.reason);
    assert!(office.queue().is_empty());
}

#[tokio::test]
async fn what_can_never_be_synced_is_a_dead_letter_at_once() {
    let office = Office::open([Script::Lasting]);
    let disposal = office.event(1).await;
    assert!(matches!(&disposal, Disposal::DeadLettered(why) if why.word == "partner_center"));
    let letter = office.letters().await.remove(0);
    assert_eq!(letter.subject, Subject::Referral(id(1)));
    assert_eq!(letter.attempts, 1);
    assert_eq!(
        letter.reason,
        "Partner Center shows the referral without its eTag"
    );
    assert!(office.queue().is_empty());
}

#[tokio::test]
async fn a_referral_that_is_not_shown_is_looked_for_once_more_and_then_let_go() {
    let office = Office::open([Script::NotShown, Script::NotShown]);
    let disposal = office.event(1).await;
    assert!(matches!(disposal, Disposal::Parked { .. }));
    let (text, delay) = office.queue().remove(0);
    assert!(Duration::from_mins(1) <= delay && delay < Duration::from_mins(2));
    assert!(matches!(office.retry(&text).await, Disposal::Absent(_)));
    assert!(office.queue().is_empty());
    assert_eq!(office.letters().await, []);
}

#[tokio::test]
async fn another_failure_in_between_earns_a_second_look() {
    let office = Office::open([Script::NotShown, Script::Passing(None), Script::NotShown]);
    office.event(1).await;
    for _ in 0..2 {
        let (text, _) = office.queue().remove(0);
        let disposal = office.retry(&text).await;
        assert!(matches!(disposal, Disposal::Parked { .. }), "{disposal:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_acknowledged() {
    for script in [Script::Passing(None), Script::Lasting, Script::Denied] {
        let office = Office::open([script]);
        office.storage_fails();
        let disposal = office.event(1).await;
        assert!(matches!(disposal, Disposal::NotKept { .. }), "{disposal:?}");
    }
}

#[tokio::test]
async fn a_letter_remembers_what_an_older_one_told() {
    let office = Office::open([Script::Lasting, Script::Lasting]);
    let begun = office.now();
    office.event(1).await;
    office.wait(HOUR);
    office.event(1).await;
    let letter = office.letters().await.remove(0);
    assert_eq!(
        (letter.first_attempt, letter.last_attempt),
        (begun, office.now())
    );
    assert_eq!(letter.attempts, 2);
}

#[tokio::test]
async fn a_letter_that_a_sync_elsewhere_has_overtaken_does_not_stay() {
    let office = Office::open([Script::Lasting]);
    office.is_overtaken();
    office.event(1).await;
    assert_eq!(office.letters().await, []);
}

#[tokio::test]
async fn the_state_says_that_there_is_a_letter_and_has_changed_since_it_was_written() {
    let office = Office::open([Script::Lasting]);
    office.event(1).await;
    let version = |folder: &str| {
        let blobs = office.blobs();
        let mut found = blobs.into_iter().filter(|it| it.0.starts_with(folder));
        found.next().unwrap().1.version
    };
    let (state, letter) = (version("state/"), version("dead-letters/"));
    assert_eq!((state.as_str(), letter.as_str()), ("\"3\"", "\"2\""));
}

#[tokio::test]
async fn a_letter_that_is_retried_on_request_goes_when_the_referral_is_in_step() {
    let office = Office::open([Script::Lasting, Script::Synced]);
    office.event(1).await;
    let letter = office.letters().await.remove(0);
    let disposal = office.retry(&letter.retry(office.now())).await;
    assert!(matches!(disposal, Disposal::Done(_)));
    assert_eq!(office.letters().await, []);
}

#[tokio::test]
async fn when_the_program_has_to_stop_what_is_not_done_is_parked() {
    let office = Office::open([Script::Endless]);
    let taking = office.event(1);
    let closing = async {
        office.until_asked().await;
        office.desk.close();
        office.desk.idle().await;
    };
    let (disposal, ()) = tokio::join!(taking, closing);
    assert!(matches!(&disposal, Disposal::Parked { why, .. } if why.word == "unfinished"));
    assert_eq!(office.queue().len(), 1);
}

#[tokio::test]
async fn an_event_leaves_time_for_parking_what_is_not_synced() {
    let office = Office::open([Script::Synced]);
    let deadline = Instant::now() + Duration::from_secs(8);
    office.desk.event(id(1), EVENT, deadline).await;
    assert_eq!(office.deadlines(), [deadline - RESERVE]);
}

#[test]
fn parking_has_time_for_every_repeat_of_the_storage_accounts_client() {
    let waits: Duration = (0..azure::REPEATS)
        .map(|repeat| azure::FIRST_REPEAT * 2_u32.pow(repeat))
        .sum();
    assert!(waits < RESERVE, "{waits:?}");
}

proptest! {
    #[test]
    fn every_referral_is_done_parked_or_told_of(
        scripts in proptest::collection::vec(Script::any(), 1..40),
        numbers in proptest::collection::vec(1_u128..5, 1..10),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let office = Office::open(scripts);
            let mut waiting = std::collections::BTreeSet::new();
            for number in numbers {
                office.event(number).await;
                waiting.insert(id(number));
            }
            // Whatever the scripts hold: once it is over everything in the queue is synced.
            for _ in 0..10_000 {
                let Some((text, delay)) = office.first() else { break };
                office.wait(delay);
                office.retry(&text).await;
            }
            assert!(office.queue().is_empty());
            let told: Vec<_> = office.letters().await.iter().map(|it| it.subject).collect();
            for id in waiting {
                let is_told = told.contains(&Subject::Referral(id));
                assert!(is_told || office.settled(id), "{id}");
            }
        });
    }
}

#[test]
fn nothing_of_a_message_that_is_not_ours_is_believed() {
    let message = Uuid::from_u128(5);
    let letter = Letter::message(message, "x", &BadMessage::Foreign, Timestamp::UNIX_EPOCH);
    assert_eq!(letter.subject, Subject::Message(message));
}
