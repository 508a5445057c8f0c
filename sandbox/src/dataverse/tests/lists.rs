use serde_json::{Value, json};

use super::{Organisation, lead};
use crate::dataverse::currency_id;

/// Seven leads, `Lead 0` to `Lead 6`, the odd ones with a source.
async fn seeded() -> Organisation {
    let organisation = Organisation::start().await;
    for number in 0..7 {
        let mut columns = json!({"subject": format!("Lead {number}"), "lastname": "Doe"});
        if number % 2 == 1 {
            columns["leadsourcecode"] = json!(4);
        }
        organisation.seed(&columns);
    }
    organisation
}

fn subjects(page: &Value) -> Vec<String> {
    let rows = page["value"].as_array().unwrap();
    let subjects = rows.iter().map(|row| row["subject"].as_str().unwrap());
    subjects.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_list_is_filtered_ordered_counted_and_cut() {
    let organisation = seeded().await;
    let path = "leads?$select=subject&$filter=leadsourcecode%20eq%204&$orderby=subject%20desc&$top=2&$count=true";
    let page = organisation.get(path).await.json();
    assert_eq!(subjects(&page), ["Lead 5", "Lead 3"]);
    assert_eq!(page["@odata.count"], 3);
    assert_eq!(page["value"][0].as_object().unwrap().len(), 3);
    assert!(
        page["@odata.context"]
            .as_str()
            .unwrap()
            .ends_with("$metadata#leads(subject)")
    );
    let count = organisation
        .get("leads/$count?$filter=leadsourcecode%20eq%20null")
        .await;
    assert_eq!(count.text, "4");
}

#[tokio::test]
async fn pages_follow_the_last_row_though_rows_come_and_go() {
    let organisation = seeded().await;
    let headers = [("prefer", "odata.maxpagesize=3")];
    let path = "leads?$select=subject&$orderby=subject&tag=a%20b";
    let first = organisation.send("GET", path, &headers, None).await.json();
    assert_eq!(subjects(&first), ["Lead 0", "Lead 1", "Lead 2"]);
    let first_id = first["value"][0]["leadid"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    organisation
        .inside(|state| state.delete_lead(first_id))
        .unwrap();
    organisation.seed(&json!({"subject": "Lead 3b"}));
    let next = first["@odata.nextLink"].as_str().unwrap();
    let second = organisation.send("GET", next, &headers, None).await.json();
    assert_eq!(subjects(&second), ["Lead 3", "Lead 3b", "Lead 4"]);
    let next = second["@odata.nextLink"].as_str().unwrap();
    let third = organisation.send("GET", next, &headers, None).await.json();
    assert_eq!(subjects(&third), ["Lead 5", "Lead 6"]);
    assert!(third.get("@odata.nextLink").is_none());
    let edited = next.replace("subject&", "lastname&");
    let refused = organisation.send("GET", &edited, &headers, None).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn nothing_is_skipped_between_rows_that_compare_equal() {
    let organisation = seeded().await;
    let headers = [("prefer", "odata.maxpagesize=2")];
    let mut link = "leads?$select=subject&$orderby=lastname,leadsourcecode".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = organisation.send("GET", &link, &headers, None).await.json();
        seen.extend(subjects(&page));
        match page["@odata.nextLink"].as_str() {
            Some(next) => link = next.to_owned(),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen.len(), 7);
    seen.dedup();
    assert_eq!(seen.len(), 7);
}

#[tokio::test]
async fn queries_that_name_what_is_not_there_are_refused() {
    let organisation = Organisation::start().await;
    for path in [
        "leads?$select=nothing",
        "leads?$filter=nothing%20eq%201",
        "leads?$filter=subject%20eq",
        "leads?$orderby=nothing",
        "leads?$expand=nothing",
        "leads?$skip=1",
        "leads?$top=x",
        "leads?$skiptoken=x",
    ] {
        assert_eq!(organisation.get(path).await.status, 400, "{path}");
    }
    let unknown = organisation.get("prospects").await;
    assert_eq!(unknown.refusal(), (404, "0x8006088a".to_owned()));
    let method = organisation
        .send("PUT", "leads", &[], Some(json!({})))
        .await;
    assert_eq!(method.status, 405);
}

#[tokio::test]
async fn a_row_shows_every_column_its_annotations_and_what_is_expanded() {
    let organisation = Organisation::start().await;
    let bind = format!("/transactioncurrencies({})", currency_id("USD"));
    let id = organisation.seed(&json!({"subject": "x", "transactioncurrencyid@odata.bind": bind}));
    let whole = organisation.get(&lead(id)).await.json();
    assert_eq!(whole["jobtitle"], Value::Null);
    assert!(whole.as_object().unwrap().contains_key("_campaignid_value"));
    assert!(!whole.to_string().contains("FormattedValue"));
    let path = format!("{}?$select=leadqualitycode,_ownerid_value", lead(id));
    let path = format!("{path}&$expand=transactioncurrencyid($select=isocurrencycode),campaignid");
    let headers = [("prefer", "odata.include-annotations=\"*\"")];
    let row = organisation.send("GET", &path, &headers, None).await.json();
    assert_eq!(
        row["leadqualitycode@OData.Community.Display.V1.FormattedValue"],
        "Warm"
    );
    assert_eq!(
        row["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"],
        "systemuser"
    );
    assert_eq!(row["transactioncurrencyid"]["isocurrencycode"], "USD");
    assert_eq!(row["campaignid"], Value::Null);
}

#[tokio::test]
async fn a_currency_is_found_by_its_code() {
    let organisation = Organisation::start().await;
    let select = "$select=transactioncurrencyid,currencyprecision";
    for (code, precision) in [("EUR", 2), ("JPY", 0), ("KWD", 3)] {
        let path =
            format!("transactioncurrencies?{select}&$filter=isocurrencycode%20eq%20'{code}'");
        let rows = organisation.get(&path).await.json();
        assert_eq!(rows["value"][0]["currencyprecision"], precision);
        assert_eq!(
            rows["value"][0]["transactioncurrencyid"],
            currency_id(code).to_string()
        );
    }
}

#[tokio::test]
async fn single_properties_are_read_written_and_cleared() {
    let organisation = Organisation::start().await;
    let id = organisation.seed(&json!({"subject": "x"}));
    let title = format!("{}/jobtitle", lead(id));
    assert_eq!(organisation.get(&title).await.status, 204);
    let put = organisation
        .send("PUT", &title, &[], Some(json!({"value": "Buyer"})))
        .await;
    assert_eq!(put.status, 204);
    assert_eq!(organisation.get(&title).await.json()["value"], "Buyer");
    let cleared = organisation.send("DELETE", &title, &[], None).await;
    assert_eq!(cleared.status, 204);
    assert_eq!(organisation.get(&title).await.status, 204);
    let bind = format!("/transactioncurrencies({})", currency_id("USD"));
    let body = json!({"transactioncurrencyid@odata.bind": bind});
    assert_eq!(organisation.patch(&lead(id), &[], body).await.status, 204);
    let reference = format!("{}/transactioncurrencyid/$ref", lead(id));
    let cleared = organisation.send("DELETE", &reference, &[], None).await;
    assert_eq!(cleared.status, 204);
    let row = organisation.get(&lead(id)).await.json();
    assert_eq!(row["_transactioncurrencyid_value"], Value::Null);
}

#[tokio::test]
async fn leads_of_one_second_are_listed_in_the_order_of_their_ids_and_a_saved_one_moves_to_the_end()
{
    let organisation = Organisation::start().await;
    let second: jiff::Timestamp = "2026-11-02T09:00:00.2Z".parse().unwrap();
    for number in [3, 1, 2] {
        let id = uuid::Uuid::from_u128(number);
        let columns = json!({"leadid": id, "subject": format!("Lead {number}")});
        let milliseconds = jiff::SignedDuration::from_millis(i64::try_from(number).unwrap());
        organisation
            .inside(|state| state.seed_lead(&columns, second + milliseconds))
            .unwrap();
    }
    let saved = uuid::Uuid::from_u128(1);
    organisation.inside(|state| state.saved_between_pages.push_back(saved));
    let path = "leads?$select=subject,modifiedon&$filter=modifiedon%20ge%202026-11-02T09:00:00Z\
                &$orderby=modifiedon,leadid";
    let first = organisation.get(path).await.json();
    assert_eq!(subjects(&first), ["Lead 1", "Lead 2", "Lead 3"]);
    assert_eq!(first["value"][2]["modifiedon"], "2026-11-02T09:00:00Z");
    let again = organisation.get(path).await.json();
    assert_eq!(subjects(&again), ["Lead 2", "Lead 3", "Lead 1"]);
}

#[tokio::test]
async fn next_links_can_name_a_host_that_is_not_the_one_that_was_asked() {
    let organisation = seeded().await;
    organisation.inside(|state| state.switches.other_host_in_links = true);
    let headers = [("prefer", "odata.maxpagesize=5")];
    let path = "leads?$select=subject&$orderby=subject";
    let first = organisation.send("GET", path, &headers, None).await.json();
    let (host, rest) = first["@odata.nextLink"]
        .as_str()
        .unwrap()
        .split_once("/api/data/v9.2/")
        .unwrap();
    assert_eq!(host, "https://contoso.api.crm.dynamics.invalid");
    let second = organisation.send("GET", rest, &headers, None).await.json();
    assert_eq!(subjects(&second), ["Lead 5", "Lead 6"]);
}
