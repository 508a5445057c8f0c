//! What each mode writes, and what the settings leave alone.

mod closing;
mod two_way;

use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::partner_center::sample;
use serde_json::{Value, json};

use crate::rig::{Answer, Rig};

/// A referral in step with its lead, nothing of which is in the request log.
async fn in_step(settings: &[(&str, &str)], referral: impl Into<Value>) -> (Rig, String) {
    let rig = Rig::start(settings).await;
    let id = rig.seed(referral);
    assert_eq!(rig.created(&id).await.status, 200);
    rig.forget_requests();
    (rig, id)
}

fn assert_synced(answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (200, "synced"));
}

#[tokio::test(flavor = "multi_thread")]
async fn observe_writes_nothing_anywhere_and_logs_what_it_would_create() {
    let rig = Rig::start(&[("SYNC_MODE", "observe")]).await;
    let id = rig.seed(ReferralBuilder::new());

    let answer = rig.created(&id).await;

    assert_synced(&answer);
    assert_eq!(rig.log(&answer).await["cause"], "observed");
    let would = [
        "would_create",
        "would_note",
        "would_send:/externalReferenceId",
    ];
    assert_eq!(rig.reports(&answer).await, would);
    assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
    assert!(rig.leads().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn observe_logs_which_columns_it_would_change() {
    let rig = Rig::start(&[("SYNC_MODE", "observe")]).await;
    let lead = rig.seed_lead(&json!({ "companyname": "Tailspin Toys" }));
    let referral = ReferralBuilder::new()
        .set("/externalReferenceId", lead.as_str())
        .set("/details", Value::Null)
        .set("/customerProfile/address", Value::Null)
        .set("/customerProfile/size", Value::Null)
        .contacts(Vec::new());
    let id = rig.seed(referral);

    let answer = rig.updated(&id).await;

    assert_synced(&answer);
    assert_eq!(
        rig.reports(&answer).await,
        [
            "would_write:donotbulkemail",
            "would_write:subject",
            "would_note"
        ]
    );
    assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn inbound_writes_leads_and_never_the_referral() {
    let (rig, id) = in_step(&[("SYNC_MODE", "inbound")], ReferralBuilder::new()).await;
    rig.seller_edits(&id, &json!({ "statuscode": 2, "estimatedamount": 52000 }));
    rig.partner_center_edits(
        &id,
        &json!({ "customerProfile": { "name": "Tailspin Toys Holding" } }),
    );
    assert_synced(&rig.updated(&id).await);
    assert_eq!(
        rig.lead(&id).unwrap()["companyname"],
        "Tailspin Toys Holding"
    );
    assert_eq!(rig.referral(&id)["externalReferenceId"], Value::Null);
    assert_eq!(rig.patches(), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn link_writes_the_leads_id_to_the_referral_and_nothing_else() {
    for setting in ["link", ""] {
        let (rig, id) = in_step(&[("SYNC_MODE", setting)], ReferralBuilder::new()).await;
        assert_eq!(rig.referral(&id)["externalReferenceId"], id);
        rig.seller_edits(&id, &json!({ "statuscode": 2, "estimatedamount": 52000 }));
        assert_synced(&rig.updated(&id).await);
        rig.hours_ago(100, |rig| {
            rig.seller_edits(&id, &json!({ "statecode": 2, "statuscode": 4 }));
        });
        assert_synced(&rig.updated(&id).await);
        assert_eq!(rig.patches(), Vec::<Value>::new(), "mode {setting:?}");
        assert_eq!(rig.referral(&id)["status"], "New");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_is_not_production_never_writes_to_partner_center() {
    for mode in ["observe", "inbound", "link", "two-way"] {
        let settings = [("SYNC_MODE", mode), ("SYNC_ENVIRONMENT", "test")];
        let (rig, id) = in_step(&settings, ReferralBuilder::new()).await;
        if mode == "observe" {
            assert!(rig.leads().is_empty());
            continue;
        }
        assert!(rig.lead(&id).is_some(), "{mode}");
        rig.seller_edits(&id, &json!({ "estimatedamount": 52000, "statuscode": 2 }));
        assert_synced(&rig.updated(&id).await);
        rig.hours_ago(100, |rig| {
            rig.seller_edits(&id, &json!({ "statecode": 2, "statuscode": 4 }));
        });
        assert_synced(&rig.updated(&id).await);
        assert_eq!(rig.patches(), Vec::<Value>::new(), "{mode}");
        let referral = rig.referral(&id);
        assert_eq!(referral["externalReferenceId"], Value::Null, "{mode}");
        assert_eq!(
            (&referral["status"], &referral["details"]["dealValue"]),
            (&json!("New"), &json!(48000))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_outside_the_settings_lists_is_ignored() {
    let location = "6b0f2a52-3a53-4b0d-8c54-0a8ee1a0f0d1";
    let other = "00000000-0000-4000-8000-000000000001";
    let invited = ReferralBuilder::new()
        .set("/inviteContext/invitedMpnId", "1234567")
        .build();
    let partner = ReferralBuilder::new().set("/mpnId", "1234567").build();
    for (setting, value, referral, passes) in [
        (
            "SYNC_KINDS",
            "marketplace-lead,qualified-lead",
            sample::complete(),
            true,
        ),
        (
            "SYNC_KINDS",
            "marketplace-lead,qualified-lead",
            sample::co_sell_opportunity(),
            false,
        ),
        (
            "SYNC_KINDS",
            "co-sell-opportunity",
            sample::co_sell_opportunity(),
            true,
        ),
        (
            "SYNC_KINDS",
            "co-sell-opportunity",
            sample::marketplace_lead(),
            false,
        ),
        ("SYNC_COUNTRIES", "at,de", sample::complete(), true),
        ("SYNC_COUNTRIES", "AT,US", sample::complete(), false),
        ("SYNC_COUNTRIES", "DE", sample::sparse(), false),
        ("SYNC_LOCATIONS", location, sample::complete(), true),
        ("SYNC_LOCATIONS", other, sample::complete(), false),
        (
            "SYNC_PARTNER_IDS",
            "7654321, 1234567",
            invited.clone(),
            true,
        ),
        ("SYNC_PARTNER_IDS", "7654321,1234567", partner, true),
        ("SYNC_PARTNER_IDS", "7654321", invited, false),
        ("SYNC_PARTNER_IDS", "7654321", sample::complete(), false),
    ] {
        let rig = Rig::start(&[(setting, value)]).await;
        let what = format!("{setting}={value}, {}", referral["type"]);
        let id = rig.seed(referral);
        let answer = rig.created(&id).await;
        let code = if passes { "synced" } else { "ignored" };
        assert_eq!((answer.status, answer.code()), (200, code), "{what}");
        assert_eq!(rig.lead(&id).is_some(), passes, "{what}");
        if !passes {
            assert_eq!(rig.log(&answer).await["cause"], "filtered");
            assert!(rig.writes().is_empty(), "{what}: {:#?}", rig.writes());
        }
    }
}
