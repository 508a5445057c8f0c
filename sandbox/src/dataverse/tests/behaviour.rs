use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Organisation, lead};
use crate::Service;
use crate::dataverse::{
    APPLICATION_USER_ID, ClosedLeads, CodeSpelling, Limits, ORGANIZATION_ID, SELLER_ID,
};

#[tokio::test]
async fn only_a_token_for_this_organisation_is_let_in() {
    let mut organisation = Organisation::start().await;
    let answer = organisation.get("WhoAmI").await.json();
    assert_eq!(answer["UserId"], APPLICATION_USER_ID.to_string());
    assert_eq!(answer["OrganizationId"], ORGANIZATION_ID.to_string());
    organisation.token = "made-up".to_owned();
    assert_eq!(organisation.get("WhoAmI").await.status, 401);
    let url = organisation.sandbox.url(Service::Dataverse);
    let entra = &organisation.sandbox.world().entra;
    entra.lock().add_resource("https://other.crm.dynamics.com");
    organisation.token = organisation.token_for(Service::Dataverse).await;
    entra.lock().revoke_access_tokens(url.as_str());
    assert_eq!(organisation.get("WhoAmI").await.status, 401);
}

#[tokio::test]
async fn edits_of_sellers_are_theirs_and_ours_are_the_applications() {
    let organisation = Organisation::start().await;
    let id = organisation.seed(&json!({"subject": "x"}));
    let etag = organisation.inside(|state| state.lead_etag(id));
    assert_eq!(
        organisation
            .patch(&lead(id), &[], json!({"subject": "y"}))
            .await
            .status,
        204
    );
    let row = organisation.get(&lead(id)).await.json();
    assert_eq!(row["_createdby_value"], SELLER_ID.to_string());
    assert_eq!(row["_modifiedby_value"], APPLICATION_USER_ID.to_string());
    assert_ne!(Some(row["@odata.etag"].as_str().unwrap().to_owned()), etag);
}

#[tokio::test]
async fn a_merged_lead_is_disqualified_and_names_its_master() {
    let organisation = Organisation::start().await;
    let [from, into] = [0, 1].map(|_| organisation.seed(&json!({"subject": "x"})));
    let now = organisation.sandbox.world().clock.now();
    organisation
        .inside(|state| state.merge_leads(from, into, now))
        .unwrap();
    let row = organisation.get(&lead(from)).await.json();
    assert_eq!(
        (&row["merged"], &row["statecode"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(row["_masterid_value"], into.to_string());
}

#[tokio::test]
async fn closed_leads_refuse_writes_when_told_to_until_reopened() {
    let organisation = Organisation::start().await;
    let id = organisation.seed(&json!({"subject": "x", "statecode": 2}));
    for (rule, refusal) in [
        (ClosedLeads::Writable, None),
        (ClosedLeads::AlreadyClosed, Some("0x80040519")),
        (ClosedLeads::ReadOnly, Some("0x8004022e")),
    ] {
        organisation.inside(|state| state.switches.closed_leads = rule);
        let answer = organisation
            .patch(&lead(id), &[], json!({"subject": "y"}))
            .await;
        match refusal {
            None => assert_eq!(answer.status, 204),
            Some(code) => assert_eq!(answer.refusal(), (400, code.to_owned())),
        }
    }
    let reopened = organisation
        .patch(&lead(id), &[], json!({"statecode": 0, "subject": "z"}))
        .await;
    assert_eq!(reopened.status, 204);
}

#[tokio::test]
async fn every_switch_refuses_with_its_documented_code() {
    let organisation = Organisation::start().await;
    let id = organisation.seed(&json!({"subject": "x"}));
    let refusal = async |path: &str| {
        let answer = organisation.patch(path, &[], json!({"subject": "y"})).await;
        organisation.inside(|state| state.switches = crate::dataverse::Switches::default());
        answer.refusal()
    };
    organisation.inside(|state| state.switches.plugin_refusal = Some("not on Fridays".to_owned()));
    assert_eq!(refusal(&lead(id)).await, (400, "0x80040265".to_owned()));
    organisation.inside(|state| state.switches.sales = false);
    assert_eq!(refusal(&lead(id)).await, (404, "0x8006088a".to_owned()));
    organisation.inside(|state| state.switches.unknown_application = true);
    assert_eq!(refusal(&lead(id)).await, (403, "0x80072560".to_owned()));
    for (privilege, path) in [
        ("prvWriteLead", lead(id)),
        ("prvCreateLead", lead(Uuid::new_v4())),
    ] {
        let privileges = [privilege.to_owned()].into();
        organisation.inside(|state| state.switches.missing_privileges = privileges);
        assert_eq!(refusal(&path).await, (403, "0x80040220".to_owned()));
    }
    organisation.inside(|state| state.switches.code_spelling = CodeSpelling::SignedDecimal);
    assert_eq!(
        refusal("leads(sic='1')").await,
        (400, "-2147088240".to_owned())
    );
    organisation.inside(|state| state.switches.code_spelling = CodeSpelling::Empty);
    assert_eq!(refusal("leads(sic='1')").await, (400, String::new()));
}

#[tokio::test]
async fn duplicates_are_detected_only_when_asked_for() {
    let organisation = Organisation::start().await;
    let body = json!({"subject": "x", "emailaddress1": "ada@contoso.example"});
    organisation.seed(&body);
    assert_eq!(organisation.post("leads", body.clone()).await.status, 204);
    let headers = [("mscrm.suppressduplicatedetection", "false")];
    let answer = organisation
        .send("POST", "leads", &headers, Some(body))
        .await;
    assert_eq!(answer.refusal(), (412, "0x80040333".to_owned()));
}

#[tokio::test]
async fn limits_answer_429_with_a_time_to_wait() {
    let organisation = Organisation::start().await;
    let limits = Limits {
        requests: 2,
        window_seconds: 300,
        concurrent: 1,
    };
    organisation.inside(|state| {
        state.switches.limits = Some(limits);
        state.switches.execution_milliseconds = 2000;
    });
    let slow = organisation.get("WhoAmI");
    let meanwhile = async {
        while organisation.inside(|state| state.traffic.is_quiet()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let refused = organisation.get("WhoAmI").await;
        organisation.inside(|state| state.switches.execution_milliseconds = 0);
        refused
    };
    let meanwhile = tokio::time::timeout(Duration::from_secs(30), meanwhile);
    let (slow, refused) = tokio::join!(slow, meanwhile);
    assert_eq!(slow.status, 200);
    let refused = refused.expect("the first request runs within the bound");
    assert_eq!(refused.refusal(), (429, "0x80072326".to_owned()));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(organisation.get("WhoAmI").await.status, 200);
    let exhausted = organisation.get("WhoAmI").await;
    assert_eq!(exhausted.refusal(), (429, "0x80072322".to_owned()));
    let wait: u64 = exhausted.header("retry-after").parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
    organisation
        .sandbox
        .world()
        .clock
        .advance(jiff::SignedDuration::from_secs(300));
    assert_eq!(organisation.get("WhoAmI").await.status, 200);
    assert_eq!(organisation.inside(|state| state.counters.throttled), 2);
}

#[tokio::test]
async fn qualifying_closes_the_lead_and_makes_what_it_asks_for() {
    let organisation = Organisation::start().await;
    let id = organisation.seed(&json!({
        "subject": "Deal", "companyname": "Contoso", "firstname": "Ada", "lastname": "Lovelace",
        "estimatedamount": 12.5,
    }));
    let path = format!("{}/Microsoft.Dynamics.CRM.QualifyLead", lead(id));
    let incomplete = organisation
        .post(&path, json!({"CreateAccount": true}))
        .await;
    assert_eq!(incomplete.status, 400);
    let wrong = json!({"CreateAccount": true, "CreateContact": true, "CreateOpportunity": true, "Status": 4});
    let wrong = organisation.post(&path, wrong).await;
    assert_eq!(wrong.refusal(), (400, "0x80048408".to_owned()));
    let body = json!({"CreateAccount": true, "CreateContact": true, "CreateOpportunity": true, "Status": -1});
    let made = organisation.post(&path, body.clone()).await.json();
    assert_eq!(made["value"].as_array().unwrap().len(), 3);
    let row = organisation.get(&lead(id)).await.json();
    assert_eq!(
        (&row["statecode"], &row["statuscode"]),
        (&json!(1), &json!(3))
    );
    let opportunity = row["_qualifyingopportunityid_value"].as_str().unwrap();
    let opportunity = organisation
        .get(&format!("opportunities({opportunity})"))
        .await
        .json();
    assert_eq!(opportunity["name"], "Deal");
    assert_eq!(opportunity["estimatedvalue"], 12.5);
    assert_eq!(opportunity["_originatingleadid_value"], id.to_string());
    let accounts = organisation.get("accounts?$select=name").await.json();
    assert_eq!(accounts["value"][0]["name"], "Contoso");
    let again = organisation.post(&path, body).await;
    assert_eq!(again.refusal(), (400, "0x80040519".to_owned()));
}

#[tokio::test]
async fn notes_hang_on_their_lead() {
    let organisation = Organisation::start().await;
    let id = organisation.seed(&json!({"subject": "x"}));
    let note = json!({
        "subject": "Referral", "notetext": "Long text", "objectid_lead@odata.bind": format!("/leads({id})"),
    });
    let path = format!("annotations({})", Uuid::new_v4());
    let headers = [("if-none-match", "*")];
    assert_eq!(
        organisation
            .patch(&path, &headers, note.clone())
            .await
            .status,
        204
    );
    assert_eq!(organisation.patch(&path, &headers, note).await.status, 412);
    let [found] = &organisation.inside(|state| state.notes(id))[..] else {
        panic!("one note");
    };
    assert_eq!(found["objecttypecode"], "lead");
    let filter = format!("annotations?$select=subject&$filter=_objectid_value%20eq%20{id}");
    let listed = organisation.get(&filter).await.json();
    let related = organisation
        .get(&format!("{}/Lead_Annotation", lead(id)))
        .await
        .json();
    for page in [listed, related] {
        assert_eq!(page["value"].as_array().unwrap().len(), 1);
        assert_eq!(page["value"][0]["subject"], "Referral");
    }
}

#[tokio::test]
async fn administrators_add_change_and_remove_currencies() {
    let organisation = Organisation::start().await;
    let now = organisation.sandbox.world().clock.now();
    let rate = "11.5".parse().unwrap();
    let krona = organisation
        .inside(|state| state.set_currency("SEK", 2, rate, now))
        .unwrap();
    let bind = format!("/transactioncurrencies({krona})");
    let id = organisation
        .seed(&json!({"estimatedamount": 23, "transactioncurrencyid@odata.bind": bind}));
    let base = organisation.inside(|state| state.amount(id, "estimatedamount_base"));
    assert_eq!(base, Some(rust_decimal::Decimal::TWO));
    organisation
        .inside(|state| state.remove_currency("SEK"))
        .unwrap();
    let path = "transactioncurrencies?$filter=isocurrencycode%20eq%20'SEK'";
    assert_eq!(
        organisation.get(path).await.json()["value"],
        Value::Array(vec![])
    );
}
