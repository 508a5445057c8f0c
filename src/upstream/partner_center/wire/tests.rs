mod hostile;

use proptest::prelude::*;

use super::*;

const ID: &str = "61c65491-2f2c-461a-84b4-3654499bc1d9";

/// A referral with `members` beside its id and eTag.
fn parsed(members: &str) -> Parsed {
    let body = format!(r#"{{"id":"{ID}","eTag":"\"2500ec5a\"",{members}}}"#);
    referral(body.as_bytes()).unwrap()
}

fn sound(members: &str) -> Referral {
    let parsed = parsed(members);
    assert_eq!(parsed.malformed, <[String; 0]>::default());
    parsed.value
}

#[test]
fn a_full_referral_keeps_its_texts_as_typed() {
    let referral = sound(
        r#""engagementId":"b1c40bb4-6d36-4eca-baa3-e1460cf2a454","name":"OIL &amp; GAS  ",
        "externalReferenceId":"","status":"New","substatus":"Pending","statusReason":null,
        "qualification":"SalesQualified","type":"Independent","direction":"Incoming","mpnId":4711,
        "quality":"Unknown","isSpam":false,
        "target":[{"type":"BusinessProfileLocation","id":"01e2abcd"},{"type":"SolutionProfile","id":"SOL-1"}],
        "customerProfile":{"name":"Fabrikam","size":"10to50employees","ids":[{"profileType":"Duns","id":"7"}],
          "address":{"addressLine1":"One Way","city":"Redmond","state":"WA","postalCode":98052,"country":"US","region":"Washington"},
          "team":[{"firstName":"Sue","lastName":"Smith","phoneNumber":"123","email":"sue@fabrikam.example","title":"CIO","contactPreference":{"locale":"en-us"}},
                  {"firstName":"Joe"}]},
        "consent":{"consentToToShareInfoWithOthers":true,"consentToContact":false,"consentToShareReferralWithMicrosoftSellers":"True"},
        "details":{"notes":"Help!","dealValue":50000,"currency":"USD","closingDateTime":"2020-12-01T00:00:00Z","customerRequestedContact":null,
          "requirements":{"industries":[{"id":"Education"}],"products":[{"id":"Microsoft365"}],"services":[],"solutions":[{"id":"S","name":"Field Service"}]}},
        "inviteContext":{"notes":"Hi","invitedMpnId":"1","invitedBy":{"organizationId":"msft"}},
        "links":{"self":{"uri":"http://example.invalid"}},"aMemberFromTheFuture":[{}]"#,
    );
    assert_eq!(referral.id.to_string(), ID);
    assert_eq!(referral.etag.as_str(), "\"2500ec5a\"");
    assert_eq!(referral.name.as_deref(), Some("OIL &amp; GAS  "));
    assert_eq!(referral.external_reference.as_deref(), Some(""));
    assert_eq!(referral.status.state, ReferralState::New);
    assert_eq!(referral.status_reason, None);
    assert_eq!(referral.partner_id.as_deref(), Some("4711"));
    assert_eq!(referral.locations, ["01e2abcd"]);
    let address = &referral.customer.address;
    assert_eq!(address.state.as_deref(), Some("WA"));
    assert_eq!(address.postal_code.as_deref(), Some("98052"));
    assert_eq!(referral.customer.team.len(), 2);
    assert_eq!(referral.customer.team[0].title.as_deref(), Some("CIO"));
    assert_eq!(referral.consent.to_contact, Some(false));
    assert_eq!(referral.consent.to_share_with_microsoft, Some(true));
    assert_eq!(
        referral.details.requirements,
        ["Field Service", "Microsoft365", "Education"]
    );
    let invitation = referral.invitation.unwrap();
    assert_eq!(invitation.organization_id.as_deref(), Some("msft"));
    assert_eq!(invitation.organization_name, None);
}

#[test]
fn a_bare_referral_says_nothing_and_is_read() {
    let referral = sound(r#""status":null"#);
    assert_eq!(referral.status.state, ReferralState::Unknown);
    assert_eq!(referral.direction, Direction::Incoming);
    assert_eq!(referral.customer, Customer::default());
    assert_eq!(referral.consent, Consent::default());
    assert_eq!(referral.details, Details::default());
    assert_eq!(referral.invitation, None);
    assert!(!referral.is_spam);
}

#[test]
fn ids_and_lists_come_as_array_object_or_null() {
    for ids in [r#"[{"id":"1"}]"#, "{}", "null", r#"{"id":"1"}"#] {
        sound(&format!(r#""customerProfile":{{"ids":{ids}}}"#));
    }
    let products = |list: &str| {
        let members = format!(r#""details":{{"requirements":{{"products":{list}}}}}"#);
        sound(&members).details.requirements
    };
    assert_eq!(products(r#"[{"id":"A"},{},{"id":"B"}]"#), ["A", "B"]);
    assert_eq!(products(r#"{"id":"A"}"#), ["A"]);
    assert_eq!(products("{}"), <[&str; 0]>::default());
    assert_eq!(products(r#"["A"]"#), ["A"]);
}

#[test]
fn a_malformed_member_is_absent_noted_and_spoils_no_other() {
    let parsed = parsed(
        r#""name":["x"],"isSpam":"perhaps","createdDateTime":"yesterday","target":7,
        "customerProfile":{"team":[{"email":{}},3]},"consent":"yes",
        "details":{"dealValue":"a lot","currency":"EUR"}"#,
    );
    assert_eq!(parsed.value.name, None);
    assert_eq!(parsed.value.details.currency.as_deref(), Some("EUR"));
    assert_eq!(parsed.value.customer.team, [Member::default()]);
    assert_eq!(
        parsed.malformed,
        [
            "consent",
            "createdDateTime",
            "customerProfile.team[0].email",
            "customerProfile.team[1]",
            "details.dealValue",
            "isSpam",
            "name",
            "target",
        ]
    );
}

#[test]
fn a_member_that_came_twice_is_absent_and_noted() {
    let parsed = parsed(
        r#""status":"New","Status":"Closed","name":"a","name":"a","ignored":1,"Ignored":2,
        "details":{"currency":"EUR","CURRENCY":"USD","notes":"n"}"#,
    );
    assert_eq!(parsed.value.status.status, "");
    assert_eq!(parsed.value.name, None);
    assert_eq!(parsed.value.details.currency, None);
    assert_eq!(parsed.value.details.notes.as_deref(), Some("n"));
    assert_eq!(parsed.malformed, ["details.currency", "name", "status"]);
    let twice = format!(r#"{{"id":"{ID}","ID":"{ID}","eTag":"\"1\""}}"#);
    assert_eq!(referral(twice.as_bytes()).unwrap_err(), Fault::Member("id"));
}

#[test]
fn only_a_missing_id_or_etag_fails_a_referral() {
    let fault = |body: &str| referral(body.as_bytes()).unwrap_err();
    assert_eq!(fault(r#"{"eTag":"\"1\""}"#), Fault::Member("id"));
    assert_eq!(fault(r#"{"id":"12","eTag":"\"1\""}"#), Fault::Member("id"));
    let no_etag = format!(r#"{{"id":"{ID}","eTag":null}}"#);
    assert_eq!(fault(&no_etag), Fault::Member("eTag"));
    for body in ["", "[]", "<html>", "null", "\u{feff}{}"] {
        assert_eq!(fault(body), Fault::NotJson);
    }
}

#[test]
fn status_words_are_known_in_any_case_and_kept_when_unknown() {
    let status = |status: &str, substatus: &str| {
        sound(&format!(r#""status":"{status}","substatus":"{substatus}""#)).status
    };
    for (words, state) in [
        (("New", "Received"), ReferralState::New),
        (("Active", "Accepted"), ReferralState::Active),
        (("Active", "Qualify"), ReferralState::Active),
        (("closed", "WON "), ReferralState::Won),
        (("Closed", "Lost"), ReferralState::Lost),
        (("Closed", "Declined"), ReferralState::Declined),
        (("Closed", "Expired"), ReferralState::Expired),
        (("Closed", "Merged"), ReferralState::ClosedOtherwise),
        (("None", "None"), ReferralState::Unknown),
        (("100%", ""), ReferralState::Unknown),
    ] {
        let status = status(words.0, words.1);
        assert_eq!(status.state, state, "{words:?}");
        assert_eq!((status.status.as_str(), status.substatus.as_str()), words);
    }
}

#[test]
fn dates_have_any_number_of_digits_and_may_lack_a_zone() {
    for (text, expected) in [
        (
            "2018-10-30T21:03:42.4579542Z",
            "2018-10-30T21:03:42.4579542Z",
        ),
        ("2018-10-29T21:24:52.040469Z", "2018-10-29T21:24:52.040469Z"),
        ("2018-11-06T00:00:00Z", "2018-11-06T00:00:00Z"),
        ("2018-11-06T00:00:00.1", "2018-11-06T00:00:00.1Z"),
        ("2018-11-06T01:00:00+01:00", "2018-11-06T00:00:00Z"),
        ("2018-11-06", "2018-11-06T00:00:00Z"),
    ] {
        let referral = sound(&format!(r#""updatedDateTime":"{text}""#));
        assert_eq!(referral.updated.unwrap().to_string(), expected);
    }
    for nothing in ["", " ", "0001-01-01T00:00:00", "0001-01-01T00:00:00Z"] {
        let referral = sound(&format!(r#""expirationDateTime":"{nothing}""#));
        assert_eq!(referral.expires, None);
    }
}

#[test]
fn the_state_stands_in_state_or_region() {
    let state = |address: &str| {
        sound(&format!(r#""customerProfile":{{"address":{{{address}}}}}"#))
            .customer
            .address
            .state
    };
    assert_eq!(state(r#""region":"Bavaria""#).unwrap(), "Bavaria");
    assert_eq!(
        state(r#""state":" ","region":"Bavaria""#).unwrap(),
        "Bavaria"
    );
    assert_eq!(state(r#""state":"WA","region":"Bavaria""#).unwrap(), "WA");
    assert_eq!(state(r#""city":"Rome""#), None);
}

#[test]
fn amounts_are_exact_however_they_are_written() {
    let amount = |raw: &str| {
        parsed(&format!(r#""details":{{"dealValue":{raw}}}"#))
            .value
            .details
            .deal_value
    };
    for (raw, exact) in [
        ("50000", "50000"),
        ("0.1", "0.1"),
        ("10000.10", "10000.10"),
        (r#"" 10000.10 ""#, "10000.10"),
        ("1.5E+4", "15000.0"),
        ("25e-2", "0.25"),
        (
            "79228162514264337593543950335",
            "79228162514264337593543950335",
        ),
        ("9007199254740993", "9007199254740993"),
        ("-3", "-3"),
    ] {
        assert_eq!(amount(raw).unwrap().to_string(), exact, "{raw}");
    }
    for none in [
        "null",
        r#""""#,
        r#""1,000""#,
        r#""1_000""#,
        "1e400",
        "1e-400",
        "true",
        "[]",
        r#""NaN""#,
    ] {
        assert_eq!(amount(none), None, "{none}");
    }
}

#[test]
fn a_row_needs_its_id_alone() {
    let page: Page = serde_json::from_str(&format!(
        r#"{{"@odata.count":100,"value":[{{"id":"{ID}","updatedDateTime":"2018-10-30T21:03:42.4579542Z"}},7,{{"id":"x"}}]}}"#
    ))
    .unwrap();
    let rows: Vec<_> = page.value.0.iter().map(|it| row(it)).collect();
    assert_eq!(rows[0].as_ref().unwrap().id.to_string(), ID);
    assert_eq!(rows[1..], [None, None]);
    assert_eq!(page.next_link, None);
}

#[test]
fn a_patch_is_an_array_of_operations_with_text_values() {
    let operations = [
        PatchOperation {
            op: PatchOp::Add,
            path: "/externalReferenceId",
            value: "a \"b\"".to_owned(),
        },
        PatchOperation {
            op: PatchOp::Replace,
            path: "/details/dealValue",
            value: "10000.10".to_owned(),
        },
    ];
    assert_eq!(
        String::from_utf8(patch(&operations)).unwrap(),
        r#"[{"op":"add","path":"/externalReferenceId","value":"a \"b\""},{"op":"replace","path":"/details/dealValue","value":"10000.10"}]"#
    );
}

/// JSON of any shape, with our own names among the keys so that they meet values they do not expect.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    const KEYS: &str = "id|eTag|status|details|dealValue|target|team|customerProfile|address|requirements|solutions|createdDateTime|consent|consentToContact|inviteContext|invitedBy|[a-z]{0,3}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(Value::from(ID)),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(KEYS, inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_of_any_shape_is_read_or_refused_without_panic(value in any_json()) {
        let _ = referral(value.to_string().as_bytes());
    }

    #[test]
    fn no_optional_member_can_fail_a_referral(value in any_json()) {
        let mut document = serde_json::json!({ "details": value, "customerProfile": value, "target": value, "status": value });
        document["id"] = ID.into();
        document["eTag"] = "\"1\"".into();
        prop_assert!(referral(document.to_string().as_bytes()).is_ok());
    }

    #[test]
    fn bytes_of_any_kind_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = referral(&bytes);
    }
}
