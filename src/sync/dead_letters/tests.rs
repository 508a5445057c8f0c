use super::*;
use crate::sync::error::SyncCause;
use crate::upstream::dataverse::code::Meaning;
use crate::upstream::dataverse::{DataverseError, Failure};
use crate::upstream::{CallError, Upstream};

const ID: ReferralId = ReferralId::new(Uuid::from_u128(7));

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn letter(cause: SyncCause, gave_up: bool) -> Letter {
    let job = Job {
        referral: ID,
        first_attempt: at("2026-11-15T10:00:00Z"),
        attempts: 3,
        why: Word::Borrowed(cause.word()),
    };
    let error = SyncError {
        referral: ID,
        cause,
        calls: Vec::new(),
    };
    Letter::unsynced(&job, &error, gave_up, at("2026-11-22T10:00:00Z"))
}

fn refused(meaning: Meaning) -> SyncCause {
    let source = CallError::NotJson {
        upstream: Upstream::Dataverse,
        operation: "create lead",
    };
    let source = Failure::Refused {
        meaning,
        code: None,
        source,
    };
    let id = crate::ids::LeadId::of(ID);
    DataverseError::Create { id, source }.into()
}

#[test]
fn a_letter_is_read_as_it_was_written() {
    let plain = letter(refused(Meaning::DuplicateRule), false);
    let problem = BadMessage::Broken("why");
    let about_message = Letter::message(Uuid::nil(), "{}", &problem, Timestamp::UNIX_EPOCH);
    for letter in [plain, about_message] {
        assert_eq!(
            wire::read(letter.subject, &wire::write(&letter)),
            Ok(letter)
        );
    }
}

#[test]
fn the_first_format_of_a_letter_is_still_read() {
    let document = br#"{"format":1,"subject":"00000000-0000-0000-0000-000000000007","why":"dataverse","reason":"it said no","advice":"retry","first_attempt":"2026-11-15T10:00:00Z","last_attempt":"2026-11-22T10:00:00Z","attempts":3}"#;
    let letter = wire::read(Subject::Referral(ID), document).unwrap();
    assert_eq!((&*letter.why, letter.attempts), ("dataverse", 3));
    assert_eq!((letter.error, letter.message), (None, None));
}

#[test]
fn what_a_newer_program_wrote_is_left_alone_and_what_is_damaged_is_written_anew() {
    let newer = wire::read(Subject::Referral(ID), br#"{"format":2}"#);
    assert_eq!(newer, Err(wire::Unreadable::Newer { format: 2 }));
    for damaged in [&b""[..], b"null", b"{}", br#"{"format":1}"#, b"\xff"] {
        let read = wire::read(Subject::Referral(ID), damaged);
        assert_eq!(read, Err(wire::Unreadable::Damaged));
    }
    let other = wire::write(&letter(SyncCause::Stopped, false));
    let read = wire::read(Subject::Message(Uuid::nil()), &other);
    assert_eq!(read, Err(wire::Unreadable::Damaged));
}

#[test]
fn a_reason_says_in_plain_words_what_was_in_the_way() {
    let at_once = letter(refused(Meaning::DuplicateRule), false);
    insta::assert_snapshot!(at_once.reason, @"Dynamics 365 refused to create the lead: a duplicate detection rule refused the row; merge the duplicates or relax the rule");
    let in_the_end = letter(refused(Meaning::Unavailable), true);
    insta::assert_snapshot!(in_the_end.reason, @"it did not work for 7 days and is not tried any more; the last time Dynamics 365 refused to create the lead: the environment does not answer properly at the moment");
    insta::assert_snapshot!(in_the_end.error.unwrap(), @"dataverse did not do its part: creating lead 00000000-0000-0000-0000-000000000007: the environment does not answer properly at the moment: Dataverse answered to create lead with a body that is not JSON");
}

#[test]
fn every_cause_has_a_reason_and_an_advice() {
    for cause in [
        SyncCause::LookAgain,
        SyncCause::Unsettled { rounds: 6 },
        SyncCause::Unfinished,
        SyncCause::Stopped,
        refused(Meaning::Plugin),
    ] {
        let letter = letter(cause, false);
        assert!(letter.reason.contains(' ') && letter.advice.contains(' '));
        assert!(
            !letter.reason.contains(&ID.to_string()),
            "{}",
            letter.reason
        );
    }
}

#[test]
fn a_subject_is_written_as_it_is_read() {
    for text in [
        "00000000-0000-0000-0000-000000000007",
        "message-00000000-0000-0000-0000-000000000007",
    ] {
        assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        let subject = subject_of(&format!("dead-letters/{text}.json"));
        assert_eq!(subject, text.parse().ok());
    }
    for text in ["", "message-", "7", "../state/x"] {
        assert!(text.parse::<Subject>().is_err(), "{text}");
    }
    assert_eq!(subject_of("dead-letters/readme.txt"), None);
}
