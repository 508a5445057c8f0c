//! Reading, creating, updating and following leads.

use std::collections::BTreeMap;

use jiff::civil::Date;
use referral_connector::failure::{Classify, Disposition};
use referral_connector::ids::{ETag, LeadId, NoteId};
use referral_connector::lead::{Changes, Columns, LeadState, Note, Owner, Value};
use referral_connector::upstream::dataverse::{Created, DataverseError, NoteAdded, Updated};
use sandbox::dataverse::{SALES_TEAM_ID, currency_id};
use serde_json::json;
use uuid::Uuid;

use super::{Organisation, column, fresh, text};

fn deal() -> Columns {
    BTreeMap::from([
        (column("subject"), text("Fabrikam: \"Azure\" <move> 🚀")),
        (column("companyname"), text("Fabrikam")),
        (column("leadqualitycode"), Value::Choice(1)),
        (column("donotemail"), Value::Flag(true)),
        (
            column("estimatedamount"),
            Value::Amount("123456789012.35".parse().unwrap()),
        ),
        (
            column("transactioncurrencyid"),
            Value::Row(currency_id("USD")),
        ),
        (
            column("estimatedclosedate"),
            Value::Date(Date::constant(2027, 1, 31)),
        ),
    ])
}

#[tokio::test]
async fn a_created_lead_reads_back_as_it_was_written() {
    let org = Organisation::start().await;
    let id = fresh();
    let created = org
        .dataverse
        .create_lead(id, &deal(), None, None)
        .await
        .unwrap();
    let lead = org.read(id).await;
    assert_eq!(created, Created::Now(Some(Box::new(lead.clone()))));
    assert_eq!((lead.id, lead.state), (id, LeadState::Open));
    assert_eq!(lead.status_reason, Some(1));
    assert!(lead.modified.is_some());
    for (column, value) in deal() {
        assert_eq!(lead.columns.get(&column), Some(&value), "{column}");
    }
    assert!(!lead.columns.contains_key(&column("description")));
    let amount = org.with(|state| state.amount(id.uuid(), "estimatedamount"));
    assert_eq!(amount, Some("123456789012.35".parse().unwrap()));
}

#[tokio::test]
async fn creating_twice_leaves_the_first_lead_alone() {
    let org = Organisation::start().await;
    let id = fresh();
    let mut columns = deal();
    org.dataverse
        .create_lead(id, &columns, None, None)
        .await
        .unwrap();
    columns.insert(column("companyname"), text("Somebody else"));
    let created = org.dataverse.create_lead(id, &columns, None, None).await;
    assert_eq!(created.unwrap(), Created::AlreadyThere);
    assert_eq!(
        org.read(id).await.columns[&column("companyname")],
        text("Fabrikam")
    );
}

#[tokio::test]
async fn a_new_lead_goes_to_its_owner_dated_back_and_open() {
    let org = Organisation::start().await;
    let id = fresh();
    let mut columns = deal();
    columns.insert(column("statecode"), Value::Choice(2));
    let created = "2025-03-01T08:00:00.5Z".parse().unwrap();
    org.dataverse
        .create_lead(
            id,
            &columns,
            Some(Owner::Team(SALES_TEAM_ID)),
            Some(created),
        )
        .await
        .unwrap();

    let row = org.with(|state| state.lead(id.uuid())).unwrap();
    assert_eq!(row["_ownerid_value"], json!(SALES_TEAM_ID.to_string()));
    assert_eq!(row["createdon"], json!("2025-03-01T08:00:00Z"));
    let sent = org.sent("PATCH").remove(0);
    assert_eq!(sent.headers["if-none-match"], "*");
    assert!(sent.body.unwrap().get("statecode").is_none());
}

#[tokio::test]
async fn an_amount_without_its_currency_is_not_sent() {
    let org = Organisation::start().await;
    let mut columns = deal();
    columns.remove(&column("transactioncurrencyid"));
    let created = org
        .dataverse
        .create_lead(fresh(), &columns, None, None)
        .await;
    assert_eq!(created.unwrap_err().disposition(), Disposition::Permanent);
    assert_eq!(org.sent("PATCH").len(), 0);
}

#[tokio::test]
async fn an_update_writes_and_empties_exactly_the_columns_given() {
    let org = Organisation::start().await;
    let id = org.seed(&json!({
        "subject": "Old", "companyname": "Fabrikam", "jobtitle": "Buyer", "estimatedamount": 5,
        "transactioncurrencyid@odata.bind": format!("/transactioncurrencies({})", currency_id("USD")),
    }));
    let before = org.read(id).await;
    let changes = Changes::from([
        (column("subject"), Some(text("New"))),
        (column("jobtitle"), None),
        (column("estimatedamount"), None),
        (
            column("transactioncurrencyid"),
            Some(Value::Row(currency_id("GBP"))),
        ),
    ]);
    let updated = org.dataverse.update_lead(id, &before.etag, &changes).await;
    let mut expected = before.columns.clone();
    expected.insert(column("subject"), text("New"));
    expected.remove(&column("jobtitle"));
    expected.remove(&column("estimatedamount"));
    expected.insert(
        column("transactioncurrencyid"),
        Value::Row(currency_id("GBP")),
    );
    let after = org.read(id).await;
    assert_eq!(
        updated.unwrap(),
        Updated::Done(Some(Box::new(after.clone())))
    );
    assert_eq!(after.columns, expected);
    assert_ne!(after.etag, before.etag);
    let sent = org.sent("PATCH").remove(0);
    assert_eq!(sent.headers["if-match"], before.etag.as_str());
}

#[tokio::test]
async fn an_update_of_an_edited_lead_changes_nothing() {
    let org = Organisation::start().await;
    let id = org.seed(&json!({"subject": "Old"}));
    let before = org.read(id).await;
    let now = org.sandbox.world().clock.now();
    org.with(|state| state.edit_lead(id.uuid(), &json!({"subject": "Seller's"}), now))
        .unwrap();
    let changes = Changes::from([(column("subject"), Some(text("Ours")))]);
    let updated = org.dataverse.update_lead(id, &before.etag, &changes).await;
    assert_eq!(updated.unwrap(), Updated::Changed);
    assert_eq!(
        org.read(id).await.columns[&column("subject")],
        text("Seller's")
    );
}

#[tokio::test]
async fn an_update_of_a_deleted_lead_does_not_bring_it_back() {
    let org = Organisation::start().await;
    let id = org.seed(&json!({"subject": "Old"}));
    let before = org.read(id).await;
    org.with(|state| state.delete_lead(id.uuid())).unwrap();
    let changes = Changes::from([(column("subject"), Some(text("Ours")))]);
    let updated = org.dataverse.update_lead(id, &before.etag, &changes).await;
    assert_eq!(updated.unwrap(), Updated::Gone);
    assert_eq!(org.dataverse.lead(id).await.unwrap(), None);
    assert_eq!(org.with(|state| state.leads().len()), 0);
}

#[tokio::test]
async fn nothing_to_change_sends_nothing() {
    let org = Organisation::start().await;
    let id = org.seed(&json!({"subject": "Old"}));
    let updated = org
        .dataverse
        .update_lead(id, &ETag::new("W/\"0\""), &Changes::new())
        .await;
    assert_eq!(updated.unwrap(), Updated::Done(None));
    assert_eq!(org.sent("PATCH").len(), 0);
}

#[tokio::test]
async fn only_the_mapped_columns_are_asked_for_and_no_annotations() {
    let org = Organisation::start().await;
    let id = org.seed(&json!({"subject": "Old"}));
    org.read(id).await;
    let read = org.requests().pop().unwrap();
    let query = read.query.unwrap();
    assert!(
        query
            .starts_with("$select=leadid,statecode,statuscode,_masterid_value,modifiedon,subject,")
    );
    assert!(query.contains("_transactioncurrencyid_value"), "{query}");
    assert_eq!(read.headers.get("prefer"), None);
    assert_eq!(read.headers["odata-version"], "4.0");
    assert_eq!(read.headers["odata-maxversion"], "4.0");
    assert!(
        read.headers["x-ms-client-request-id"]
            .parse::<Uuid>()
            .is_ok()
    );
}

#[tokio::test]
async fn a_merged_lead_is_followed_to_the_one_that_survived() {
    let org = Organisation::start().await;
    let [first, second, last] = ["a", "b", "c"].map(|it| org.seed(&json!({"subject": it})));
    org.merge(first, second);
    org.merge(second, last);

    let current = org.dataverse.current_lead(first).await.unwrap().unwrap();
    assert_eq!((current.lead.id, current.merged_from), (last, Some(first)));
    let current = org.dataverse.current_lead(last).await.unwrap().unwrap();
    assert_eq!((current.lead.id, current.merged_from), (last, None));
    assert_eq!(org.dataverse.current_lead(fresh()).await.unwrap(), None);
}

#[tokio::test]
async fn leads_merged_in_a_circle_stop_with_their_ids() {
    let org = Organisation::start().await;
    let [first, second] = ["a", "b"].map(|it| org.seed(&json!({"subject": it})));
    org.merge(first, second);
    org.merge(second, first);
    let error = org.dataverse.current_lead(first).await.unwrap_err();
    assert!(
        matches!(&error, DataverseError::MergeCircle { ids } if *ids == [first, second, first])
    );
    let text = error.to_string();
    assert!(text.contains(&first.to_string()) && text.contains(&second.to_string()));
    assert_eq!(error.disposition(), Disposition::Permanent);
}

#[tokio::test]
async fn five_merges_are_followed_and_not_a_sixth() {
    let org = Organisation::start().await;
    let ids: Vec<LeadId> = (0..7)
        .map(|number| org.seed(&json!({"subject": number.to_string()})))
        .collect();
    for pair in ids.windows(2) {
        org.merge(pair[0], pair[1]);
    }
    let current = org.dataverse.current_lead(ids[1]).await.unwrap().unwrap();
    assert_eq!(current.lead.id, ids[6]);
    let error = org.dataverse.current_lead(ids[0]).await.unwrap_err();
    assert!(
        matches!(error, DataverseError::MergedTooOften { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_note_is_added_to_its_lead_once() {
    let org = Organisation::start().await;
    let id = org.seed(&json!({"subject": "Old"}));
    let note = Note {
        id: NoteId::new(Uuid::new_v4()),
        subject: "From the partner".to_owned(),
        text: "first\nsecond".to_owned(),
    };
    let added = org.dataverse.add_note(id, &note).await.unwrap();
    assert_eq!(added, NoteAdded::Now);
    let again = org.dataverse.add_note(id, &note).await.unwrap();
    assert_eq!(again, NoteAdded::AlreadyThere);
    let notes = org.with(|state| state.notes(id.uuid()));
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0]["notetext"], json!("first\nsecond"));
}
