use super::*;
use crate::checkup::{REGISTRATION, Scope, UNFINISHED};
use crate::sync::drawer::Drawer;
use crate::warnings::RENEWAL;

const LETTERS: &str = "dead_letters";
const LAG: &str = "sync_lag";
const LEADS: &str = "leads";
const EVENTS: &str = "webhook_events";

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + 60 * minute).unwrap()
}

fn letter(id: &str) -> Finding {
    Finding::warning(LETTERS, "it cannot be synced", "read it").about(id)
}

fn often(findings: &[Finding]) -> Look<'_> {
    Look::at(findings, Scope::Often)
}

fn daily(findings: &[Finding]) -> Look<'_> {
    Look::at(findings, Scope::Unattended)
}

fn codes(of: &[(Cause, Warning)]) -> Vec<String> {
    of.iter()
        .map(|(cause, _)| cause.about.clone().unwrap_or_else(|| cause.code.clone()))
        .collect()
}

#[test]
fn a_cause_is_raised_once_and_is_over_once() {
    let mut record = Record::default();
    let found = [letter("one"), letter("two")];
    let news = record.take_in(&often(&found), at(0));
    assert_eq!(codes(&news.raised), ["one", "two"]);
    let claimed = record.claim(at(0)).unwrap();
    record.release(&claimed);
    let news = record.take_in(&often(&found), at(5));
    assert_eq!(
        (codes(&news.standing), news.raised.len()),
        (vec!["one".into(), "two".into()], 0)
    );
    assert_eq!(record.claim(at(5)), None);
    let news = record.take_in(&often(&found[1..]), at(10));
    assert_eq!(codes(&news.over), ["one"]);
    let claimed = record.claim(at(10)).unwrap();
    assert_eq!(
        (codes(&claimed), claimed[0].1.over),
        (vec!["one".into()], Some(at(10)))
    );
    record.release(&claimed);
    assert_eq!(record.claim(at(15)), None);
    assert_eq!(
        (record.warnings.len(), record.raised, record.over),
        (1, 2, 1)
    );
}

#[test]
fn only_who_looked_and_did_not_fail_says_that_it_is_over() {
    let mut record = Record::default();
    let lag = Finding::warning(LAG, "they wait", "look");
    let leads = Finding::failed(LEADS, "they cannot be listed", "grant it");
    record.take_in(&daily(&[lag.clone(), leads.clone(), letter("one")]), at(0));
    let mut over = |look: Look<'_>| codes(&record.take_in(&look, at(5)).over);
    let passing = Finding {
        passing: true,
        ..Finding::failed(LETTERS, "no answer", "wait")
    };
    // The pass looks at the backlog alone, and could not read the letters.
    assert_eq!(over(often(&[passing, lag.clone()])), Vec::<String>::new());
    // The topic came to no end, or to one before it could say anything about leads.
    let cut = Finding {
        passing: true,
        ..Finding::failed(UNFINISHED, "too late", "wait")
    };
    assert_eq!(
        over(daily(&[cut.about("dataverse"), lag.clone(), letter("one")])),
        Vec::<String>::new()
    );
    let denied = Finding::failed("dataverse", "who is this", "grant it");
    assert_eq!(
        over(daily(&[denied, lag.clone(), letter("one")])),
        ["dataverse"; 0]
    );
    // Now it did.
    assert_eq!(
        over(daily(&[
            Finding::ok(LEADS, "fine"),
            lag.clone(),
            letter("one")
        ])),
        ["dataverse", LEADS]
    );
    assert_eq!(over(often(&[Finding::ok(LETTERS, "none"), lag])), ["one"]);
    assert_eq!(over(often(&[Finding::ok(LAG, "none")])), [LAG]);
}

#[test]
fn what_may_pass_by_itself_is_not_raised_and_no_run_without_a_renewal_ends_one() {
    let mut record = Record::default();
    let passing = Finding {
        passing: true,
        ..Finding::failed(LEADS, "no answer", "wait")
    };
    assert_eq!(record.take_in(&daily(&[passing]), at(0)), News::default());
    let renewal = Finding::failed(RENEWAL, "revoked", "consent again");
    record.take_in(&daily(&[renewal]), at(0));
    assert_eq!(record.take_in(&often(&[]), at(5)).over, []);
    let news = record.take_in(&daily(&[Finding::ok(RENEWAL, "renewed")]), at(10));
    assert_eq!(codes(&news.over), [RENEWAL]);
}

#[test]
fn what_becomes_worse_is_told_again_and_what_gets_better_is_not() {
    let mut record = Record::default();
    let warning = Finding::warning(LEADS, "it ends soon", "renew").until(at(90));
    let failed = Finding::failed(LEADS, "it has ended", "renew");
    for (minute, found, raised) in [(0, &warning, 1), (5, &failed, 1), (10, &warning, 0)] {
        let news = record.take_in(&daily(std::slice::from_ref(found)), at(minute));
        assert_eq!(news.raised.len(), raised, "{minute}");
        if let Some(claimed) = record.claim(at(minute)) {
            record.release(&claimed);
        }
    }
    assert_eq!(record.claim(at(20)), None);
}

#[test]
fn a_receiver_that_failed_is_told_later_and_never_of_the_end_of_what_it_was_not_told() {
    let mut record = Record::default();
    record.take_in(&often(&[letter("one"), letter("two")]), at(0));
    assert_eq!(record.claim(at(0)).unwrap().len(), 2);
    record.release(&[]);
    let news = record.take_in(&often(&[letter("two")]), at(5));
    assert_eq!(codes(&news.over), ["one"]);
    let claimed = record.claim(at(5)).unwrap();
    assert_eq!(codes(&claimed), ["two"]);
    record.release(&claimed);
    // It is over and begins again before the receiver hears of it.
    record.take_in(&often(&[Finding::ok(LETTERS, "none")]), at(10));
    record.take_in(&often(&[letter("two")]), at(15));
    assert_eq!(record.claim(at(15)), None);
}

#[test]
fn what_ends_while_the_receiver_is_told_of_it_is_told_to_have_ended() {
    let mut record = Record::default();
    record.take_in(&often(&[letter("one")]), at(0));
    let claimed = record.claim(at(0)).unwrap();
    record.take_in(&often(&[Finding::ok(LETTERS, "none")]), at(1));
    record.release(&claimed);
    let claimed = record.claim(at(1)).unwrap();
    assert_eq!(claimed[0].1.over, Some(at(1)));
}

#[test]
fn a_claim_of_an_instance_whose_clock_is_ahead_holds() {
    let mut record = Record::default();
    record.take_in(&often(&[letter("one")]), at(1));
    assert!(record.claim(at(1)).is_some());
    assert_eq!(record.claim(at(0)), None);
}

#[test]
fn a_claim_that_is_never_released_ends_by_itself() {
    let mut record = Record::default();
    record.take_in(&often(&[letter("one")]), at(0));
    assert!(record.claim(at(0)).is_some());
    assert!(record.claim(at(1)).is_none());
    assert!(record.claim(at(2)).is_some());
    // A clock that was set back does not keep it.
    assert!(record.claim(at(-60)).is_some());
}

#[tokio::test]
async fn two_instances_that_find_the_same_tell_it_once() {
    let drawer = Drawer::default();
    let found = [letter("one")];
    let mut told = 0;
    for _ in 0..2 {
        let claimed = update(&drawer, |record| {
            record.take_in(&often(&found), at(0));
            record.claim(at(0))
        });
        told += usize::from(claimed.await.unwrap().is_some());
    }
    assert_eq!(told, 1);
    assert_eq!(load(&drawer).await.unwrap().raised, 1);
}

#[tokio::test]
async fn a_newer_programs_record_is_left_alone_and_a_damaged_one_begun_anew() {
    let drawer = Drawer::default();
    drawer.set(NAME, r#"{"format":2}"#);
    update(&drawer, |record| record.raised += 1)
        .await
        .unwrap_err();
    assert_eq!(drawer.text(NAME).unwrap(), r#"{"format":2}"#);
    drawer.set(NAME, r#"{"format":1,"warn"#);
    update(&drawer, |record| record.raised += 1).await.unwrap();
    assert_eq!(load(&drawer).await.unwrap().raised, 1);
}

#[test]
fn the_first_format_is_read_for_ever() {
    let mut record = Record::default();
    let found = [
        letter("one"),
        Finding::failed(LAG, "they wait", "look").until(at(90)),
    ];
    record.take_in(&often(&found), at(0));
    record.digest = Some(Told {
        at: at(1),
        synced: 2,
        healed: 3,
        raised: 4,
        over: 5,
    });
    record.claim(at(3));
    let first = r#"{"format":1,"warnings":[{"code":"dead_letters","about":"one","level":"warning","detail":"it cannot be synced","advice":"read it","deadline":null,"since":"2023-11-14T22:13:20Z","over":null,"told":false},{"code":"sync_lag","about":null,"level":"failed","detail":"they wait","advice":"look","deadline":"2023-11-14T23:43:20Z","since":"2023-11-14T22:13:20Z","over":null,"told":false}],"raised":2,"over":0,"digest":{"at":"2023-11-14T22:14:20Z","synced":2,"healed":3,"raised":4,"over":5},"claimed":"2023-11-14T22:18:20Z"}"#;
    assert_eq!(wire::read(first.as_bytes()), Ok(Some(record.clone())));
    assert_eq!(wire::read(&wire::write(&record)), Ok(Some(record)));
}

#[test]
fn an_address_of_a_person_and_a_long_text_are_not_taken_over() {
    let text = format!(
        "consented by anna@contoso.example on\nMonday {}",
        "x".repeat(900)
    );
    let safe = harmless(&text);
    assert!(safe.starts_with("consented by … on\nMonday x"), "{safe}");
    assert_eq!(safe.chars().count(), LONGEST + 1);
}

#[test]
fn two_findings_about_one_cause_are_one_warning_and_the_worse_is_told() {
    let few = Finding::warning(EVENTS, "too many events", "take them away");
    let none = Finding::failed(EVENTS, "no events", "register them");
    let mut record = Record::default();
    for found in [[few.clone(), none.clone()], [none, few]] {
        let news = record.take_in(&daily(&found), at(0));
        let told = [&news.raised[..], &news.standing[..]].concat();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].1.detail, "no events");
    }
    assert_eq!(record.raised, 1, "it is no news the second time");
}

#[test]
fn a_topic_that_was_looked_into_besides_can_be_over() {
    let drift = Finding::failed("webhook_address", "events go elsewhere", "register").about("host");
    let well = Finding::ok("webhook", "as it was registered");
    let mut record = Record::default();
    record.take_in(&daily(&[drift]), at(0));
    let found = [well];
    assert_eq!(record.take_in(&often(&found), at(5)).over.len(), 0);
    let besides = Look {
        also: &[REGISTRATION],
        ..often(&found)
    };
    assert_eq!(record.take_in(&besides, at(10)).over.len(), 1);
}
