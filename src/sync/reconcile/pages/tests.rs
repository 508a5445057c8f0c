use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::sync::reconcile::cursor::OVERLAP;
use crate::sync::reconcile::town::{Town, minute};
use crate::sync::world::Clock as _;

const LEADS: List = List::Leads(Which::Ours(BTreeSet::new()));

/// Walks to the end; gives every row in the order in which it was given out.
async fn walk(town: &Town, list: List, from: Option<Timestamp>) -> Vec<Row> {
    let world = town.world();
    let mut walk = Walk::new(list, from);
    let mut rows = Vec::new();
    for _ in 0..1000 {
        rows.extend(walk.batch(&world).await.unwrap());
        if walk.ended {
            return rows;
        }
    }
    panic!("the walk never ends");
}

fn numbers(rows: &[Row]) -> Vec<u128> {
    rows.iter().map(|row| row.id.as_u128()).collect()
}

#[tokio::test]
async fn every_row_is_given_out_once_in_the_order_of_its_time() {
    let town = Town::new();
    for number in 1..=250 {
        town.put(number, minute(number));
    }
    let all: Vec<u128> = (1..=250).collect();
    assert_eq!(numbers(&walk(&town, List::Referrals, None).await), all);
    let from = Some(minute(200));
    assert_eq!(
        numbers(&walk(&town, List::Referrals, from).await),
        all[199..]
    );
    assert!(
        walk(&town, List::Referrals, Some(minute(251)))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_row_that_moves_while_the_list_is_read_hides_no_other() {
    let town = Town::new();
    for number in 1..=250 {
        town.put(number, minute(number));
    }
    town.edited_between_pages([1, 2, 3, 150, 151]);
    let rows = walk(&town, List::Referrals, None).await;
    let all: BTreeSet<u128> = numbers(&rows).into_iter().collect();
    assert_eq!(all, (1..=250).collect());
}

#[tokio::test]
async fn rows_of_one_moment_are_all_found_even_if_some_of_them_move() {
    for edited in [vec![], vec![1], vec![1, 2, 120, 240]] {
        let town = Town::new();
        for number in 1..=350 {
            let at = if (20..=320).contains(&number) {
                20
            } else {
                number
            };
            town.put(number, minute(at));
        }
        town.edited_between_pages(edited);
        let rows = walk(&town, List::Referrals, None).await;
        let all: BTreeSet<u128> = numbers(&rows).into_iter().collect();
        assert_eq!(all, (1..=350).collect());
    }
}

#[tokio::test]
async fn rows_without_a_time_come_first() {
    let town = Town::new();
    for number in 1..=130 {
        town.put_at(number, None);
    }
    town.put(131, minute(5));
    assert_eq!(
        numbers(&walk(&town, List::Referrals, None).await).len(),
        131
    );
}

#[tokio::test]
async fn a_full_page_of_one_moment_that_leads_nowhere_is_no_end() {
    let town = Town::new();
    for number in 1..=150 {
        town.put(number, minute(7));
    }
    town.links_are_missing();
    let mut walk = Walk::new(List::Referrals, None);
    let world = town.world();
    assert_eq!(walk.batch(&world).await.unwrap().len(), 100);
    let error = walk.batch(&world).await.unwrap_err();
    assert!(matches!(
        error,
        ListError::Tied {
            what: "referrals",
            ..
        }
    ));
    assert!(!walk.ended);
}

#[tokio::test]
async fn missing_links_lose_nothing_where_times_differ() {
    let town = Town::new();
    for number in 1..=250 {
        town.put(number, minute(number));
    }
    town.links_are_missing();
    assert_eq!(walk(&town, List::Referrals, None).await.len(), 250);
}

#[tokio::test]
async fn what_changes_after_the_walk_began_is_left_to_the_next() {
    let town = Town::new();
    for number in 1..=250 {
        town.put(number, minute(number));
    }
    let world = town.world();
    let mut walk = Walk::new(List::Referrals, None);
    let mut rows = 0;
    while !walk.ended {
        let batch = walk.batch(&world).await.unwrap();
        rows += batch.len();
        // As a sync that writes to each does.
        for row in batch {
            town.touch(row.id.as_u128());
        }
        assert!(rows < 600, "the walk chases its own writes");
    }
    assert!(rows >= 250);
}

#[tokio::test]
async fn leads_are_told_apart_by_their_versions_within_one_second() {
    let town = Town::new();
    for number in 1..=1300 {
        town.put(number, minute(3));
        town.change(number, |it| it.lead = Some(minute(3)));
    }
    let rows = walk(&town, LEADS, None).await;
    assert_eq!(rows.len(), 1300);
    assert!(rows.iter().all(|row| row.mark.version.is_some()));
}

proptest! {
    #[test]
    fn no_row_is_lost_however_times_fall_together_and_rows_move(
        times in proptest::collection::vec(0_u128..12, 1..60),
        edited in proptest::collection::vec(1_u128..60, 0..12),
        size in 2_usize..9,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let town = Town::new();
            town.set_page_size(size);
            for (number, time) in (1..).zip(&times) {
                town.put(number, minute(*time));
            }
            town.edited_between_pages(edited);
            let began = town.now();
            let rows = walk(&town, List::Referrals, None).await;
            town.wait(1);
            // What moved behind the beginning of the walk is for the next one.
            let next = walk(&town, List::Referrals, Some(began - OVERLAP)).await;
            let found: BTreeSet<u128> = numbers(&rows).into_iter().chain(numbers(&next)).collect();
            let missing: Vec<u128> = (1..=times.len() as u128)
                .filter(|number| !found.contains(number))
                .collect();
            assert!(missing.is_empty(), "{missing:?}");
        });
    }
}
