use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::sync::SyncReport;
use crate::sync::drawer::Drawer;
use crate::sync::park::Why;

const ONE: ReferralId = ReferralId::new(Uuid::from_u128(1));
const OTHER: ReferralId = ReferralId::new(Uuid::from_u128(2));

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + 60 * minute).unwrap()
}

fn done(outcome: Outcome) -> Disposal {
    Disposal::Done(Arc::new(SyncReport {
        outcome,
        lead: None,
        reports: Vec::new(),
        calls: Vec::new(),
    }))
}

fn parked(why: &'static str, until: Timestamp) -> Disposal {
    let why = Why {
        word: why.into(),
        error: None,
    };
    Disposal::Parked { until, why }
}

async fn saved(activity: &Activity, drawer: &Drawer, now: Timestamp) -> Picture {
    activity.save(drawer, now).await.unwrap();
    Picture::load(drawer).await.unwrap()
}

#[tokio::test]
async fn a_referral_waits_from_its_first_attempt_until_any_instance_brings_it_to_an_end() {
    let drawer = Drawer::default();
    let (here, there) = (Activity::default(), Activity::default());
    here.disposed(ONE, at(0), &parked("dataverse", at(2)), at(1));
    here.disposed(OTHER, at(1), &parked("dataverse", at(2)), at(1));
    saved(&here, &drawer, at(1)).await;
    // While the settings are wrong a job forgets since when it was tried; what is written down does not.
    there.disposed(ONE, at(40), &parked("misconfigured", at(60)), at(40));
    let picture = saved(&there, &drawer, at(40)).await;
    let (longest, waiting) = picture.longest(at(40)).unwrap();
    assert_eq!((longest, waiting.since), (ONE, at(0)));
    assert_eq!(waiting.why, "misconfigured");
    here.disposed(ONE, at(50), &done(Outcome::Updated), at(50));
    let picture = saved(&here, &drawer, at(50)).await;
    assert_eq!(picture.longest(at(50)).unwrap().0, OTHER);
    assert_eq!((picture.sync, picture.synced), (Some(at(50)), 1));
    // Nobody tells of it any more: its message was lost, or taken out by hand.
    assert_eq!(picture.longest(at(50 + 180)), None);
}

#[tokio::test]
async fn the_newest_time_wins_and_counts_add_up() {
    let drawer = Drawer::default();
    let (here, there) = (Activity::default(), Activity::default());
    here.event(at(5));
    here.reconciled("reconciled", 2, at(5));
    there.event(at(9));
    there.reconciled("reconcile_cut_short", 1, at(4));
    there.renewed("renewed", at(3));
    there.disposed(ONE, at(9), &done(Outcome::NotOurs), at(9));
    saved(&there, &drawer, at(9)).await;
    let picture = saved(&here, &drawer, at(10)).await;
    assert_eq!((picture.event, picture.sync), (Some(at(9)), None));
    assert_eq!(picture.reconciled.unwrap().code, "reconciled");
    assert_eq!(picture.renewed.unwrap().code, "renewed");
    assert_eq!((picture.synced, picture.healed), (0, 3));
}

#[tokio::test]
async fn what_could_not_be_written_is_written_later_and_nothing_new_writes_nothing() {
    let drawer = Drawer::default();
    let activity = Activity::default();
    activity.disposed(ONE, at(0), &parked("dataverse", at(2)), at(1));
    activity.disposed(OTHER, at(1), &done(Outcome::Created), at(1));
    drawer.jam(true);
    activity.save(&drawer, at(1)).await.unwrap_err();
    drawer.jam(false);
    activity.disposed(ONE, at(2), &done(Outcome::Created), at(2));
    activity.disposed(OTHER, at(2), &parked("dataverse", at(3)), at(2));
    let picture = saved(&activity, &drawer, at(2)).await;
    assert_eq!(picture.synced, 2);
    assert_eq!(picture.waiting.keys().collect::<Vec<_>>(), [&OTHER]);
    assert_eq!(picture.waiting[&OTHER].since, at(2));
    let writes = drawer.writes();
    saved(&activity, &drawer, at(3)).await;
    assert_eq!(drawer.writes(), writes);
}

#[tokio::test]
async fn a_planned_look_is_nothing_that_waits() {
    let activity = Activity::default();
    activity.disposed(ONE, at(9), &parked(EARLY, at(9)), at(1));
    assert!(activity.take().is_none());
}

#[tokio::test]
async fn those_that_wait_longest_are_told_of() {
    let drawer = Drawer::default();
    let activity = Activity::default();
    for number in 0..200 {
        let id = ReferralId::new(Uuid::from_u128(number));
        let since = at(i64::try_from(number).unwrap());
        activity.disposed(id, since, &parked("dataverse", at(300)), at(300));
    }
    let picture = saved(&activity, &drawer, at(300)).await;
    assert_eq!(picture.waiting.len(), WAITING);
    assert_eq!(picture.longest(at(300)).unwrap().1.since, at(0));
}

#[tokio::test]
async fn a_newer_programs_blob_is_left_alone_and_a_damaged_one_is_begun_anew() {
    let drawer = Drawer::default();
    let activity = Activity::default();
    activity.event(at(1));
    drawer.set(NAME, r#"{"format":2,"lastEvent":"?"}"#);
    activity.save(&drawer, at(1)).await.unwrap_err();
    assert!(drawer.text(NAME).unwrap().contains('?'));
    drawer.set(NAME, r#"{"format":1,"lastEv"#);
    assert_eq!(saved(&activity, &drawer, at(1)).await.event, Some(at(1)));
}

#[tokio::test]
async fn the_first_format_is_read_for_ever() {
    let drawer = Drawer::default();
    let first = r#"{"format":1,"lastEvent":"2023-11-14T22:13:20Z","lastSync":"2023-11-14T22:14:20Z",
        "reconciled":{"at":"2023-11-14T22:15:20Z","code":"reconciled"},"renewed":null,"synced":3,"healed":1,
        "waiting":{"00000000-0000-0000-0000-000000000001":
            {"since":"2023-11-14T22:13:20Z","until":"2023-11-14T22:16:20Z","why":"dataverse"}}}"#;
    drawer.set(NAME, first);
    let picture = Picture::load(&drawer).await.unwrap();
    let ran = Ran {
        at: at(2),
        code: "reconciled".to_owned(),
    };
    let waiting = Waiting {
        since: at(0),
        until: at(3),
        why: "dataverse".into(),
    };
    assert_eq!(
        picture,
        Picture {
            event: Some(at(0)),
            sync: Some(at(1)),
            reconciled: Some(ran),
            renewed: None,
            synced: 3,
            healed: 1,
            waiting: BTreeMap::from([(ONE, waiting)]),
        }
    );
}
