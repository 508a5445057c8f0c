use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Organisation;
use crate::dataverse::LeadProfile;

const LEAD: &str = "EntityDefinitions(LogicalName='lead')";

/// Each column of a type with one of its properties.
async fn properties(
    organisation: &Organisation,
    kind: &str,
    name: &str,
) -> BTreeMap<String, Value> {
    let cast = format!("Attributes/Microsoft.Dynamics.CRM.{kind}AttributeMetadata");
    let path = format!("{LEAD}/{cast}?$select=LogicalName,{name}");
    let answer = organisation.get(&path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    let columns = body["value"].as_array().unwrap().iter();
    let columns = columns.map(|column| {
        let logical = column["LogicalName"].as_str().unwrap();
        (logical.to_owned(), column[name].clone())
    });
    columns.collect()
}

async fn options(organisation: &Organisation, kind: &str, column: &str) -> Vec<Value> {
    let cast = format!("Attributes/Microsoft.Dynamics.CRM.{kind}AttributeMetadata");
    let path = format!(
        "{LEAD}/{cast}?$select=LogicalName&$expand=OptionSet($select=Options)&$filter=LogicalName%20eq%20'{column}'"
    );
    let body = organisation.get(&path).await.json();
    let [found] = body["value"].as_array().unwrap().as_slice() else {
        panic!("one column: {body}");
    };
    found["OptionSet"]["Options"].as_array().unwrap().clone()
}

#[tokio::test]
async fn limits_follow_the_profile() {
    let organisation = Organisation::start().await;
    let installed = properties(&organisation, "String", "MaxLength").await;
    assert_eq!(
        (&installed["subject"], &installed["firstname"]),
        (&json!(300), &json!(50))
    );
    let memos = properties(&organisation, "Memo", "MaxLength").await;
    assert_eq!(memos["description"], 2000);
    organisation.inside(|state| state.set_lead_profile(LeadProfile::Customised));
    let customised = properties(&organisation, "String", "MaxLength").await;
    assert_eq!(
        (&customised["subject"], &customised["firstname"]),
        (&json!(50), &json!(450))
    );
    let memos = properties(&organisation, "Memo", "MaxLength").await;
    assert_eq!(memos["description"], 4151);
    let long = organisation
        .post("leads", json!({"subject": "x".repeat(51)}))
        .await;
    assert_eq!(long.refusal(), (400, "0x80044331".to_owned()));
    let other = organisation
        .post("leads", json!({"industrycode": 34}))
        .await;
    assert_eq!(other.status, 204);
}

#[tokio::test]
async fn money_dates_and_flags_describe_themselves() {
    let organisation = Organisation::start().await;
    let most = properties(&organisation, "Money", "MaxValue").await;
    assert_eq!(most["estimatedamount"], 1_000_000_000_000_i64);
    assert_eq!(most["revenue"], 100_000_000_000_000_i64);
    let sources = properties(&organisation, "Money", "PrecisionSource").await;
    assert_eq!(sources["estimatedamount"], 2);
    let behaviours = properties(&organisation, "DateTime", "DateTimeBehavior").await;
    assert_eq!(behaviours["estimatedclosedate"]["Value"], "DateOnly");
    assert_eq!(behaviours["modifiedon"]["Value"], "UserLocal");
    let defaults = properties(&organisation, "Boolean", "DefaultValue").await;
    assert_eq!(
        (&defaults["donotphone"], &defaults["followemail"]),
        (&json!(false), &json!(true))
    );
    let levels = properties(&organisation, "String", "RequiredLevel").await;
    assert_eq!(levels["subject"]["Value"], "ApplicationRequired");
}

#[tokio::test]
async fn status_reasons_name_their_state_and_states_their_default() {
    let organisation = Organisation::start().await;
    let pairs = |options: &[Value], name: &str| -> Vec<(Value, Value)> {
        let options = options.iter();
        options
            .map(|option| (option["Value"].clone(), option[name].clone()))
            .collect()
    };
    let reasons = options(&organisation, "Status", "statuscode").await;
    let expected = [(1, 0), (2, 0), (3, 1), (4, 2), (5, 2), (6, 2), (7, 2)];
    let expected = expected.map(|(value, state)| (json!(value), json!(state)));
    assert_eq!(pairs(&reasons, "State"), expected);
    let states = options(&organisation, "State", "statecode").await;
    let expected = [(0, 1), (1, 3), (2, 4)].map(|(value, reason)| (json!(value), json!(reason)));
    assert_eq!(pairs(&states, "DefaultStatus"), expected);
    organisation.inside(|state| state.set_lead_profile(LeadProfile::Customised));
    let states = options(&organisation, "State", "statecode").await;
    assert_eq!(states[2]["DefaultStatus"], 7);
    let reasons = options(&organisation, "Status", "statuscode").await;
    assert!(reasons.iter().any(|reason| reason["Value"] == 823_270_000));
    let sources = options(&organisation, "Picklist", "leadsourcecode").await;
    assert_eq!(
        sources[3]["Label"]["UserLocalizedLabel"]["Label"],
        "Partner"
    );
}

#[tokio::test]
async fn a_table_is_found_by_name_by_id_and_by_filter() {
    let organisation = Organisation::start().await;
    let select = "$select=LogicalName,EntitySetName,PrimaryIdAttribute,MetadataId";
    let by_name = organisation.get(&format!("{LEAD}?{select}")).await.json();
    assert_eq!(by_name["EntitySetName"], "leads");
    let id = by_name["MetadataId"].as_str().unwrap();
    let by_id = organisation
        .get(&format!("EntityDefinitions({id})?{select}"))
        .await
        .json();
    assert_eq!(by_id["LogicalName"], "lead");
    let filter = "$filter=LogicalName+eq+'lead'";
    let path = format!("EntityDefinitions?{select}&{filter}");
    let by_filter = organisation.get(&path).await.json();
    assert_eq!(by_filter["value"].as_array().unwrap().len(), 1);
    let unknown = organisation
        .get("EntityDefinitions(LogicalName='prospect')")
        .await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn columns_are_listed_uncast_and_one_by_one() {
    let organisation = Organisation::start().await;
    let all = organisation
        .get(&format!("{LEAD}/Attributes?$select=LogicalName"))
        .await
        .json();
    let all = all["value"].as_array().unwrap();
    let subject = all
        .iter()
        .find(|it| it["LogicalName"] == "subject")
        .unwrap();
    assert_eq!(
        subject["@odata.type"],
        "#Microsoft.Dynamics.CRM.StringAttributeMetadata"
    );
    let uncast = organisation
        .get(&format!("{LEAD}/Attributes?$select=MaxLength"))
        .await;
    assert_eq!(uncast.status, 400);
    let one = format!("{LEAD}/Attributes(LogicalName='subject')");
    let cast = format!("{one}/Microsoft.Dynamics.CRM.StringAttributeMetadata?$select=MaxLength");
    assert_eq!(organisation.get(&cast).await.json()["MaxLength"], 300);
    let absent = organisation
        .get(&format!("{LEAD}/Attributes(LogicalName='x')"))
        .await;
    assert_eq!(absent.status, 404);
    organisation.inside(|state| state.define_lead_key("new_Key", &["sic"]));
    let keys = organisation.get(&format!("{LEAD}/Keys")).await.json();
    assert_eq!(keys["value"][0]["KeyAttributes"], json!(["sic"]));
    assert_eq!(keys["value"][0]["EntityKeyIndexStatus"], "Active");
}
