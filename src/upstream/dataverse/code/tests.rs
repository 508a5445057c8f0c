use proptest::prelude::*;

use super::{ErrorCode, KNOWN, Meaning};
use crate::failure::Disposition;

#[test]
fn every_spelling_of_a_code_is_the_same_code() {
    let code = ErrorCode::parse("0x80072322");
    assert!(code.is_some());
    for text in ["0X80072322", "0x80072322 ", "-2147015902", "2147951394"] {
        assert_eq!(ErrorCode::parse(text), code, "{text}");
    }
    assert_eq!(
        ErrorCode::parse("0x8006088A"),
        ErrorCode::parse("0x8006088a")
    );
}

#[test]
fn text_that_says_nothing_is_no_code() {
    for text in ["", " ", "0x0", "0", "0x", "none", "0x1ffffffff"] {
        assert_eq!(ErrorCode::parse(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn hexadecimal_and_signed_decimal_agree(code in 1_u32..) {
        let hex = ErrorCode::parse(&format!("0x{code:08X}"));
        prop_assert!(hex.is_some());
        prop_assert_eq!(hex, ErrorCode::parse(&code.cast_signed().to_string()));
        prop_assert_eq!(hex, ErrorCode::parse(&code.to_string()));
    }
}

#[test]
fn no_code_is_listed_twice() {
    let mut codes: Vec<u32> = KNOWN.iter().map(|(code, ..)| *code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), KNOWN.len());
}

/// The whole policy, one line a code, so that a change of it shows in review.
#[test]
fn the_policy_for_every_code_is_written_down() {
    let policy: Vec<String> = KNOWN
        .iter()
        .map(|(code, name, meaning)| {
            let what = match meaning.disposition(None) {
                Disposition::Retry { .. } => "retry",
                Disposition::Permanent => "permanent",
                Disposition::Misconfigured => "misconfigured",
            };
            format!("{code:08x} {name}: {meaning:?}, {what}")
        })
        .collect();
    insta::assert_snapshot!(policy.join("\n"), @r"
    80040217 ObjectDoesNotExist: Gone, permanent
    80060891 RecordNotFoundByEntityKey: Gone, permanent
    80040237 DuplicateRecord: AlreadyThere, permanent
    80060892 DuplicateRecordEntityKey: AlreadyThere, permanent
    80060882 ConcurrencyVersionMismatch: Changed, retry
    80072321 ThrottlingTimeExceeded: Throttled, retry
    80072322 ThrottlingBurstRequestLimitExceeded: Throttled, retry
    80072326 ThrottlingConcurrencyLimitExceeded: Throttled, retry
    80072323 AzureSqlLimit: Busy, retry
    80072324 AzureSqlLimit: Busy, retry
    80044150 UnmanagedSqlError: Busy, retry
    80044151 SqlTimeout: Busy, retry
    80071151 CustomizationLock: Customizing, retry
    80047013 DuplicateAttributeSchemaName: AlreadyThere, permanent
    80044331 StringLengthTooLong: Shape, permanent
    80044330 DecimalOutOfRange: Shape, permanent
    8004432f IntegerOutOfRange: Shape, permanent
    8004431a PicklistValueOutOfRange: Shape, permanent
    80048d19 BadPayload: Shape, permanent
    80060888 BadQuery: Shape, permanent
    80048408 InvalidStateCodeStatusCode: State, permanent
    80040519 LeadAlreadyInClosedState: State, permanent
    80040518 LeadAlreadyInOpenState: State, permanent
    8004022e ObjectReadOnly: State, permanent
    80040230 ObjectInactive: State, permanent
    8004f857 StateTransition: State, permanent
    8004f858 StateTransition: State, permanent
    80040333 DuplicateRecordsFound: DuplicateRule, permanent
    80040265 IsvAborted: Plugin, permanent
    80048cfb CurrencyCannotBeNull: Currency, permanent
    80048ceb BaseCurrencyUnderflow: Currency, permanent
    80048cec BaseCurrencyOverflow: Currency, permanent
    80040220 PrivilegeDenied: Privilege, misconfigured
    80072560 UserNotMemberOfOrg: NoUser, misconfigured
    8006088a CrmHttpError: NoTable, misconfigured
    ");
}

#[test]
fn the_policy_for_every_status_without_a_known_code_is_written_down() {
    let policy: Vec<String> = (400..600)
        .map(|status| (status, Meaning::of_status(status)))
        .filter(|(_, meaning)| *meaning != Meaning::Rejected)
        .map(|(status, meaning)| format!("{status} {meaning:?}"))
        .collect();
    insta::assert_snapshot!(policy.join("\n"), @r"
    401 Token
    403 Privilege
    404 Gone
    408 Unavailable
    429 Throttled
    500 Unavailable
    502 Unavailable
    503 Unavailable
    504 Unavailable
    ");
}

#[test]
fn the_code_decides_before_the_status() {
    let meaning = |status, code| Meaning::of(status, ErrorCode::parse(code), true);
    assert_eq!(meaning(500, "0x80060882"), Meaning::Changed);
    assert_eq!(meaning(412, "0x80040333"), Meaning::DuplicateRule);
    assert_eq!(meaning(400, "0x80044151"), Meaning::Busy);
    assert_eq!(meaning(412, "0x12345678"), Meaning::Rejected);
    assert_eq!(meaning(412, ""), Meaning::Precondition);
    assert_eq!(meaning(503, "0x0"), Meaning::Unavailable);
}

#[test]
fn a_missing_table_is_told_from_a_method_that_makes_no_sense() {
    let code = ErrorCode::parse("0x8006088a");
    assert_eq!(Meaning::of(404, code, true), Meaning::NoTable);
    assert_eq!(Meaning::of(405, code, true), Meaning::Rejected);
    let query = ErrorCode::parse("0x80060888");
    assert_eq!(Meaning::of(404, query, true), Meaning::NoTable);
    assert_eq!(Meaning::of(400, query, true), Meaning::Shape);
}

#[test]
fn a_page_somebody_else_put_at_the_address_is_no_missing_row() {
    assert_eq!(Meaning::of(404, None, false), Meaning::Stranger);
    assert_eq!(Meaning::of(404, None, true), Meaning::Gone);
    assert_eq!(Meaning::of(412, None, false), Meaning::Rejected);
}
