//! Amounts: exact, in a currency the organisation has, or not at all.

use rust_decimal::Decimal;
use sandbox::dataverse::currency_id;
use sandbox::host::Wire;
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Sandbox, Service};
use serde_json::{Value, json};

use super::{LOSSES, note};
use crate::rig::Rig;

fn amount(rig: &Rig, id: &str) -> Option<Decimal> {
    rig.world()
        .dataverse
        .lock()
        .amount(id.parse().unwrap(), "estimatedamount")
}

/// In two-way mode, with an organisation without dollars.
async fn without_dollars() -> Rig {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox
        .world()
        .dataverse
        .lock()
        .remove_currency("USD")
        .unwrap();
    Rig::with(sandbox, Wire::Proxying, &[("SYNC_MODE", "two-way")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_have_as_many_digits_as_their_currency_and_lose_none() {
    let rig = Rig::start(&[]).await;
    for (value, code, expected) in [
        (json!(48000), "EUR", "48000"),
        (json!(0.1), "EUR", "0.1"),
        (json!("123456789012.34"), "EUR", "123456789012.34"),
        (json!(999_999_999_999.99), "USD", "999999999999.99"),
        (json!(1234.565), "GBP", "1234.57"),
        (json!(1_234_567.5), "JPY", "1234568"),
        (json!(1234.5678), "KWD", "1234.568"),
        (json!(5), "eur ", "5"),
    ] {
        let id = rig.seed(ReferralBuilder::new().deal(value.clone(), code));
        let answer = rig.created(&id).await;
        assert_eq!(answer.status, 200, "{value} {code}");
        assert_eq!(
            amount(&rig, &id),
            Some(expected.parse().unwrap()),
            "{value} {code}"
        );
        let row = currency_id(&code.trim().to_uppercase());
        assert_eq!(
            rig.lead(&id).unwrap()["_transactioncurrencyid_value"],
            row.to_string()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_without_its_currency_is_neither_written_nor_agreed_and_the_lead_says_so() {
    let rig = without_dollars().await;
    let id = rig.seed(ReferralBuilder::new().deal(25_000, "USD"));

    let answer = rig.created(&id).await;

    assert_eq!((answer.status, answer.code()), (200, "synced"));
    assert_eq!(rig.reports(&answer).await, ["no_currency:estimatedamount"]);
    let lead = rig.lead(&id).unwrap();
    assert_eq!(lead["estimatedamount"], Value::Null);
    assert_eq!(lead["_transactioncurrencyid_value"], Value::Null);
    assert_eq!(
        lead["companyname"], "Tailspin Toys",
        "everything else is there"
    );
    let told = "estimatedamount (no such currency here, left out): 25000 USD";
    assert_eq!(note(&rig, &lead, LOSSES).as_deref(), Some(told));

    // Not agreed: the empty column is not sent back, and the amount comes once it can.
    rig.updated(&id).await;
    assert_eq!(rig.referral(&id)["details"]["dealValue"], 25_000);
    let now = rig.world().clock.now();
    rig.world()
        .dataverse
        .lock()
        .set_currency("USD", 2, "1.08".parse().unwrap(), now)
        .unwrap();
    rig.host.restart().await.unwrap();
    rig.updated(&id).await;
    assert_eq!(amount(&rig, &id), Some(25_000.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sellers_amount_is_not_sent_against_one_that_cannot_be_compared() {
    let rig = without_dollars().await;
    let id = rig.seed(ReferralBuilder::new().deal(25_000, "USD"));
    rig.created(&id).await;
    rig.seller_edits(&id, &json!({
        "estimatedamount": 30000,
        "transactioncurrencyid@odata.bind": format!("/transactioncurrencies({})", currency_id("EUR")),
    }));
    rig.forget_requests();
    rig.updated(&id).await;
    assert_eq!(rig.patches(), Vec::<Value>::new());
    assert_eq!(amount(&rig, &id), Some(30_000.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_outside_the_column_is_told_and_no_other_is_written() {
    let rig = Rig::start(&[]).await;
    for value in ["1000000000000.01", "-1"] {
        let id = rig.seed(ReferralBuilder::new().deal(value, "EUR"));
        let answer = rig.created(&id).await;
        assert_eq!((answer.status, answer.code()), (200, "synced"), "{value}");
        assert_eq!(amount(&rig, &id), None);
        let told =
            format!("estimatedamount (outside what the column takes, left out): {value} EUR");
        assert_eq!(note(&rig, &rig.lead(&id).unwrap(), LOSSES), Some(told));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_currency_is_looked_up_once() {
    let rig = Rig::start(&[]).await;
    for _ in 0..3 {
        let id = rig.seed(ReferralBuilder::new());
        rig.created(&id).await;
    }
    let lookups = rig.requests(Service::Dataverse);
    let lookups = lookups
        .iter()
        .filter(|line| line.contains("transactioncurrencies"));
    assert_eq!(lookups.count(), 1);
}
