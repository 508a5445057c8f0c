use std::collections::BTreeMap;
use std::time::Duration;

use super::*;

#[tokio::test]
async fn the_first_import_takes_every_open_referral_once_and_passes_closed_ones_over() {
    let town = town(1..=150);
    for number in [3, 140] {
        town.change(number, |it| it.closed = true);
    }
    let report = go_on(&town).await;
    assert_eq!(report.ended, Ended::Complete, "{report:?}");
    assert!(report.first_import);
    assert_eq!((report.healed["created"], report.passed_over), (148, 2));
    assert_eq!((report.late, report.events_not_arriving), (None, None));
    assert_eq!(town.synced().len(), 148);

    town.wait(5);
    let report = go_on(&town).await;
    assert!(!report.first_import);
    assert_eq!((report.ended, report.referrals), (Ended::Complete, 0));
    assert_eq!(town.synced(), []);
}

#[tokio::test]
async fn an_import_that_takes_many_passes_goes_on_where_it_stopped() {
    let town = town(1..=10_000);
    town.open().now = minute(20_000);
    let mut synced = Vec::new();
    let mut passes = 0;
    while go_on(&town).await.ended == Ended::OutOfTime {
        passes += 1;
        synced.extend(town.synced());
        town.wait(5);
    }
    synced.extend(town.synced());
    synced.sort_unstable();
    assert_eq!(synced, (1..=10_000).collect::<Vec<_>>());
    assert!((30..=60).contains(&passes), "{passes}");

    town.wait(30);
    town.open().lists = 0;
    go_on(&town).await;
    assert!(
        town.open().lists <= 12,
        "{} lists of nothing new",
        town.open().lists
    );
}

#[tokio::test]
async fn a_change_that_no_event_told_is_found_and_its_delay_measured() {
    let town = town(1..=3);
    go_on(&town).await;
    town.wait(30);
    go_on(&town).await;
    town.synced();
    town.touch(2);
    town.wait(4);
    let report = go_on(&town).await;
    assert_eq!(town.synced(), [2]);
    assert_eq!(report.healed["updated"], 1);
    let late = report.late.unwrap();
    assert!((4..5).contains(&late.as_mins()), "{late}");
}

#[tokio::test]
async fn what_an_event_told_is_left_alone() {
    let town = town(1..=3);
    go_on(&town).await;
    town.wait(5);
    town.touch(2);
    let stamp = town.open().records[&2].referral;
    town.remember(2, |state| state.referral_updated = stamp)
        .await;
    town.synced();
    let report = go_on(&town).await;
    assert_eq!((town.synced(), report.healed_in_all()), (vec![], 0));
}

#[tokio::test]
async fn a_version_that_is_known_with_a_write_left_open_is_looked_at() {
    let town = town(1..=3);
    go_on(&town).await;
    town.wait(5);
    town.touch(2);
    let stamp = town.open().records[&2].referral;
    let intention = Intention {
        run: Uuid::from_u128(1),
        deadline: minute(0),
        side: Side::Lead,
        version: None,
        values: BTreeMap::new(),
    };
    town.remember(2, |state| {
        state.referral_updated = stamp;
        state.intentions.push(intention);
    })
    .await;
    town.synced();
    go_on(&town).await;
    assert_eq!(town.synced(), [2]);
}

#[tokio::test]
async fn a_sellers_edit_is_found_in_leads_we_made_and_in_leads_we_adopted() {
    let town = town(1..=3);
    go_on(&town).await;
    town.remember(3, |state| state.lead = Some(lead(30))).await;
    town.put_at(30, None);
    town.change(30, |it| it.listed = false);
    let states = States::new(Arc::clone(&town.blobs) as _);
    let claim = states.claim(lead(30), referral(3)).await.unwrap();
    assert_eq!(claim, Claim::Ours);
    town.wait(30);
    go_on(&town).await;
    town.synced();
    town.sell(2);
    town.sell(30);
    go_on(&town).await;
    assert_eq!(
        town.synced(),
        [2, 3, 3],
        "one of them is in both lists here"
    );
}

#[tokio::test]
async fn a_lead_that_belongs_to_no_referral_is_none_of_our_business() {
    let town = town(1..=2);
    town.put_at(9, None);
    town.change(9, |it| it.listed = false);
    town.sell(9);
    let report = go_on(&town).await;
    assert_eq!((town.synced(), report.refused), (vec![1, 2], 1));
}

#[tokio::test]
async fn all_takes_closed_referrals_and_known_ones_and_leaves_the_cursor() {
    let town = town(1..=4);
    town.change(3, |it| it.closed = true);
    go_on(&town).await;
    town.synced();
    let before = cursor(&town).await;
    let report = town.pass(Scope::All).await;
    assert_eq!(town.synced(), [1, 2, 3, 4]);
    assert_eq!((report.healed_in_all(), report.unchanged), (1, 3));
    let report = town.pass(Scope::Since(minute(3))).await;
    assert_eq!((town.synced(), report.referrals), (vec![3, 4], 2));
    assert_eq!(cursor(&town).await, before);
}

#[tokio::test]
async fn whoever_takes_all_is_remembered_as_one_who_makes_leads() {
    let town = town(1..=2);
    town.pass(Scope::All).await;
    let cursor = cursor(&town).await;
    assert_eq!(cursor.users.len(), 1);
    assert_eq!(cursor.referrals, cursor::Position::default());
}

#[tokio::test]
async fn five_changes_that_no_event_told_are_said_once_a_day() {
    let town = town(1..=9);
    go_on(&town).await;
    let told = async |numbers: &[u128], minutes| {
        for number in numbers {
            town.touch(*number);
        }
        town.wait(minutes);
        go_on(&town).await.events_not_arriving
    };
    assert_eq!(
        told(&[1, 2, 3, 4, 5, 6], 1).await,
        None,
        "their events may be under way"
    );
    assert_eq!(told(&[1, 2, 3, 4], 5).await, None);
    assert_eq!(told(&[5], 5).await, Some(5));
    assert_eq!(told(&[1, 2, 3, 4, 5], 5).await, None);
}

#[tokio::test]
async fn a_row_that_becomes_visible_late_is_found_within_the_overlap() {
    let town = town(1..=3);
    go_on(&town).await;
    town.wait(5);
    go_on(&town).await;
    town.synced();
    let late = town.now() - OVERLAP + Duration::from_secs(30);
    town.put(4, late);
    go_on(&town).await;
    assert_eq!(town.synced(), [4]);
}

#[tokio::test]
async fn a_cursor_follows_a_clock_that_was_set_back() {
    let town = town(1..=3);
    go_on(&town).await;
    town.wait(-180);
    go_on(&town).await;
    town.synced();
    town.wait(20);
    town.touch(2);
    town.wait(1);
    go_on(&town).await;
    assert_eq!(town.synced(), [2]);
}

#[tokio::test]
async fn without_the_servers_clock_the_cursor_stays_behind_the_newest_row() {
    let town = town(1..=200);
    town.tells_no_time();
    go_on(&town).await;
    assert_eq!(
        cursor(&town).await.referrals.from,
        Some(minute(200) - OVERLAP)
    );
    town.synced();
    town.put(300, minute(195));
    go_on(&town).await;
    assert_eq!(town.synced(), [300]);
}

#[tokio::test]
async fn closed_referrals_are_forgotten_after_their_days_and_the_rest_is_kept() {
    let town = town(1..=3);
    go_on(&town).await;
    let states = States::new(Arc::clone(&town.blobs) as _);
    states.claim(lead(20), referral(2)).await.unwrap();
    let closed = Some(town.now());
    town.remember(2, |state| {
        state.closed = closed;
        state.lead = Some(lead(20));
    })
    .await;
    town.wait(89 * 24 * 60);
    assert_eq!(go_on(&town).await.forgotten, 0);
    town.wait(2 * 24 * 60);
    assert_eq!(go_on(&town).await.forgotten, 1);
    assert_eq!(states.owner_of(lead(20)).await.unwrap(), None);
    assert!(town.state(2).await.is_none() && town.state(1).await.is_some());
}

#[tokio::test]
async fn once_a_day_what_no_list_tells_is_looked_at() {
    let town = town(1..=6);
    go_on(&town).await;
    town.wait(30);
    go_on(&town).await;
    // Changed without a time, as by another user's program; deleted; a lost look; a run that died.
    town.change(1, |it| it.version += 1);
    town.change(2, |it| it.lead = None);
    let (now, past) = (town.now(), minute(0));
    town.remember(3, |state| state.look_again = Some(past))
        .await;
    town.remember(4, |state| {
        state.intentions.push(Intention {
            run: Uuid::from_u128(1),
            deadline: past,
            side: Side::Referral,
            version: Some(ETag::new("x")),
            values: BTreeMap::new(),
        });
    })
    .await;
    town.synced();
    town.wait(60);
    go_on(&town).await;
    assert_eq!(town.synced(), []);
    town.open().now = now + Duration::from_hours(25);
    let report = go_on(&town).await;
    assert_eq!(town.synced(), [1, 2, 3, 4], "{report:?}");
}
