use std::fs;
use std::path::Path;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ids::RecordId;
use crate::mapping;
use crate::sync::state::UnderWay;

fn uuid(text: &str) -> Uuid {
    text.parse().unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn digest(first: u8) -> Digest {
    Digest(std::array::from_fn(|at| first + u8::try_from(at).unwrap()))
}

fn pair(lead: impl Into<Option<Digest>>, referral: impl Into<Option<Digest>>, alike: bool) -> Pair {
    Pair {
        lead: lead.into(),
        referral: referral.into(),
        alike,
    }
}

fn of(name: &str) -> Column {
    Column::from(name.to_owned())
}

/// What the files in `formats/` say, as far as their format can say it.
fn remembered() -> State {
    let run = uuid("8d7c6b5a-4f3e-4d2c-9b1a-0f1e2d3c4b5a");
    let deadline = time("2026-11-22T10:15:30Z");
    let referral_version = ETag::new("\"5600d3a2-0000-0700-0000-5f8f2d0b0000\"");
    let lead_version = ETag::new("W/\"1234567\"");
    State {
        salt: uuid("5b0b5d9e-6c8f-4a6f-9d0c-2f4f7f2b9a01"),
        lead: Some(LeadId::new(uuid("0f4c1c9a-1d2e-4b3f-8a5b-6c7d8e9f0a1b"))),
        agreed: [
            (of("companyname"), pair(digest(0), digest(16), true)),
            (of("jobtitle"), pair(None, None, true)),
            (of("statuscode"), pair(digest(32), None, false)),
        ]
        .into(),
        sources: [(of("new_size"), "customerProfile.size".to_owned())].into(),
        intentions: vec![
            Intention {
                run,
                deadline,
                side: Side::Lead,
                version: Some(lead_version.clone()),
                values: [(of("companyname"), pair(digest(48), digest(48), true))].into(),
            },
            Intention {
                run,
                deadline,
                side: Side::Referral,
                version: Some(referral_version.clone()),
                values: [(of("statuscode"), pair(digest(32), digest(64), true))].into(),
            },
        ],
        referral_version: Some(referral_version),
        referral_updated: Some(time("2026-11-22T10:14:59.123Z")),
        lead_version: Some(lead_version),
        two_way: true,
        reported: ["differs:contact", "past_closing_date"]
            .map(str::to_owned)
            .into(),
        duplicates: [LeadId::new(uuid("9d1f0c6b-7a58-4e21-8c3d-5b4a39281706"))].into(),
        look_again: Some(time("2026-11-23T10:15:30Z")),
        dead_letter: true,
        closed: Some(time("2026-11-22T10:15:00Z")),
        handed: Some(Handed {
            content: Some(digest(80)),
            updated: Some(time("2026-11-22T10:14:59.123Z")),
            record: RecordId::new("00Q5g000001LmNoEAK"),
            linked: RecordId::new("00Q5g000001LmNpEAK"),
            under_way: Some(UnderWay {
                run,
                until: deadline,
            }),
        }),
    }
}

fn file(format: u32) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sync/state/wire/formats");
    fs::read(folder.join(format!("{format}.json"))).unwrap()
}

#[test]
fn every_format_that_was_ever_written_is_read() {
    for format in 1..=FORMAT {
        assert_eq!(read(&file(format)), Ok(remembered()), "format {format}");
    }
}

#[test]
fn what_is_written_has_the_newest_format() {
    let written = write(&remembered()).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(
        written,
        serde_json::from_slice::<Value>(&file(FORMAT)).unwrap()
    );
}

#[test]
fn a_newer_format_is_told_from_a_broken_document() {
    let newer = json!({"format": FORMAT + 1, "salt": 7}).to_string();
    assert_eq!(read(newer.as_bytes()), Err(Unread::Newer(FORMAT + 1)));
    assert_eq!(read_owner(newer.as_bytes()), Err(Unread::Newer(FORMAT + 1)));
    for broken in [
        "",
        "{",
        "{}",
        "[]",
        r#"{"format":0}"#,
        r#"{"format":"1"}"#,
        r#"{"format":1}"#,
    ] {
        assert_eq!(read(broken.as_bytes()), Err(Unread::Broken), "{broken}");
        assert_eq!(
            read_owner(broken.as_bytes()),
            Err(Unread::Broken),
            "{broken}"
        );
    }
    let mut cut = file(FORMAT);
    cut.truncate(cut.len() / 2);
    assert_eq!(read(&cut), Err(Unread::Broken));
}

#[test]
fn the_referral_of_a_lead_reads_back() {
    let referral = ReferralId::new(uuid("0f4c1c9a-1d2e-4b3f-8a5b-6c7d8e9f0a1b"));
    assert_eq!(read_owner(&write_owner(referral)), Ok(referral));
}

/// A state with everything it can have: each column agreed and intended by runs that all died on their way.
fn crowded(runs: usize) -> State {
    let every: BTreeMap<Column, Pair> = mapping::Mapping::shipped()
        .columns()
        .map(|(column, _)| (column, pair(digest(0), digest(16), true)))
        .collect();
    let intention = Intention {
        values: every.clone(),
        ..remembered().intentions.remove(0)
    };
    State {
        agreed: every,
        intentions: vec![intention; runs],
        reported: (0..100)
            .map(|n| format!("{n}:a_word_of_forty_letters_and_what_it_is_about"))
            .collect(),
        ..remembered()
    }
}

#[test]
fn a_state_of_every_column_with_several_intentions_is_far_below_the_bound() {
    let written = write(&crowded(2)).unwrap();
    assert!(written.len() < SIZE_LIMIT / 3, "{} bytes", written.len());
}

#[test]
fn what_is_larger_than_the_bound_is_neither_written_nor_read() {
    let bytes = write(&crowded(100)).unwrap_err();
    assert!(SIZE_LIMIT < bytes);
    let mut padded = file(FORMAT);
    padded.resize(SIZE_LIMIT + 1, b' ');
    assert_eq!(read(&padded), Err(Unread::Broken));
    padded.truncate(SIZE_LIMIT);
    assert_eq!(read(&padded), Ok(remembered()));
}

prop_compose! {
    fn states()(
        salt: u128,
        lead: Option<u128>,
        agreed in proptest::collection::btree_map("[a-z]{1,20}", (any::<Option<[u8; 16]>>(), any::<Option<[u8; 16]>>(), any::<bool>()), 0..6),
        version in proptest::option::of("\\PC{0,40}"),
        seconds in proptest::option::of(0_i64..4_000_000_000),
        flags: (bool, bool),
        duplicates in proptest::collection::btree_set(any::<u128>(), 0..4),
        reported in proptest::collection::btree_set("[a-z_:/]{1,30}", 0..4),
        intended: bool,
    ) -> State {
        let pairs: BTreeMap<Column, Pair> = agreed.into_iter().map(|(name, (lead, referral, alike))| {
            (of(&name), pair(lead.map(Digest), referral.map(Digest), alike))
        }).collect();
        let at = seconds.map(|it| Timestamp::from_second(it).unwrap());
        let version = version.map(ETag::new);
        State {
            lead: lead.map(|it| LeadId::new(Uuid::from_u128(it))),
            intentions: at.filter(|_| intended).map(|deadline| Intention {
                run: Uuid::from_u128(salt),
                deadline,
                side: Side::Referral,
                version: version.clone(),
                values: pairs.clone(),
            }).into_iter().collect(),
            agreed: pairs,
            referral_version: version.clone(),
            referral_updated: at,
            lead_version: version,
            two_way: flags.0,
            reported,
            duplicates: duplicates.into_iter().map(|it| LeadId::new(Uuid::from_u128(it))).collect(),
            look_again: at,
            dead_letter: flags.1,
            closed: at,
            ..State::new(Uuid::from_u128(salt))
        }
    }
}

proptest! {
    #[test]
    fn every_state_reads_back_as_it_was_written(state in states()) {
        prop_assert_eq!(read(&write(&state).unwrap()), Ok(state));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = read(&bytes);
    }
}
