//! Every shape in which a referral arrives, and every event that Partner Center documents: the answer, the lead column
//! by column, what the timeline says and what the referral is told.

mod events;

use std::collections::BTreeMap;

use insta::assert_json_snapshot;
use referral_connector::mapping;
use sandbox::dataverse::currency_id;
use sandbox::partner_center::sample;
use serde_json::{Map, Value, json};

use crate::rig::Rig;

/// The shapes are of one customer: each is looked at as if there were no other.
const ALONE: (&str, &str) = ("SYNC_DUPLICATES", "create");

/// Columns that Dataverse fills or computes by itself, or that say when the test ran.
const NOT_OURS: [&str; 14] = [
    "@odata.etag",
    "_createdby_value",
    "_modifiedby_value",
    "_ownerid_value",
    "_owningbusinessunit_value",
    "_owninguser_value",
    "address1_composite",
    "estimatedamount_base",
    "exchangerate",
    "fullname",
    "leadid",
    "modifiedon",
    "overriddencreatedon",
    "versionnumber",
];

/// Everything that the first delivery about the shape of this name leads to.
async fn seen(rig: &Rig, name: &str) -> Value {
    let shapes: BTreeMap<_, _> = sample::all().into_iter().collect();
    let id = rig.seed(shapes[name].clone());
    rig.forget_requests();
    let answer = rig.created(&id).await;
    let notes = rig.world().dataverse.lock().notes(id.parse().unwrap());
    let timeline = notes.into_iter().map(|note| {
        let subject = note["subject"].as_str().unwrap().to_owned();
        (subject, note["notetext"].clone())
    });
    let patches = json!(rig.patches())
        .to_string()
        .replace(&id, "[its own id]");
    json!({
        "answer": format!("{} {}", answer.status, answer.code()),
        "lead": rig.lead(&id).map(|lead| columns(rig, lead)),
        "patches": serde_json::from_str::<Value>(&patches).unwrap(),
        "timeline": timeline.collect::<Map<_, _>>(),
    })
}

/// The columns of `lead` that are mapped, and any other that a lead does not have from the start.
fn columns(rig: &Rig, lead: Value) -> Map<String, Value> {
    let bare = rig.seed_lead(&json!({}));
    let bare = rig.lead(&bare).unwrap();
    let always: Vec<String> = mapping::Mapping::shipped()
        .columns()
        .map(|(column, _)| column.to_string())
        .chain(["statecode".to_owned(), "statuscode".to_owned()])
        .collect();
    let Value::Object(lead) = lead else {
        panic!("a lead is an object");
    };
    let filled = lead.into_iter().filter(|(name, value)| {
        let says_something = always.contains(name) || *value != bare[name];
        !value.is_null() && says_something && !NOT_OURS.contains(&name.as_str())
    });
    filled.map(readable).collect()
}

/// A currency by its code: ids of rows say nothing to a reader.
fn readable((name, value): (String, Value)) -> (String, Value) {
    if name != "_transactioncurrencyid_value" {
        return (name, value);
    }
    let code = ["EUR", "USD", "GBP", "JPY", "KWD"]
        .into_iter()
        .find(|code| value == currency_id(code).to_string());
    ("transactioncurrencyid".to_owned(), json!(code))
}

/// What is seen of the shape of this name and not of the complete one; of the lead the columns that differ.
async fn differs(rig: &Rig, name: &str) -> Value {
    let complete = seen(rig, "complete").await;
    let mut other = seen(rig, name).await;
    let members = other.as_object_mut().unwrap();
    members.retain(|member, value| member == "answer" || *value != complete[member]);
    if let Some(Value::Object(lead)) = members.get_mut("lead") {
        let before = complete["lead"].as_object().unwrap();
        for column in before.keys() {
            lead.entry(column).or_insert(Value::Null);
        }
        lead.retain(|column, value| Some(&*value) != before.get(column));
    }
    other
}

#[test]
fn no_shape_is_left_out() {
    for (name, _) in sample::all() {
        let is_used = include_str!("shapes.rs").contains(&format!("&rig, \"{name}\""));
        assert!(is_used, "{name} has no snapshot");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_referral_fills_every_column_it_has_a_value_for() {
    let rig = Rig::start(&[ALONE]).await;
    assert_json_snapshot!(seen(&rig, "complete").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "address1_city": "Hamburg",
        "address1_country": "DE",
        "address1_line1": "Hafenstrasse 12",
        "address1_postalcode": "20457",
        "address1_stateorprovince": "HH",
        "companyname": "Tailspin Toys",
        "createdon": "2026-11-02T09:15:27Z",
        "description": "Wants to move three plants to Azure before the summer.\n\nAsked for: Azure migration; Azure; DeploymentOrMigration; Manufacturing\nCompany size: 251 to 1000 employees",
        "donotbulkemail": true,
        "donotemail": false,
        "donotphone": false,
        "emailaddress1": "miriam.okafor@tailspin.example",
        "estimatedamount": 48000.0,
        "estimatedclosedate": "2027-03-31",
        "firstname": "Miriam",
        "lastname": "Okafor",
        "leadqualitycode": 1,
        "leadsourcecode": 4,
        "statecode": 0,
        "statuscode": 1,
        "subject": "Tailspin Toys moves its plants to Azure",
        "telephone1": "+49 40 555 0100",
        "transactioncurrencyid": "EUR"
      },
      "patches": [
        [
          {
            "op": "add",
            "path": "/externalReferenceId",
            "value": "[its own id]"
          }
        ]
      ],
      "timeline": {
        "Partner Center: invitation from Microsoft": "Please call them this week."
      }
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forms_of_earlier_years_are_read() {
    let rig = Rig::start(&[ALONE]).await;
    // No name: the company's takes its place. No direction: it is incoming.
    assert_json_snapshot!(differs(&rig, "form of 2019").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "createdon": "2026-10-29T21:24:52Z",
        "description": "Wants to move three plants to Azure before the summer.\n\nAsked for: Azure migration; Azure; DeploymentOrMigration; Manufacturing\nCompany size: 51 to 500 employees",
        "estimatedclosedate": null,
        "subject": "Tailspin Toys"
      }
    }
    "#);
    // The customer came directly and nobody invited us: a lead from the web, of the quality every lead has at first.
    assert_json_snapshot!(differs(&rig, "form of 2020").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "createdon": "2026-10-30T21:03:00Z",
        "description": "Wants to move three plants to Azure before the summer.\n\nAsked for: Azure migration; Azure; DeploymentOrMigration; Manufacturing",
        "emailaddress1": null,
        "firstname": null,
        "lastname": null,
        "leadqualitycode": 2,
        "leadsourcecode": 8,
        "telephone1": null
      },
      "timeline": {}
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kind_of_a_referral_shows_in_source_and_quality() {
    let rig = Rig::start(&[ALONE]).await;
    assert_json_snapshot!(differs(&rig, "marketplace lead").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "leadqualitycode": 2,
        "leadsourcecode": 8
      },
      "timeline": {}
    }
    "#);
    // Accepted by the partner already, so somebody is in touch.
    assert_json_snapshot!(differs(&rig, "co-sell opportunity").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "leadqualitycode": 2,
        "statuscode": 2
      }
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_that_is_not_for_the_crm_gets_no_lead() {
    let rig = Rig::start(&[ALONE]).await;
    let nothing = json!({ "answer": "200 ignored", "lead": null, "patches": [], "timeline": {} });
    assert_eq!(differs(&rig, "outgoing").await, nothing);
    assert_eq!(differs(&rig, "spam").await, nothing);
    assert_eq!(differs(&rig, "won").await, nothing);
    assert_eq!(differs(&rig, "expired").await, nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_left_alone_costs_no_write_and_says_why() {
    let rig = Rig::start(&[ALONE, ("SYNC_MODE", "two-way")]).await;
    for (referral, why) in [
        (sample::outgoing(), "outgoing"),
        (sample::spam(), "spam"),
        (sample::closed("Won"), "closed"),
        (sample::closed("Lost"), "closed"),
        (sample::closed("Declined"), "closed"),
        (sample::closed("Expired"), "closed"),
    ] {
        let id = rig.seed(referral);
        let answer = rig.created(&id).await;
        assert_eq!(rig.log(&answer).await["cause"], why);
    }
    assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
    assert!(rig.leads().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_other_types_and_unknown_members_do_no_harm() {
    let rig = Rig::start(&[ALONE]).await;
    let nothing = json!({ "answer": "200 synced" });
    assert_eq!(differs(&rig, "ids as an object").await, nothing);
    assert_eq!(differs(&rig, "unknown members").await, nothing);
    assert_json_snapshot!(differs(&rig, "numbers as strings").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "estimatedamount": 48000.5
      }
    }
    "#);
    // `Active` is known, whatever stands beside it: somebody is in touch.
    assert_json_snapshot!(differs(&rig, "unknown words").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "description": "Wants to move three plants to Azure before the summer.\n\nAsked for: Azure migration; Azure; DeploymentOrMigration; Manufacturing",
        "leadqualitycode": 2,
        "statuscode": 2
      }
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_with_next_to_nothing_becomes_a_lead_with_next_to_nothing() {
    let rig = Rig::start(&[ALONE]).await;
    let mut sparse = seen(&rig, "sparse").await["lead"].take();
    sparse.as_object_mut().unwrap().remove("createdon");
    assert_json_snapshot!(sparse, @r#"
    {
      "donotbulkemail": true,
      "donotemail": false,
      "donotphone": false,
      "leadqualitycode": 2,
      "leadsourcecode": 4,
      "statecode": 0,
      "statuscode": 1
    }
    "#);
    assert_json_snapshot!(seen(&rig, "null members").await["lead"], @r#"
    {
      "companyname": "Tailspin Toys",
      "createdon": "2026-11-02T09:15:27Z",
      "donotbulkemail": true,
      "donotemail": false,
      "donotphone": false,
      "leadqualitycode": 1,
      "leadsourcecode": 4,
      "statecode": 0,
      "statuscode": 1,
      "subject": "Tailspin Toys"
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_arrives_as_it_was_meant() {
    let rig = Rig::start(&[ALONE]).await;
    // Markup goes, and words in angle brackets stay.
    assert_json_snapshot!(differs(&rig, "escaped and padded text").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "companyname": "M&M Brüder \"Nord\"",
        "description": "They said 'call me' & hung up.\nTwice.\n\nAsked for: Azure migration; Azure; DeploymentOrMigration; Manufacturing\nCompany size: 251 to 1000 employees",
        "subject": "OIL & GAS <phase 2>"
      }
    }
    "#);
    assert_json_snapshot!(differs(&rig, "state in region").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "address1_country": "US",
        "address1_stateorprovince": "Washington"
      }
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_read_with_any_number_of_fractional_digits() {
    let rig = Rig::start(&[ALONE]).await;
    let nothing = json!({ "answer": "200 synced" });
    assert_eq!(differs(&rig, "no fractional digits").await, nothing);
    assert_eq!(differs(&rig, "three fractional digits").await, nothing);
    assert_eq!(differs(&rig, "six fractional digits").await, nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contact_is_the_first_person_who_can_be_reached() {
    let rig = Rig::start(&[ALONE]).await;
    let nothing = json!({ "answer": "200 synced" });
    assert_eq!(differs(&rig, "several contacts").await, nothing);
    assert_json_snapshot!(differs(&rig, "contact without last name").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "emailaddress1": "cher@tailspin.example",
        "firstname": null,
        "jobtitle": "Head of Procurement",
        "lastname": "Cher",
        "telephone1": "0405550102"
      }
    }
    "#);
    assert_json_snapshot!(differs(&rig, "empty team").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "emailaddress1": null,
        "firstname": null,
        "lastname": null,
        "telephone1": null
      }
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_contact_shuts_mail_and_telephone_and_missing_consent_says_nothing() {
    let rig = Rig::start(&[ALONE]).await;
    assert_json_snapshot!(differs(&rig, "contact refused").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "donotemail": true,
        "donotphone": true
      }
    }
    "#);
    let nothing = json!({ "answer": "200 synced" });
    assert_eq!(differs(&rig, "no consent").await, nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_referral_becomes_a_contacted_lead() {
    let rig = Rig::start(&[ALONE]).await;
    assert_json_snapshot!(differs(&rig, "accepted").await, @r#"
    {
      "answer": "200 synced",
      "lead": {
        "statuscode": 2
      }
    }
    "#);
}
