use std::pin::pin;
use std::task::{Context, Waker};

use super::*;
use crate::failure::Disposition;
use crate::sync::dead_letters::DeadLetters;
use crate::upstream::storage::{Blobs, Queue};

#[tokio::test]
async fn what_was_parked_is_passed_and_not_parked_again() {
    let town = town(1..=5);
    let now = town.now();
    town.put(6, now);
    for number in [2, 6] {
        town.open().fails.insert(number, Fails::ForNow);
    }
    let report = go_on(&town).await;
    assert_eq!((report.parked, report.ended), (2, Ended::Complete));
    assert_eq!(town.later.texts().len(), 2);
    town.synced();
    go_on(&town).await;
    assert_eq!((town.synced(), town.later.texts().len()), (vec![], 2));
    town.touch(6);
    go_on(&town).await;
    assert_eq!(town.synced(), [6], "a new version is news");
}

#[tokio::test]
async fn a_referral_that_both_lists_tell_of_is_parked_once() {
    let town = town(1..=2);
    go_on(&town).await;
    town.wait(5);
    town.touch(2);
    town.sell(2);
    town.open().fails.insert(2, Fails::ForNow);
    town.synced();
    let report = go_on(&town).await;
    assert_eq!((report.parked, town.synced()), (1, vec![2]));
    assert_eq!(town.later.texts().len(), 1);
}

#[tokio::test]
async fn an_outage_ends_the_pass_before_it_fills_the_queue() {
    let town = town(1..=300);
    for number in 20..=300 {
        town.open().fails.insert(number, Fails::ForNow);
    }
    let report = go_on(&town).await;
    assert_eq!(report.ended, Ended::Trouble);
    assert!(matches!(
        report.problems[0].disposition,
        Disposition::Retry { .. }
    ));
    assert!((8..=12).contains(&report.parked), "{}", report.parked);
    assert!(report.first_import && !report.needs_a_person());

    town.open().fails.clear();
    town.wait(5);
    while go_on(&town).await.ended != Ended::Complete {
        town.wait(5);
    }
    for number in 1..=300 {
        let parked = town
            .later
            .texts()
            .iter()
            .any(|it| it.contains(&referral(number).to_string()));
        assert!(parked || town.state(number).await.is_some(), "{number}");
    }
}

#[tokio::test]
async fn wrong_permissions_end_the_pass_at_once_and_ask_for_a_person() {
    let town = town(1..=300);
    for number in 1..=300 {
        town.open().fails.insert(number, Fails::Denied);
    }
    let report = go_on(&town).await;
    assert!(report.needs_a_person(), "{report:?}");
    assert!(town.synced().len() <= 4);
    assert!(report.parked <= 4);
}

#[tokio::test]
async fn a_referral_that_cannot_be_synced_or_read_is_counted_and_passed() {
    let town = town(1..=4);
    town.open().fails.insert(2, Fails::ForGood);
    town.open().fails.insert(3, Fails::NotOurs);
    let report = go_on(&town).await;
    assert_eq!((report.dead_lettered, report.refused), (1, 1));
    assert_eq!(
        (report.healed["created"], report.ended),
        (2, Ended::Complete)
    );
    town.synced();
    go_on(&town).await;
    assert_eq!(town.synced(), []);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_does_not_stop_the_other() {
    let town = town(1..=3);
    go_on(&town).await;
    town.wait(30);
    go_on(&town).await;
    town.synced();
    town.touch(1);
    town.sell(2);
    for (fails, synced) in [("leads", vec![1]), ("referrals", vec![2])] {
        town.open().lists_fail.insert(fails);
        let report = go_on(&town).await;
        town.open().lists_fail.clear();
        assert_eq!(
            (report.ended, report.problems.len()),
            (Ended::Trouble, 1),
            "{report:?}"
        );
        assert_eq!(town.synced(), synced, "{fails}");
    }
    go_on(&town).await;
    assert_eq!(town.synced(), []);
}

#[tokio::test]
async fn with_the_storage_failing_nothing_is_done_and_nothing_is_passed() {
    let town = town(1..=3);
    town.blobs.jam(true);
    let report = go_on(&town).await;
    assert_eq!((report.ended, report.problems.len()), (Ended::Trouble, 1));
    assert_eq!(town.synced(), []);
    town.blobs.jam(false);
    go_on(&town).await;
    assert_eq!(town.synced(), [1, 2, 3]);
}

#[tokio::test]
async fn of_two_passes_at_once_one_has_the_cursor() {
    let town = town(1..=3);
    let world = town.world();
    let mut mine = Stored::load(&world).await.unwrap();
    let mut theirs = Stored::load(&world).await.unwrap();
    theirs.cursor.users.insert(Uuid::from_u128(1));
    mine.cursor.users.insert(Uuid::from_u128(2));
    assert!(theirs.save(&world).await.unwrap());
    assert!(!mine.save(&world).await.unwrap());
    assert_eq!(cursor(&town).await, theirs.cursor);
}

#[tokio::test]
async fn a_cursor_of_a_newer_program_is_left_alone_and_a_damaged_one_started_anew() {
    let town = town(1..=3);
    town.blobs
        .set("reconcile/cursor.json", r#"{"format":2,"other":1}"#);
    let report = go_on(&town).await;
    assert_eq!((report.ended, town.synced()), (Ended::Trouble, vec![]));
    assert_eq!(
        town.blobs.text("reconcile/cursor.json").unwrap(),
        r#"{"format":2,"other":1}"#
    );
    town.blobs.set("reconcile/cursor.json", "{\"format\":1,");
    assert_eq!(go_on(&town).await.ended, Ended::Complete);
    assert_eq!(town.synced(), [1, 2, 3]);
}

#[tokio::test]
async fn poisoned_messages_become_dead_letters() {
    let town = town([]);
    let job = Job::new(referral(1), town.now(), "event");
    for text in [job.text(), "hello".to_owned()] {
        town.poison
            .send(&text, std::time::Duration::ZERO)
            .await
            .unwrap();
    }
    let report = go_on(&town).await;
    assert_eq!((report.poisoned, town.poison.texts()), (2, vec![]));
    let letters = DeadLetters::new(Arc::clone(&town.blobs) as Arc<dyn Blobs>);
    assert_eq!(letters.all().await.unwrap().len(), 2);
}

#[tokio::test]
async fn poisoned_messages_stay_while_the_storage_fails() {
    let town = town([]);
    town.poison
        .send("hello", std::time::Duration::ZERO)
        .await
        .unwrap();
    town.blobs.jam(true);
    go_on(&town).await;
    assert_eq!(town.poison.texts(), ["hello"]);
}

#[tokio::test]
async fn a_pass_that_dies_anywhere_loses_nothing() {
    for polls in 1..60 {
        let town = town(1..=25);
        town.set_page_size(10);
        {
            let mut pass = pin!(town.pass(Scope::Continue));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                let _ = pass.as_mut().poll(&mut context);
            }
        }
        town.wait(5);
        go_on(&town).await;
        for number in 1..=25 {
            assert!(town.state(number).await.is_some(), "{number} after {polls}");
        }
    }
}
