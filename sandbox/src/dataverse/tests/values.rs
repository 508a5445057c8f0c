use serde_json::{Value, json};

use super::{Organisation, lead};
use crate::dataverse::{LeadProfile, SALES_TEAM_ID, SELLER_ID, currency_id};

async fn refused(organisation: &Organisation, body: Value) -> (u16, String) {
    organisation.post("leads", body).await.refusal()
}

#[tokio::test]
async fn decimals_come_back_digit_by_digit_with_ten_places() {
    let organisation = Organisation::start().await;
    let id = organisation.seed(&json!({"subject": "x"}));
    let raw = r#"{"revenue": 99999999999999.99, "estimatedamount": 1234.565}"#;
    let request = organisation.http.patch(organisation.url(&lead(id)));
    let request = request.bearer_auth(&organisation.token).body(raw);
    assert_eq!(request.send().await.unwrap().status(), 204);
    let text = organisation.get(&lead(id)).await.text;
    assert!(
        text.contains(r#""revenue":99999999999999.9900000000"#),
        "{text}"
    );
    assert!(
        text.contains(r#""estimatedamount":1234.5700000000"#),
        "{text}"
    );
    assert!(
        text.contains(r#""estimatedamount_base":1234.5700000000"#),
        "{text}"
    );
    assert!(text.contains(r#""exchangerate":1.000000000000"#), "{text}");
    let amount = organisation.inside(|state| state.amount(id, "revenue"));
    assert_eq!(amount.unwrap().to_string(), "99999999999999.99");
}

#[tokio::test]
async fn an_amount_takes_the_precision_and_rate_of_its_currency() {
    let organisation = Organisation::start().await;
    let id = organisation.seed(&json!({"subject": "x"}));
    let row = organisation.inside(|state| state.lead(id)).unwrap();
    assert_eq!(row["_transactioncurrencyid_value"], Value::Null);
    for (code, stored, base) in [
        ("JPY", "1235", "7.5767"),
        ("KWD", "1234.568", "3718.5783"),
        ("USD", "1234.57", "1143.1204"),
    ] {
        let bind = format!("/transactioncurrencies({})", currency_id(code));
        let body = json!({"estimatedamount": 1234.5678, "transactioncurrencyid@odata.bind": bind});
        assert_eq!(organisation.patch(&lead(id), &[], body).await.status, 204);
        let amounts = organisation.inside(|state| {
            ["estimatedamount", "estimatedamount_base"]
                .map(|column| state.amount(id, column).unwrap().to_string())
        });
        assert_eq!(amounts, [stored, base], "{code}");
    }
    let cleared = json!({"transactioncurrencyid@odata.bind": null});
    assert_eq!(
        organisation.patch(&lead(id), &[], cleared).await.status,
        204
    );
    let row = organisation.inside(|state| state.lead(id)).unwrap();
    assert_eq!(
        row["_transactioncurrencyid_value"],
        currency_id("EUR").to_string()
    );
}

#[tokio::test]
async fn text_is_limited_in_utf16_units() {
    let organisation = Organisation::start().await;
    let fits = json!({"mobilephone": "😀".repeat(10)});
    assert_eq!(organisation.post("leads", fits).await.status, 204);
    let answer = organisation
        .post("leads", json!({"mobilephone": "😀".repeat(11)}))
        .await;
    assert_eq!(answer.refusal(), (400, "0x80044331".to_owned()));
    assert_eq!(
        answer.json()["error"]["message"],
        "The length of the 'mobilephone' attribute of the 'lead' entity exceeded the maximum allowed length of '20'."
    );
}

#[tokio::test]
async fn values_of_the_wrong_type_or_outside_the_range_are_refused() {
    let organisation = Organisation::start().await;
    for (body, code) in [
        (json!({"subject": 5}), "0x80048d19"),
        (json!({"estimatedamount": "12.5"}), "0x80048d19"),
        (json!({"estimatedamount": -1}), "0x80044330"),
        (
            json!({"estimatedamount": 1_000_000_000_001_i64}),
            "0x80044330",
        ),
        (json!({"address1_latitude": 91}), "0x80044330"),
        (json!({"numberofemployees": 1_000_001}), "0x8004432f"),
        (json!({"numberofemployees": 1.5}), "0x80048d19"),
        (json!({"donotphone": "yes"}), "0x80048d19"),
        (json!({"industrycode": 34}), "0x8004431a"),
        (json!({"leadsourcecode": "Partner"}), "0x80048d19"),
        (
            json!({"estimatedclosedate": "2026-12-31T00:00:00Z"}),
            "0x80048d19",
        ),
        (json!({"estimatedclosedate": "2026-02-30"}), "0x80048d19"),
        (json!({"estimatedclosedate": "1752-12-31"}), "0x80040239"),
        (json!({"nosuchcolumn": 1}), "0x80048d19"),
        (json!({"ownerid": SELLER_ID.to_string()}), "0x80048d19"),
        (
            json!({"_ownerid_value": SELLER_ID.to_string()}),
            "0x80060888",
        ),
        (json!({"statuscode": 3}), "0x80048408"),
        (json!({"ownerid@odata.bind": null}), "0x80040203"),
    ] {
        let text = body.to_string();
        assert_eq!(
            refused(&organisation, body).await,
            (400, code.to_owned()),
            "{text}"
        );
    }
    assert!(organisation.inside(|state| state.leads()).is_empty());
}

#[tokio::test]
async fn lookups_are_bound_by_navigation_property_to_rows_that_exist() {
    let organisation = Organisation::start().await;
    let nobody = "00000000-0000-0000-0000-0000000000aa";
    for (name, target, refusal) in [
        (
            "OwnerId",
            format!("/teams({SALES_TEAM_ID})"),
            (400, "0x80048d19"),
        ),
        ("customerid", "/accounts(x)".to_owned(), (400, "0x80048d19")),
        ("ownerid", format!("/leads({nobody})"), (400, "0x80048d19")),
        ("ownerid", format!("/owners({nobody})"), (404, "0x8006088a")),
        (
            "parentaccountid",
            format!("/accounts({nobody})"),
            (404, "0x80040217"),
        ),
    ] {
        let body = json!({format!("{name}@odata.bind"): target});
        let expected = (refusal.0, refusal.1.to_owned());
        assert_eq!(
            refused(&organisation, body).await,
            expected,
            "{name} {target}"
        );
    }
    let mine = organisation.seed(&json!({"subject": "x"}));
    let row = organisation.inside(|state| state.lead(mine)).unwrap();
    assert_eq!(row["_ownerid_value"], SELLER_ID.to_string());
    assert_eq!(row["_owninguser_value"], SELLER_ID.to_string());
    let bind = organisation.url(&format!("teams({SALES_TEAM_ID})"));
    let body = json!({"ownerid@odata.bind": bind});
    assert_eq!(organisation.patch(&lead(mine), &[], body).await.status, 204);
    let row = organisation.inside(|state| state.lead(mine)).unwrap();
    assert_eq!(row["_ownerid_value"], SALES_TEAM_ID.to_string());
    assert_eq!(row["_owningteam_value"], SALES_TEAM_ID.to_string());
    assert_eq!(row["_owninguser_value"], Value::Null);
}

#[tokio::test]
async fn columns_of_the_system_are_passed_over_in_silence() {
    let organisation = Organisation::start().await;
    let body = json!({
        "subject": "x", "firstname": "Ada", "lastname": "Lovelace", "fullname": "Other",
        "statecode": 2, "merged": true, "exchangerate": 9, "createdon": "2001-01-01T00:00:00Z",
        "versionnumber": 7, "importsequencenumber": 5,
    });
    let answer = organisation.post("leads", body).await;
    assert_eq!(answer.status, 204);
    let row = organisation
        .get(&answer.header("odata-entityid"))
        .await
        .json();
    assert_eq!(row["fullname"], "Ada Lovelace");
    assert_eq!(
        (&row["statecode"], &row["statuscode"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(
        (&row["merged"], &row["exchangerate"]),
        (&json!(false), &Value::Null)
    );
    assert_ne!(row["createdon"], "2001-01-01T00:00:00Z");
    assert_eq!(row["createdon"], row["modifiedon"]);
    assert_eq!(row["importsequencenumber"], 5);
    let etag = format!("W/\"{}\"", row["versionnumber"]);
    assert_eq!(row["@odata.etag"], etag);
    let path = lead(row["leadid"].as_str().unwrap().parse().unwrap());
    let body = json!({"importsequencenumber": 6, "firstname": ""});
    assert_eq!(organisation.patch(&path, &[], body).await.status, 204);
    let row = organisation.get(&path).await.json();
    assert_eq!(
        (&row["importsequencenumber"], &row["firstname"]),
        (&json!(5), &Value::Null)
    );
    assert_eq!(row["fullname"], "Lovelace");
}

#[tokio::test]
async fn an_overridden_creation_date_shows_as_created_and_only_at_creation() {
    let organisation = Organisation::start().await;
    let then = "2024-05-06T07:08:09Z";
    let id = organisation.seed(&json!({"overriddencreatedon": then}));
    let row = organisation.inside(|state| state.lead(id)).unwrap();
    assert_eq!(row["createdon"], then);
    assert_eq!(row["overriddencreatedon"], row["modifiedon"]);
    let body = json!({"overriddencreatedon": "2020-01-01T00:00:00Z"});
    assert_eq!(organisation.patch(&lead(id), &[], body).await.status, 204);
    let row = organisation.inside(|state| state.lead(id)).unwrap();
    assert_eq!(row["createdon"], then);
}

#[tokio::test]
async fn a_state_takes_its_default_reason_or_one_of_its_own() {
    let organisation = Organisation::start().await;
    for (profile, lost) in [(LeadProfile::OutOfBox, 4), (LeadProfile::Customised, 7)] {
        organisation.inside(|state| state.set_lead_profile(profile));
        let id = organisation.seed(&json!({"subject": "x"}));
        let pairs = [
            (json!({"statuscode": 2}), Ok((0, 2))),
            (json!({"statecode": 2}), Ok((2, lost))),
            (json!({"statecode": 2, "statuscode": 5}), Ok((2, 5))),
            (json!({"statecode": 1, "statuscode": 5}), Err("0x80048408")),
            (json!({"statuscode": 1}), Err("0x80048408")),
            (json!({"statecode": 0}), Ok((0, 1))),
        ];
        for (body, expected) in pairs {
            let text = body.to_string();
            let answer = organisation.patch(&lead(id), &[], body).await;
            match expected {
                Err(code) => assert_eq!(answer.refusal(), (400, code.to_owned()), "{text}"),
                Ok((state, reason)) => {
                    let row = organisation.inside(|it| it.lead(id)).unwrap();
                    let found = (&row["statecode"], &row["statuscode"]);
                    assert_eq!(found, (&json!(state), &json!(reason)), "{text}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_address_is_composed_line_by_line() {
    let organisation = Organisation::start().await;
    let id = organisation.seed(&json!({
        "address1_line1": "1 Main St", "address1_city": "Springfield",
        "address1_stateorprovince": "OR", "address1_postalcode": "97477", "address1_country": "US",
    }));
    let row = organisation.inside(|state| state.lead(id)).unwrap();
    assert_eq!(
        row["address1_composite"],
        "1 Main St\r\nSpringfield, OR 97477\r\nUS"
    );
}
