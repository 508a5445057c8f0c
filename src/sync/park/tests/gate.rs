use super::office::{Office, Script, id};
use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn delay(office: &Office, place: usize) -> Duration {
    office.queue()[place].1
}

#[tokio::test]
async fn while_a_setting_is_wrong_one_in_a_minute_is_tried_and_the_others_wait_unseen() {
    let office = Office::open([]);
    office.always(Script::Denied);
    assert!(matches!(office.event(1).await, Disposal::Parked { .. }));
    assert!(office.desk.is_gated());
    for number in 2..50 {
        let disposal = office.event(number).await;
        let Disposal::Parked { why, .. } = disposal else {
            panic!("{disposal:?}")
        };
        assert_eq!((&*why.word, why.error.is_none()), ("misconfigured", true));
    }
    assert_eq!(office.deadlines().len(), 1);
    office.wait(MINUTE);
    for number in 50..60 {
        office.event(number).await;
    }
    assert_eq!(office.deadlines().len(), 2);
    assert_eq!(office.queue().len(), 59);
    // The one whose trouble it may be lets the others try before it.
    assert_eq!(delay(&office, 0), 2 * MINUTE);
    assert!(
        (1..49).all(|place| MINUTE <= delay(&office, place) && delay(&office, place) < 2 * MINUTE)
    );
}

#[tokio::test]
async fn once_it_is_right_everything_that_waited_is_synced_and_nothing_has_expired() {
    let office = Office::open([]);
    office.always(Script::Denied);
    for number in 1..20 {
        office.event(number).await;
    }
    // Ten days, longer than a passing failure is waited for.
    let begun = office.now();
    while office.now().duration_since(begun).as_hours() < 240 {
        office.wait(Duration::from_mins(5));
        for (text, delay) in office.queue() {
            assert!(delay < Duration::from_mins(10), "{delay:?}");
            office.retry(&text).await;
        }
    }
    assert_eq!(office.queue().len(), 19);
    office.always(Script::Synced);
    for _ in 0..3 {
        office.wait(Duration::from_mins(5));
        for (text, _) in office.queue() {
            office.retry(&text).await;
        }
    }
    assert!(!office.desk.is_gated());
    assert_eq!(office.queue(), []);
    assert!((1..20).all(|number| office.settled(id(number))));
    assert_eq!(office.letters().await, []);
}

#[tokio::test]
async fn a_passing_failure_after_days_of_wrong_settings_is_waited_for_like_any_other() {
    let office = Office::open([Script::Denied, Script::Passing(None)]);
    office.event(1).await;
    office.wait(Duration::from_hours(10 * 24));
    let (text, _) = office.queue().remove(0);
    let disposal = office.retry(&text).await;
    assert!(matches!(disposal, Disposal::Parked { .. }), "{disposal:?}");
}

#[tokio::test]
async fn a_referral_that_alone_is_refused_stops_the_others_once() {
    let office = Office::open([
        Script::Denied,
        Script::Synced,
        Script::Denied,
        Script::Synced,
    ]);
    office.event(1).await;
    office.wait(MINUTE);
    assert!(matches!(office.event(2).await, Disposal::Done(_)));
    let (text, _) = office.queue().remove(0);
    assert!(matches!(office.retry(&text).await, Disposal::Parked { .. }));
    assert!(!office.desk.is_gated());
    assert!(matches!(office.event(3).await, Disposal::Done(_)));
}
