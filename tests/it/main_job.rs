//! The main job: a signed event becomes a lead, and the referral learns of it.

use sandbox::deliveries::{
    Event, REFERRAL_CREATED, RELATED_REFERRAL_CREATED, RELATED_REFERRAL_UPDATED,
};
use sandbox::host::Wire;
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Sandbox, Service};
use serde_json::json;
use uuid::Uuid;

use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_event_becomes_a_lead_and_the_referral_learns_its_id() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(
        ReferralBuilder::new()
            .company("Fabrikam")
            .deal(25_000, "EUR"),
    );

    let answer = rig.created(&id).await;

    assert_eq!((answer.status, answer.code()), (200, "synced"));
    let lead = rig.lead(&id).unwrap();
    assert_eq!(lead["companyname"], "Fabrikam");
    assert_eq!(rig.leads().len(), 1);
    assert_eq!(rig.referral(&id)["externalReferenceId"], id.as_str());
    assert_eq!(
        rig.world()
            .dataverse
            .lock()
            .amount(id.parse().unwrap(), "estimatedamount"),
        Some(25_000.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_host_that_rebuilds_requests_serves_as_well() {
    let rig = Rig::with(Sandbox::start().await.unwrap(), Wire::Forwarding, &[]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.status, 200);
    assert!(rig.lead(&id).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_partner_center_reaches_the_lead() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new().company("Fabrikam"));
    rig.created(&id).await;
    rig.partner_center_edits(
        &id,
        &json!({ "customerProfile": { "name": "Fabrikam International" } }),
    );

    let answer = rig.updated(&id).await;

    assert_eq!((answer.status, answer.code()), (200, "synced"));
    assert_eq!(
        rig.lead(&id).unwrap()["companyname"],
        "Fabrikam International"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_four_referral_events_are_acted_on() {
    let rig = Rig::start(&[]).await;
    for name in [
        REFERRAL_CREATED,
        "referral-updated",
        RELATED_REFERRAL_CREATED,
        RELATED_REFERRAL_UPDATED,
    ] {
        let id = rig.seed(ReferralBuilder::new());
        let answer = rig.send(&rig.event(name, &id)).await;
        assert_eq!((answer.status, answer.code()), (200, "synced"), "{name}");
        assert!(rig.lead(&id).is_some(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_test_event_is_accepted_and_no_upstream_is_asked() {
    let rig = Rig::start(&[]).await;
    let event = Event::test(Uuid::from_u128(7), rig.world().clock.now());
    let answer = rig.send(&rig.world().delivery(&event).unwrap()).await;
    assert_eq!((answer.status, answer.code()), (200, "test"));
    assert_no_upstream_was_asked(&rig);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_about_something_else_is_ignored() {
    let rig = Rig::start(&[]).await;
    for (name, body) in [
        (
            "no address",
            r#"{"EventName":"dap-admin-relationship-approved","ResourceName":"PartnerCustomerDap","AuditUri":null,"ResourceUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}"#,
        ),
        (
            "absent address",
            r#"{"EventName":"dap-admin-relationship-terminated-by-microsoft","ResourceName":"PartnerCustomerDap","AuditUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}"#,
        ),
        (
            "another resource",
            r#"{"EventName":"subscription-updated","ResourceUri":"http://api.partnercenter.microsoft.com/webhooks/v1/customers/1/subscriptions/2","ResourceName":"subscription","AuditUri":null,"ResourceChangeUtcDate":"2026-11-16T16:19:06.3520276+00:00"}"#,
        ),
        (
            "an audit address",
            r#"{"EventName":"reseller-relationship-accepted-by-customer","ResourceUri":"https://api.partnercenter.microsoft.com/v1/customers/3","ResourceName":"Customer","AuditUri":"https://api.partnercenter.microsoft.com/auditactivity/v1/auditrecords/4","ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}"#,
        ),
    ] {
        let answer = rig.signed(body).await;
        assert_eq!((answer.status, answer.code()), (200, "ignored"), "{name}");
    }
    assert_no_upstream_was_asked(&rig);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authentic_body_that_cannot_be_read_is_answered_400() {
    let rig = Rig::start(&[]).await;
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\u{feff}{}",
        r#"{"EventName":"referral-created"}"#,
        r#"{"EventName":"referral-created","ResourceUri":"https://api.partnercenter.microsoft.com/engagements/v1/referrals/{{ReferralID}}"}"#,
        r#"{"EventName":"referral-created","EventName":"test-created","ResourceUri":null}"#,
        r#"{"EventName":"referral-created","ResourceUri":"https://a/11111111-1111-4111-8111-111111111111","resourceuri":"https://a/22222222-2222-4222-8222-222222222222"}"#,
    ] {
        let answer = rig.signed(body).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "unreadable"),
            "{body}"
        );
    }
    assert_no_upstream_was_asked(&rig);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_in_an_event_is_never_called() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let body = format!(
        r#"{{"EventName":"referral-created","ResourceUri":"https://evil.invalid/steal/{id}","ResourceName":"referral","AuditUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}}"#
    );
    assert_eq!(rig.signed(&body).await.status, 200);
    assert!(rig.lead(&id).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brief_outage_is_ridden_out() {
    use sandbox::{Effect, Fault};
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world().faults.add(
        Fault::new(Service::Dataverse, Effect::status(503))
            .path("/leads")
            .times(1),
    );
    rig.world()
        .faults
        .add(Fault::new(Service::PartnerCenter, Effect::throttled(1)).times(1));
    assert_eq!(rig.created(&id).await.status, 200);
    assert!(rig.lead(&id).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lasting_outage_is_acknowledged_and_the_next_delivery_heals_it() {
    use sandbox::{Effect, Fault};
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world()
        .faults
        .add(Fault::new(Service::Dataverse, Effect::status(503)));
    let answer = rig.created(&id).await;
    assert_eq!((answer.status, answer.code()), (200, "parked"));
    rig.world().faults.clear();
    rig.synced_soon(&id).await;
    assert_eq!(rig.leads().len(), 1);
}

fn assert_no_upstream_was_asked(rig: &Rig) {
    for service in [
        Service::Entra,
        Service::Identity,
        Service::KeyVault,
        Service::PartnerCenter,
        Service::Dataverse,
    ] {
        let requests = rig.requests(service);
        assert!(requests.is_empty(), "{service:?}: {requests:?}");
    }
}
