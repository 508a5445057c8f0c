use serde_json::json;
use uuid::Uuid;

use super::{Organisation, lead};

const SUBJECT: &str = "Modern workplace";

#[tokio::test]
async fn a_bare_patch_creates_what_is_absent_and_updates_what_is_there() {
    let organisation = Organisation::start().await;
    let id = Uuid::new_v4();
    for _ in 0..2 {
        let answer = organisation
            .patch(&lead(id), &[], json!({"subject": SUBJECT}))
            .await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("odata-entityid"), organisation.url(&lead(id)));
        assert!(answer.text.is_empty());
    }
    let counters = organisation.inside(|state| state.counters);
    assert_eq!((counters.created, counters.updated), (1, 1));
}

#[tokio::test]
async fn a_representation_tells_created_from_updated() {
    let organisation = Organisation::start().await;
    let path = format!("{}?$select=subject", lead(Uuid::new_v4()));
    let headers = [("prefer", "return=representation")];
    for status in [201, 200] {
        let answer = organisation
            .patch(
                &path,
                &headers,
                json!({"subject": SUBJECT, "lastname": "Doe"}),
            )
            .await;
        assert_eq!(answer.status, status);
        let row = answer.json();
        assert_eq!(row["subject"], SUBJECT);
        assert!(row["leadid"].is_string());
        assert!(row.get("lastname").is_none());
        assert_eq!(row["@odata.etag"], answer.header("etag"));
        assert_eq!(answer.header("preference-applied"), "return=representation");
        assert!(answer.header("odata-entityid").is_empty());
    }
}

#[tokio::test]
async fn if_match_star_updates_only() {
    let organisation = Organisation::start().await;
    let id = Uuid::new_v4();
    let headers = [("if-match", "*")];
    let answer = organisation
        .patch(&lead(id), &headers, json!({"subject": SUBJECT}))
        .await;
    assert_eq!(answer.refusal(), (404, "0x80040217".to_owned()));
    assert_eq!(
        answer.json()["error"]["message"],
        format!("lead With Id = {id} Does Not Exist")
    );
    let id = organisation.seed(&json!({"subject": "Old"}));
    let answer = organisation
        .patch(&lead(id), &headers, json!({"subject": SUBJECT}))
        .await;
    assert_eq!(answer.status, 204);
    let row = organisation.inside(|state| state.lead(id)).unwrap();
    assert_eq!(row["subject"], SUBJECT);
}

#[tokio::test]
async fn if_none_match_star_creates_only() {
    let organisation = Organisation::start().await;
    let id = Uuid::new_v4();
    let headers = [("if-none-match", "*")];
    let first = organisation
        .patch(&lead(id), &headers, json!({"subject": SUBJECT}))
        .await;
    assert_eq!(first.status, 204);
    let second = organisation
        .patch(&lead(id), &headers, json!({"subject": "Other"}))
        .await;
    assert_eq!(second.refusal(), (412, "0x80040237".to_owned()));
    assert_eq!(
        second.json()["error"]["message"],
        "A record with matching key values already exists."
    );
    let row = organisation.inside(|state| state.lead(id)).unwrap();
    assert_eq!(row["subject"], SUBJECT);
}

#[tokio::test]
async fn a_version_admits_one_write_and_refuses_the_next() {
    let organisation = Organisation::start().await;
    let id = organisation.seed(&json!({"subject": "Old"}));
    let etag = organisation.get(&lead(id)).await.header("etag");
    let headers = [("if-match", etag.as_str())];
    let first = organisation
        .patch(&lead(id), &headers, json!({"subject": SUBJECT}))
        .await;
    assert_eq!(first.status, 204);
    let second = organisation
        .patch(&lead(id), &headers, json!({"subject": "Lost"}))
        .await;
    assert_eq!(second.refusal(), (412, "0x80060882".to_owned()));
    let deleted = organisation.send("DELETE", &lead(id), &headers, None).await;
    assert_eq!(deleted.refusal(), (412, "0x80060882".to_owned()));
    let gone = organisation
        .patch(&lead(Uuid::new_v4()), &headers, json!({"subject": SUBJECT}))
        .await;
    assert_eq!(gone.refusal(), (404, "0x80040217".to_owned()));
    organisation.inside(|state| state.switches.absent_row_is_version_mismatch = true);
    let gone = organisation
        .patch(&lead(Uuid::new_v4()), &headers, json!({"subject": SUBJECT}))
        .await;
    assert_eq!(gone.refusal(), (412, "0x80060882".to_owned()));
    let malformed = organisation
        .patch(&lead(id), &[("if-match", "123")], json!({}))
        .await;
    assert_eq!(malformed.status, 400);
}

#[tokio::test]
async fn a_conditional_read_of_an_unchanged_row_is_not_modified() {
    let organisation = Organisation::start().await;
    let id = organisation.seed(&json!({"subject": "Old"}));
    let etag = organisation.get(&lead(id)).await.header("etag");
    let headers = [("if-none-match", etag.as_str())];
    let same = organisation.send("GET", &lead(id), &headers, None).await;
    assert_eq!(same.status, 304);
    let annotated = [headers[0], ("prefer", "odata.include-annotations=\"*\"")];
    let whole = organisation.send("GET", &lead(id), &annotated, None).await;
    assert_eq!(whole.status, 200);
    let now = organisation.sandbox.world().clock.now();
    let edit = json!({"subject": "New"});
    organisation
        .inside(|state| state.edit_lead(id, &edit, now))
        .unwrap();
    let changed = organisation.send("GET", &lead(id), &headers, None).await;
    assert_eq!(changed.status, 200);
}

#[tokio::test]
async fn an_alternate_key_finds_creates_and_stays_out_of_the_body() {
    let organisation = Organisation::start().await;
    let undefined = organisation.get("leads(sic='a''b')").await;
    assert_eq!(undefined.refusal(), (400, "0x80060890".to_owned()));
    organisation.inside(|state| state.define_lead_key("new_Key", &["sic"]));
    let absent = organisation.get("leads(sic='a''b')").await;
    assert_eq!(absent.refusal(), (404, "0x80060891".to_owned()));
    let path = "leads(sic='a''b%20c')";
    for subject in ["One", "Two"] {
        let answer = organisation
            .patch(path, &[], json!({"subject": subject, "sic": "a'b c"}))
            .await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("odata-entityid"), organisation.url(path));
    }
    let row = organisation.get(path).await.json();
    assert_eq!(
        (&row["sic"], &row["subject"]),
        (&json!("a'b c"), &json!("Two"))
    );
    let twin = organisation.post("leads", json!({"sic": "a'b c"})).await;
    assert_eq!(twin.refusal(), (412, "0x80060892".to_owned()));
    let update_only = organisation
        .patch("leads(sic='x')", &[("if-match", "*")], json!({}))
        .await;
    assert_eq!(update_only.refusal(), (404, "0x80060891".to_owned()));
}

#[tokio::test]
async fn a_post_answers_with_the_id_or_with_the_row() {
    let organisation = Organisation::start().await;
    let bare = organisation
        .post("leads", json!({"subject": SUBJECT}))
        .await;
    assert_eq!(bare.status, 204);
    let created = bare.header("odata-entityid");
    assert_eq!(organisation.get(&created).await.json()["subject"], SUBJECT);
    let id = Uuid::new_v4();
    let body = json!({"leadid": id.to_string(), "subject": SUBJECT});
    let headers = [("prefer", "return=representation")];
    let full = organisation
        .send("POST", "leads", &headers, Some(body.clone()))
        .await;
    assert_eq!(full.status, 201);
    assert_eq!(full.json()["leadid"], id.to_string());
    assert!(full.header("odata-entityid").is_empty());
    let again = organisation.post("leads", body).await;
    assert_eq!(again.refusal(), (412, "0x80040237".to_owned()));
}

#[tokio::test]
async fn a_deleted_row_is_gone_with_its_notes_and_a_bare_patch_brings_it_back() {
    let organisation = Organisation::start().await;
    let id = organisation.seed(&json!({"subject": "Old"}));
    let note = json!({"subject": "Note", "objectid_lead@odata.bind": format!("/leads({id})")});
    assert_eq!(organisation.post("annotations", note).await.status, 204);
    assert_eq!(organisation.inside(|state| state.notes(id)).len(), 1);
    let deleted = organisation.send("DELETE", &lead(id), &[], None).await;
    assert_eq!(deleted.status, 204);
    assert!(organisation.inside(|state| state.notes(id)).is_empty());
    let read = organisation.get(&lead(id)).await;
    assert_eq!(read.refusal(), (404, "0x80040217".to_owned()));
    let again = organisation.send("DELETE", &lead(id), &[], None).await;
    assert_eq!(again.refusal(), (404, "0x80040217".to_owned()));
    let revived = organisation
        .patch(&lead(id), &[], json!({"subject": "New"}))
        .await;
    assert_eq!(revived.status, 204);
}
