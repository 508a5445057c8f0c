//! Columns, solutions, roles and users, made by a client.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Organisation;
use crate::dataverse::BUSINESS_UNIT_ID;
use crate::identity;

const ATTRIBUTES: &str = "EntityDefinitions(LogicalName='lead')/Attributes";
const SOLUTION: (&str, &str) = ("mscrm.solutionuniquename", "Examples");

fn label(text: &str, language: i64) -> Value {
    json!({ "LocalizedLabels": [{ "Label": text, "LanguageCode": language }] })
}

fn text_column(schema_name: &str) -> Value {
    json!({
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "SchemaName": schema_name,
        "MaxLength": 50,
        "DisplayName": label("Example", 1033),
    })
}

impl Organisation {
    /// A publisher with the prefix `ex` and its solution.
    async fn with_solution() -> Self {
        let organisation = Self::start().await;
        let publisher = json!({
            "uniquename": "examples", "friendlyname": "Examples",
            "customizationprefix": "ex", "customizationoptionvalueprefix": 20_000,
        });
        let made = organisation.post("publishers", publisher.clone()).await;
        let id = made.header("odata-entityid");
        let id = &id[id.len() - 37..id.len() - 1];
        let solution = json!({
            "uniquename": "Examples", "friendlyname": "Examples", "version": "1.0.0.0",
            "publisherid@odata.bind": format!("publishers({id})"),
        });
        assert_eq!(organisation.post("solutions", solution).await.status, 204);
        let again = organisation.post("publishers", publisher).await;
        assert_eq!(again.refusal(), (412, "0x80040237".to_owned()));
        organisation
    }

    async fn add_column(&self, definition: Value) -> super::Answer {
        self.send("POST", ATTRIBUTES, &[SOLUTION], Some(definition))
            .await
    }
}

#[tokio::test]
async fn a_new_column_takes_values_at_once_and_is_seen_through_the_cache_later() {
    let organisation = Organisation::with_solution().await;
    organisation.inside(|state| state.switches.metadata_cache_seconds = 30);
    let made = organisation.add_column(text_column("ex_BankName")).await;
    assert_eq!(made.status, 204, "{}", made.text);

    let path = format!("{ATTRIBUTES}(LogicalName='ex_bankname')");
    assert_eq!(organisation.get(&path).await.status, 404);
    let strong = [("consistency", "Strong")];
    let now = organisation.send("GET", &path, &strong, None).await.json();
    assert_eq!(now["SchemaName"], "ex_BankName");
    assert_eq!(now["IsCustomAttribute"], true);
    assert_eq!(now["DisplayName"], label("Example", 1033));
    let world = organisation.sandbox.world();
    world.clock.advance(jiff::SignedDuration::from_secs(31));
    assert_eq!(organisation.get(&path).await.status, 200);

    let lead = organisation.seed(&json!({ "ex_bankname": "Woodgrove" }));
    let row = organisation
        .get(&format!("leads({lead})?$select=ex_bankname"))
        .await;
    assert_eq!(row.json()["ex_bankname"], "Woodgrove");
    let long = json!({ "ex_bankname": "x".repeat(51) });
    let refused = organisation
        .patch(&format!("leads({lead})"), &[], long)
        .await;
    assert_eq!(refused.refusal(), (400, "0x80044331".to_owned()));
    let column = organisation.inside(|state| state.added_columns());
    assert_eq!(column, [("ex_bankname", Some("Examples".to_owned()))]);
}

#[tokio::test]
async fn a_choice_has_its_options_and_takes_no_other() {
    let organisation = Organisation::with_solution().await;
    let choice = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
        "SchemaName": "ex_Answer",
        "OptionSet": { "Options": [
            { "Value": 200_000_000, "Label": label("Yes", 1033) },
            { "Label": label("No", 1033) },
        ] },
    });
    assert_eq!(organisation.add_column(choice).await.status, 204);
    let lead = organisation.seed(&json!({}));
    for (value, status) in [(200_000_000, 204), (200_000_001, 204), (1, 400)] {
        let change = json!({ "ex_answer": value });
        let answer = organisation
            .patch(&format!("leads({lead})"), &[], change)
            .await;
        assert_eq!(answer.status, status, "{value}");
    }
}

#[tokio::test]
async fn a_column_is_refused_by_what_it_lacks() {
    let organisation = Organisation::with_solution().await;
    let refused = organisation.add_column(text_column("other_Name")).await;
    assert_eq!(refused.refusal(), (400, "0x80044366".to_owned()));
    organisation.add_column(text_column("ex_Name")).await;
    let twice = organisation.add_column(text_column("ex_Name")).await;
    assert_eq!(twice.refusal(), (400, "0x80047013".to_owned()));
    let mut french = text_column("ex_Nom");
    french["DisplayName"] = label("Nom", 1036);
    assert_eq!(organisation.add_column(french).await.status, 400);
    organisation.inside(|state| state.switches.customizations_running = 1);
    let busy = organisation.add_column(text_column("ex_Later")).await;
    assert_eq!(busy.refusal(), (429, "0x80071151".to_owned()));
    organisation.inside(|state| {
        state.switches.missing_privileges = ["prvCreateAttribute".to_owned()].into();
    });
    let denied = organisation.add_column(text_column("ex_Denied")).await;
    assert_eq!(denied.refusal(), (403, "0x80040220".to_owned()));
}

#[tokio::test]
async fn a_user_may_do_what_a_role_grants_and_nothing_else() {
    let organisation = Organisation::start().await;
    let role = Uuid::from_u128(9);
    let unit = format!("/businessunits({BUSINESS_UNIT_ID})");
    let body = json!({ "roleid": role, "name": "Readers", "businessunitid@odata.bind": unit });
    assert_eq!(organisation.post("roles", body).await.status, 204);
    let found = "privileges?$select=privilegeid&$filter=name eq 'prvReadLead'";
    let found = organisation.get(found).await.json();
    let grant = json!({ "Privileges": [
        { "PrivilegeId": found["value"][0]["privilegeid"], "Depth": "Global" },
    ] });
    let action = format!("roles({role})/Microsoft.Dynamics.CRM.AddPrivilegesRole");
    assert_eq!(organisation.post(&action, grant).await.status, 204);
    let granted = format!("RetrieveRolePrivilegesRole(RoleId={role})");
    let granted = organisation.get(&granted).await.json();
    assert_eq!(granted["RolePrivileges"][0]["Depth"], "Global");

    let who = organisation.get("WhoAmI").await.json();
    let user = who["UserId"].as_str().unwrap().to_owned();
    let reference = json!({ "@odata.id": organisation.url(&format!("roles({role})")) });
    let path = format!("systemusers({user})/systemuserroles_association/$ref");
    assert_eq!(organisation.post(&path, reference).await.status, 204);
    organisation.inside(super::State::demote);

    assert_eq!(organisation.get("leads?$select=subject").await.status, 200);
    let denied = organisation.post("leads", json!({})).await;
    assert_eq!(denied.refusal(), (403, "0x80040220".to_owned()));
    assert_eq!(organisation.get("EntityDefinitions").await.status, 403);
}

#[tokio::test]
async fn an_application_has_one_user_and_must_be_of_the_tenant() {
    let organisation = Organisation::start().await;
    let user = |application: &str| {
        let unit = format!("/businessunits({BUSINESS_UNIT_ID})");
        json!({ "applicationid": application, "businessunitid@odata.bind": unit })
    };
    let stranger = organisation
        .post("systemusers", user(&Uuid::from_u128(1).to_string()))
        .await;
    assert_eq!(stranger.status, 400);
    let known = organisation
        .post("systemusers", user(identity::CLIENT_ID))
        .await;
    assert_eq!(known.status, 204, "{}", known.text);
    let twice = organisation
        .post("systemusers", user(identity::CLIENT_ID))
        .await;
    assert_eq!(twice.status, 412);
}
